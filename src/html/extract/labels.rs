//! Furniture that only its words give away: labels of advertisements, "Read more" lines,
//! headings over lists of other articles, lines with a date or a name over the text.

use std::sync::LazyLock;

use dom_query::NodeRef;
use regex::Regex;

use super::weight::links;
use crate::html::text::plain;

/// Words of a label at most.
const LABEL_WORDS: usize = 8;

/// A block that says only this is furniture.
static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(advertisements?|advertising|ads?|sponsored( content)?|promoted|story continues below.*|\
        article continues (below|after).*|continue reading( below)?|read more|read full (story|article)|\
        back to top( button)?|scroll to top|go to top|top|share( this)?( (article|story|post|via|on))?|\
        share on [a-z]+( [a-z]+)?|tweet|pin it|print|e-?mail|copy( this)? link|save|like this|loading|\
        follow us( on .*)?|join (us|our) (on )?(whatsapp|telegram).*|subscribe( now)?|sign up( now)?|\
        adblock detected.*|(please )?(disable|turn off) your ad ?blocker.*|leave a (comment|reply)|\
        (no|\d+) comments?|comments?|tags?|topics|filed under.*|skip to (main )?content|next|previous|\
        (previous|next) (article|post|story)|listen to (this )?article.*|\d+ shares?|\
        اشتہار(ات)?|سپانسرڈ|شیئر( کریں)?|مزید پڑھیں|مکمل پڑھیں|اوپر جائیں|واپس اوپر|تبصرے|تبصرہ کریں|\
        ہمیں فالو کریں.*|ٹیگز?|اگلی خبر|پچھلی خبر|پرنٹ کریں|لنک کاپی کریں)",
    )
});

/// A heading that stands over other articles.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"((related|recommended|more|other|latest|popular|trending|top|similar)( \w+)? \
        (articles?|posts?|stories|story|news|reads?|reading|coverage|topics|links|content)|related|\
        recommended( for you| by)?.*|you (may|might)( also)? (like|be interested in).*|\
        (also|must) read|read (also|next)|see also|don'?t miss|most (read|popular|viewed).*|trending( now)?|\
        more (from|on|in|about) .*|up next|what to read next|editor'?s picks?|in case you missed it|\
        متعلقہ (خبریں|مضامین|تحریریں|پوسٹس|مواد)|متعلقہ|یہ بھی پڑھیں|مزید (پڑھیں|خبریں|پڑھئے)|\
        (مقبول|تازہ|اہم) (ترین|خبریں).*|آپ یہ بھی پسند.*|ضرور پڑھیں|دیگر خبریں)",
    )
});

/// The beginning of a line that leads to another article.
static LEADS: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i)^\W*(also read|read also|read more|read next|must read|related( (story|article|news))?|\
        see also|more on this|more|watch( also)?|don'?t miss|یہ بھی پڑھیں|مزید پڑھیں|متعلقہ خبر|پڑھیے)\s*[:：|»>–—-]";
    Regex::new(&words.replace("\\\n", "").replace("        ", ""))
        .expect("a literal pattern is one")
});

/// A line over the text that names who and when.
static LINES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"((by|written by|posted by|reported by) .{2,60}|(published|updated|posted|last (updated|modified))\b.{0,60}|\
        \d+ ?(min|mins|minute|minutes)( read)?|[\d,.]+k? (views|reads)|reading time.{0,20}|\
        ((mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?,? )?(\d{1,2}(st|nd|rd|th)? [a-z]{3,9},? \d{4}|\
        [a-z]{3,9}\.? \d{1,2},? \d{4})([ ,|•·@-].{0,30})?|(تحریر|رپورٹ|از)\s?[:：].{2,40}|(شائع|اپ ڈیٹ|آخری اپ ڈیٹ)\b.{0,40}|\
        [\d۰-۹]+ منٹ( میں پڑھیں)?|[\d۰-۹,]+ (ویوز|مناظر)|ویب ڈیسک|نیوز ڈیسک)",
    )
});

/// A pattern for a whole line, written over several lines.
fn pattern(text: &str) -> Regex {
    let text: String = text.split("\\\n").map(str::trim_start).collect();
    Regex::new(&format!("(?i)^(?:{text})$")).expect("a literal pattern is one")
}

