//! Durations, sizes and rates as people write them: `10m`, `5MiB`, `50/s`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Implements `Deserialize` from a string by way of a parser that fails with a sentence. It
/// does so inside the visitor, where toml still knows the place.
macro_rules! from_string {
    ($name:ident, $expected:literal, $parse:expr) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Parser;
                impl serde::de::Visitor<'_> for Parser {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $parse(text).map_err(E::custom)
                    }
                }
                from.deserialize_str(Parser)
            }
        }
    };
}
pub(super) use from_string;

/// A duration written as `90s`, `5m`, `2h`, `7d` or `1w`, also joined as `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);
from_string!(HumanDuration, "a duration in quotes, as \"10m\"", |text| {
    parse_duration(text).map(HumanDuration)
});

/// A number of bytes written as `500`, `64KiB`, `5MiB`, `1GiB` (also `kB`, `MB`, `GB`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanSize(pub u64);
from_string!(HumanSize, "a size in quotes, as \"5MiB\"", |text| {
    parse_size(text).map(HumanSize)
});

/// So many in so long: `50/s`, `600/m`, `1000/h`, `20000/d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least one.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}
from_string!(Rate, "a rate in quotes, as \"50/s\"", str::parse::<Rate>);

impl Rate {
    /// The rate as a number per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.count) / self.per.as_secs_f64()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per.as_secs() {
            1 => "s",
            60 => "m",
            3600 => "h",
            _ => "d",
        };
        write!(f, "{}/{unit}", self.count)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("`{text}` is not a rate: write it as `50/s`, `600/m` or `1000/h`");
        let (count, unit) = text.split_once('/').ok_or_else(refusal)?;
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            "d" | "day" => 86_400,
            _ => return Err(refusal()),
        };
        let count = count.trim().parse().map_err(|_| refusal())?;
        if count == 0 {
            return Err(format!(
                "`{text}` would never send anything: the lowest rate is one, as in `1/h`"
            ));
        }
        Ok(Self {
            count,
            per: Duration::from_secs(seconds),
        })
    }
}

/// Parses `90s`, `5m`, `2h`, `7d`, `1w`, `500ms` and joined forms such as `1h30m`.
///
/// # Errors
/// A sentence for the operator.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let refusal =
        || format!("`{text}` is not a duration: write it as `90s`, `5m`, `2h`, `7d` or `1w`");
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "`{text}` has no unit: write `{text}s` for seconds, `{text}m` for minutes, \
             `{text}h` or `{text}d`"
        ));
    }
    let mut total = Duration::ZERO;
    loop {
        let (number, after) = split_number(rest).ok_or_else(refusal)?;
        let unit_ends = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_ends);
        let unit_ms: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(refusal()),
        };
        let part = number.checked_mul(unit_ms).map(Duration::from_millis);
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total < Duration::from_secs(100 * 366 * 86_400))
            .ok_or_else(|| format!("`{text}` is longer than a hundred years"))?;
        rest = next.trim_start();
        if rest.is_empty() {
            return Ok(total);
        }
    }
}

/// Parses `500`, `64KiB`, `5MiB`, `1GiB`, `5MB` into bytes.
///
/// # Errors
/// A sentence for the operator.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let refusal = || format!("`{text}` is not a size: write it as `500`, `64KiB` or `5MiB`");
    let (number, unit) = split_number(text.trim()).ok_or_else(refusal)?;
    let unit_bytes = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "KiB" | "K" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" | "M" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" | "G" => 1 << 30,
        _ => return Err(refusal()),
    };
    number.checked_mul(unit_bytes).ok_or_else(refusal)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_written() {
        let seconds = |text| parse_duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("7d"), Ok(604_800));
        assert_eq!(seconds("1w"), Ok(604_800));
        assert_eq!(seconds("1h 30m"), Ok(5400));
        assert_eq!(seconds("0s"), Ok(0));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_no_duration_is_refused_in_words() {
        let refuse = |text| parse_duration(text).unwrap_err();
        assert!(refuse("10").starts_with("`10` has no unit: write `10s` for seconds"));
        assert!(refuse("soon").starts_with("`soon` is not a duration: write it as"));
        assert!(refuse("").starts_with("`` is not a duration"));
        assert!(refuse("5y").starts_with("`5y` is not a duration"));
        assert!(refuse("-5m").starts_with("`-5m` is not a duration"));
        assert!(refuse("99999999999999999w").ends_with("longer than a hundred years"));
    }

    #[test]
    fn sizes_are_bytes() {
        assert_eq!(parse_size("5MiB"), Ok(5 << 20));
        assert_eq!(parse_size("500"), Ok(500));
        assert_eq!(parse_size("2 kB"), Ok(2000));
        assert!(parse_size("5 apples").is_err());
        assert!(parse_size("99999999999GiB").is_err());
    }

    #[test]
    fn rates_are_so_many_in_so_long() {
        let rate: Rate = "600/m".parse().unwrap();
        assert_eq!((rate.count, rate.per), (600, Duration::from_secs(60)));
        assert!((rate.per_second() - 10.0).abs() < 1e-9);
        assert_eq!(rate.to_string(), "600/m");
        let refuse = |text: &str| text.parse::<Rate>().unwrap_err();
        assert!(refuse("50").starts_with("`50` is not a rate: write it as `50/s`"));
        assert!(refuse("x/s").starts_with("`x/s` is not a rate"));
        assert!(refuse("0/s").starts_with("`0/s` would never send anything"));
    }
}
