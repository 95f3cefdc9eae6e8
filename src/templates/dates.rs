//! The `date` filter: an instant in a zone, in the words of a language.

use chrono::Locale;
use chrono::format::{Item, StrftimeItems};
use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, State, Value};

use super::strings::rendering_language;
use crate::domain::{UnixMillis, base_language};

/// `{{ article.published|date("short", lang="ur", tz="Asia/Karachi") }}`. Forms: `long`
/// (default), `short`, `time`, `iso`, or an strftime pattern. Language and zone are those of
/// the rendering unless given.
#[allow(clippy::needless_pass_by_value)] // minijinja hands arguments over by value
pub(super) fn date(
    state: &State<'_, '_>,
    value: &Value,
    form: Option<&str>,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let given = kwargs.get::<Option<&str>>("format")?;
    let form = form.or(given).unwrap_or("long");
    let language = match kwargs.get::<Option<String>>("lang")? {
        Some(language) => language,
        None => rendering_language(state),
    };
    let zone = match kwargs.get::<Option<String>>("tz")? {
        Some(zone) => zone,
        None => rendering_zone(state),
    };
    kwargs.assert_all_used()?;
    write(instant(value)?, form, &language, &zone)
        .map_err(|words| Error::new(ErrorKind::InvalidOperation, words))
}

/// `timezone` of the context, else UTC.
fn rendering_zone(state: &State<'_, '_>) -> String {
    let zone = state.lookup("timezone");
    zone.as_ref()
        .and_then(Value::as_str)
        .unwrap_or("UTC")
        .to_owned()
}

/// RFC 3339 text, or milliseconds since 1970.
fn instant(value: &Value) -> Result<UnixMillis, Error> {
    let read = match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value.as_i64().map(UnixMillis),
    };
    read.ok_or_else(|| {
        let words = format!("`{value}` is not a time; `date` takes one such as `issue.date`");
        Error::new(ErrorKind::InvalidOperation, words)
    })
}

