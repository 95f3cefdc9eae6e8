//! The filters and `t`, as a template uses them.

use serde_json::json;

use crate::templates::{Format, TemplateError, Templates};

fn render(source: &str) -> Result<String, TemplateError> {
    let context = json!({
        "language": "ur", "timezone": "Asia/Karachi",
        "channel": {"id": "brief", "kind": "email", "title": "<Brief>"},
        "issue": {"number": 12, "date": "2026-11-23T02:00:00Z"},
        "article": {
            "url": "https://e.org/a?b=1#c", "words": 12345, "topics": ["Pakistan", "Foreign Policy"],
            "html": "<p>One &amp; two.</p><ul><li>Three</li></ul>",
            "text": "First sentence here. Second sentence here, which is longer. Third.",
        },
    });
    Templates::load(None)?.render_source("x", source, Format::Text, context)
}

#[test]
fn filters_do_what_their_table_says() {
    for (source, made) in [
        ("{{ issue.date|date }}", "پیر، 23 نومبر 2026"),
        ("{{ issue.date|date('short', lang='en') }}", "23 Nov 2026"),
        ("{{ issue.date|date(format='time', tz='UTC') }}", "02:00"),
        ("{{ article.words|number }}", "12,345"),
        ("{{ article.words|number('de') }}", "12.345"),
        ("{{ article.topics|hashtags }}", "#Pakistan #ForeignPolicy"),
        ("{{ article.html|plain }}", "One & two. Three"),
        ("{{ article.text|truncate_words(2) }}", "First sentence…"),
        (
            "{{ article.text|first_sentences(25) }}",
            "First sentence here.",
        ),
        ("{{ article.text|fit(12) }}", "First…"),
        (
            "{{ article.text|wrap(22, indent='> ') }}",
            "First sentence here.\n> Second sentence\n> here, which is\n> longer. Third.",
        ),
        (
            "{{ 'x https://e.org/a/very/long/address y'|wrap(10) }}",
            "x\nhttps://e.org/a/very/long/address\ny",
        ),
        (
            "{{ article.url|utm(channel.id) }}",
            "https://e.org/a?b=1&utm_source=brief&utm_medium=email&utm_campaign=brief-12#c",
        ),
        (
            "{{ article.url|utm('x', medium='m', campaign='a b') }}",
            "https://e.org/a?b=1&utm_source=x&utm_medium=m&utm_campaign=a+b#c",
        ),
        ("{{ 'javascript:x'|safe_url }}", ""),
        ("{{ 93784|duration }} {{ 0|duration }}", "1 d 2 h 0 s"),
        ("{{ t('read_more') }}", "مزید پڑھیں"),
        ("{{ t('schedule_odd', default='odd') }}", "odd"),
        ("{{ t('number', n=3, lang='en') }}", "No. 3"),
        (
            "{{ t('read_at', site=channel.title, lang='xx') }}",
            "Read at <Brief>",
        ),
    ] {
        assert_eq!(render(source).unwrap(), made, "{source}");
    }
    let text = render("{{ article.html|text }}").unwrap();
    assert!(
        text.contains("One & two.\n") && text.contains("Three"),
        "{text:?}"
    );
}

#[test]
fn a_filter_given_the_wrong_thing_says_so() {
    for (source, word) in [
        ("{{ channel|date }}", "not a time"),
        ("{{ issue.date|date(zone='UTC') }}", "zone"),
        ("{{ channel.id|number }}", "not a number"),
        ("{{ issue.date|date(tz='Mars') }}", "time zone"),
        ("{{ article.url|utm }}", "missing argument"),
    ] {
        let e = render(source).unwrap_err().to_string();
        assert!(e.contains(word), "{source}: {e}");
    }
}
