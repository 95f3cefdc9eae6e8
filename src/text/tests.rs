//! The vectors of the networks, and properties that hold for any string.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

/// Text, then UTF-8, UTF-16, code points, graphemes, X, Mastodon: made with ICU 78 and the
/// official JavaScript twitter-text 3.1.0.
const VECTORS: &[(&str, [usize; 6])] = &[
    ("hello", [5, 5, 5, 5, 5, 5]),
    ("Größe", [7, 5, 5, 5, 5, 5]),
    ("Gro\u{308}ße", [8, 6, 6, 5, 5, 5]),
    ("日本語のニュース", [24, 8, 8, 8, 16, 8]),
    ("👾", [4, 2, 1, 1, 2, 1]),
    ("🙋🏽", [8, 4, 2, 1, 2, 1]),
    ("👨\u{200D}👩\u{200D}👧\u{200D}👧", [25, 11, 7, 1, 2, 1]),
    ("🇩🇪🇫🇷", [16, 8, 4, 2, 4, 2]),
    ("1\u{FE0F}\u{20E3} ⚠\u{FE0F}", [14, 6, 6, 3, 5, 3]),
    ("שלום עולם", [17, 9, 9, 9, 9, 9]),
    ("مرحبا بالعالم", [25, 13, 13, 13, 13, 13]),
    (
        "ह\u{93F}न\u{94D}द\u{940} सम\u{93E}च\u{93E}र",
        [37, 13, 13, 7, 13, 7],
    ),
    ("e\u{301}\u{302}\u{323}x", [8, 5, 5, 2, 5, 2]),
    ("https://example.org/", [20, 20, 20, 20, 23, 23]),
    (
        "see http://a.b/c and example.org/path.",
        [38, 38, 38, 38, 45, 38],
    ),
    (
        "https://example.org/ünï?q=1#f (more)",
        [38, 36, 36, 36, 30, 30],
    ),
    (
        "Title — https://example.org/a-very-long-path/with/many/segments?utm_source=mastodon&utm_medium=social #news",
        [109, 107, 107, 107, 37, 37],
    ),
    ("@alice@example.com hi", [21, 21, 21, 21, 21, 9]),
    ("a\u{200D}b\u{200B}c", [9, 5, 5, 4, 5, 4]),
    ("𝔘𝔫𝔦𝔠𝔬𝔡𝔢", [28, 14, 7, 7, 14, 7]),
    ("\u{202E}abc\u{202C}", [9, 5, 5, 5, 7, 5]),
    ("“quotes” – dash — em … ‹x›", [40, 26, 26, 26, 29, 26]),
    ("ก\u{E47}ำ", [9, 3, 3, 1, 3, 1]),
    ("각", [3, 1, 1, 1, 2, 1]),
    ("한국어 뉴스", [16, 6, 6, 6, 11, 6]),
];

#[test]
fn every_counter_agrees_with_the_networks() {
    for (text, [bytes, utf16, points, clusters, x, mastodon]) in VECTORS {
        assert_eq!(utf8_bytes(text), *bytes, "bytes of {text:?}");
        assert_eq!(utf16_units(text), *utf16, "UTF-16 of {text:?}");
        assert_eq!(code_points(text), *points, "code points of {text:?}");
        assert_eq!(graphemes(text), *clusters, "graphemes of {text:?}");
        assert_eq!(weighted_x(text), *x, "X of {text:?}");
        assert_eq!(mastodon_length(text), *mastodon, "Mastodon of {text:?}");
    }
    assert_eq!(weighted_x(&"😀".repeat(140)), 280);
    let long = format!("{} https://example.org/x", "a".repeat(257));
    assert_eq!((weighted_x(&long), mastodon_length(&long)), (281, 281));
}

