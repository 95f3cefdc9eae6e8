//! A cron expression as a calendar over civil time: the part the `cron` crate does.

use std::str::FromStr as _;

use chrono::DateTime;

use super::ScheduleError;
use super::field::{DAY_OF_MONTH, Field, HOUR, MINUTE, MONTH, SECOND, Unit, WEEKDAY};

/// The nicknames of crontab(5) and what they stand for.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A parsed expression.
#[derive(Debug)]
pub(super) struct Expression {
    text: String,
    times_of_day: bool,
    /// One calendar; two when either day field may decide (crontab's OR of the day fields).
    calendars: Vec<cron::Schedule>,
}

impl Expression {
    /// Parses five fields, six with seconds in front, or a nickname.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let spelled_out = if text.starts_with('@') {
            nickname(text)?
        } else {
            text
        };
        let fields: Vec<&str> = spelled_out.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday] = match fields[..] {
            [minute, hour, day, month, weekday] => ["0", minute, hour, day, month, weekday],
            [second, minute, hour, day, month, weekday] => {
                [second, minute, hour, day, month, weekday]
            }
            _ => return Err(field_count(text, fields.len())),
        };
        let read = |unit: &Unit, field: &str| {
            unit.parse(field).map_err(|reason| ScheduleError::Field {
                expression: text.to_owned(),
                reason,
            })
        };
        let time = [
            read(&SECOND, second)?,
            read(&MINUTE, minute)?,
            read(&HOUR, hour)?,
        ];
        let days = [
            read(&DAY_OF_MONTH, day)?,
            read(&MONTH, month)?,
            read(&WEEKDAY, weekday)?,
        ];
        let expression = Self {
            text: text.to_owned(),
            times_of_day: !time[1].has_star && !time[2].has_star,
            calendars: calendars(time, days),
        };
        // Any start will do: the calendar repeats, and 29 February is never eight years away
        // from here.
        match expression.next_civil(0) {
            Some(_) => Ok(expression),
            None => Err(ScheduleError::NeverFires {
                expression: text.to_owned(),
            }),
        }
    }

    /// As the operator wrote it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it names times of day rather than an interval (see the module).
    pub fn names_times_of_day(&self) -> bool {
        self.times_of_day
    }

    /// The first civil second after `after` that the expression names.
    pub fn next_civil(&self, after: i64) -> Option<i64> {
        let after = DateTime::from_timestamp(after, 0)?;
        self.calendars
            .iter()
            .filter_map(|calendar| calendar.after(&after).next())
            .map(|next| next.timestamp())
            .min()
    }
}

/// The calendars whose union the fields mean: crontab(5) fires when *either* day field matches
/// if both are restricted, that is, if neither begins with `*`.
fn calendars(time: [Field; 3], [day, month, weekday]: [Field; 3]) -> Vec<cron::Schedule> {
    let [second, minute, hour] = time;
    let time = format!(
        "{} {} {}",
        second.for_cron(&SECOND),
        minute.for_cron(&MINUTE),
        hour.for_cron(&HOUR)
    );
    let (day_words, weekday_words) = (day.for_cron(&DAY_OF_MONTH), weekday.for_cron(&WEEKDAY));
    let month = month.for_cron(&MONTH);
    let spelled = if day.is_open || weekday.is_open {
        vec![format!("{time} {day_words} {month} {weekday_words}")]
    } else {
        vec![
            format!("{time} {day_words} {month} *"),
            format!("{time} * {month} {weekday_words}"),
        ]
    };
    spelled
        .iter()
        .map(|words| {
            cron::Schedule::from_str(words)
                .expect("lists of numbers in range and weekday names are what the crate reads")
        })
        .collect()
}

fn nickname(text: &str) -> Result<&'static str, ScheduleError> {
    let found = NICKNAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, spelled_out)| *spelled_out).ok_or_else(|| {
        let advice = if text.starts_with("@reboot") {
            "it would publish at every restart; write a time, as in `0 7 * * *`".to_owned()
        } else if text.starts_with("@every") {
            "write an interval as `*/10 * * * *` (every ten minutes)".to_owned()
        } else {
            let names = NICKNAMES.map(|(name, _)| name);
            format!("the names are {}", names.join(", "))
        };
        ScheduleError::Nickname {
            expression: text.to_owned(),
            advice,
        }
    })
}

fn field_count(text: &str, count: usize) -> ScheduleError {
    ScheduleError::FieldCount {
        expression: text.to_owned(),
        count: match count {
            0 => "no fields".to_owned(),
            1 => "one field".to_owned(),
            n => format!("{n} fields"),
        },
    }
}