/// The instant in words.
pub(super) fn write(
    at: UnixMillis,
    form: &str,
    language: &str,
    zone: &str,
) -> Result<String, String> {
    let zoned = at
        .timestamp()
        .in_tz(zone)
        .map_err(|_| format!("`{zone}` is not a time zone; they look like `Asia/Karachi`"))?;
    let offset = chrono::FixedOffset::east_opt(zoned.offset().seconds()).filter(|_| form != "iso");
    let (Some(offset), Some(utc)) = (offset, chrono::DateTime::from_timestamp_millis(at.0)) else {
        return Ok(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    };
    let pattern = match form {
        "long" => patterns(language).0,
        "short" => patterns(language).1,
        "time" => "%H:%M",
        other => other,
    };
    let locale = locale(language);
    let items: Vec<Item<'_>> = StrftimeItems::new_with_locale(pattern, locale).collect();
    let wrong =
        || format!("`{form}` is not a form of date: long, short, time, iso or like `%d %B`");
    // chrono panics when it displays a wrong pattern.
    if items.contains(&Item::Error) || !pattern.contains('%') {
        return Err(wrong());
    }
    let mut text = String::new();
    let local = utc.with_timezone(&offset);
    let shown = local.format_localized_with_items(items.iter(), locale);
    std::fmt::Write::write_fmt(&mut text, format_args!("{shown}")).map_err(|_| wrong())?;
    if base_language(language) == "ur" {
        // glibc spells Monday with the Arabic yeh; Urdu has its own.
        text = text.replace('\u{64a}', "\u{6cc}");
    }
    Ok(text)
}

/// The long and the short order of a date in a language.
fn patterns(language: &str) -> (&'static str, &'static str) {
    if language.eq_ignore_ascii_case("en-US") {
        return ("%A, %B %-d, %Y", "%b %-d, %Y");
    }
    match base_language(language).as_str() {
        "ar" | "fa" | "ps" | "sd" | "ug" | "ur" => ("%A، %-d %B %Y", "%-d %B %Y"),
        "cs" | "da" | "de" | "fi" | "nb" | "no" | "sk" => ("%A, %-d. %B %Y", "%-d. %b %Y"),
        "es" | "pt" => ("%A, %-d de %B de %Y", "%-d %b %Y"),
        "fr" | "it" | "nl" | "pl" | "ru" | "sv" | "tr" | "uk" => ("%A %-d %B %Y", "%-d %b %Y"),
        "hu" => ("%Y. %B %-d., %A", "%Y. %b %-d."),
        "ja" | "zh" => ("%Y年%-m月%-d日 %A", "%Y年%-m月%-d日"),
        "ko" => ("%Y년 %-m월 %-d일 %A", "%Y년 %-m월 %-d일"),
        _ => ("%A, %-d %B %Y", "%-d %b %Y"),
    }
}

/// The table of names for a language tag: its own region's, else the usual one's; unknown
/// languages get English, as their fixed words do.
fn locale(language: &str) -> Locale {
    let base = base_language(language);
    let region = language.split(['-', '_']).skip(1).find(|s| s.len() == 2);
    let exact = region.map(|region| format!("{base}_{}", region.to_ascii_uppercase()));
    let usual = match base.as_str() {
        "ar" => "ar_EG",
        "bn" => "bn_BD",
        "cs" => "cs_CZ",
        "da" => "da_DK",
        "el" => "el_GR",
        "en" => "en_GB",
        "fa" => "fa_IR",
        "gu" | "hi" | "kn" | "ml" | "mr" | "pa" | "ta" | "te" => &format!("{base}_IN"),
        "he" => "he_IL",
        "ja" => "ja_JP",
        "ko" => "ko_KR",
        "nb" | "no" => "nb_NO",
        "ps" => "ps_AF",
        "sd" => "sd_IN",
        "sv" => "sv_SE",
        "uk" => "uk_UA",
        "ur" => "ur_PK",
        "vi" => "vi_VN",
        "zh" => "zh_CN",
        _ => &format!("{base}_{}", base.to_ascii_uppercase()),
    };
    exact
        .and_then(|name| Locale::try_from(name.as_str()).ok())
        .or_else(|| Locale::try_from(usual).ok())
        .unwrap_or(Locale::en_GB)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 23 November 2026, 23:30 in UTC.
    const AT: UnixMillis = UnixMillis(1_795_476_600_000);

    #[test]
    fn a_date_is_in_the_words_of_its_language_and_on_the_day_of_its_zone() {
        for (form, language, zone, written) in [
            ("long", "en", "UTC", "Monday, 23 November 2026"),
            ("long", "en", "Asia/Karachi", "Tuesday, 24 November 2026"),
            ("long", "en-US", "UTC", "Monday, November 23, 2026"),
            ("long", "ur", "UTC", "پیر، 23 نومبر 2026"),
            ("long", "ur-PK", "Asia/Karachi", "منگل، 24 نومبر 2026"),
            ("long", "de", "UTC", "Montag, 23. November 2026"),
            ("long", "qq", "UTC", "Monday, 23 November 2026"),
            ("short", "en", "UTC", "23 Nov 2026"),
            ("short", "ur", "UTC", "23 نومبر 2026"),
            ("time", "ur", "Asia/Karachi", "04:30"),
            ("iso", "ur", "Asia/Karachi", "2026-11-24T04:30:00+05:00"),
            ("%d.%m. %B", "fr", "UTC", "23.11. novembre"),
        ] {
            let text = write(AT, form, language, zone).unwrap();
            assert_eq!(text, written, "{form} {language} {zone}");
        }
    }

    #[test]
    fn a_wrong_form_or_zone_is_refused_with_advice() {
        assert!(write(AT, "%Q", "en", "UTC").unwrap_err().contains("%d %B"));
        assert!(write(AT, "lnog", "en", "UTC").is_err());
        assert!(write(AT, "%", "en", "UTC").is_err());
        let zone = write(AT, "long", "en", "Karachi").unwrap_err();
        assert!(zone.contains("Asia/Karachi"), "{zone}");
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for at in [i64::MIN, 0, i64::MAX] {
            for form in ["long", "short", "time", "iso"] {
                let _ = write(UnixMillis(at), form, "ur", "Asia/Karachi");
            }
        }
    }
}
