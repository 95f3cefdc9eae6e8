//! When a source is believed that it has moved for good: pure rules.
//!
//! A permanent redirect (301, 308) is often a mistake of an afternoon, or an attack. It is
//! believed when a second answer at least a day after the first names the same place, and what
//! is there is the same feed: when it was first heard, an article that was known stood in it
//! (or there were none on either side). Until then, and where the rules are never met, the
//! configured address is asked and the redirect followed each time. An address that was
//! believed and then answers 404 or 410 for days is given up for the configured one.

use std::time::Duration;

use url::Url;

use crate::domain::UnixMillis;
use crate::store::SourceMemory;

/// Between the first and the second answer that name the new place.
const CONFIRMED: Duration = Duration::from_secs(24 * 3600);
/// After so long without a good answer a place that was moved to is given up.
const GIVEN_UP: Duration = Duration::from_secs(2 * 86_400);

/// What is remembered of a move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Move {
    /// Where the source is asked.
    pub(super) moved_to: Option<String>,
    /// Where it says that it has moved.
    pub(super) heard: Option<String>,
    /// When that was first heard of a place with the same feed; none for another feed.
    pub(super) heard_at: Option<UnixMillis>,
}

impl Move {
    /// What is known so far.
    pub(super) fn of(memory: &SourceMemory) -> Self {
        Self {
            moved_to: memory.moved_to.clone(),
            heard: memory.move_heard.clone(),
            heard_at: memory.move_heard_at,
        }
    }

    /// Whether the next answer may confirm the move; it has to be read to its end then.
    pub(super) fn is_ripe(&self, now: UnixMillis) -> bool {
        self.heard_at.is_some_and(|at| now.since(at) >= CONFIRMED)
    }

    /// What is known after a good answer that came by way of `redirect`. `asked` is the address
    /// that was asked, `is_same` whether what answered is the feed that we know.
    pub(super) fn after(
        &self,
        asked: Option<&Url>,
        redirect: Option<&str>,
        is_same: bool,
        now: UnixMillis,
    ) -> Self {
        let stay = |heard, heard_at| Self {
            moved_to: self.moved_to.clone(),
            heard,
            heard_at,
        };
        let Some(to) = redirect.filter(|to| !is_downgrade(asked, to)) else {
            return stay(None, None);
        };
        if self.heard.as_deref() != Some(to) {
            return stay(Some(to.to_owned()), is_same.then_some(now));
        }
        if self.is_ripe(now) && is_same {
            return Self {
                moved_to: Some(to.to_owned()),
                heard: None,
                heard_at: None,
            };
        }
        stay(self.heard.clone(), self.heard_at)
    }
}

/// Whether a move would give up encryption, or leads to no address.
fn is_downgrade(asked: Option<&Url>, to: &str) -> bool {
    let Ok(to) = Url::parse(to) else { return true };
    match to.scheme() {
        "https" => false,
        "http" => asked.is_some_and(|asked| asked.scheme() == "https"),
        _ => true,
    }
}

/// Whether the place that a source moved to is to be given up after this failure.
pub(super) fn is_given_up(memory: &SourceMemory, status: Option<u16>, now: UnixMillis) -> bool {
    memory.moved_to.is_some()
        && matches!(status, Some(404 | 410))
        && memory.last_ok_at.is_none_or(|at| now.since(at) >= GIVEN_UP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_592_800_000);
    const DAY: i64 = 86_400_000;
    const NEW: &str = "https://new.example/feed";

    fn asked() -> Url {
        Url::parse("https://old.example/feed").unwrap()
    }

    fn after(known: &Move, redirect: Option<&str>, is_same: bool, ms: i64) -> Move {
        known.after(Some(&asked()), redirect, is_same, NOW.plus_ms(ms))
    }

    #[test]
    fn a_move_is_believed_when_a_second_answer_a_day_later_agrees() {
        let first = after(&Move::default(), Some(NEW), true, 0);
        assert_eq!(first.heard.as_deref(), Some(NEW));
        assert_eq!(first.moved_to, None);
        // Any number of answers within the day change nothing.
        let again = after(&first, Some(NEW), true, DAY - 1);
        assert_eq!(again, first);
        assert!(!again.is_ripe(NOW.plus_ms(DAY - 1)) && again.is_ripe(NOW.plus_ms(DAY)));
        let believed = after(&again, Some(NEW), true, DAY);
        assert_eq!(believed.moved_to.as_deref(), Some(NEW));
        assert_eq!((believed.heard, believed.heard_at), (None, None));
    }

    #[test]
    fn an_answer_without_the_redirect_or_with_another_begins_anew() {
        let first = after(&Move::default(), Some(NEW), true, 0);
        assert_eq!(after(&first, None, true, DAY), Move::default());
        let other = after(&first, Some("https://other.example/"), true, DAY);
        assert_eq!(other.heard_at, Some(NOW.plus_ms(DAY)));
        assert_eq!(other.moved_to, None);
    }

    #[test]
    fn another_feed_is_never_believed_although_its_articles_are_known_by_then() {
        let mut known = after(&Move::default(), Some(NEW), false, 0);
        for day in 1..9 {
            known = after(&known, Some(NEW), true, day * DAY);
            assert_eq!(known.moved_to, None);
            assert!(!known.is_ripe(NOW.plus_ms(day * DAY)));
        }
        // And the same feed is not when another one stands there at the second answer.
        let first = after(&Move::default(), Some(NEW), true, 0);
        assert_eq!(after(&first, Some(NEW), false, DAY).moved_to, None);
    }

    #[test]
    fn a_move_may_add_encryption_and_never_give_it_up() {
        let plain = "http://new.example/feed";
        assert_eq!(
            after(&Move::default(), Some(plain), true, 0),
            Move::default()
        );
        let from_plain = Url::parse("http://old.example/feed").unwrap();
        for to in [plain, NEW] {
            let heard = Move::default().after(Some(&from_plain), Some(to), true, NOW);
            assert_eq!(heard.heard.as_deref(), Some(to));
        }
        let odd = after(&Move::default(), Some("ftp://new.example/"), true, 0);
        assert_eq!(odd, Move::default());
    }

    #[test]
    fn a_source_that_moved_once_may_move_again() {
        let mut known = Move {
            moved_to: Some("https://first.example/".into()),
            ..Move::default()
        };
        for day in 0..2 {
            known = after(&known, Some(NEW), true, day * DAY);
        }
        assert_eq!(known.moved_to.as_deref(), Some(NEW));
    }
}
