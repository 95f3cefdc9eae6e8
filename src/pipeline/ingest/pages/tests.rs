//! When a feed's text is only a summary, and when a page's text is not the article's.

use super::*;
use crate::html::extract::Page;

#[test]
fn a_feed_with_few_blocks_or_a_cut_end_has_only_a_summary() {
    let blocks = "<p>The river rose.</p>".repeat(5);
    for (summary, content) in [
        (true, None),
        (true, Some("One sentence of the article.".to_owned())),
        (true, Some("<p>One.</p><p>Two.</p>".to_owned())),
        (true, Some(format!("{blocks}<p>and then […]</p>"))),
        (true, Some(format!("{blocks}<p>and then&#8230;</p>"))),
        (
            true,
            Some(format!("{blocks}<p><a href='/x'>Read more →</a></p>")),
        ),
        (true, Some(format!("{blocks}<p>مزید پڑھیں</p>"))),
        (
            true,
            Some(format!(
                "{blocks}<p>and […]</p><p>The post X appeared first on Y.</p>"
            )),
        ),
        (false, Some(blocks.clone())),
        (
            false,
            Some(format!("{blocks}<p>The post X appeared first on Y.</p>")),
        ),
    ] {
        assert_eq!(is_summary(content.as_deref()), summary, "{content:?}");
    }
}

#[test]
fn a_log_in_is_not_the_text_of_an_article() {
    let entry = Entry {
        summary_html: Some("<p>Water levels rose through the night in Sindh […]</p>".into()),
        ..Entry::default()
    };
    let read = |content: &str| Read {
        page: Page {
            content_html: content.into(),
            ..Page::default()
        },
        url: Url::parse("https://news.example/1").unwrap(),
    };
    let refused = guard(&entry, &read("<p>Please log in to go on reading.</p>")).unwrap_err();
    assert!(
        refused.contains("has only 12 %") && refused.contains("`select`"),
        "{refused}"
    );
    let text =
        "<p>SUKKUR: Water levels in the river rose through the night, in Sindh and beyond.</p>";
    assert_eq!(guard(&entry, &read(text)), Ok(()));
}
