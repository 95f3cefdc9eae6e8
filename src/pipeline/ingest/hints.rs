//! What a source says about when to ask it, as it is kept between answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sources::Hints;

/// The stored form.
#[derive(Default, Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause_s: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    skip_hours: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    skip_days: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Reads what is stored; nothing where it is not ours.
pub(super) fn read(stored: &str) -> Hints {
    let stored: Stored = serde_json::from_str(stored).unwrap_or_default();
    Hints {
        pause: stored.pause_s.map(Duration::from_secs),
        skip_hours: stored.skip_hours,
        skip_days: u8::try_from(stored.skip_days).unwrap_or_default(),
    }
}

/// Writes it down.
pub(super) fn write(hints: Hints) -> String {
    let stored = Stored {
        pause_s: hints.pause.map(|pause| pause.as_secs()),
        skip_hours: hints.skip_hours,
        skip_days: hints.skip_days.into(),
    };
    serde_json::to_string(&stored).expect("three numbers are always JSON")
}

/// What is to be kept after an answer. A 304 has no document: what the last document said
/// stays, and what its headers add can only lengthen that. A document that says nothing keeps
/// what was known, until everything is read anew (`is_full`).
pub(super) fn kept(known: Hints, said: Hints, not_modified: bool, is_full: bool) -> Hints {
    if not_modified {
        return Hints {
            pause: known.pause.max(said.pause),
            ..known
        };
    }
    if said == Hints::default() && !is_full {
        return known;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(seconds: u64) -> Hints {
        Hints {
            pause: Some(Duration::from_secs(seconds)),
            ..Hints::default()
        }
    }

    #[test]
    fn hints_survive_being_stored_and_none_are_an_empty_object() {
        let hints = Hints {
            pause: Some(Duration::from_secs(5400)),
            skip_hours: 0b1011,
            skip_days: 0b110_0000,
        };
        assert_eq!(read(&write(hints)), hints);
        assert_eq!(write(Hints::default()), "{}");
        assert_eq!(read("{}"), Hints::default());
        assert_eq!(read("no json"), Hints::default());
    }

    #[test]
    fn hints_are_kept_over_answers_that_say_nothing_and_over_304() {
        let night = Hints {
            skip_hours: 0b111,
            ..pause(3600)
        };
        assert_eq!(kept(night, Hints::default(), true, false), night);
        assert_eq!(kept(night, pause(60), true, false), night);
        assert_eq!(
            kept(night, pause(7200), true, false).pause,
            pause(7200).pause
        );
        assert_eq!(kept(night, Hints::default(), false, false), night);
        assert_eq!(kept(night, pause(60), false, false), pause(60));
        // Once in a while the document alone decides.
        assert_eq!(kept(night, Hints::default(), false, true), Hints::default());
    }
}
