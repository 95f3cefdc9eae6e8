//! Takes away what a site puts around and into an article: menus, share bars, advertisements,
//! boxes of other articles, comments.
//!
//! Names decide (tags, roles, classes, ids), and weight is the guard: what holds more than a
//! quarter of the page's running text stays, whatever it is called, alone or with its like.
//! Only what no site names its text (`comments`, `footer`) may hold up to three fifths, because
//! under a short article the readers write more than the author.

use std::collections::HashMap;

use dom_query::{Document, NodeId, NodeRef};

use super::weight::{Weights, links};
use super::words::{self, Sure};
use crate::html::text::plain;

/// The share of a page's text that furniture may hold.
const SHARE: f32 = 0.25;
/// The same where there can be no doubt.
const SHARE_OF_SURE: f32 = 0.6;

/// Takes the furniture out of a document.
pub(super) fn strip(document: &Document) {
    let weights = Weights::of(document);
    let mut sentences = Sentences::default();
    let mut waiting: Vec<NodeRef<'_>> = document.root().children();
    while let Some(node) = waiting.pop() {
        if !node.is_element() {
            continue;
        }
        let sure = judge(&node, &mut sentences);
        let most = match sure {
            Sure::No => 0.0,
            Sure::Rather => SHARE,
            Sure::Quite => SHARE_OF_SURE,
        };
        if sure != Sure::No && weights.share(&node) <= most {
            node.remove_from_parent();
        } else {
            waiting.extend(node.children());
        }
    }
}

/// Whether an element is furniture by what it is and how it is called.
fn judge(node: &NodeRef<'_>, sentences: &mut Sentences) -> Sure {
    let Some(name) = node.node_name() else {
        return Sure::No;
    };
    let name: &str = &name;
    match name {
        "html" | "head" | "body" | "main" | "br" | "img" => return Sure::No,
        "nav" | "dialog" => return Sure::Quite,
        "button" | "form" | "label" | "fieldset" => return Sure::Rather,
        "footer" if !is_quoted(node) => return Sure::Quite,
        _ => {}
    }
    if node.has_attr("data-unseen") {
        return Sure::Rather;
    }
    let by_role = node.attr("role").map_or(Sure::No, |role| of_role(&role));
    by_role
        .max(by_names(node, name, sentences))
        .max(if name == "aside" {
            of_aside(node)
        } else {
            Sure::No
        })
}

fn of_role(role: &str) -> Sure {
    match role.trim() {
        "navigation" | "contentinfo" | "dialog" | "alertdialog" | "search" => Sure::Quite,
        "banner" | "menu" | "menubar" | "toolbar" | "alert" | "doc-toc" => Sure::Rather,
        _ => Sure::No,
    }
}

/// What stands beside the text: notes stay, lists of links go.
fn of_aside(node: &NodeRef<'_>) -> Sure {
    let (share, number) = links(node);
    if number > 0 && share > 0.25 || node.attr("role").as_deref() == Some("complementary") {
        Sure::Rather
    } else {
        Sure::No
    }
}

fn by_names(node: &NodeRef<'_>, name: &str, sentences: &mut Sentences) -> Sure {
    let of = |attribute: &str| {
        node.attr(attribute)
            .map_or(Sure::No, |v| words::of_names(&v))
    };
    // A heading's id is its text: `#comments-by-the-minister`.
    let is_frame = matches!(
        name,
        "div" | "section" | "aside" | "ul" | "ol" | "header" | "footer" | "article" | "table"
    );
    // Inside of these, names tell how a text is set.
    if is_quoted(node) || matches!(name, "figure" | "blockquote" | "table" | "pre" | "cite") {
        return Sure::No;
    }
    let mut sure = of("class");
    if is_frame {
        for attribute in [
            "id",
            "data-component",
            "data-testid",
            "data-module",
            "data-name",
        ] {
            sure = sure.max(of(attribute));
        }
        let label = node.attr("aria-label").unwrap_or_default();
        let first = label.split_whitespace().next().unwrap_or("");
        if label.len() <= 40 && words::of_names(first) != Sure::No {
            sure = sure.max(Sure::Rather);
        }
    }
    // What is set apart in a sentence is part of it.
    let in_sentence = matches!(
        name,
        "a" | "b" | "em" | "i" | "mark" | "span" | "strong" | "time"
    );
    let stays = sure != Sure::No && in_sentence && sentences.surround(node);
    if stays { Sure::No } else { sure }
}

/// Which elements hold running text of their own beside their elements.
#[derive(Default)]
struct Sentences(HashMap<NodeId, bool>);

impl Sentences {
    fn surround(&mut self, node: &NodeRef<'_>) -> bool {
        let Some(parent) = node.parent() else {
            return false;
        };
        // Looked at once: a parent may have as many children as a page has elements.
        *self.0.entry(parent.id).or_insert_with(|| {
            let own = parent.immediate_text();
            own.split_whitespace().nth(4).is_some()
        })
    }
}

fn is_quoted(node: &NodeRef<'_>) -> bool {
    node.ancestors_it(Some(8)).any(|above| {
        above
            .qual_name_ref()
            .is_some_and(|name| matches!(&*name.local, "figure" | "blockquote" | "table" | "pre"))
    })
}

/// The names in the line under the title, for pages that say them nowhere else.
pub(super) fn authors(document: &Document) -> Vec<String> {
    const PLACES: [&str; 8] = [
        "[itemprop=author] [itemprop=name]",
        "[itemprop=author]",
        "a[rel~=author]",
        ".author-name",
        ".byline a, .byline .author",
        ".entry-author a, .post-author a",
        ".author a",
        ".byline",
    ];
    for place in PLACES {
        let found = document.select(place);
        let Some(first) = found.nodes().first() else {
            continue;
        };
        let name = plain(&first.text());
        let name = without_by(&name);
        let is_name = name.chars().any(char::is_alphabetic) && name.split(' ').count() <= 6;
        if is_name {
            return vec![name.to_owned()];
        }
    }
    Vec::new()
}

/// A name without the word before it.
fn without_by(name: &str) -> &str {
    for by in ["By ", "by ", "BY ", "از ", "تحریر:", "تحریر "] {
        if let Some(rest) = name.strip_prefix(by) {
            return rest.trim();
        }
    }
    name.trim()
}