/// Takes away what `root` holds of such lines and lists.
pub(super) fn strip(root: &NodeRef<'_>, title: Option<&str>) {
    strip_top(root, title);
    for node in root.descendants() {
        // What was taken away with something above it.
        if node.parent().is_none() || !is_line(&node) {
            continue;
        }
        let text = plain(&node.text());
        let words = text.split_whitespace().count();
        if words == 0 || words > 40 {
            continue;
        }
        let label = bare(&text);
        if words <= LABEL_WORDS && OTHERS.is_match(label) && heads_others(&node) {
            strip_others(&node);
            continue;
        }
        let is_label = words <= LABEL_WORDS && LABELS.is_match(label) && !is_heading(&node);
        if is_label || (LEADS.is_match(&text) && links(&node).0 > 0.4) {
            node.remove_from_parent();
        }
    }
}

/// A text without the signs around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
}

fn is_heading(node: &NodeRef<'_>) -> bool {
    let name = node.qual_name_ref();
    name.is_some_and(|name| matches!(&*name.local, "h2" | "h3" | "h4" | "h5" | "h6"))
}

/// Whether an element is one line: a heading, a paragraph, a block without blocks in it.
fn is_line(node: &NodeRef<'_>) -> bool {
    let Some(name) = node.qual_name_ref() else {
        return false;
    };
    match &*name.local {
        "h2" | "h3" | "h4" | "h5" | "h6" | "p" | "li" => true,
        "div" | "section" | "span" | "a" | "strong" | "small" => {
            !has_blocks(node) && !in_line(node)
        }
        _ => false,
    }
}

/// Whether a line stands in another one, which is judged as a whole.
fn in_line(node: &NodeRef<'_>) -> bool {
    node.ancestors_it(Some(4)).any(|above| {
        let name = above.qual_name_ref();
        name.is_some_and(|name| {
            matches!(
                &*name.local,
                "p" | "li"
                    | "h2"
                    | "h3"
                    | "h4"
                    | "td"
                    | "th"
                    | "figcaption"
                    | "blockquote"
                    | "a"
                    | "dd"
                    | "dt"
            )
        })
    })
}

fn has_blocks(node: &NodeRef<'_>) -> bool {
    node.descendants_it().any(|n| {
        let name = n.qual_name_ref();
        name.is_some_and(|name| crate::html::tokens::is_block(&name.local) && &*name.local != "br")
    })
}

/// Whether a line stands over other articles: a list of links comes next, or it ends its box.
fn heads_others(node: &NodeRef<'_>) -> bool {
    match after(node) {
        Some(next) => is_list_of_links(&next),
        None => true,
    }
}

/// The next element that says something, also after the box the line stands alone in.
fn after<'a>(node: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    let mut at = *node;
    for _ in 0..3 {
        let mut next = at.next_element_sibling();
        while let Some(found) = next {
            if !plain(&found.text()).is_empty() {
                return Some(found);
            }
            next = found.next_element_sibling();
        }
        let parent = at.parent()?;
        if plain(&parent.text()) != plain(&node.text()) {
            return None;
        }
        at = parent;
    }
    None
}

fn is_list_of_links(node: &NodeRef<'_>) -> bool {
    let (share, number) = links(node);
    number > 0 && share > 0.6
}

/// Takes away a heading with the lists of links after it.
fn strip_others(node: &NodeRef<'_>) {
    let mut next = after(node);
    while let Some(list) = next.filter(is_list_of_links) {
        next = list.next_element_sibling();
        list.remove_from_parent();
    }
    node.remove_from_parent();
}

/// Takes away what stands over the text: the title once more, who wrote it and when.
fn strip_top(root: &NodeRef<'_>, title: Option<&str>) {
    let title = title.map(bare).unwrap_or_default().to_lowercase();
    let mut is_first = true;
    for node in root.descendants() {
        if node.parent().is_none() {
            continue;
        }
        let name = node.node_name().unwrap_or_default();
        let text = match &*name {
            "h1" | "h2" | "p" | "div" | "span" | "time" | "li" | "small" | "address" => {
                plain(&node.text())
            }
            _ => continue,
        };
        let words = text.split_whitespace().count();
        if words == 0 {
            continue;
        }
        let is_title = bare(&text).to_lowercase() == title;
        if (&*name == "h1" && is_first) || (is_title && words > 1 && name.starts_with('h')) {
            is_first = false;
            node.remove_from_parent();
        } else if is_line(&node) || matches!(&*name, "time" | "address") {
            if LINES.is_match(text.trim()) && !text.ends_with(['.', '۔']) {
                node.remove_from_parent();
            } else if words >= 12 && &*name != "h2" {
                return;
            }
        }
    }
}
