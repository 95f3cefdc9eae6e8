//! Short texts from long ones.

use unicode_segmentation::UnicodeSegmentation;

use super::text::plain;

/// As many whole sentences of plain `text` as fit into `max_chars` characters; when not even
/// the first fits, its first words and an ellipsis.
#[must_use]
pub fn first_sentences(text: &str, max_chars: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let mut chars = 0;
    let mut end = 0;
    for (at, sentence) in text.split_sentence_bound_indices() {
        chars += sentence.trim_end().chars().count();
        if chars > max_chars {
            break;
        }
        chars += sentence.chars().count() - sentence.trim_end().chars().count();
        end = at + sentence.len();
    }
    let whole = text[..end].trim_end();
    // A first sentence of "Dr." or "3." says nothing; better a cut one.
    if whole.chars().count() * 4 >= max_chars {
        return whole.to_owned();
    }
    cut_at_word(text, max_chars)
}

fn cut_at_word(text: &str, max_chars: usize) -> String {
    let most = max_chars.saturating_sub(1);
    let mut end = 0;
    let mut chars = 0;
    for (at, word) in text.split_word_bound_indices() {
        chars += word.chars().count();
        if chars > most {
            break;
        }
        end = at + word.len();
    }
    let kept = text[..end].trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, ',' | ';' | ':' | '،' | '؛' | '-' | '–')
    });
    if kept.is_empty() {
        let mut end = 0;
        for (at, grapheme) in text.grapheme_indices(true) {
            let next = at + grapheme.len();
            if text[..next].chars().count() > most {
                break;
            }
            end = next;
        }
        return format!("{}…", &text[..end]);
    }
    format!("{kept}…")
}

/// An article's summary as plain text: the source's own, without the furniture that feeds put
/// around it; the first sentences of the body where there is none or only that furniture.
#[must_use]
pub fn lead(summary_html: Option<&str>, content_html: &str, max_chars: usize) -> String {
    let own = summary_html.map(plain).unwrap_or_default();
    let own = without_feed_tail(&own);
    if own.chars().any(char::is_alphanumeric) {
        return first_sentences(own, max_chars);
    }
    first_sentences(&plain(content_html), max_chars)
}

/// Plain text without what WordPress and its themes append to every excerpt.
#[must_use]
pub fn without_feed_tail(text: &str) -> &str {
    const TAILS: [&str; 8] = [
        "[…]",
        "[...]",
        "[…",
        "Continue reading",
        "Read more",
        "Read More",
        "→",
        "»",
    ];
    let mut text = match text.rfind("The post ") {
        Some(at) if text[at..].contains(" appeared first on ") => &text[..at],
        _ => text,
    }
    .trim();
    let mut cut = true;
    while cut {
        cut = false;
        for tail in TAILS {
            if let Some(rest) = text.strip_suffix(tail) {
                text = rest.trim_end();
                cut = true;
            }
        }
    }
    text
}

/// Words of HTML or text, in any script that writes them apart.
#[must_use]
pub fn word_count(html: &str) -> usize {
    plain(html).unicode_words().count()
}
