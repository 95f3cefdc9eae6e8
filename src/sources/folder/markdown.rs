//! Markdown as HTML. Raw HTML stays in it; it is cleaned where all markup is.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::shortcodes::AddressOf;

/// A text as HTML.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) html: String,
    /// The heading it begins with, as plain text, if that is of the first rank.
    pub(super) heading: Option<String>,
}

/// Renders a text. Links to other pages' files become links to their addresses. A first
/// heading is taken off where it only repeats `title`, or is the only title there is.
pub(super) fn render(text: &str, title: Option<&str>, address_of: AddressOf<'_>) -> Rendered {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST;
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, options)
        .map(|event| linked(event, address_of))
        .collect();
    let heading = first_heading(&events);
    let mut rendered = Rendered::default();
    if let Some((words, end)) = heading {
        if title.is_none_or(|title| same(title, &words)) {
            events.drain(..end);
        }
        rendered.heading = Some(words).filter(|words| !words.is_empty());
    }
    html::push_html(&mut rendered.html, events.into_iter());
    rendered
}

/// The words of the heading at the very beginning, and how many events it has.
fn first_heading(events: &[Event<'_>]) -> Option<(String, usize)> {
    let Some(Event::Start(Tag::Heading { level, .. })) = events.first() else {
        return None;
    };
    if *level != HeadingLevel::H1 {
        return None;
    }
    let is_end = |event: &Event<'_>| matches!(event, Event::End(TagEnd::Heading(_)));
    let end = events.iter().position(is_end)?;
    let words = events[..end].iter().map(|event| match event {
        Event::Text(text) | Event::Code(text) => text.as_ref(),
        Event::SoftBreak | Event::HardBreak => " ",
        _ => "",
    });
    Some((words.collect(), end + 1))
}

fn same(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
    };
    words(a) == words(b)
}

fn linked<'e>(event: Event<'e>, address_of: AddressOf<'_>) -> Event<'e> {
    match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: to_page(&dest_url, address_of).map_or(dest_url, CowStr::from),
            title,
            id,
        }),
        other => other,
    }
}

/// The address of the page that a link to a file (`../other.md#part`, Zola's `@/a.md`) means.
fn to_page(target: &str, address_of: AddressOf<'_>) -> Option<String> {
    let (path, part) = target.split_once('#').unwrap_or((target, ""));
    let path = path.strip_prefix("@/").unwrap_or(path);
    if !path.ends_with(".md") || path.contains(':') {
        return None;
    }
    let address = address_of(path)?;
    Some(match part {
        "" => address,
        part => format!("{address}#{part}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text, Some("T"), &|path| {
            Some(format!("/{}/", path.trim_end_matches(".md")))
        })
        .html
    }

    #[test]
    fn tables_footnotes_and_strikethrough_are_read_and_links_lead_to_pages() {
        assert!(html("| a | b |\n|---|---|\n| 1 | 2 |\n").contains("<td>1</td>"));
        assert!(html("x[^1]\n\n[^1]: note\n").contains("note"));
        assert!(html("~~old~~ new").contains("<del>old</del>"));
        assert!(html("[x](other.md#part)").contains("href=\"/other/#part\""));
        assert!(html("[x](https://e.org/README.md)").contains("https://e.org/README.md"));
        assert!(html("<div class=x>raw</div>").contains("raw"));
    }

    #[test]
    fn a_first_heading_is_the_title_and_is_not_said_twice() {
        let none = |_: &str| None;
        let page = render("# Floods in *Sindh*\n\nText\n", None, &none);
        assert_eq!(page.heading.as_deref(), Some("Floods in Sindh"));
        assert_eq!(page.html, "<p>Text</p>\n");
        let page = render(
            "# floods in  sindh\n\nText\n",
            Some("Floods in Sindh"),
            &none,
        );
        assert_eq!(page.html, "<p>Text</p>\n");
        let page = render("# Another\n\nText\n", Some("Floods"), &none);
        assert!(page.html.contains("Another"));
    }

    #[test]
    fn hostile_markdown_is_rendered_in_bounds() {
        for text in [
            "[".repeat(50_000),
            "*a_ ".repeat(30_000),
            "> ".repeat(20_000),
            "![".repeat(30_000),
            "`".repeat(50_000),
        ] {
            assert!(html(&text).len() < 60 * text.len());
        }
    }
}