#[test]
fn x_counts_links_without_scheme_and_flags_side_by_side() {
    for (text, length) in [
        ("http://test.co", 23),
        ("Hi http://test.co", 26),
        ("example.org/path", 23),
        ("see example.org now", 31),
        ("example.org/path.", 24),
        ("a example.com b", 27),
        ("https://example.org/path. and example.org/path", 52),
        ("🇩🇪 🇫🇷", 5),
        ("©", 1),
        ("1", 1),
        ("ada@example.org", 15),
        ("日本語example.org", 29),
        ("v1.2.3 e.g. file.rs", 35),
        ("https://t.co/abc/def", 27),
        ("https://en.wikipedia.org/wiki/A_(b)", 23),
        ("https://example.pk/خبر", 26),
        ("_example.org", 12),
        ("http://[::1]/ http://127.0.0.1/", 31),
        ("éexample.com", 24),
        ("t.coخبرfile.rs", 49),
        ("", 0),
    ] {
        assert_eq!(weighted_x(text), length, "{text:?}");
    }
}

#[test]
fn threads_counts_the_bytes_of_emoji_only() {
    assert_eq!(threads_length("Größe"), 5);
    assert_eq!(threads_length("اردو"), 4);
    assert_eq!(threads_length("👾"), 4);
    assert_eq!(threads_length("👨\u{200D}👩\u{200D}👧\u{200D}👧!"), 26);
    assert_eq!(threads_length("1\u{FE0F}\u{20E3}"), 7);
}

#[test]
fn bluesky_takes_300_graphemes_and_3000_bytes() {
    assert_eq!(bluesky_length(&"a".repeat(300)), 300);
    let family = "👨\u{200D}👩\u{200D}👧\u{200D}👧";
    assert_eq!(bluesky_length(&family.repeat(120)), 300);
    assert_eq!(bluesky_length(&family.repeat(121)), 303);
}

#[test]
fn links_end_before_the_punctuation_around_them() {
    for (text, link) in [
        ("https://foo.com,", "https://foo.com"),
        ("(https://foo.com)", "https://foo.com"),
        (
            "https://foo.com/thing_(cool)",
            "https://foo.com/thing_(cool)",
        ),
        ("دیکھیں https://example.pk/خبر۔", "https://example.pk/خبر"),
        ("“HTTPS://a.b/?q=1#x”", "HTTPS://a.b/?q=1#x"),
        ("xhttp://127.0.0.1:80/a.", "http://127.0.0.1:80/a"),
    ] {
        let found = find_links(text);
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(&text[found[0].clone()], link);
    }
    for text in ["e.g.", "ftp://a.b", "http://", "https:// x", "://"] {
        assert!(find_links(text).is_empty(), "{text:?}");
    }
}

#[test]
fn hashtags_are_words_of_any_script_and_never_digits_only() {
    for (label, tag) in [
        ("Künstliche Intelligenz", Some("#KünstlicheIntelligenz")),
        ("climate policy", Some("#ClimatePolicy")),
        ("iPhone", Some("#iPhone")),
        ("COVID-19", Some("#COVID19")),
        ("Men’s health", Some("#MensHealth")),
        ("پاکستان کی خبریں", Some("#پاکستانکیخبریں")),
        ("हिन्दी", Some("#हिन्दी")),
        ("日本 経済", Some("#日本経済")),
        ("ο ΐ", Some("#ΟΪ\u{301}")),
        ("5G", Some("#5G")),
        ("2024", None),
        ("---", None),
        ("", None),
        ("🎉", None),
    ] {
        assert_eq!(hashtag(label).as_deref(), tag, "{label:?}");
    }
    let topics = ["News", "news", "2024", "World news"];
    assert_eq!(hashtags(&topics), "#News #WorldNews");
    assert_eq!(hashtag(&"a".repeat(65)), None);
}

#[test]
fn hashtags_are_found_as_bluesky_finds_them() {
    let found = |text: &str| -> Vec<(usize, usize)> {
        let tags = find_hashtags(text);
        tags.into_iter()
            .map(|tag| (tag.range.start, tag.range.end))
            .collect()
    };
    assert_eq!(found("#a #b"), [(0, 2), (3, 5)]);
    assert_eq!(found("#1"), []);
    assert_eq!(found("#1a"), [(0, 3)]);
    assert_eq!(found("body #tag"), [(5, 9)]);
    assert_eq!(found("a#b #\u{FE0F}\u{20E3} ##"), []);
    assert_eq!(found("#خبریں۔"), [(0, 11)]);
}

