//! Finding links in plain text, by the rule of whoever will count or mark them.
//!
//! X's and Mastodon's rules are the regular expressions of twitter-text 3.1.0 (and Mastodon's
//! `config/initializers/twitter_regex.rb`, which widens paths to every script), walked by hand:
//! a domain must end in a known top-level domain, and a path ends before punctuation.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Whose rule decides what a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// With or without scheme; paths in Latin and Cyrillic letters.
    X,
    /// With scheme only; paths in any script.
    Mastodon,
}

static TLDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("tlds.txt").lines().collect());

/// The longest top-level domain, in bytes: what a look-up needs to try.
static LONGEST_TLD: LazyLock<usize> =
    LazyLock::new(|| TLDS.iter().map(|tld| tld.len()).max().unwrap_or(0));

/// The links a network recognises in a text, as byte ranges in order.
pub(super) fn find(text: &str, rule: Rule) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    let mut before: Option<char> = None;
    while let Some(c) = text[at..].chars().next() {
        // At the very start the expression would rather take a character before the link.
        let first_precedes =
            at == 0 && may_precede(Some(c)) && link_at(text, c.len_utf8(), Some(c), rule).is_some();
        if may_precede(before)
            && !first_precedes
            && let Some(link) = link_at(text, at, before, rule)
        {
            found.extend(link.counted);
            if link.end > at {
                before = text[..link.end].chars().next_back();
                at = link.end;
                // The expression wants a character before the next link that is not this one's.
                if let Some(c) = text[at..].chars().next() {
                    before = Some(c);
                    at += c.len_utf8();
                }
                continue;
            }
        }
        before = Some(c);
        at += c.len_utf8();
    }
    found
}

/// `validUrlPrecedingChars`.
fn may_precede(before: Option<char>) -> bool {
    before.is_none_or(|c| {
        !c.is_ascii_alphanumeric()
            && !matches!(
                c,
                '@' | '＠' | '$' | '#' | '＃' | '\u{fffe}' | '\u{feff}' | '\u{ffff}'
            )
    })
}

struct Link {
    /// What counts as a link: nothing when the expression matches and is then discarded,
    /// several where letters of another script stand between two domains.
    counted: Vec<Range<usize>>,
    /// Where the search goes on.
    end: usize,
}

fn link_at(text: &str, start: usize, before: Option<char>, rule: Rule) -> Option<Link> {
    let bytes = text.as_bytes();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| {
        bytes[start..].len() >= scheme.len()
            && bytes[start..start + scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
    });
    let host = start + scheme.map_or(0, str::len);
    if scheme.is_none() && rule == Rule::Mastodon {
        return None;
    }
    let host_end = domain(text, host)?;
    let tail = tail(text, host_end, rule);
    if scheme.is_some() {
        let end = if text[host..host_end].eq_ignore_ascii_case("t.co") {
            short_tail(text, host_end)
        } else {
            tail
        };
        return Some(Link {
            counted: std::iter::once(start..end).collect(),
            end,
        });
    }
    if matches!(before, Some('-' | '_' | '.' | '/')) {
        return Some(Link {
            counted: Vec::new(),
            end: tail,
        });
    }
    let mut counted = ascii_domains(text, host..host_end);
    if text[port_end(text, host_end)..].starts_with('/')
        && let Some(last) = counted.last_mut()
    {
        last.end = tail;
    }
    Some(Link { counted, end: tail })
}

/// `validDomain`: the end of the longest domain at `start` that ends in a known top-level one.
fn domain(text: &str, start: usize) -> Option<usize> {
    let mut longest = None;
    let mut label = start;
    let mut labels = 0;
    loop {
        let rest = &text[label..];
        if labels > 0
            && let Some(tld) = tld_prefix(rest)
            && name_fits(&text[start..label - 1])
        {
            longest = Some(label + tld);
        }
        let length = rest.find(|c| !in_label(c)).unwrap_or(rest.len());
        let inside = &rest[..length];
        if inside.is_empty()
            || inside.starts_with(['-', '_'])
            || inside.ends_with(['-', '_'])
            || !rest[length..].starts_with('.')
        {
            return longest;
        }
        labels += 1;
        label += length + 1;
    }
}

/// `validDomainName`: the label before the top-level domain has no underscore.
fn name_fits(before_tld: &str) -> bool {
    !before_tld
        .rsplit('.')
        .next()
        .unwrap_or(before_tld)
        .contains('_')
}

/// The length of the top-level domain that `text` begins with.
fn tld_prefix(text: &str) -> Option<usize> {
    let ascii = text.len().min(4);
    if text.as_bytes()[..ascii].eq_ignore_ascii_case(b"xn--") {
        let end = text[4..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .map_or(text.len(), |n| n + 4);
        return (end > 4).then_some(end);
    }
    text.char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= *LONGEST_TLD)
        .filter(|end| {
            let next = text[*end..].chars().next();
            next.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '+' | '-'))
                && TLDS.contains(text[..*end].to_ascii_lowercase().as_str())
        })
        .last()
}

/// `validAsciiDomain` inside a domain: of `日本語example.org` the link is `example.org`.
fn ascii_domains(text: &str, domain: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = domain.start;
    while let Some(c) = text[at..domain.end].chars().next() {
        match ascii_domain(&text[at..domain.end]) {
            Some(length) => {
                found.push(at..at + length);
                at += length;
            }
            None => at += c.len_utf8(),
        }
    }
    found
}

