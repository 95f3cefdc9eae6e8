//! A folder in the course of time.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use url::Url;

use super::page::Site;
use super::scan::{Look, scan};
use super::state::State;
use crate::domain::UnixMillis;
use crate::sources::Polled;

const MINUTE: i64 = 60_000;

struct Desk {
    dir: tempfile::TempDir,
    state: Option<String>,
    now: UnixMillis,
}

impl Desk {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            state: None,
            now: UnixMillis::now(),
        }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file that was last changed `age` ago.
    fn write_aged(&self, path: &str, text: &str, age: Duration) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now.0.unsigned_abs()) - age;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(at).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        self.write_aged(path, text, Duration::from_secs(5));
    }

    fn try_look(&mut self) -> Result<Look, String> {
        let site = Site {
            base: Some(Url::parse("https://news.example.org/").unwrap()),
            permalink: None,
            language: "en".to_owned(),
            zone: TimeZone::UTC,
        };
        let known = State::read(self.state.as_deref());
        let look = scan(self.dir.path(), &site, known, false, self.now)?;
        if let Some(state) = &look.polled.state {
            self.state = Some(state.clone());
        }
        Ok(look)
    }

    fn look(&mut self) -> Polled {
        let look = self.try_look().unwrap_or_else(|why| panic!("{why}"));
        look.polled
    }

    fn later(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }
}

fn titles(polled: &Polled) -> Vec<&str> {
    polled.entries.iter().map(|e| e.title.as_str()).collect()
}

fn page(title: &str, more: &str) -> String {
    format!("---\ntitle: {title}\n{more}\n---\nText of {title}.\n")
}

#[test]
fn only_what_changed_is_read_again() {
    let mut desk = Desk::new();
    desk.write("a.md", &page("A", "date: 2026-01-01"));
    desk.write("b.md", &page("B", "date: 2026-01-02"));
    assert_eq!(titles(&desk.look()), ["B", "A"]);
    let again = desk.look();
    assert!(again.not_modified && again.state.is_none() && again.bytes == 0);
    desk.later(MINUTE);
    desk.write("a.md", &page("A, corrected", ""));
    // Touched and not changed.
    desk.write("b.md", &page("B", "date: 2026-01-02"));
    let third = desk.look();
    assert_eq!(titles(&third), ["A, corrected"]);
    assert!(desk.look().not_modified);
}

#[test]
fn a_renamed_file_is_the_article_it_was_also_after_a_change() {
    let mut desk = Desk::new();
    desk.write("a.md", &page("A", ""));
    desk.write("z.md", &page("Z", ""));
    let first = desk.look();
    let guid = |polled: &Polled| polled.entries[0].keys[0].value.clone();
    assert_eq!(guid(&first), "path:a");
    std::fs::rename(desk.path("a.md"), desk.path("b.md")).unwrap();
    let moved = desk.look();
    assert_eq!(
        (titles(&moved), guid(&moved)),
        (vec!["A"], "path:a".to_owned())
    );
    assert_eq!(moved.withdrawn, []);
    desk.later(MINUTE);
    desk.write("b.md", &page("A, corrected", ""));
    assert_eq!(guid(&desk.look()), "path:a");
    desk.later(10 * MINUTE);
    assert_eq!(desk.look().withdrawn, []);
    // A slug that is given later is a second name of the same article.
    desk.write("b.md", &page("A", "slug: new"));
    let named: Vec<String> = desk.look().entries[0]
        .keys
        .iter()
        .map(|k| k.value.clone())
        .collect();
    assert_eq!(named[..2], ["slug:new", "path:a"]);
}

#[test]
fn a_file_that_is_gone_for_a_minute_is_withdrawn_and_one_that_comes_back_is_not() {
    let mut desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.write(&format!("{name}.md"), &page(name, ""));
    }
    desk.look();
    std::fs::remove_file(desk.path("a.md")).unwrap();
    std::fs::remove_file(desk.path("b.md")).unwrap();
    assert_eq!(desk.look().withdrawn, []);
    desk.later(30_000);
    desk.write("b.md", &page("b", ""));
    let back = desk.look();
    assert_eq!((titles(&back), back.withdrawn.len()), (vec!["b"], 0));
    desk.later(40_000);
    let gone = desk.look().withdrawn;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].keys[0].value, "path:a");
    assert_eq!(gone[0].why, "a.md: the file is gone");
    // It is said again, for those who ask twice, and forgotten in the end.
    desk.later(15 * MINUTE);
    assert_eq!(desk.look().withdrawn.len(), 1);
    desk.later(25 * 60 * MINUTE);
    assert_eq!(desk.look().withdrawn.len(), 1);
    assert_eq!(desk.look().withdrawn, []);
    assert!(!desk.state.as_deref().unwrap().contains("a.md"));
}

#[test]
fn who_looks_once_in_two_days_hears_of_each_withdrawal_twice() {
    let mut desk = Desk::new();
    desk.write("gone.md", &page("Gone", ""));
    desk.write("draft.md", &page("Draft", ""));
    desk.write("stays.md", &page("Stays", ""));
    desk.look();
    std::fs::remove_file(desk.path("gone.md")).unwrap();
    desk.later(2 * 24 * 60 * MINUTE);
    desk.write("draft.md", &page("Draft", "draft: true"));
    let mut said = Vec::new();
    for _ in 0..4 {
        said.extend(desk.look().withdrawn.into_iter().map(|one| one.why));
        desk.later(2 * 24 * 60 * MINUTE);
    }
    said.sort_unstable();
    let (draft, gone) = ("draft.md: ", "gone.md: the file is gone");
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(
        said[..2].iter().all(|why| why.starts_with(draft)),
        "{said:?}"
    );
    assert_eq!(said[2..], [gone, gone]);
}

