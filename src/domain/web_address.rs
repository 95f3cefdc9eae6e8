//! Addresses of pages as names: without what a migration or a click's origin changes.

use url::Url;

/// Parameters that only say where a click came from, by name (the list of Miniflux's cleaner).
const TRACKING: [&str; 51] = [
    "__hsfp",
    "__hssc",
    "__hstc",
    "_bhlid",
    "_branch_match_id",
    "_branch_referrer",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "campaign_content",
    "campaign_id",
    "campaign_medium",
    "campaign_name",
    "campaign_source",
    "campaign_term",
    "dclid",
    "fb_action_ids",
    "fb_action_types",
    "fb_comment_id",
    "fb_ref",
    "fb_source",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "hmb_campaign",
    "hmb_medium",
    "hmb_source",
    "hsa_cam",
    "hsctatracking",
    "igshid",
    "itm_campaign",
    "itm_medium",
    "itm_source",
    "mc_cid",
    "mc_eid",
    "mc_tc",
    "mkt_tok",
    "msclkid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "sc_cid",
    "srsltid",
    "twclid",
    "vero_conv",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
    "ysclid",
];
/// The same, by how the name begins.
const TRACKING_BEGINS: [&str; 4] = ["utm_", "mtm_", "pk_", "piwik_"];

/// An address without what changes when a site moves: scheme, `www.`, default port, trailing
/// slash, fragment and tracking parameters. `None` when it is no web address.
#[must_use]
pub fn normalise_url(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let url = strip_tracking(url);
    let host = url.host_str()?.trim_start_matches("www.").to_owned();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    Some(format!("{host}{port}{path}{query}"))
}

/// The same address without fragment and without the parameters that only say where a click
/// came from.
#[must_use]
pub fn strip_tracking(mut url: Url) -> Url {
    url.set_fragment(None);
    without_parameters(&mut url, |name, _| {
        let name = name.to_ascii_lowercase();
        TRACKING.contains(&&*name) || TRACKING_BEGINS.iter().any(|b| name.starts_with(b))
    });
    url
}

/// A normalised address without `ref=HOST`, which some systems write into all links of a feed:
/// it says where a click came from when it names one of `hosts`, else it may name the page.
#[must_use]
pub fn without_referrer(normal: &str, hosts: &[&str]) -> Option<String> {
    let mut url = Url::parse(&format!("http://{normal}")).ok()?;
    let bare = |host: &str| host.trim_start_matches("www.").to_ascii_lowercase();
    let dropped = without_parameters(&mut url, |name, value| {
        name == "ref" && hosts.iter().any(|host| bare(host) == bare(value))
    });
    dropped.then(|| normalise_url(url.as_str())).flatten()
}

/// Leaves out the query's parameters that `is_dropped` names; whether there were any.
fn without_parameters(url: &mut Url, is_dropped: impl Fn(&str, &str) -> bool) -> bool {
    let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let is_kept = |(name, value): &&(String, String)| !is_dropped(name, value);
    let kept: Vec<&(String, String)> = all.iter().filter(is_kept).collect();
    if kept.len() == all.len() {
        return false;
    }
    if kept.is_empty() {
        url.set_query(None);
    } else {
        let pairs = kept.into_iter().map(|(name, value)| (name, value));
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_to_https_or_a_tracking_parameter_keeps_the_name() {
        let names = [
            "http://www.example.org/a/",
            "https://example.org/a",
            "https://Example.org:443/a/?utm_source=rss&utm_medium=feed#top",
            "http://example.org:80/a?FBCLID=x&mc_eid=1&pk_campaign=2",
        ];
        for name in names {
            assert_eq!(
                normalise_url(name).as_deref(),
                Some("example.org/a"),
                "{name}"
            );
        }
        assert_eq!(
            normalise_url("https://example.org/?p=7").as_deref(),
            Some("example.org?p=7")
        );
        assert_eq!(normalise_url("urn:uuid:1"), None);
    }

    #[test]
    fn a_ref_is_tracking_only_when_it_names_the_feeds_host() {
        let hosts = ["www.news.example"];
        let clean = |normal: &str| without_referrer(normal, &hosts);
        let dropped = clean("other.example/a?id=1&ref=news.example");
        assert_eq!(dropped.as_deref(), Some("other.example/a?id=1"));
        let alone = clean("other.example/a?ref=NEWS.example");
        assert_eq!(alone.as_deref(), Some("other.example/a"));
        assert_eq!(clean("other.example/a?ref=chapter-2"), None);
        assert_eq!(clean("other.example/a"), None);
    }
}
