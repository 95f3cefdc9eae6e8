//! Whatever happens in whatever order: the kept counts are those of the rows, and what has ended
//! stays ended.

use std::collections::BTreeMap;

use courant::domain::{
    DeliveryId, DeliveryState, IssueId, IssueState, SuppressionReason, UnixMillis,
};
use courant::store::{Claimed, Db, Fate, Flight, Settled};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::kit::{NOW, confirm, everyone, keys, planned, publish, reader, settle, went};
use crate::signup::{confirm_all, sign_up};
use crate::support::databases::both_databases;

const MINUTE: i64 = 60_000;

/// Something that happens. Numbers pick among what is there.
#[derive(Debug, Clone)]
enum Step {
    Join(u8),
    SignUp(u8),
    Agree(u8),
    Freeze,
    Claim {
        owner: u8,
        limit: usize,
    },
    Confirm(u8),
    Settle {
        owner: u8,
        fates: Vec<u8>,
    },
    SettleAgain(Vec<u8>),
    Renew(u8),
    Release(u8),
    /// The claim's answer was lost, for all but so many.
    Unheard {
        owner: u8,
        heard: usize,
    },
    Recover {
        owner: u8,
        trusted: bool,
        only_expired: bool,
        wire: usize,
    },
    Operate {
        issue: u8,
        verb: u8,
    },
    Leave {
        who: u8,
        how: u8,
    },
    RetryUncertain,
    Finish,
    Prune,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let owner = 0u8..3;
    prop_oneof![
        2 => any::<u8>().prop_map(Step::Join),
        2 => any::<u8>().prop_map(Step::SignUp),
        1 => any::<u8>().prop_map(Step::Agree),
        2 => Just(Step::Freeze),
        6 => (owner.clone(), 1usize..6).prop_map(|(owner, limit)| Step::Claim { owner, limit }),
        2 => owner.clone().prop_map(Step::Confirm),
        5 => (owner.clone(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(owner, fates)| Step::Settle { owner, fates }),
        1 => prop::collection::vec(any::<u8>(), 1..4).prop_map(Step::SettleAgain),
        1 => owner.clone().prop_map(Step::Renew),
        1 => owner.clone().prop_map(Step::Release),
        1 => (owner.clone(), 0usize..3).prop_map(|(owner, heard)| Step::Unheard { owner, heard }),
        2 => (owner, any::<bool>(), any::<bool>(), 0usize..3).prop_map(
            |(owner, trusted, only_expired, wire)| Step::Recover {
                owner, trusted, only_expired, wire,
            }),
        3 => (any::<u8>(), 0u8..6).prop_map(|(issue, verb)| Step::Operate { issue, verb }),
        2 => (any::<u8>(), 0u8..3).prop_map(|(who, how)| Step::Leave { who, how }),
        1 => Just(Step::RetryUncertain),
        2 => Just(Step::Finish),
        1 => Just(Step::Prune),
        2 => (1i64..3).prop_map(|n| Step::Wait(n * MINUTE)),
    ]
}

/// The world as the story knows it.
struct World {
    db: Db,
    now: UnixMillis,
    slot: i64,
    issues: Vec<IssueId>,
    held: BTreeMap<u8, Vec<Claimed>>,
    settled: Vec<(u8, Settled)>,
    /// How many deliveries each issue was made with.
    made: BTreeMap<IssueId, i64>,
    ended: BTreeMap<DeliveryId, DeliveryState>,
}

fn name(owner: u8) -> String {
    format!("daemon{owner}")
}

fn address(who: u8) -> String {
    format!("n{}@example.org", who % 32)
}

fn fate(claimed: &Claimed, n: u8, now: UnixMillis) -> Settled {
    use DeliveryState::{Deferred, Failed, Sent, Uncertain};
    let due_at = now.plus_ms(i64::from(n) * 100);
    let state = [Sent, Sent, Failed, Uncertain, Deferred, Deferred, Deferred][usize::from(n % 7)];
    let mut settled = went(claimed, state, ["", "said"][usize::from(n % 2)]);
    settled.fate = match settled.fate {
        _ if n % 7 == 6 => Fate::Returned { due_at },
        Fate::Tried(mut to) => {
            (to.due_at, to.counted, to.suppress) = (due_at, n % 7 != 5, n % 14 == 2);
            Fate::Tried(to)
        }
        back => back,
    };
    settled
}

impl World {
    async fn go(&mut self, step: Step) {
        match step {
            Step::Join(n) => {
                let new = reader(&address(n), "brief");
                self.db.import_subscriber(&new, self.now).await.unwrap();
            }
            Step::SignUp(who) => self.sign_up(who).await,
            Step::Agree(who) => {
                if self.db.subscriber(&address(who)).await.unwrap().is_some() {
                    confirm_all(&self.db, &address(who), self.now).await;
                }
            }
            Step::Freeze => self.freeze().await,
            Step::Claim { owner, limit } => self.claim(owner, limit).await,
            Step::Confirm(owner) => {
                let held = keys(self.held.entry(owner).or_default());
                let confirmed = confirm(&self.db, &held, &name(owner), self.now).await;
                let held = self.held.entry(owner).or_default();
                held.retain(|c| confirmed.contains(&c.id));
            }
            Step::Settle { owner, fates } => self.settle(owner, fates).await,
            Step::SettleAgain(picks) => {
                for pick in picks.iter().map(|n| usize::from(*n)) {
                    if let Some((owner, old)) = self.settled.get(pick) {
                        let again = [old.clone()];
                        let written = settle(&self.db, &again, &name(*owner), self.now).await;
                        assert_eq!(written, 0, "settled twice");
                    }
                }
            }
            Step::Recover {
                owner,
                trusted,
                only_expired,
                wire,
            } => {
                self.recover(owner, trusted, only_expired, wire).await;
            }
            Step::Operate { issue, verb } => self.operate(issue, verb).await,
            Step::Leave { who, how } => self.leave(who, how).await,
            Step::Wait(ms) => self.now = self.now.plus_ms(ms),
            other => self.keep_house(other).await,
        }
    }

