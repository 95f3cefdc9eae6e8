//! Dates as feeds write them, which is not as their specifications say.
//!
//! RFC 3339 and RFC 2822 come first; then whatever can be told without guessing: no zone is
//! UTC, month names of eight languages, the digits of Urdu and Arabic, AM and PM, the zone
//! letters people use. What could be read in two ways (`03/04/2026`) is no date.

mod names;
#[cfg(test)]
mod tests;

use jiff::civil;

use self::names::{half_day, month, says_nothing, zone};
use crate::domain::UnixMillis;

/// The instant a feed means, if it can be told.
pub(in crate::sources) fn parse(text: &str) -> Option<UnixMillis> {
    let text = ascii_digits(text.trim());
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    if let Ok(instant) = text.parse::<UnixMillis>() {
        return sane(instant);
    }
    // RFC 2822 makes UTC of letters it does not know, and so does its parser.
    if is_zone_of_rfc2822(&text)
        && let Ok(zoned) = jiff::fmt::rfc2822::parse(&text)
    {
        return sane(UnixMillis::from(zoned.timestamp()));
    }
    if let Some(instant) = epoch(&text) {
        return sane(instant);
    }
    let words = words(&text);
    let (date, rest) = iso_date(&words).or_else(|| named_date(&words))?;
    let clock = clock(&rest)?;
    let offset = offset(&rest)?;
    let local = date
        .to_datetime(clock)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    sane(UnixMillis::from(local.timestamp()).plus_ms(-offset * 60_000))
}

/// Whether a text ends in a zone that RFC 2822 names, or in an offset.
fn is_zone_of_rfc2822(text: &str) -> bool {
    const ZONES: [&str; 11] = [
        "UT", "GMT", "UTC", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT",
    ];
    let last = text.rsplit(' ').next().unwrap_or("");
    ZONES.contains(&last) || last.starts_with(['+', '-'])
}

/// Years that can be meant; others are a field left at zero.
fn sane(instant: UnixMillis) -> Option<UnixMillis> {
    (1970..2200)
        .contains(&instant.timestamp().to_zoned(jiff::tz::TimeZone::UTC).year())
        .then_some(instant)
        .filter(|t| t.0 > 86_400_000)
}

fn ascii_digits(text: &str) -> String {
    in_one_word(text)
        .chars()
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{feff}'))
        .map(|c| {
            let zero = match c {
                '٠'..='٩' => '٠',
                '۰'..='۹' => '۰',
                _ => return c,
            };
            let digit = u32::from(c) - u32::from(zero);
            char::from_digit(digit, 10).unwrap_or(c)
        })
        .collect()
}

/// Months of the Levant that have names of two words, by their names in Egypt.
fn in_one_word(text: &str) -> String {
    [
        ("كانون الثاني", "يناير"),
        ("تشرين الأول", "أكتوبر"),
        ("تشرين الثاني", "نوفمبر"),
        ("كانون الأول", "ديسمبر"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (two, one)| text.replace(two, one))
}

/// Seconds or milliseconds since 1970.
fn epoch(text: &str) -> Option<UnixMillis> {
    if let Some((whole, part)) = text.split_once('.') {
        let is_part = (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let ms: i64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
        return epoch(whole)
            .filter(|_| is_part && whole.len() == 10)
            .map(|t| t.plus_ms(ms));
    }
    let number: i64 = text.parse().ok()?;
    match text.len() {
        10 => Some(UnixMillis(number * 1000)),
        13 => Some(UnixMillis(number)),
        _ => None,
    }
}

/// A run of digits, a run of letters, or one sign.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Number(i64, usize),
    Name(String),
    Sign(char),
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut run = String::from(c);
        let same = |next: char| {
            if c.is_ascii_digit() {
                next.is_ascii_digit()
            } else {
                c.is_alphabetic() && (next.is_alphabetic() || is_mark(next))
            }
        };
        while let Some(next) = chars.next_if(|&next| same(next)) {
            run.push(next);
        }
        if c.is_ascii_digit() {
            // 18 digits fit; longer runs are no part of a date.
            words.push(Word::Number(run.parse().unwrap_or(i64::MAX), run.len()));
        } else if c.is_alphabetic() {
            words.push(Word::Name(run.to_lowercase()));
        } else if !c.is_whitespace() && c != ',' && c != '،' {
            words.push(Word::Sign(c));
        }
    }
    words
}

/// Vowel signs inside a name of Urdu or Arabic.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{300}'..='\u{36f}')
}

/// `2026-11-23`, `2026/11/23`, `23.11.2026`, `20261123`, and what follows them.
fn iso_date(words: &[Word]) -> Option<(civil::Date, Vec<Word>)> {
    use Word::{Name, Number, Sign};
    // A weekday may stand in front.
    let start = usize::from(matches!(words.first(), Some(Name(_))));
    let words = words.get(start..)?;
    let rest = |n: usize| words.get(n..).unwrap_or(&[]).to_vec();
    match words {
        [
            Number(y, 4),
            Sign('-' | '/' | '.'),
            Number(m, 1 | 2),
            Sign('-' | '/' | '.'),
            Number(d, 1 | 2),
            ..,
        ] => Some((date(*y, *m, *d)?, rest(5))),
        [
            Number(a, 1 | 2),
            Sign('-' | '/' | '.'),
            Number(b, 1 | 2),
            Sign('-' | '/' | '.'),
            Number(y, 4),
            ..,
        ] => {
            let (day, month) = match (*a, *b, &words[1]) {
                // With dots the day is first everywhere.
                (a, b, Sign('.')) => (a, b),
                (a, b, _) if a > 12 || a == b => (a, b),
                (a, b, _) if b > 12 => (b, a),
                _ => return None,
            };
            Some((date(*y, month, day)?, rest(5)))
        }
        [Number(n, 8), ..] => Some((date(n / 10_000, n / 100 % 100, n % 100)?, rest(1))),
        [Number(n, 14)] => {
            let (day, clock) = (n / 1_000_000, n % 1_000_000);
            let rest = vec![Number(clock, 6)];
            Some((date(day / 10_000, day / 100 % 100, day % 100)?, rest))
        }
        _ => None,
    }
}

