//! A source's state, as a word for programs and in words for people.

use std::time::Duration;

use super::SourceStatus;
use crate::config::SourceConfig;
use crate::domain::UnixMillis;
use crate::pipeline::ingest::is_alarming;
use crate::sources;
use crate::store::SourceMemory;

const NOT_YET: &str = "not asked yet";

/// How a source stands at `now`.
pub(super) fn source_status(
    source: &SourceConfig,
    memory: Option<&SourceMemory>,
    articles: i64,
    now: UnixMillis,
) -> SourceStatus {
    let state = match memory {
        Some(memory) if memory.gone => "gone",
        Some(memory) if memory.fails > 0 => "failing",
        Some(memory) if memory.last_fetch_at.is_some() => "ok",
        _ => "new",
    };
    SourceStatus {
        id: source.id.clone(),
        kind: source.kind.clone(),
        state,
        last_fetch: memory.and_then(|m| m.last_fetch_at),
        next_fetch: memory
            .and_then(|m| m.next_fetch_at)
            .filter(|_| state != "gone"),
        articles,
        error: memory.and_then(|m| m.error.clone()),
        explanation: match memory {
            _ if source.kind == sources::push::KIND.name => "articles are sent to it".to_owned(),
            Some(memory) => words(memory, now),
            None => NOT_YET.to_owned(),
        },
        needs_attention: memory.is_some_and(|m| {
            let last_try = m.last_fetch_at.unwrap_or(now);
            m.gone || is_alarming(source.own, m.fails, m.last_ok_at, last_try)
        }),
        push: None,
        fails: memory.map_or(0, |m| m.fails),
    }
}

/// How it does, in half a sentence or two.
fn words(memory: &SourceMemory, now: UnixMillis) -> String {
    if memory.gone {
        return "gone for good (410): remove it or give its new address".to_owned();
    }
    let mut words = if memory.fails > 0 {
        failing(memory, now)
    } else if memory.last_fetch_at.is_some() {
        answering(memory, now)
    } else {
        NOT_YET.to_owned()
    };
    if let Some(to) = &memory.moved_to {
        words.push_str(&format!("; moved to {to}, believed after a second answer"));
    }
    match (&memory.move_heard, memory.move_heard_at) {
        (Some(to), Some(_)) => words.push_str(&format!(
            "; says it has moved to {to}: believed when it says so again a day later"
        )),
        (Some(to), None) => words.push_str(&format!(
            "; redirects to {to}, where none of its articles stood: change its url if that is meant"
        )),
        _ => {}
    }
    words
}

fn failing(memory: &SourceMemory, now: UnixMillis) -> String {
    let since = match memory.last_ok_at {
        Some(at) => format!("failing for {}", about(now.since(at))),
        None => "could not be read yet".to_owned(),
    };
    let why = memory
        .status
        .map_or_else(String::new, |status| format!(" (HTTP {status})"));
    match (rest(memory, now), memory.next_fetch_at) {
        (Some(until), _) => format!("{since}{why}; {until}"),
        (None, Some(next)) => format!("{since}{why}: next try {}", clock(next, now)),
        (None, None) => format!("{since}{why}"),
    }
}

fn answering(memory: &SourceMemory, now: UnixMillis) -> String {
    if let Some(rest) = rest(memory, now) {
        return rest;
    }
    let pause = match (memory.last_fetch_at, memory.next_fetch_at) {
        (Some(last), Some(next)) if next > last => {
            format!("read every ~{}", about(next.since(last)))
        }
        _ => "read".to_owned(),
    };
    if memory.answers == 0 {
        return pause;
    }
    let share = 100 * memory.unmodified / memory.answers;
    format!("{pause}; unchanged in {share} % of polls")
}

fn rest(memory: &SourceMemory, now: UnixMillis) -> Option<String> {
    let until = memory.rest_until.filter(|until| *until > now)?;
    let until = clock(until, now);
    Some(format!(
        "waits: it or its host asked for rest until {until}"
    ))
}

/// A length of time as people say it.
fn about(time: Duration) -> String {
    let seconds = time.as_secs();
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..5_700 => format!("{} min", rounded(60)),
        5_700..172_800 => format!("{} h", rounded(3600)),
        _ => format!("{} days", rounded(86_400)),
    }
}

/// A time of the same day, or a date with it. It says its zone: the operators' page has the
/// site's times beside it.
fn clock(at: UnixMillis, now: UnixMillis) -> String {
    let civil = |t: UnixMillis| t.timestamp().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let (at, now) = (civil(at), civil(now));
    let form = if at.date() == now.date() {
        "%H:%M UTC"
    } else {
        "%-d %b %H:%M UTC"
    };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_767_592_800_000); // 5 January 2026, 06:00 UTC
    const MINUTE: i64 = 60_000;

    fn memory() -> SourceMemory {
        SourceMemory {
            last_fetch_at: Some(NOW.plus_ms(-2 * MINUTE)),
            last_ok_at: Some(NOW.plus_ms(-2 * MINUTE)),
            next_fetch_at: Some(NOW.plus_ms(10 * MINUTE)),
            answers: 250,
            unmodified: 240,
            ..SourceMemory::default()
        }
    }

    #[test]
    fn a_source_that_answers_says_how_often_and_how_much_was_saved() {
        assert_eq!(
            words(&memory(), NOW),
            "read every ~12 min; unchanged in 96 % of polls"
        );
    }

    #[test]
    fn a_failing_source_says_since_when_why_and_when_it_is_tried() {
        let failing = SourceMemory {
            fails: 7,
            status: Some(503),
            last_ok_at: Some(NOW.plus_ms(-180 * MINUTE)),
            ..memory()
        };
        assert_eq!(
            words(&failing, NOW),
            "failing for 3 h (HTTP 503): next try 06:10 UTC"
        );
        let resting = SourceMemory {
            rest_until: Some(NOW.plus_ms(20 * 60 * MINUTE)),
            ..failing
        };
        assert_eq!(
            words(&resting, NOW),
            "failing for 3 h (HTTP 503); waits: it or its host asked for rest until 6 Jan 02:00 UTC"
        );
        let never = SourceMemory {
            last_ok_at: None,
            status: None,
            rest_until: None,
            ..resting
        };
        assert_eq!(
            words(&never, NOW),
            "could not be read yet: next try 06:10 UTC"
        );
    }

    #[test]
    fn the_end_a_rest_and_a_move_are_said() {
        let gone = SourceMemory {
            gone: true,
            ..memory()
        };
        assert_eq!(
            words(&gone, NOW),
            "gone for good (410): remove it or give its new address"
        );
        let resting = SourceMemory {
            rest_until: Some(NOW.plus_ms(MINUTE)),
            ..memory()
        };
        assert_eq!(
            words(&resting, NOW),
            "waits: it or its host asked for rest until 06:01 UTC"
        );
        let moved = SourceMemory {
            moved_to: Some("https://new.example/".into()),
            ..memory()
        };
        let said = words(&moved, NOW);
        assert!(
            said.ends_with("; moved to https://new.example/, believed after a second answer"),
            "{said}"
        );
        assert_eq!(words(&SourceMemory::default(), NOW), "not asked yet");
    }
}