#[test]
fn drafts_and_expired_pages_are_no_articles_and_become_withdrawals() {
    let mut desk = Desk::new();
    let expires = desk.now.plus_ms(10 * MINUTE);
    desk.write("draft.md", &page("Draft", "draft: true"));
    desk.write("a.md", &page("A", ""));
    desk.write("x.md", &page("X", &format!("expiryDate: {expires}")));
    assert_eq!(desk.look().entries.len(), 2);
    desk.later(11 * MINUTE);
    desk.write("a.md", &page("A", "draft: true"));
    desk.write("draft.md", &page("Draft", "draft: false"));
    let polled = desk.look();
    assert_eq!(titles(&polled), ["Draft"]);
    let mut why: Vec<&str> = polled.withdrawn.iter().map(|w| w.why.as_str()).collect();
    why.sort_unstable();
    assert_eq!(
        why,
        ["a.md: it is a draft", "x.md: its expiry date has come"]
    );
    assert_eq!(desk.look().withdrawn.len(), 2);
    desk.later(MINUTE);
    desk.write("a.md", &page("A", ""));
    let back = desk.look();
    assert_eq!((titles(&back), back.withdrawn.len()), (vec!["A"], 1));
}

#[test]
fn a_file_that_is_being_written_waits_until_it_has_settled() {
    let mut desk = Desk::new();
    desk.write_aged("a.md", &page("A", ""), Duration::from_millis(500));
    let look = desk.try_look().unwrap();
    assert!(look.is_unsettled && look.polled.entries.is_empty());
    desk.later(2_000);
    assert_eq!(titles(&desk.look()), ["A"]);
    desk.later(MINUTE);
    desk.write("a.md", "---\ntitle: half");
    let half = desk.look();
    assert!(half.entries.is_empty() && half.withdrawn.is_empty());
    assert!(
        half.notes[0].starts_with("a.md:1: the front matter begins with `---`"),
        "{:?}",
        half.notes
    );
    desk.write("a.md", &page("A, whole", ""));
    assert_eq!(titles(&desk.look()), ["A, whole"]);
}

#[test]
fn one_bad_file_stops_no_other() {
    let mut desk = Desk::new();
    desk.write("bad.md", "---\ntitle: [\n---\n");
    desk.write("large.md", &"x".repeat(3 * 1024 * 1024));
    std::fs::write(desk.path("latin.md"), b"caf\xe9").unwrap();
    desk.later(10_000);
    desk.write("good.md", &page("Good", "date: soon"));
    let polled = desk.look();
    assert_eq!(titles(&polled), ["Good"]);
    let notes = polled.notes.join("\n");
    for words in [
        "bad.md:",
        "large.md is larger than 2 MiB",
        "latin.md is not UTF-8",
        "good.md:3: `date: soon` is no date",
    ] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
}

#[test]
fn a_file_that_is_moved_and_changed_at_once_is_known_by_its_name() {
    let mut desk = Desk::new();
    desk.write("a/x.md", &page("One", "slug: same"));
    desk.write("z.md", &page("Z", ""));
    desk.look();
    std::fs::remove_file(desk.path("a/x.md")).unwrap();
    desk.write("b/y.md", &page("One, corrected", "slug: same"));
    let moved = desk.look();
    assert_eq!(moved.entries[0].keys[0].value, "slug:same");
    assert_eq!(moved.notes, Vec::<String>::new());
    desk.later(10 * MINUTE);
    assert_eq!(desk.look().withdrawn, []);
    std::fs::remove_file(desk.path("b/y.md")).unwrap();
    desk.write("c.md", &page("One", "slug: same\ndraft: true"));
    assert_eq!(desk.look().withdrawn[0].why, "c.md: it is a draft");
}

#[test]
fn two_files_with_one_name_are_two_articles() {
    let mut desk = Desk::new();
    desk.write("a/x.md", &page("One", "slug: same"));
    desk.write("b/x.md", &page("Two", "slug: same"));
    let polled = desk.look();
    let mut names: Vec<&str> = polled
        .entries
        .iter()
        .map(|e| e.keys[0].value.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["path:b/x", "slug:same"]);
    assert!(
        polled.notes[0].contains("calls itself what a/x.md does"),
        "{:?}",
        polled.notes
    );
}

#[test]
fn a_folder_that_lost_everything_or_is_not_there_is_an_error_and_withdraws_nothing() {
    let mut desk = Desk::new();
    desk.write("a.md", &page("A", ""));
    desk.write("b.md", &page("B", ""));
    desk.look();
    std::fs::remove_file(desk.path("a.md")).unwrap();
    std::fs::remove_file(desk.path("b.md")).unwrap();
    let why = desk.try_look().unwrap_err();
    assert!(why.contains("is the disk mounted?"), "{why}");
    let nowhere: &Path = &desk.path("nowhere");
    let site = Site {
        base: None,
        permalink: None,
        language: "en".to_owned(),
        zone: TimeZone::UTC,
    };
    let why = scan(nowhere, &site, None, false, desk.now).unwrap_err();
    assert!(why.contains("correct `path`"), "{why}");
}

#[test]
fn ten_thousand_files_are_the_bound_and_the_rest_is_told() {
    let mut desk = Desk::new();
    let old = Duration::from_secs(5);
    for number in 0..10_003 {
        desk.write_aged(&format!("{:02}/{number:05}.md", number / 500), "Text", old);
    }
    let polled = desk.look();
    assert_eq!(polled.entries.len(), 10_000);
    assert!(
        polled.notes[0].contains("more than 10000 pages"),
        "{:?}",
        polled.notes
    );
    assert!(desk.state.as_ref().unwrap().len() < 2_000_000);
    desk.later(5 * MINUTE);
    assert_eq!(desk.look().withdrawn, []);
}