/// A date with a month's name: `Mon, 23 November 2026`, `Nov 23 2026`, `23-Nov-26`, `۲۳ نومبر`.
fn named_date(words: &[Word]) -> Option<(civil::Date, Vec<Word>)> {
    let at = words
        .iter()
        .position(|w| matches!(w, Word::Name(name) if month(name).is_some()))?;
    let Word::Name(name) = &words[at] else {
        return None;
    };
    let month = month(name)?;
    let number = |w: &Word| match w {
        Word::Number(n, length) => Some((*n, *length)),
        _ => None,
    };
    // The last number before the month is the day; the first after it the year, or the day
    // where there was none, with the year after that.
    let before = words[..at].iter().rev().find_map(number);
    let mut after = words
        .iter()
        .enumerate()
        .skip(at + 1)
        .filter_map(|(i, w)| number(w).map(|n| (i, n)));
    // `clock` is where a time of day may stand between day and year.
    let (day, year, clock, end) = match before {
        Some((day, 1 | 2)) => {
            let (end, year) = after.next()?;
            (day, year, end, end)
        }
        Some(year @ (_, 4)) => {
            let (end, (day, _)) = after.next()?;
            (day, year, end, end)
        }
        _ => {
            let (clock, (day, _)) = after.next()?;
            // `Nov 23 10:00:00 UTC 2026` (ctime) has its year at the end.
            let (end, year) = after.find(|(_, (_, length))| *length == 4)?;
            (day, year, clock + 1, end)
        }
    };
    let year = match year {
        (y, 4) => y,
        // A feed of the last century is older than a date of this one's end.
        (y @ 70.., 2) => 1900 + y,
        (y, 2) => 2000 + y,
        _ => return None,
    };
    let mut rest = words.get(clock..end).unwrap_or(&[]).to_vec();
    rest.extend_from_slice(words.get(end + 1..).unwrap_or(&[]));
    Some((date(year, month, day)?, rest))
}

fn date(year: i64, month: i64, day: i64) -> Option<civil::Date> {
    civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    )
    .ok()
}

/// The time of day in what follows a date; midnight where there is none. `None`: not a time.
fn clock(rest: &[Word]) -> Option<civil::Time> {
    use Word::{Name, Number, Sign};
    let Some(at) = rest.iter().position(|w| matches!(w, Number(..))) else {
        return Some(civil::Time::midnight());
    };
    let fraction = match &rest[at..] {
        [_, _, _, _, _, Sign('.'), Number(part, length @ 1..=9), ..] => {
            part * 10_i64.pow(9 - u32::try_from(*length).unwrap_or(9))
        }
        _ => 0,
    };
    let (hour, minute, second) = match &rest[at..] {
        [
            Number(h, _),
            Sign(':' | '.'),
            Number(m, 2),
            Sign(':' | '.'),
            Number(s, 2),
            ..,
        ] => (*h, *m, *s),
        [Number(h, _), Sign(':' | '.'), Number(m, 2), ..] => (*h, *m, 0),
        [Number(h, 1 | 2), Name(sign), Number(m, 2), ..] if sign == "h" => (*h, *m, 0),
        [Number(hms, 6), ..] => (hms / 10_000, hms / 100 % 100, hms % 100),
        // `+0500` alone, or `5 pm`.
        _ if at > 0 && matches!(rest[at - 1], Sign('+' | '-')) => (0, 0, 0),
        [Number(h, 1 | 2), Name(half), ..] if half_day(half).is_some() => (*h, 0, 0),
        _ => return None,
    };
    let half = rest.iter().find_map(|w| match w {
        Name(name) => half_day(name),
        _ => None,
    });
    let hour = match (hour, half) {
        // Midnight of the same day is meant by those who write 24.
        (24, None) => 0,
        (12, Some(0)) => 0,
        (h @ 1..=11, Some(12)) => h + 12,
        (h, _) => h,
    };
    let part = |n: i64| i8::try_from(n).ok();
    let fraction = i32::try_from(fraction).ok()?;
    civil::Time::new(part(hour)?, part(minute)?, part(second.min(59))?, fraction).ok()
}

/// Minutes east of Greenwich; `None`: there is a zone and it cannot be told.
fn offset(rest: &[Word]) -> Option<i64> {
    use Word::{Name, Number, Sign};
    for (i, word) in rest.iter().enumerate() {
        let east = match word {
            Sign('+') => 1,
            Sign('-' | '−') => -1,
            _ => continue,
        };
        let minutes = match rest.get(i + 1..) {
            Some([Number(h, 1 | 2), Sign(':'), Number(m, 2), ..]) => h * 60 + m,
            Some([Number(hm, 4), ..]) => hm / 100 * 60 + hm % 100,
            Some([Number(h, 1 | 2), ..]) => h * 60,
            _ => continue,
        };
        return (minutes <= 14 * 60).then_some(east * minutes);
    }
    let mut named = None;
    for word in rest {
        let Name(name) = word else {
            continue;
        };
        match zone(name) {
            Some(minutes) => named = named.or(Some(minutes)),
            None if says_nothing(name) => {}
            // Perhaps it was the zone's name; a date that is hours off is worse than none.
            None => return None,
        }
    }
    Some(named.unwrap_or(0))
}
