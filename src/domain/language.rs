//! Languages as BCP 47 tags, and the direction they are written in.

/// The direction of a script, as HTML's `dir` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

impl Direction {
    /// `ltr` or `rtl`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// The primary subtag in lower case: `ur` of `ur-PK`, `en` of `EN_gb`.
#[must_use]
pub fn base_language(tag: &str) -> String {
    tag.split(['-', '_'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

/// The tag as it is usually written (RFC 5646 §2.1.1): `en-GB` of `en-gb`, `ur-Arab-PK` of
/// `UR-arab-pk`.
#[must_use]
pub fn canonical_language(tag: &str) -> String {
    let subtags = tag.split(['-', '_']).enumerate();
    let written = subtags.map(|(place, subtag)| match (place, subtag.len()) {
        (1.., 2) => subtag.to_ascii_uppercase(),
        (1.., 4) if subtag.is_ascii() => {
            subtag[..1].to_ascii_uppercase() + &subtag[1..].to_ascii_lowercase()
        }
        _ => subtag.to_ascii_lowercase(),
    });
    written.collect::<Vec<_>>().join("-")
}

/// The direction a language is written in; an explicit script subtag (RFC 5646 §2.2.3) wins.
#[must_use]
pub fn direction_of(tag: &str) -> Direction {
    const SCRIPTS: [&str; 11] = [
        "arab", "aran", "hebr", "thaa", "syrc", "nkoo", "adlm", "rohg", "mand", "samr", "yezi",
    ];
    // Languages whose default script (CLDR likelySubtags) is one of those above.
    const LANGUAGES: [&str; 22] = [
        "ar", "arc", "ary", "arz", "azb", "bal", "ckb", "dv", "fa", "glk", "he", "iw", "ji", "ks",
        "mzn", "ps", "sd", "skr", "ug", "ur", "yi", "nqo",
    ];
    let mut subtags = tag.split(['-', '_']).skip(1);
    if let Some(script) = subtags.find(|s| s.len() == 4 && s.is_ascii()) {
        return if SCRIPTS.contains(&script.to_ascii_lowercase().as_str()) {
            Direction::Rtl
        } else {
            Direction::Ltr
        };
    }
    if LANGUAGES.contains(&base_language(tag).as_str()) {
        Direction::Rtl
    } else {
        Direction::Ltr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_written_as_the_registry_writes_it() {
        assert_eq!(canonical_language("en-gb"), "en-GB");
        assert_eq!(canonical_language("UR_arab_pk"), "ur-Arab-PK");
        assert_eq!(canonical_language("es-419"), "es-419");
        assert_eq!(canonical_language(""), "");
    }

    #[test]
    fn urdu_is_right_to_left_and_a_script_subtag_wins() {
        assert_eq!(direction_of("ur-PK"), Direction::Rtl);
        assert_eq!(direction_of("ur-Latn-PK"), Direction::Ltr);
        assert_eq!(direction_of("pa-Arab"), Direction::Rtl);
        assert_eq!(direction_of("en"), Direction::Ltr);
        assert_eq!(direction_of(""), Direction::Ltr);
    }
}
