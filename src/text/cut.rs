//! Shortening a text to a measure.
//!
//! Cut places are ends of sentences, then of words, then of graphemes; never inside an atom
//! (a link, hashtag or mention is kept whole or dropped whole), never after a joiner. What a
//! cut leaves open for the bidirectional algorithm is closed before the ellipsis.

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::atoms::atoms;
use super::clean::{clean, open_isolates};
use super::find_links;

/// A rule for the length of a text.
pub type Measure<'a> = dyn Fn(&str) -> usize + 'a;

/// The text, or as many whole words of it as measure at most `limit` with `…` behind them.
///
/// The text is [`clean`]ed first. No `…` where the cut falls on the end of a sentence. Empty
/// where not even one character fits.
#[must_use]
pub fn cut(text: &str, limit: usize, measure: &Measure<'_>) -> String {
    let text = clean(text);
    if measure(&text) <= limit {
        return text;
    }
    let atoms = atoms(&text);
    let allowed = |at: &usize| {
        let next = atoms.partition_point(|atom| atom.end <= *at);
        atoms.get(next).is_none_or(|atom| *at <= atom.start)
    };
    let fitting = |ends: Vec<usize>| longest(&text, &ends, &with_ellipsis, limit, measure);
    let words = text
        .split_word_bound_indices()
        .map(|(at, _)| at)
        .filter(&allowed)
        .filter(|at| !is_inside_compound(&text, *at) && is_between_graphemes(&text, *at))
        .collect();
    fitting(words)
        // One endless word, or a script that does not part words.
        .or_else(|| {
            let graphemes = text
                .grapheme_indices(true)
                .map(|(at, _)| at)
                .filter(&allowed)
                .collect();
            fitting(graphemes)
        })
        .unwrap_or_default()
}

/// As many whole sentences as measure at most `limit`; none where not one does.
#[must_use]
pub fn cut_at_sentence(text: &str, limit: usize, measure: &Measure<'_>) -> Option<String> {
    let text = clean(text);
    if measure(&text) <= limit {
        return Some(text);
    }
    let ends: Vec<usize> = text
        .split_sentence_bound_indices()
        .map(|(at, _)| at)
        .filter(|at| ends_sentence(&text[..*at]) && is_between_graphemes(&text, *at))
        .collect();
    longest(&text, &ends, &whole, limit, measure)
}

/// The text cut at a sentence, or at a word where that keeps much more of it: a first sentence
/// of three words is no summary when thirty would fit.
#[must_use]
pub fn shorten(text: &str, limit: usize, measure: &Measure<'_>) -> String {
    let at_word = cut(text, limit, measure);
    match cut_at_sentence(text, limit, measure) {
        Some(sentences) if sentences.len() * 5 >= at_word.len() * 2 => sentences,
        _ => at_word,
    }
}

/// The first `words` words of a text, with `…` where there were more.
///
/// Words are what white space parts; where a script has none, what UAX #29 parts.
#[must_use]
pub fn truncate_words(text: &str, words: usize) -> String {
    cut(text, words, &|text| {
        text.split_whitespace().map(words_in).sum()
    })
}

fn words_in(token: &str) -> usize {
    let unspaced = |c: char| {
        matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
    };
    if token.chars().any(unspaced) {
        token.unicode_words().count()
    } else {
        usize::from(token.chars().any(char::is_alphanumeric))
    }
}

/// The longest beginning of `text` that ends at one of `ends` and fits once it is finished.
fn longest(
    text: &str,
    ends: &[usize],
    finish: &dyn Fn(&str) -> String,
    limit: usize,
    measure: &Measure<'_>,
) -> Option<String> {
    // Longer beginnings measure more, but for a link that becomes one only when it is whole:
    // so search in halves, then make sure.
    let mut upto = ends.partition_point(|end| measure(&finish(&text[..*end])) <= limit);
    while upto > 0 {
        let finished = finish(&text[..ends[upto - 1]]);
        if finished.is_empty() {
            return None;
        }
        if measure(&finished) <= limit {
            return Some(finished);
        }
        upto -= 1;
    }
    None
}

