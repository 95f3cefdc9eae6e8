//! The `number` filter: digits grouped as a language groups them, always 0 to 9.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, State, Value};

use super::strings::rendering_language;
use crate::domain::base_language;

/// `{{ article.words|number }}`, `{{ n|number("de") }}`.
#[allow(clippy::needless_pass_by_value)] // minijinja hands arguments over by value
pub(super) fn number(
    state: &State<'_, '_>,
    value: &Value,
    language: Option<&str>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let given = kwargs.get::<Option<&str>>("lang")?;
    kwargs.assert_all_used()?;
    let language = language
        .or(given)
        .map_or_else(|| rendering_language(state), str::to_owned);
    let text = value.to_string();
    let is_number = value.is_number() && text.bytes().any(|b| b.is_ascii_digit());
    if !is_number || text.contains(['e', 'E']) {
        let words = format!("`{value}` is not a number");
        return Err(Error::new(ErrorKind::InvalidOperation, words));
    }
    Ok(group(&text, &language))
}

/// Groups the digits of a plain decimal number.
fn group(digits: &str, language: &str) -> String {
    let style = Style::of(language);
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("\u{2212}", rest),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = String::from(sign);
    for (at, digit) in whole.char_indices() {
        let left = whole.len() - at;
        // The Indian system counts thousands first and then in hundreds: 12,34,567.
        let ends_group = match style.grouping {
            Grouping::Thousands => left.is_multiple_of(3),
            Grouping::Indian => left == 3 || (left > 3 && (left - 3).is_multiple_of(2)),
        };
        if at > 0 && ends_group && whole.len() >= style.from_digits {
            out.push(style.group);
        }
        out.push(digit);
    }
    // `1200.0` is how a whole number looks that was once computed with.
    if !fraction.is_empty() && fraction != "0" {
        out.push(style.decimal);
        out.push_str(fraction);
    }
    out
}

enum Grouping {
    Thousands,
    Indian,
}

/// Separators of a language, after CLDR's decimal formats.
struct Style {
    group: char,
    decimal: char,
    grouping: Grouping,
    /// Shorter numbers are not grouped (CLDR's `minimumGroupingDigits`).
    from_digits: usize,
}

impl Style {
    fn of(language: &str) -> Self {
        let tag = language.to_ascii_lowercase();
        let (group, decimal, from_digits) = match base_language(&tag).as_str() {
            "da" | "de" | "el" | "id" | "it" | "nl" | "ro" | "tr" | "vi" => ('.', ',', 4),
            "es" | "pt" => ('.', ',', 5),
            "fr" => ('\u{202f}', ',', 4),
            "cs" | "fi" | "nb" | "no" | "ru" | "sk" | "sv" | "uk" => ('\u{a0}', ',', 4),
            "hu" | "pl" => ('\u{a0}', ',', 5),
            _ => (',', '.', 4),
        };
        let indian = matches!(tag.as_str(), "en-in" | "en-pk" | "ur-in")
            || matches!(
                base_language(&tag).as_str(),
                "bn" | "gu" | "hi" | "kn" | "ml" | "mr" | "pa" | "ta" | "te"
            );
        Self {
            group,
            decimal,
            from_digits,
            grouping: if indian {
                Grouping::Indian
            } else {
                Grouping::Thousands
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::group;

    #[test]
    fn digits_are_grouped_as_the_language_groups_them() {
        for (digits, language, written) in [
            ("7", "en", "7"),
            ("999", "en", "999"),
            ("1000", "en", "1,000"),
            ("1234567", "en", "1,234,567"),
            ("1234567", "ur", "1,234,567"),
            ("1234567", "en-PK", "12,34,567"),
            ("1234567", "hi", "12,34,567"),
            ("1234567", "de", "1.234.567"),
            ("1234", "es", "1234"),
            ("12345", "es", "12.345"),
            ("1234567", "fr", "1\u{202f}234\u{202f}567"),
            ("-1234.5", "en", "\u{2212}1,234.5"),
            ("1200.0", "en", "1,200"),
        ] {
            assert_eq!(group(digits, language), written, "{digits} {language}");
        }
    }
}
