//! What is promised of every send, held against the record of the mail server and the database.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::Scene;
use crate::support::process::texts;
use crate::support::smtp::Mail;

/// Nobody is mailed this long after they were suppressed: a second by our promise, and half a
/// one for what is on the wire of a busy machine.
const NOTICE: Duration = Duration::from_millis(1500);

/// A delivery, and what the mail server knows of it.
#[derive(Debug, Default)]
struct Row {
    issue: String,
    address: String,
    state: String,
    /// Recorded as uncertain, now or before it was sent again.
    doubtful: bool,
    resent: bool,
    /// Copies that the server said it has.
    accepted: usize,
    /// Copies that somebody may have: accepted, or left without an answer.
    taken: usize,
}

/// What became of a send.
#[derive(Debug, Default)]
pub struct Tally {
    /// Deliveries in each state.
    pub states: BTreeMap<String, usize>,
    /// Who may have had a copy without our knowing.
    pub doubtful: BTreeSet<String>,
    /// Who was given two.
    pub twice: BTreeSet<String>,
}

impl Tally {
    pub fn of(&self, state: &str) -> usize {
        self.states.get(state).copied().unwrap_or(0)
    }
}

/// Holds an ended send to what is promised: nobody is lost, nobody gets more than is recorded,
/// nobody is mailed who had `left` by then, and the books agree. `audience` deliveries were
/// made in all.
pub async fn hold(scene: &Scene, audience: usize, left: &[(String, Instant)]) -> Tally {
    let mut rows = rows(scene).await;
    assert_eq!(rows.len(), audience, "each recipient has one row");
    let distinct: BTreeSet<_> = rows.values().map(|r| (&r.issue, &r.address)).collect();
    assert_eq!(distinct.len(), audience, "nobody has two rows in one issue");
    for mail in scene.sink.mails() {
        count(&mut rows, &mail, left);
    }
    let mut tally = Tally::default();
    for row in rows.values() {
        row.is_right();
        *tally.states.entry(row.state.clone()).or_default() += 1;
        if row.doubtful {
            tally.doubtful.insert(row.address.clone());
        }
        if row.taken > 1 {
            tally.twice.insert(row.address.clone());
        }
    }
    the_books_agree(&scene.database).await;
    // Shown when the story fails.
    eprintln!(
        "{:?}, {} uncertain, {} twice",
        tally.states,
        tally.doubtful.len(),
        tally.twice.len()
    );
    tally
}

impl Row {
    fn is_right(&self) {
        let is_final = match &*self.state {
            "sent" | "failed" | "suppressed" | "cancelled" => true,
            // Sent again once by itself; the rest is an operator's to decide.
            "uncertain" => self.resent,
            _ => false,
        };
        assert!(is_final, "not at its end: {self:?}");
        let most = if self.doubtful { 2 } else { 1 };
        assert!(self.taken <= most, "too many copies: {self:?}");
        if self.state == "sent" {
            assert!(self.accepted > 0, "sent, and nobody has it: {self:?}");
        } else if !self.doubtful {
            assert_eq!(self.taken, 0, "not sent, and somebody has it: {self:?}");
        }
    }
}

/// Every reader's delivery, by its number.
async fn rows(scene: &Scene) -> BTreeMap<String, Row> {
    let sql = "SELECT CAST(d.id AS TEXT) || ' ' || CAST(d.issue_id AS TEXT) || ' ' || s.address
            || ' ' || d.state || CASE WHEN d.resent THEN ' resent' ELSE ' once' END
        FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id";
    let lines = texts(&scene.database, sql).await;
    let row = |line: &String| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut word = || words.next().expect("five words");
        let (id, issue, address, state) = (word(), word(), word(), word());
        let resent = word() == "resent";
        let doubtful = resent || state == "uncertain";
        let row = Row {
            issue,
            address,
            state,
            doubtful,
            resent,
            ..Row::default()
        };
        (id, row)
    };
    lines.iter().map(row).collect()
}

/// Counts a message for the delivery that its Message-ID names: so all copies have the same.
fn count(rows: &mut BTreeMap<String, Row>, mail: &Mail, left: &[(String, Instant)]) {
    if !is_taken(mail) {
        return;
    }
    let [to] = &mail.to[..] else {
        panic!("each message has one recipient: {:?}", mail.to);
    };
    let row = rows.get_mut(&delivery(mail)).expect("a delivery of ours");
    assert_eq!(*to, row.address, "a message went to somebody else");
    row.taken += 1;
    row.accepted += usize::from(mail.is_accepted());
    if let Some((_, at)) = left.iter().find(|(address, _)| address == to) {
        let late = mail.at.saturating_duration_since(*at);
        assert!(late <= NOTICE, "{to} was mailed {late:?} after they left");
    }
}

/// Whether somebody may have it: the server took it, or did not say.
pub fn is_taken(mail: &Mail) -> bool {
    mail.is_accepted() || mail.answer.is_none()
}

/// The delivery that a message's id names (`<c1.ISSUE.DELIVERY.MAC@…>`).
fn delivery(mail: &Mail) -> String {
    let text = String::from_utf8_lossy(&mail.data);
    let id = text.split_once("Message-ID: <c1.").map(|(_, id)| id);
    let number = id.and_then(|id| id.split('.').nth(1));
    number.expect("every message has our id").to_owned()
}

/// Counts that are kept are those that would be counted, what is done has nothing open, what
/// has nothing open is done, and the file is whole.
async fn the_books_agree(database: &str) {
    let kept = "SELECT CAST(issue_id AS TEXT) || ' ' || state || ' ' || CAST(n AS TEXT)
        FROM issue_count WHERE n <> 0 ORDER BY issue_id, state";
    let counted = "SELECT CAST(issue_id AS TEXT) || ' ' || state || ' ' || CAST(COUNT(*) AS TEXT)
        FROM delivery GROUP BY issue_id, state ORDER BY issue_id, state";
    assert_eq!(texts(database, kept).await, texts(database, counted).await);
    let unfinished = "SELECT state FROM issue WHERE state <> 'done'";
    assert_eq!(texts(database, unfinished).await, [""; 0], "all is done");
    if database.starts_with("sqlite:") {
        assert_eq!(texts(database, "PRAGMA integrity_check").await, ["ok"]);
    }
}
