//! The sitemaps that a site's robots.txt names (RFC 9309 §2.2.4 leaves room for them).

use url::Url;

/// Sitemaps kept of one file.
const MOST: usize = 20;

/// The addresses of its `Sitemap:` lines.
pub(super) fn sitemaps(text: &str, at: &Url) -> Vec<Url> {
    let named = text.lines().take(10_000).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_sitemap = name.trim().eq_ignore_ascii_case("sitemap");
        let url = at.join(value.trim()).ok().filter(|_| is_sitemap)?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    });
    named.take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_name_sitemaps_are_read() {
        let at = Url::parse("https://e.org/robots.txt").unwrap();
        let text = "User-agent: *\nDisallow: /x\nsitemap:https://e.org/a.xml\r\nSitemap: /news.xml\nSitemap: javascript:x\n";
        let found: Vec<String> = sitemaps(text, &at).iter().map(Url::to_string).collect();
        assert_eq!(found, ["https://e.org/a.xml", "https://e.org/news.xml"]);
    }
}