/// The length of the longest ASCII domain at the start of `text`.
fn ascii_domain(text: &str) -> Option<usize> {
    let in_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || is_accented(c);
    let mut longest = None;
    let mut label = 0;
    loop {
        let rest = &text[label..];
        if label > 0
            && let Some(tld) = tld_prefix(rest)
        {
            longest = Some(label + tld);
        }
        let length = rest.find(|c| !in_label(c)).unwrap_or(rest.len());
        if length == 0 || !rest[length..].starts_with('.') {
            return longest;
        }
        label += length + 1;
    }
}

/// Port, path and query: the end of the link whose domain ends at `at`.
fn tail(text: &str, mut at: usize, rule: Rule) -> usize {
    at = port_end(text, at);
    if text[at..].starts_with('/') {
        at = path_end(text, at + 1, rule);
    }
    if text[at..].starts_with('?') {
        let mut end = at;
        for (n, c) in text[at + 1..].char_indices() {
            if !query_char(c, rule) {
                break;
            }
            if query_may_end(c, rule) {
                end = at + 1 + n + c.len_utf8();
            }
        }
        at = end;
    }
    at
}

/// The end of `:8080`, if it stands at `at`.
fn port_end(text: &str, at: usize) -> usize {
    let digits = text[at..].strip_prefix(':').map_or(0, |port| {
        port.len() - port.trim_start_matches(|c: char| c.is_ascii_digit()).len()
    });
    if digits > 0 { at + 1 + digits } else { at }
}

/// A `t.co` link has one slug and nothing after it.
fn short_tail(text: &str, at: usize) -> usize {
    let Some(slug) = text[at..].strip_prefix('/') else {
        return at;
    };
    let length = slug
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(slug.len());
    at + 1 + length
}

/// `validUrlPath*` after the first slash.
fn path_end(text: &str, start: usize, rule: Rule) -> usize {
    let mut end = start;
    let mut at = start;
    while let Some(c) = text[at..].chars().next() {
        if c == '(' {
            let Some(close) = balanced(&text[at..], rule, true) else {
                break;
            };
            at += close;
            end = at;
        } else if path_char(c, rule) {
            at += c.len_utf8();
            if path_may_end(c, rule) {
                end = at;
            }
        } else {
            break;
        }
    }
    end
}

/// `validUrlBalancedParens`: brackets in a path, nested once at most; their length.
fn balanced(text: &str, rule: Rule, may_nest: bool) -> Option<usize> {
    let mut at = 1;
    let mut nested = false;
    loop {
        let c = text[at..].chars().next()?;
        match c {
            ')' => return (at > 1).then_some(at + 1),
            '(' if may_nest && !nested => {
                at += balanced(&text[at..], rule, false)?;
                nested = true;
            }
            c if c != '(' && path_char(c, rule) => at += c.len_utf8(),
            _ => return None,
        }
    }
}

fn is_accented(c: char) -> bool {
    matches!(c,
        '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' | '\u{253}' | '\u{254}'
        | '\u{256}' | '\u{257}' | '\u{259}' | '\u{25b}' | '\u{263}' | '\u{268}' | '\u{26f}'
        | '\u{272}' | '\u{289}' | '\u{28b}' | '\u{2bb}' | '\u{300}'..='\u{36f}'
        | '\u{1e00}'..='\u{1eff}')
}

/// Not in `invalidDomainChars`, or one of the two that may stand inside a label.
fn in_label(c: char) -> bool {
    matches!(c, '-' | '_')
        || !c.is_whitespace()
            && c != '\u{180e}'
            && !"!'#%&()*+,\\./:;<=>?@[]^{|}~$".contains(c)
            && !matches!(
                c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            )
            && !matches!(
                c,
                '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{feff}' | '\u{ffff}'
            )
}

fn path_char(c: char, rule: Rule) -> bool {
    match rule {
        Rule::X => {
            c.is_ascii_alphanumeric()
                || "!*';:=+,.$/%#[]-\u{2013}_~@|&".contains(c)
                || matches!(c, '\u{400}'..='\u{4ff}')
                || is_accented(c)
        }
        Rule::Mastodon => !c.is_whitespace() && !matches!(c, '<' | '>' | '(' | ')' | '?'),
    }
}

fn path_may_end(c: char, rule: Rule) -> bool {
    match rule {
        Rule::X => {
            c.is_ascii_alphanumeric()
                || "+-=_#/".contains(c)
                || matches!(c, '\u{400}'..='\u{4ff}')
                || is_accented(c)
        }
        Rule::Mastodon => !"!*\"'「」<>;:=,.$%[]~&|@".contains(c),
    }
}

fn query_char(c: char, rule: Rule) -> bool {
    c.is_ascii_alphanumeric()
        || "!?*'();:&=+$/%#[]-_.,~|@".contains(c)
        || rule == Rule::Mastodon && (c == '^' || c >= '\u{a0}' && !c.is_whitespace())
}

fn query_may_end(c: char, rule: Rule) -> bool {
    c.is_ascii_alphanumeric()
        || "-_&=#/".contains(c)
        || rule == Rule::Mastodon && c >= '\u{a0}' && !c.is_whitespace()
}
