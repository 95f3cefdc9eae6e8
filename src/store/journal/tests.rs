//! What a journal says after its process.

use super::*;

fn key() -> TokenKey {
    TokenKey::new(&[7; 32])
}

fn row(n: i64) -> Row {
    (DeliveryId(n), 1)
}

/// What the next process finds after this one died.
fn found(dir: &Path) -> Vec<DeadJournal> {
    Journal::dead(dir, &key()).unwrap()
}

#[test]
fn what_left_and_was_not_answered_is_in_flight_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::begin(dir.path(), &key(), "run-1").unwrap();
    for n in 1..=4 {
        journal.leaving(DeliveryId(n), 1).unwrap();
    }
    journal
        .answered(DeliveryId(1), 1, Some("250 ok\r\nq1"))
        .unwrap();
    journal.answered(DeliveryId(2), 1, None).unwrap();
    journal.answered(DeliveryId(3), 1, Some("250 ok")).unwrap();
    journal.forget([row(3)]);
    assert!(found(dir.path()).is_empty(), "its process lives");
    drop(journal);
    let dead = found(dir.path());
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].owner, "run-1");
    assert_eq!(dead[0].flight.in_flight, [row(4)]);
    // What was forgotten is still in the file: the database says better.
    let accepted: Vec<_> = dead[0]
        .flight
        .accepted
        .iter()
        .map(|a| (a.0.0, &*a.2))
        .collect();
    assert_eq!(accepted, [(1, "250 ok  q1"), (3, "250 ok")]);
    assert!(dead[0].flight.trusted);
    assert!(found(dir.path()).is_empty(), "somebody has it");
    dead.into_iter().for_each(DeadJournal::done);
    assert!(found(dir.path()).is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_long_journal_is_written_anew_with_what_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::begin(dir.path(), &key(), "run-1").unwrap();
    journal.leaving(DeliveryId(1), 9).unwrap();
    journal.leaving(DeliveryId(2), 1).unwrap();
    journal
        .answered(DeliveryId(2), 1, Some("250 mine"))
        .unwrap();
    let reply = "x".repeat(REPLY);
    for n in 3..16_000 {
        journal.leaving(DeliveryId(n), 1).unwrap();
        journal.answered(DeliveryId(n), 1, Some(&reply)).unwrap();
        journal.forget([row(n)]);
    }
    journal.leaving(DeliveryId(16_000), 1).unwrap();
    assert!(journal.lock().length < LONG);
    drop(journal);
    let dead = found(dir.path()).pop().unwrap();
    assert_eq!(dead.flight.in_flight, [(DeliveryId(1), 9), row(16_000)]);
    assert!(
        dead.flight
            .accepted
            .contains(&(DeliveryId(2), 1, "250 mine".to_owned()))
    );
}

#[test]
fn a_torn_last_line_is_nothing_and_a_strange_one_ends_the_trust() {
    let read = |text: &str| read(text, "f00");
    let torn = read("boot f00\n> 1 1\n> 2");
    assert_eq!((torn.in_flight, torn.trusted), (vec![row(1)], true));
    assert!(!read("boot f00\n> 1 1\nwhat\n").trusted);
    assert!(!read("boot another-one\n> 1 1\n").trusted);
    assert_eq!(read("").in_flight, []);
}

#[test]
fn a_machine_that_does_not_say_when_it_started_is_not_trusted() {
    // As under a unit that hides /proc/sys: before a power cut and after it.
    for begun in ["boot \n> 1 1\n", "boot\n> 1 1\n"] {
        let hidden = read(begun, "");
        assert_eq!((hidden.in_flight, hidden.trusted), (vec![row(1)], false));
        assert!(!read(begun, "f00").trusted);
    }
    assert!(!read("boot f00\n> 1 1\n", "").trusted);
    assert!(!boot_id().is_empty(), "the tests run on Linux");
}

#[test]
fn half_a_line_is_taken_back_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::begin(dir.path(), &key(), "run-1").unwrap();
    journal.leaving(DeliveryId(1), 1).unwrap();
    // As a disk that is full takes the beginning of a line.
    let mut inner = journal.lock();
    let length = inner.length;
    let file = inner.file.as_mut().unwrap();
    file.write_all(b"> 2").unwrap();
    cut(file, length).unwrap();
    drop(inner);
    journal.leaving(DeliveryId(3), 1).unwrap();
    drop(journal);
    let dead = found(dir.path()).pop().unwrap();
    let text = std::fs::read_to_string(&dead.path).unwrap();
    assert!(text.ends_with("\n> 1 1\n> 3 1\n"), "{text:?}");
    assert_eq!(dead.flight.in_flight, [row(1), row(3)]);
}

#[test]
fn a_journal_with_nothing_open_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::begin(dir.path(), &key(), "cli-1").unwrap();
    journal.leaving(DeliveryId(1), 1).unwrap();
    journal.end();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    journal.forget([row(1)]);
    journal.end();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    // Another send of the same process begins it anew.
    journal.end();
    journal.leaving(DeliveryId(2), 1).unwrap();
    drop(journal);
    let dead = found(dir.path()).pop().unwrap();
    assert_eq!(dead.flight.in_flight, [row(2)]);
    dead.done();
    let other = TokenKey::new(&[8; 32]);
    drop(Journal::begin(dir.path(), &other, "run-2").unwrap());
    assert!(found(dir.path()).is_empty(), "of another database");
}

#[test]
fn a_journal_that_cannot_be_read_keeps_nobody_from_the_others() {
    let dir = tempfile::tempdir().unwrap();
    // Not to be opened by anybody, root included, as root's file is not by the daemon's user.
    let strange = format!("{}cli-1{ENDING}", prefix(&key()));
    std::fs::create_dir(dir.path().join(&strange)).unwrap();
    let journal = Journal::begin(dir.path(), &key(), "run-1").unwrap();
    journal.leaving(DeliveryId(1), 1).unwrap();
    drop(journal);
    let dead = found(dir.path()).pop().unwrap();
    assert_eq!((&*dead.owner, dead.flight.in_flight.len()), ("run-1", 1));
    assert!(
        dir.path().join(strange).exists(),
        "it is not ours to remove"
    );
}