    async fn keep_house(&mut self, step: Step) {
        let (db, now) = (&self.db, self.now);
        match step {
            Step::Renew(owner) => {
                let held = keys(self.held.entry(owner).or_default());
                let until = now.plus_ms(MINUTE);
                db.renew_leases(&name(owner), &held, until).await.unwrap();
            }
            Step::Release(owner) => {
                db.release_leases(&name(owner)).await.unwrap();
                self.held.remove(&owner);
            }
            Step::Unheard { owner, heard } => {
                let held = self.held.entry(owner).or_default();
                held.truncate(heard);
                let (owner, held) = (name(owner), keys(held));
                db.release_unheard(&owner, &held, now).await.unwrap();
            }
            Step::RetryUncertain => {
                let grace = std::time::Duration::from_secs(30);
                let channels = ["brief".to_owned()];
                let retried = db.retry_uncertain(&channels, now, grace).await.unwrap();
                assert!(retried >= 0);
                self.ended
                    .retain(|_, state| *state != DeliveryState::Uncertain);
            }
            Step::Finish => drop(db.finish_issues(now).await.unwrap()),
            Step::Prune => drop(
                db.prune_deliveries(now.plus_ms(-5 * MINUTE), 7)
                    .await
                    .unwrap(),
            ),
            other => panic!("{other:?} is told elsewhere"),
        }
    }

    /// The mail that asks to confirm comes into the day's round.
    async fn sign_up(&mut self, who: u8) {
        if sign_up(&self.db, &address(who), &["brief"], self.now).await > 0 {
            let issues = self.db.issues(None, None, 9999).await.unwrap();
            let round = issues.iter().find(|issue| issue.is_confirmation()).unwrap();
            *self.made.entry(round.id).or_default() += 1;
            if !self.issues.contains(&round.id) {
                self.issues.push(round.id);
            }
        }
    }

    async fn freeze(&mut self) {
        self.slot += 1;
        publish(&self.db, "brief", &[&format!("t{}", self.slot)]).await;
        let mut issue = planned(&self.db, everyone("brief", "daily"), self.slot).await;
        if self.slot % 4 == 0 {
            issue.state = IssueState::Waiting;
        }
        if let Some(id) = self.db.freeze_issue(&issue, self.now).await.unwrap() {
            let counts = self.db.issue_counts(id).await.unwrap();
            self.made.insert(id, counts.values().sum());
            self.issues.push(id);
        }
    }

    async fn claim(&mut self, owner: u8, limit: usize) {
        let (until, daemon) = (self.now.plus_ms(MINUTE), name(owner));
        for ready in self.db.ready_issues(self.now).await.unwrap() {
            let id = ready.issue.id;
            let claimed = self
                .db
                .claim_deliveries(&daemon, id, self.now, until, limit);
            let claimed = claimed.await.unwrap();
            assert!(claimed.len() <= limit && claimed.iter().all(|c| c.issue == id));
            self.held.entry(owner).or_default().extend(claimed);
        }
    }

    async fn settle(&mut self, owner: u8, fates: Vec<u8>) {
        let held = self.held.entry(owner).or_default();
        let taken = held.split_off(held.len().saturating_sub(fates.len()));
        let batch: Vec<Settled> = taken
            .iter()
            .zip(fates)
            .map(|(claimed, n)| fate(claimed, n, self.now))
            .collect();
        settle(&self.db, &batch, &name(owner), self.now).await;
        self.settled
            .extend(batch.into_iter().map(|one| (owner, one)));
    }