#[test]
fn cleaning_takes_out_what_deceives_and_keeps_what_is_written() {
    assert_eq!(clean("a\r\nb\rc\u{2028}d\te\u{0}\u{7}"), "a\nb\nc\nd e");
    assert_eq!(
        clean("evil \u{202E}txt.exe\u{202C}\u{FEFF}"),
        "evil txt.exe"
    );
    assert_eq!(
        clean("\u{2069}\u{2067}اردو\u{2069} \u{2066}x"),
        "\u{2067}اردو\u{2069} x"
    );
    assert_eq!(clean("Gro\u{308}ße"), "Größe");
    assert_eq!(one_line("  a\n\tb\u{3000}c "), "a b c");
    assert!(starts_right_to_left("«2024» اردو text"));
    assert!(!starts_right_to_left("1. English اردو"));
}

#[test]
fn text_is_cut_at_words_with_nothing_dangling() {
    let g = &graphemes;
    assert_eq!(cut("short", 5, g), "short");
    assert_eq!(cut("The quick brown fox", 12, g), "The quick…");
    assert_eq!(cut("One, two, three", 10, g), "One, two…");
    assert_eq!(cut("Over. And on it goes", 8, g), "Over.");
    assert_eq!(cut("He said “nobody knows”", 14, g), "He said…");
    assert_eq!(
        cut("Supercalifragilistic", 8, g),
        "Superca…",
        "one endless word"
    );
    assert_eq!(cut("東京の天気は晴れです", 6, g), "東京の天気…");
    assert_eq!(cut("It was twenty-one then", 16, g), "It was…");
    assert_eq!(cut("anything", 0, g), "");
    let family = "👨\u{200D}👩\u{200D}👧";
    assert_eq!(
        cut(&format!("{family}{family}{family}"), 2, g),
        format!("{family}…")
    );
}

#[test]
fn links_hashtags_and_mentions_are_kept_whole_or_dropped() {
    let g = &graphemes;
    let text = "See https://example.org/a-long/path?x=1 for #AllTheNews by @ada@example.org";
    assert_eq!(cut(text, 30, g), "See…");
    assert_eq!(
        cut(text, 41, g),
        "See https://example.org/a-long/path?x=1 …"
    );
    assert_eq!(
        cut(text, 50, g),
        "See https://example.org/a-long/path?x=1 for…"
    );
    assert_eq!(cut("see example.org/path now", 12, g), "see…");
    assert_eq!(cut("nice :party_parrot: indeed", 12, g), "nice…");
}

#[test]
fn isolates_left_open_by_a_cut_are_closed_before_the_ellipsis() {
    let text = "Title \u{2067}اردو میں ایک لمبی خبر\u{2069} and more";
    let shorter = cut(text, 17, &graphemes);
    assert_eq!(shorter, "Title \u{2067}اردو میں\u{2069}…");
}

#[test]
fn sentences_end_where_readers_think_they_end() {
    let sentence = |text: &str, n| cut_at_sentence(text, n, &graphemes);
    let text = "Dr. Smith of the U.S. Senate spoke. Then he left.";
    assert_eq!(
        sentence(text, 40).unwrap(),
        "Dr. Smith of the U.S. Senate spoke."
    );
    assert_eq!(sentence(text, 22), None);
    assert_eq!(
        sentence("یہ پہلا جملہ ہے۔ یہ دوسرا ہے۔", 20).unwrap(),
        "یہ پہلا جملہ ہے۔"
    );
    assert_eq!(
        sentence("今日は晴れ。明日は雨。", 8).unwrap(),
        "今日は晴れ。"
    );
    assert_eq!(
        sentence("• One\n• Two\n• Three", 12).unwrap(),
        "• One\n• Two"
    );
    let uneven = "Yes. But this long second sentence says what it is all about, at length";
    assert_eq!(
        shorten(uneven, 50, &graphemes),
        "Yes. But this long second sentence says what it…"
    );
}