fn with_ellipsis(kept: &str) -> String {
    let kept = trimmed(kept, is_dangling);
    if kept.is_empty() || ends_sentence(kept) {
        return whole(kept);
    }
    let mut finished = kept.to_owned();
    // Networks read `https://example.org/…` as one link.
    if find_links(kept)
        .last()
        .is_some_and(|link| link.end == kept.len())
    {
        finished.push(' ');
    }
    close_isolates(&mut finished);
    finished.push('…');
    finished
}

fn whole(kept: &str) -> String {
    let mut finished = trimmed(kept, is_joiner_or_space).to_owned();
    close_isolates(&mut finished);
    finished
}

/// The text without what looks torn off at its end. Goes by graphemes, as some scripts have
/// letters that join whatever follows, a quotation mark too: such a pair goes together. Only
/// joiners come off alone, what they would have joined is gone.
fn trimmed(mut kept: &str, is_loose: fn(char) -> bool) -> &str {
    while let Some(last) = kept.graphemes(true).next_back() {
        let torn = match last.chars().next_back() {
            Some(c) if is_joiner(c) => c.len_utf8(),
            Some(c) if is_loose(c) => last.len(),
            _ => break,
        };
        kept = &kept[..kept.len() - torn];
    }
    kept
}

fn close_isolates(text: &mut String) {
    for _ in 0..open_isolates(text) {
        text.push('\u{2069}');
    }
}

/// Whether no character is torn here: Thai `ำ` begins a word for UAX #29, but no grapheme.
fn is_between_graphemes(text: &str, at: usize) -> bool {
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    // The whole text is at hand, so that the cursor never asks for more.
    cursor.is_boundary(text, 0).unwrap_or(false)
}

/// Whether this is beside the hyphen of `forty-one`, which UAX #29 takes for two words.
fn is_inside_compound(text: &str, at: usize) -> bool {
    let (mut before, mut after) = (text[..at].chars().rev(), text[at..].chars());
    let hyphen = |c: &char| matches!(c, '-' | '\u{2010}' | '\u{2011}');
    if before.clone().next().is_some_and(|c| hyphen(&c)) {
        before.next();
    } else if after.clone().next().is_some_and(|c| hyphen(&c)) {
        after.next();
    } else {
        return false;
    }
    before.next().is_some_and(char::is_alphanumeric)
        && after.next().is_some_and(char::is_alphanumeric)
}

/// What looks torn off at the end of a cut text.
fn is_dangling(c: char) -> bool {
    is_joiner_or_space(c)
        || matches!(c, ',' | ';' | ':' | '–' | '—' | '-' | '/' | '(' | '[' | '{')
        || matches!(
            c,
            '"' | '\'' | '«' | '„' | '“' | '‘' | '¿' | '¡' | '،' | '؛' | '、' | '，'
        )
}

fn is_joiner_or_space(c: char) -> bool {
    c.is_whitespace() || is_joiner(c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{2066}'..='\u{2068}')
}

/// Whether a sentence is over here: a full stop of some script, or a line.
fn ends_sentence(kept: &str) -> bool {
    let trimmed = kept.trim_end();
    if kept[trimmed.len()..].contains('\n') {
        return !trimmed.is_empty();
    }
    let stem =
        trimmed.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']', '」', '』', '\u{2069}']);
    match stem.chars().next_back() {
        Some('.') => !is_abbreviated(stem),
        Some(c) => "!?…。！？۔؟।॥።".contains(c),
        None => false,
    }
}

/// `Dr.`, `U.S.`, `J.`: a full stop that ends no sentence.
fn is_abbreviated(stem: &str) -> bool {
    const SHORT: [&str; 22] = [
        "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Gen", "Col", "Lt", "Maj", "Capt", "Sen", "Rep",
        "Gov", "Jr", "Sr", "vs", "No", "Rs", "approx", "e.g", "i.e",
    ];
    let word = stem
        .trim_end_matches('.')
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '“' | '"'))
        .next()
        .unwrap_or_default();
    let initials = !word.is_empty() && word.split('.').all(|part| part.chars().count() == 1);
    initials && word.chars().all(|c| c.is_uppercase() || c == '.') || SHORT.contains(&word)
}