    async fn recover(&mut self, owner: u8, trusted: bool, only_expired: bool, wire: usize) {
        let held = keys(self.held.entry(owner).or_default());
        let flight = Flight {
            in_flight: held.iter().take(wire).copied().collect(),
            accepted: held
                .iter()
                .skip(wire)
                .take(wire)
                .map(|(id, generation)| (*id, *generation, "250".to_owned()))
                .collect(),
            trusted,
        };
        let (db, owner) = (&self.db, name(owner));
        db.recover_owner(&owner, &flight, only_expired, self.now)
            .await
            .unwrap();
        assert!(!db.lost_owners(self.now).await.unwrap().contains(&owner));
    }

    async fn operate(&mut self, issue: u8, verb: u8) {
        use DeliveryState::{Failed, Uncertain};
        let Some(id) = self
            .issues
            .get(usize::from(issue) % self.issues.len().max(1))
        else {
            return;
        };
        let (db, id, now) = (&self.db, *id, self.now);
        let sending = [IssueState::Sending];
        match verb {
            0 => drop(db.cancel_issue(id, now).await.unwrap()),
            1 => drop(
                db.set_issue_state(id, &sending, IssueState::Paused)
                    .await
                    .unwrap(),
            ),
            2 => drop(db.send_issue(id, IssueState::Paused, now).await.unwrap()),
            3 => drop(db.send_issue(id, IssueState::Waiting, now).await.unwrap()),
            _ => {
                let from = if verb == 4 { Failed } else { Uncertain };
                let before = db.deliveries(id, Some(from), None, 999).await.unwrap();
                let retried = db.retry_issue(id, from, now).await.unwrap();
                if retried > 0 {
                    assert_eq!(usize::try_from(retried).unwrap(), before.len());
                    before.iter().for_each(|row| {
                        self.ended.remove(&row.id);
                    });
                }
            }
        }
    }

    async fn leave(&mut self, who: u8, how: u8) {
        let address = address(who);
        let (db, now) = (&self.db, self.now);
        let Some(person) = db.subscriber(&address).await.unwrap() else {
            return;
        };
        match how {
            0 => drop(
                db.unsubscribe(person.id, "brief", "link", now)
                    .await
                    .unwrap(),
            ),
            1 => {
                let reason = SuppressionReason::Complaint;
                db.suppress(&address, reason, "", now).await.unwrap();
            }
            _ => drop(db.erase(&address, now).await.unwrap()),
        }
    }

    /// The counts are those of the rows, none is lost, and what had ended still has.
    async fn audit(&mut self, after: &Step) {
        for id in &self.issues {
            let rows = self.db.deliveries(*id, None, None, 9999).await.unwrap();
            let counts = self.db.issue_counts(*id).await.unwrap();
            let total: i64 = counts.values().sum();
            assert_eq!(total, self.made[id], "{id} after {after:?}");
            assert!(
                counts.values().all(|n| *n > 0),
                "{counts:?} after {after:?}"
            );
            let mut found: BTreeMap<DeliveryState, i64> = BTreeMap::new();
            for row in &rows {
                *found.entry(row.state).or_default() += 1;
                if let Some(ended) = self.ended.get(&row.id) {
                    // A late word ends a doubt.
                    let resolved = (DeliveryState::Uncertain, DeliveryState::Sent);
                    let is_so = row.state == *ended || (*ended, row.state) == resolved;
                    assert!(is_so, "{} is {} after {after:?}", row.id, row.state);
                }
                if row.state.is_final() {
                    self.ended.insert(row.id, row.state);
                }
            }
            let is_pruned = rows.len() < usize::try_from(total).unwrap();
            if is_pruned {
                let state = self.db.issue(*id).await.unwrap().unwrap().state;
                assert!(matches!(state, IssueState::Done | IssueState::Cancelled));
            } else {
                assert_eq!(found, counts, "{id} after {after:?}");
            }
        }
    }
}

#[tokio::test]
async fn counts_are_those_of_the_rows_and_ends_are_ends_whatever_happens() {
    both_databases(async |db: Db| {
        let mut runner = TestRunner::deterministic();
        let mut world = World {
            db,
            now: NOW,
            slot: 0,
            issues: Vec::new(),
            held: BTreeMap::new(),
            settled: Vec::new(),
            made: BTreeMap::new(),
            ended: BTreeMap::new(),
        };
        for n in 0..12 {
            world.go(Step::Join(n)).await;
        }
        let steps = prop::collection::vec(step(), 400)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for step in steps {
            world.go(step.clone()).await;
            world.audit(&step).await;
        }
        let all = world.db.queue_counts().await.unwrap();
        let seen = all.values().filter(|n| **n > 0).count();
        assert!(seen >= 6, "the story was too quiet: {all:?}");
    })
    .await;
}
