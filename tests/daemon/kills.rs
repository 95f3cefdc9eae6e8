//! Killed again and again in the middle of one send, at moments that nobody chose.

use std::time::{Duration, Instant};

use crate::invariants::{self, Tally};
use crate::kit::{Dice, deferred_are_due, done_twice, leaves, received, two_minutes_pass};
use crate::support::process::Daemon;
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene, reader};

/// In each of three scenes: fifty and one.
const KILLS: usize = 17;
const CONNECTIONS: usize = 8;

/// A relay of little patience: it refuses one in ten for now, and one in a hundred for ever.
async fn relay(answers: Duration) -> Sink {
    Sink::with(vec![
        Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no such user")).percent(1),
        Rule::at(Step::Rcpt, Fault::reply("451 4.2.0 not now")).every(10),
        Rule::at(Step::Dot, Fault::Delay(answers)),
    ])
    .await
}

fn settings() -> String {
    format!("connections = {CONNECTIONS}\n{ALERTS}")
}

/// A send with its daemons, of whom one is killed at a time.
struct Story {
    scene: Scene,
    readers: usize,
    daemons: Vec<Daemon>,
    dice: Dice,
    left: Vec<(String, Instant)>,
}

impl Story {
    async fn begin(scene: Scene, readers: usize, daemons: usize) -> Self {
        scene.readers(readers);
        let mut story = Self {
            scene,
            readers,
            daemons: Vec::new(),
            dice: Dice::new(),
            left: Vec::new(),
        };
        story.somebody_leaves();
        story.scene.site.publish(Item::new(1));
        for _ in 0..daemons {
            story.daemons.push(story.scene.house.start().await);
        }
        received(&story.scene.sink, 1).await;
        story
    }

    fn somebody_leaves(&mut self) {
        let reader = reader(self.dice.below(self.readers));
        let how = ["suppress", "remove"][self.dice.below(2)];
        self.left.push(leaves(&self.scene, reader, how));
    }

    /// Kills one daemon at a moment of chance: so many messages on, or so long after its start.
    async fn kill(&mut self, messages: usize) -> usize {
        if self.dice.below(3) == 0 {
            let pause = Duration::from_millis(self.dice.below(150) as u64);
            tokio::time::sleep(pause).await;
        } else {
            let more = self.dice.below(messages);
            received(&self.scene.sink, self.scene.sink.received() + more).await;
            std::thread::sleep(Duration::from_micros(self.dice.below(1000) as u64));
        }
        let which = self.dice.below(self.daemons.len());
        self.daemons[which].kill();
        which
    }

    /// All of the kills, each with its restart; in between readers leave and time goes by.
    async fn kills(&mut self, messages: usize) {
        for n in 0..KILLS {
            if n % 4 == 1 {
                self.somebody_leaves();
            }
            let which = self.kill(messages).await;
            if n % 4 == 3 {
                self.somebody_leaves();
            }
            deferred_are_due(&self.scene.database).await;
            two_minutes_pass(&self.scene.database, "finished_at").await;
            self.daemons[which] = self.scene.house.start().await;
        }
        let had = self.scene.sink.received();
        assert!(had < self.readers, "killed after the send, not in it");
    }

    /// The send ends by itself and everybody was served; no more are in doubt than the kills
    /// found on the wire.
    async fn ends_well(mut self) -> Tally {
        let last = self.daemons.pop().expect("a daemon");
        for daemon in self.daemons {
            daemon.stop().await;
        }
        done_twice(&self.scene, last).await;
        let tally = invariants::hold(&self.scene, self.readers - 1, &self.left).await;
        let most = KILLS * CONNECTIONS;
        assert!((1..=most).contains(&tally.doubtful.len()), "{tally:?}");
        assert!(tally.of("sent") > self.readers * 9 / 10, "{tally:?}");
        tally
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_lost_when_the_only_daemon_is_killed_17_times_on_sqlite() {
    let relay = relay(Duration::from_millis(8)).await;
    let scene = Scene::on_sqlite(relay, &settings()).await;
    let mut story = Story::begin(scene, 2500, 1).await;
    story.kills(120).await;
    story.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_lost_when_the_only_daemon_is_killed_17_times_on_postgres() {
    let relay = relay(Duration::from_millis(8)).await;
    let scene = Scene::on_postgres(relay, &settings()).await;
    let mut story = Story::begin(scene, 2500, 1).await;
    story.kills(120).await;
    story.ends_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_lost_when_one_of_two_daemons_is_killed_17_times() {
    let relay = relay(Duration::from_millis(40)).await;
    let scene = Scene::on_postgres(relay, &settings()).await;
    let mut story = Story::begin(scene, 4000, 2).await;
    story.kills(60).await;
    story.ends_well().await;
}
