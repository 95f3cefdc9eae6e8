//! Where in a page the article stands.

use std::collections::HashMap;

use dom_query::{Document, NodeId, NodeRef};
use dom_smoothie::{Config, Readability};

use super::rules::PageRules;
use super::weight::{Weights, links};
use super::{furniture, labels};
use crate::html::text::plain;

/// Elements that content systems put nothing but the text into, the surest first.
const PLACES: &[&str] = &[
    "[itemprop=articleBody]",
    "[property='schema:text'], [property=articleBody]",
    ".entry-content, .entry__content, .entry-body",
    ".td-post-content, .tdb_single_content",
    ".wp-block-post-content",
    ".gh-content, .post-full-content",
    ".available-content, .body.markup",
    ".article-content, .article-body, .article__body, .article__content, .articleBody",
    ".story-body, .story-content, .story__content, .story__body, .storytext, #storytext",
    ".post-content, .post__content, .post-body, .post-text, .single-post-content",
    ".field--name-body, .field-name-body",
    ".single-content, .content-inner, .jeg_post_content, .single_post_content",
    ".news-content, .news-detail, .news-body, .detail-content, .story-detail",
    "main article, [role=main] article",
    "article, [role=article]",
    "main, [role=main]",
];
/// How many of them, at the end, hold more of the page than the text.
const MIXED: usize = 3;
/// The share of the page's text that such an element must hold.
const SHARE: f32 = 0.5;
/// The share of the readable text that the place of a page without names holds.
const ALMOST_ALL: f32 = 0.95;

/// The page's own heading.
pub(super) fn heading(document: &Document) -> Option<String> {
    let headings = document.select("h1");
    let texts = headings.nodes().iter().map(|h| plain(&h.text()));
    texts
        .filter(|text| !text.is_empty())
        .max_by_key(String::len)
}

/// The article's text. `None`: there is none.
pub(super) fn find(
    document: &Document,
    rules: &PageRules,
    title: Option<&str>,
    notes: &mut Vec<String>,
) -> Option<String> {
    for rule in &rules.strip {
        document.select_matcher(rule).remove();
    }
    if let Some(html) = selected(document, rules, title, notes) {
        return Some(html);
    }
    furniture::strip(document);
    let html = match known_place(document) {
        Some((place, holds_text_alone)) => {
            if !holds_text_alone {
                strip_ends(&place);
            }
            text_of(&place, title)
        }
        None => guessed(document, title)?,
    };
    (!plain(&html).is_empty()).then_some(html)
}

/// What the source's own rules name.
fn selected(
    document: &Document,
    rules: &PageRules,
    title: Option<&str>,
    notes: &mut Vec<String>,
) -> Option<String> {
    if rules.select.is_empty() {
        return None;
    }
    let matches = |node: &NodeRef<'_>| rules.select.iter().any(|rule| node.is_match(rule));
    let mut places: Vec<NodeRef<'_>> = Vec::new();
    let mut waiting = document.root().children();
    waiting.reverse();
    while let Some(node) = waiting.pop() {
        if node.is_element() && matches(&node) {
            places.push(node);
        } else {
            waiting.extend(node.children_it(true));
        }
    }
    if places.is_empty() {
        notes.push("`select` names nothing in the page; the text was looked for".to_owned());
        return None;
    }
    furniture::strip(document);
    let parts: Vec<String> = places.iter().map(|place| text_of(place, title)).collect();
    Some(parts.concat()).filter(|html| !plain(html).is_empty())
}

fn text_of(place: &NodeRef<'_>, title: Option<&str>) -> String {
    labels::strip(place, title);
    place.inner_html().to_string()
}

/// The element that holds the text by its name, where it holds most of it; and whether it holds
/// nothing else.
fn known_place(document: &Document) -> Option<(NodeRef<'_>, bool)> {
    let weights = Weights::of(document);
    for (at, place) in PLACES.iter().enumerate() {
        let found = document.select(place);
        let heaviest = found.nodes().iter().max_by_key(|node| weights.weight(node));
        if let Some(node) = heaviest {
            let share = weights.weight(node) as f32 / weights.total().max(1) as f32;
            if weights.total() > 0 && share >= SHARE {
                return Some((*node, at < PLACES.len() - MIXED));
            }
        }
    }
    None
}

