//! The publication's feeds: RSS 2.0 as WordPress writes it, quirks included.

use super::{NAME, Site, Standing, TAGLINE, escape};
use crate::domain::UnixMillis;

/// The feed of one language. WordPress gives items no date of change: a correction shows
/// only in the text.
pub fn rss(site: &Site, language: &str) -> String {
    let (newest, changed) = site.newest(Some(language));
    let (self_path, home) = if language == "ur" {
        ("/ur/feed/", "/ur/")
    } else {
        ("/feed/", "/")
    };
    let mut rss = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"\n\
         \txmlns:content=\"http://purl.org/rss/1.0/modules/content/\"\n\
         \txmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n\
         \txmlns:atom=\"http://www.w3.org/2005/Atom\"\n\
         \txmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">\n\n<channel>\n\
         \t<title>{NAME}</title>\n\
         \t<atom:link href=\"{base}{self_path}\" rel=\"self\" type=\"application/rss+xml\" />\n\
         \t<link>{base}{home}</link>\n\
         \t<description>{TAGLINE}</description>\n\
         \t<lastBuildDate>{}</lastBuildDate>\n\
         \t<language>{language}</language>\n\
         \t<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>\n\
         \t<sy:updateFrequency>\n\t1\t</sy:updateFrequency>\n\
         \t<generator>https://wordpress.org/?v=6.9</generator>\n",
        rfc2822(changed),
        base = escape(&site.base),
    );
    for standing in newest {
        item(site, standing, &mut rss);
    }
    rss.push_str("</channel>\n</rss>\n");
    rss
}

fn item(site: &Site, standing: Standing, rss: &mut String) {
    let article = &site.articles[standing.index];
    let mut line = |text: String| {
        rss.push_str(&text);
        rss.push('\n');
    };
    line("\t<item>".to_owned());
    line(format!("\t\t<title>{}</title>", escape(article.title)));
    line(format!(
        "\t\t<link>{}</link>",
        escape(&site.url_of(standing))
    ));
    line(format!(
        "\t\t<dc:creator>{}</dc:creator>",
        cdata(&article.authors.join(", "))
    ));
    line(format!(
        "\t\t<pubDate>{}</pubDate>",
        rfc2822(standing.dated)
    ));
    for topic in &article.topics {
        line(format!("\t\t<category>{}</category>", cdata(topic)));
    }
    line(format!(
        "\t\t<guid isPermaLink=\"false\">{}/?p={}</guid>",
        escape(&site.base),
        article.id
    ));
    line(format!(
        "\t\t<description>{}</description>",
        cdata(&format!("<p>{}</p>\n", escape(article.summary)))
    ));
    line(format!(
        "\t\t<content:encoded>{}</content:encoded>",
        cdata(&site.body_of(standing))
    ));
    line("\t</item>".to_owned());
}

/// `]]>` would end the section, so it is cut in two.
fn cdata(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

fn rfc2822(at: UnixMillis) -> String {
    at.timestamp()
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string()
}
