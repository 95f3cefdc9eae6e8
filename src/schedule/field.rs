//! One field of a cron expression: what crontab(5) allows there, as a set of numbers.

/// What a field counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name in messages.
    name: &'static str,
    lowest: u32,
    highest: u32,
    /// The names that stand for `lowest`, `lowest + 1` … (three letters; longer ones may follow).
    names: &'static [&'static str],
}

pub(super) const SECOND: Unit = numbers("second", 0, 59);
pub(super) const MINUTE: Unit = numbers("minute", 0, 59);
pub(super) const HOUR: Unit = numbers("hour", 0, 23);
pub(super) const DAY_OF_MONTH: Unit = numbers("day of month", 1, 31);
pub(super) const MONTH: Unit = Unit {
    name: "month",
    lowest: 1,
    highest: 12,
    names: &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
};
/// 0 and 7 are Sunday.
pub(super) const WEEKDAY: Unit = Unit {
    name: "weekday",
    lowest: 0,
    highest: 7,
    names: &[
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ],
};

const fn numbers(name: &'static str, lowest: u32, highest: u32) -> Unit {
    Unit {
        name,
        lowest,
        highest,
        names: &[],
    }
}

/// The numbers a field names, bit by bit, and whether it leaves the choice open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// It begins with `*` (or is `?`): crontab's mark of a field that restricts nothing.
    pub is_open: bool,
    /// A `*` stands somewhere in it.
    pub has_star: bool,
}

impl Field {
    /// The field in the `cron` crate's words; weekdays as names, as it counts them from 1.
    pub fn for_cron(self, unit: &Unit) -> String {
        let span = unit.lowest..=unit.highest.min(63);
        if span
            .clone()
            .all(|n| self.has(n) || unit == &WEEKDAY && n == 7)
        {
            return "*".to_owned();
        }
        let words = span.filter(|n| self.has(*n)).map(|n| {
            if unit == &WEEKDAY {
                unit.names[n as usize].to_uppercase()
            } else {
                n.to_string()
            }
        });
        words.collect::<Vec<_>>().join(",")
    }

    fn has(self, number: u32) -> bool {
        self.bits >> number & 1 == 1
    }
}

impl Unit {
    /// Reads a field of this unit; the error is a sentence naming field, word and remedy.
    pub fn parse(&self, text: &str) -> Result<Field, String> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= self.item(item, text)?;
        }
        if self == &WEEKDAY && bits >> 7 & 1 == 1 {
            bits = bits & 0x7f | 1;
        }
        Ok(Field {
            bits,
            is_open: text.starts_with(['*', '?']),
            has_star: text.contains('*'),
        })
    }

    /// `*`, `*/5`, `7`, `7-9`, `7-9/2`, and `7/2` for "from 7 to the end, every second".
    fn item(&self, item: &str, field: &str) -> Result<u64, String> {
        let name = self.name;
        if item.is_empty() {
            return Err(format!(
                "the {name} field `{field}` has a comma with nothing beside it"
            ));
        }
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, item)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.lowest, self.highest_once()),
            _ if range == "?" && self.may_be_any() => (self.lowest, self.highest_once()),
            Some((first, last)) => self.range(first, last)?,
            None if step.is_some() => (self.number(range)?, self.highest_once()),
            None => (self.number(range)?, self.number(range)?),
        };
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
        Ok((first..=last)
            .step_by(step)
            .fold(0, |bits, n| bits | 1 << n))
    }

    fn step(&self, step: &str, item: &str) -> Result<u32, String> {
        match step.parse() {
            Ok(step) if step > 0 => Ok(step),
            _ => Err(format!(
                "`{step}` is not a step in `{item}` of the {} field: after `/` comes a number \
                 from 1",
                self.name
            )),
        }
    }

    fn range(&self, first: &str, last: &str) -> Result<(u32, u32), String> {
        let (from, mut to) = (self.number(first)?, self.number(last)?);
        if self == &WEEKDAY && to == 0 && from > 0 {
            to = 7; // FRI-SUN
        }
        if from <= to {
            return Ok((from, to));
        }
        let lowest = if self == &WEEKDAY { 1 } else { self.lowest };
        let rest = if to == lowest {
            last.to_owned()
        } else {
            format!("{lowest}-{last}")
        };
        let highest = self.highest;
        Err(format!(
            "`{first}-{last}` in the {} field runs backwards: write `{first}-{highest},{rest}`",
            self.name
        ))
    }

    fn number(&self, word: &str) -> Result<u32, String> {
        if let Ok(number) = word.parse::<u32>() {
            if (self.lowest..=self.highest).contains(&number) && !word.starts_with('+') {
                return Ok(number);
            }
        } else if word.len() >= 3 && word.is_ascii() {
            let word = word.to_ascii_lowercase();
            let found = self.names.iter().position(|name| name.starts_with(&word));
            if let Some(index) = found.and_then(|index| u32::try_from(index).ok()) {
                return Ok(self.lowest + index);
            }
        }
        Err(self.refusal(word))
    }

    fn refusal(&self, word: &str) -> String {
        let Self {
            name,
            lowest,
            highest,
            ..
        } = self;
        if self.may_be_any() && word.contains(['L', 'W', '#']) && !word.contains(' ') {
            return format!(
                "`{word}` in the {name} field is not standard cron (`L`, `W` and `#` are \
                 extensions of other programs): list the days instead"
            );
        }
        let names = match self.names {
            [] => String::new(),
            [first, .., last] => format!(
                " or {} to {}",
                first[..3].to_uppercase(),
                last[..3].to_uppercase()
            ),
            [only] => format!(" or {only}"),
        };
        let article = if self == &HOUR { "an" } else { "a" };
        format!("`{word}` is not {article} {name}: write {lowest} to {highest}{names}")
    }

    /// Only the two day fields know `?`, as an older way to write `*`.
    fn may_be_any(&self) -> bool {
        self == &DAY_OF_MONTH || self == &WEEKDAY
    }

    /// The highest number that is not another name for the lowest (7 for 0 in weekdays).
    fn highest_once(&self) -> u32 {
        if self == &WEEKDAY { 6 } else { self.highest }
    }
}