/// Lists of links before and after the text.
fn strip_ends(place: &NodeRef<'_>) {
    let children = place.element_children();
    let is_links = |node: &NodeRef<'_>| {
        let (share, number) = links(node);
        let pictured = node.descendants_it().any(|n| n.has_name("figcaption"));
        let is_box = node
            .qual_name_ref()
            .is_some_and(|n| matches!(&*n.local, "ul" | "ol" | "div" | "section"));
        is_box && number >= 2 && share > 0.8 && !pictured
    };
    let tail = children.iter().rev().take_while(|node| is_links(node));
    let head = children.iter().take_while(|node| is_links(node));
    for node in head.chain(tail) {
        node.remove_from_parent();
    }
}

/// The text by its looks, for pages whose names say nothing: readability's rules find the
/// paragraphs, and all that stands among them belongs to them.
fn guessed(document: &Document, title: Option<&str>) -> Option<String> {
    let body = document.body()?;
    let weights = Weights::of(document);
    let readable = readable_blocks(document);
    let weight_of = |node: &NodeRef<'_>| match &readable {
        Some(blocks) => blocks.get(&node.id).copied().unwrap_or(0),
        None => weights.weight(node),
    };
    let mut place = body;
    let total = weight_of(&body).max(1);
    while let Some(inner) = place
        .element_children()
        .into_iter()
        .find(|child| weight_of(child) as f32 / total as f32 > ALMOST_ALL)
    {
        place = inner;
    }
    // A paragraph alone is no place; what stands beside it is part of the text.
    if place.has_name("p") {
        place = place.parent()?;
    }
    while let Some(wider) = wider(&place, &weights) {
        place = wider;
    }
    let children = place.element_children();
    let first = children.iter().position(|child| weight_of(child) > 0);
    let last = children.iter().rposition(|child| weight_of(child) > 0);
    for (at, child) in children.iter().enumerate() {
        let outside = first.is_some_and(|f| at < f) || last.is_some_and(|l| at > l);
        if outside && links(child).0 > 0.3 {
            child.remove_from_parent();
        }
    }
    strip_ends(&place);
    Some(text_of(&place, title)).filter(|_| total > 1)
}

/// The nearest element around a place that holds half as much again, and hardly a link in it: a
/// text in several boxes, of which readability took the first.
fn wider<'a>(place: &NodeRef<'a>, weights: &Weights) -> Option<NodeRef<'a>> {
    let own = weights.weight(place) as f32;
    let mut above = place.ancestors_it(None);
    let found = above.find(|node| weights.weight(node) as f32 >= own * 1.5)?;
    let is_inside = found.is_element() && !found.has_name("body") && !found.has_name("html");
    (is_inside && own > 0.0 && links(&found).0 < 0.2).then_some(found)
}

/// The letters that readability finds worth reading in each element. `None`: it finds nothing.
fn readable_blocks(document: &Document) -> Option<HashMap<NodeId, u32>> {
    let numbered: Vec<NodeRef<'_>> = document
        .root()
        .descendants_it()
        .filter(|node| matches!(node.node_name().as_deref(), Some("p" | "div" | "td" | "li")))
        .collect();
    for (number, node) in numbered.iter().enumerate() {
        node.set_attr("data-number", &number.to_string());
    }
    let config = Config {
        disable_json_ld: true,
        char_threshold: 200,
        ..Config::default()
    };
    let mut reader = Readability::new(document.html(), None, Some(config)).ok()?;
    let article = Document::from(reader.parse().ok()?.content);
    let mut readable: HashMap<NodeId, u32> = HashMap::new();
    for node in article.select("[data-number]").nodes() {
        let number: Option<usize> = node.attr("data-number").and_then(|n| n.parse().ok());
        let own = number.and_then(|n| numbered.get(n));
        let letters = node
            .immediate_text()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .count();
        if let Some(own) = own.filter(|_| letters > 0) {
            let letters = u32::try_from(letters).unwrap_or(u32::MAX);
            for above in std::iter::once(*own).chain(own.ancestors_it(None)) {
                *readable.entry(above.id).or_default() += letters;
            }
        }
    }
    (!readable.is_empty()).then_some(readable)
}
