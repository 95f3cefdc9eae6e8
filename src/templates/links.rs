//! The filters over addresses: `safe_url` and `utm`.

use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};
use url::Url;

/// The address when it is one a reader may be sent to (`http`, `https`, `mailto`), else nothing.
/// Escaping alone does not make an attribute safe: `javascript:` needs no special characters.
pub(super) fn safe_url(address: &Value) -> String {
    let Some(address) = address.as_str() else {
        return String::new();
    };
    let address = address.trim();
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "mailto") => address.to_owned(),
        _ => String::new(),
    }
}

/// The test `is mail_picture`: an article's image whose format mail programs show. Gmail drops
/// SVG, Outlook knows neither WebP nor AVIF, and an empty frame is worse than no picture.
pub(super) fn is_mail_picture(image: &Value) -> bool {
    let address = image.get_attr("url").ok();
    let address = address.as_ref().and_then(Value::as_str).unwrap_or_default();
    Url::parse(address).is_ok_and(|url| {
        let path = url.path().to_ascii_lowercase();
        matches!(url.scheme(), "http" | "https")
            && ![".svg", ".svgz", ".webp", ".avif"]
                .iter()
                .any(|ending| path.ends_with(ending))
    })
}

/// Adds `utm_source`, `utm_medium` and `utm_campaign` to an `http` or `https` address:
/// `{{ article.url|utm(channel.id) }}`. The medium is `email`, `feed` or `social` by the
/// channel's kind, the campaign the issue's number; `medium=` and `campaign=` override them.
/// Parameters that are there already stay, and so does the fragment. Other addresses are
/// returned as they are.
#[allow(clippy::needless_pass_by_value)] // minijinja hands arguments over by value
pub(super) fn utm(
    state: &State<'_, '_>,
    address: &Value,
    source: &str,
    kwargs: Kwargs,
) -> Result<String, Error> {
    let medium = match kwargs.get::<Option<String>>("medium")? {
        Some(medium) => medium,
        None => medium_of(state).to_owned(),
    };
    let campaign = match kwargs.get::<Option<String>>("campaign")? {
        Some(campaign) => Some(campaign),
        None => issue_number(state).map(|number| format!("{source}-{number}")),
    };
    kwargs.assert_all_used()?;
    let text = address.as_str().unwrap_or_default();
    let mut parameters = vec![("utm_source", source), ("utm_medium", medium.as_str())];
    if let Some(campaign) = &campaign {
        parameters.push(("utm_campaign", campaign));
    }
    Ok(tag(text, &parameters))
}

fn medium_of(state: &State<'_, '_>) -> &'static str {
    let channel = state.lookup("channel");
    let kind = channel.and_then(|channel| channel.get_attr("kind").ok());
    match kind.as_ref().and_then(Value::as_str) {
        Some("email") | None => "email",
        Some("feed") => "feed",
        Some(_) => "social",
    }
}

fn issue_number(state: &State<'_, '_>) -> Option<i64> {
    state.lookup("issue")?.get_attr("number").ok()?.as_i64()
}

fn tag(address: &str, parameters: &[(&str, &str)]) -> String {
    let Ok(url) = Url::parse(address) else {
        return address.to_owned();
    };
    if !matches!(url.scheme(), "http" | "https") {
        return address.to_owned();
    }
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    let missing: Vec<_> = parameters.iter().filter(|(key, _)| !has(key)).collect();
    // The query is not parsed and written anew: servers read `a=b+c`, `a` and `%20` as they
    // stand, and a signed query must not change.
    let (front, fragment) = match address.split_once('#') {
        Some((front, fragment)) => (front, Some(fragment)),
        None => (address, None),
    };
    let mut out = front.to_owned();
    for (key, value) in missing {
        let joined = match front.contains('?') || out.contains('?') {
            true if out.ends_with(['?', '&']) => "",
            true => "&",
            false => "?",
        };
        let pair = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(key, value)
            .finish();
        out.push_str(joined);
        out.push_str(&pair);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_and_of_mail_pass() {
        for (address, safe) in [
            ("https://example.org/a?b=1&c#d", true),
            ("http://example.org", true),
            ("mailto:a@example.org", true),
            ("javascript:alert(1)", false),
            (" JaVaScRiPt:alert(1)", false),
            ("java\nscript:alert(1)", false),
            ("data:text/html,<script>", false),
            ("vbscript:x", false),
            ("//example.org/a", false),
            ("/a", false),
            ("", false),
        ] {
            let out = safe_url(&Value::from(address));
            assert_eq!(
                out == address.trim() && !out.is_empty(),
                safe,
                "{address:?}"
            );
        }
        assert_eq!(safe_url(&Value::from(())), "");
    }

    #[test]
    fn tracking_parameters_are_added_without_disturbing_the_address() {
        let tags = [("utm_source", "brief"), ("utm_medium", "email")];
        for (address, tagged) in [
            (
                "https://e.org/a",
                "https://e.org/a?utm_source=brief&utm_medium=email",
            ),
            (
                "https://e.org/a?x=b+c%20d",
                "https://e.org/a?x=b+c%20d&utm_source=brief&utm_medium=email",
            ),
            (
                "https://e.org/a?",
                "https://e.org/a?utm_source=brief&utm_medium=email",
            ),
            (
                "https://e.org/a#top",
                "https://e.org/a?utm_source=brief&utm_medium=email#top",
            ),
            (
                "https://e.org/a?utm_source=x#y",
                "https://e.org/a?utm_source=x&utm_medium=email#y",
            ),
            ("mailto:a@e.org", "mailto:a@e.org"),
            ("not an address", "not an address"),
        ] {
            assert_eq!(tag(address, &tags), tagged);
        }
    }
}