#[test]
fn words_are_counted_in_scripts_with_and_without_spaces() {
    assert_eq!(truncate_words("one two three four", 2), "one two…");
    assert_eq!(truncate_words("one two", 2), "one two");
    assert_eq!(truncate_words("یہ ایک لمبا جملہ ہے", 3), "یہ ایک لمبا…");
    assert_eq!(truncate_words("東京の天気", 2), "東京…");
    assert_eq!(truncate_words("a b", 0), "");
}

/// Text with what makes cutting hard: links, tags, emoji, marks, isolates, controls.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[a-zé ]{1,12}",
        Just("https://example.org/a?b=c ".to_owned()),
        Just("example.com/x".to_owned()),
        Just("#tag @ada@example.org ".to_owned()),
        Just("👨\u{200D}👩\u{200D}👧🇩🇪🇫🇷1\u{FE0F}\u{20E3}".to_owned()),
        Just("e\u{301}\u{302} \u{2067}اردو ".to_owned()),
        Just("\u{2069}\u{202E}\u{0}\r\n. ".to_owned()),
        Just("日本語。한국어 ".to_owned()),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

const MEASURES: [fn(&str) -> usize; 8] = [
    graphemes,
    code_points,
    utf16_units,
    utf8_bytes,
    weighted_x,
    mastodon_length,
    threads_length,
    bluesky_length,
];

proptest! {
    #[test]
    fn a_cut_text_fits_and_is_a_whole_beginning(text in awkward(), limit in 0usize..90) {
        let whole = clean(&text);
        for measure in MEASURES {
            let short = cut(&text, limit, &measure);
            prop_assert!(measure(&short) <= limit);
            prop_assert_eq!(cut(&short, limit, &measure), short.clone());
            let kept = short.strip_suffix('…').filter(|_| short != whole).unwrap_or(&short);
            // What is put between a link and the ellipsis is no part of the beginning, even
            // where the text goes on with a space (and a mark that belongs to it).
            let kept = if short == whole { kept } else { kept.trim_end_matches(' ') };
            let kept = if whole.starts_with(kept) { kept } else {
                kept.trim_end_matches('\u{2069}').trim_end_matches(' ')
            };
            prop_assert!(whole.starts_with(kept), "{kept:?} does not begin {whole:?}");
            let mut ends = whole.grapheme_indices(true).map(|(at, _)| at);
            // Marks that open or join are taken off the end.
            let joiner = |c: char| ('\u{200b}'..='\u{200f}').contains(&c);
            let at_end = ends.any(|at| at == kept.len()) || kept.len() == whole.len();
            prop_assert!(at_end || whole[kept.len()..].starts_with(joiner), "{kept:?}");
            let opens = short.chars().filter(|c| matches!(c, '\u{2066}'..='\u{2068}')).count();
            let closes = short.chars().filter(|c| *c == '\u{2069}').count();
            prop_assert_eq!(opens, closes);
            let links = find_links(&whole);
            for link in find_links(&short) {
                prop_assert!(links.iter().any(|l| whole[l.clone()] == short[link.clone()]));
            }
        }
    }

    #[test]
    fn counting_and_finding_never_fail(text in any::<String>()) {
        for measure in MEASURES {
            measure(&text);
        }
        prop_assert_eq!(clean(&clean(&text)), clean(&text));
        prop_assert!(clean(&text).nfc().eq(clean(&text).chars()));
        for tag in find_hashtags(&text) {
            prop_assert_eq!(&text[tag.range.start + 1..tag.range.end], tag.tag.as_str());
        }
        let _ = truncate_words(&text, 3);
        if let Some(tag) = hashtag(&text) {
            prop_assert_eq!(find_hashtags(&tag).len(), 1);
        }
    }
}
