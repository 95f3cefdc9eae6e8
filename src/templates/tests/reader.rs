//! Which templates all readers can share, and that both ways make the same text.

use serde::Serialize;

use super::*;
use crate::templates::context::{Marks, Reader};

#[derive(Serialize)]
struct Sight<'a> {
    site: &'a str,
    names: &'a [&'a str],
    reader: Reader,
}

/// Templates that print the reader and do nothing else with them.
const SHARED: &[&str] = &[
    "nobody",
    "{{ reader.name }}",
    "Dear {{ reader.name }} <{{ reader.address }}>, {{ site }}, {{ reader['name'] }}",
    "{% if reader %}{{ reader.name }}{% endif %}",
    "{% include 'greeting.html' %}",
    "{% include 'child.html' %}",
    "{% include 'super.html' %}",
    "{% for n in names %}{{ n }} and {{ reader.name }}{% endfor %}",
    "{{ reader.address if site else reader.name }}",
    "{% if site == reader %}x{% endif %}{{ reader.name }}",
];

/// Templates that look at the reader.
const PER_READER: &[&str] = &[
    "{% if reader.name is defined %}x{% endif %}",
    "{% if reader.name %}Dear {{ reader.name }}{% endif %}",
    "{{ reader.name or 'Reader' }}",
    "{{ reader.name|default('Reader', true) }}",
    "{{ reader.name if reader.name else 'Reader' }}",
    "{{ reader.name|upper }} {{ reader.name }}",
    "{{ reader.name|safe }}",
    "{{ reader.name|e }}",
    "{{ reader.name ~ '!' }}",
    "{{ 'Hello ' ~ reader.name }}",
    "{{ reader.name[:3] }}",
    "{{ reader.name[0] is defined }}",
    "{{ reader.name|length }}",
    "{{ reader.name is string }}",
    "{{ reader.name == 'Ada' }}",
    "{{ 'Ada' == reader.name }}",
    "{{ reader.name != site }}{{ reader.name }}",
    "{{ reader.name in names }}",
    "{{ 'a' in reader.name }}",
    "{{ 'd' < reader.name }}",
    "{{ reader.address.name is defined }}",
    "{{ {'Ada': 1, '': 2}[reader.name] is defined }}",
    "{{ names|select('eq', reader.name)|list|length }}",
    "{{ names|join(reader.name) }}",
    "{{ [reader.name, 'B']|sort|first }}",
    "{{ t('by', names=reader.name) }}",
    "{{ reader }}",
    "{{ reader|items|list|length }}",
    "{{ reader|tojson }}",
    "{% for key in reader %}{{ reader[key] }} {{ key }}{% if reader[key] %}.{% endif %}{% endfor %}",
    "{% set n = reader.name %}{% if 'Ada' == n %}Hi {% endif %}{{ n }}",
    "{% set n %}{{ reader.name }}{% endset %}{% if n == 'Ada' %}Hi {% endif %}{{ n }}",
    "{% set n %}Dear {{ reader.name }}{% endset %}{{ n|upper }}",
    "{% filter wrap(12) %}Dear {{ reader.name }}, how are you?{% endfilter %}",
    "{% macro greet(n) %}{{ 'you' if 'Ada' == n else n }}{% endmacro %}{{ greet(reader.name) }}",
    "{% for n in [reader.name] %}{% if 'Ada' == n %}!{% endif %}{{ n }}{% endfor %}",
    "{% with n = reader.name %}{{ n == '' }}{{ n }}{% endwith %}",
    "{% autoescape false %}{{ reader.name }}{% endautoescape %}",
    "{% include 'plain.txt' %}",
    "{% include 'loud.html' %}",
];

const READERS: &[(&str, &str)] = &[
    ("Ada", "ada@example.com"),
    ("", "x@example.com"),
    ("Zoë O'Neil <b> & \"Co\"", "o'neil@example.com"),
    ("dad", "Dad@example.com"),
];

fn library() -> (tempfile::TempDir, Templates) {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in [
        ("greeting.html", "<p>{{ reader.name }}</p>"),
        (
            "parent.html",
            "{% block a %}{{ reader.name }}{% endblock %}",
        ),
        ("child.html", "{% extends 'parent.html' %}"),
        (
            "super.html",
            "{% extends 'parent.html' %}{% block a %}{{ super() }}!{% endblock %}",
        ),
        (
            "loud.html",
            "{% extends 'parent.html' %}{% block a %}{{ super()|upper }}!{% endblock %}",
        ),
        ("plain.txt", "{{ reader.name }}"),
    ] {
        fs::write(dir.path().join(name), source).unwrap();
    }
    let templates = Templates::load(Some(dir.path())).unwrap();
    (dir, templates)
}

fn marks() -> Marks {
    Marks {
        name: "reader-name-0a1b2c3d".into(),
        address: "reader-address-0a1b2c3d".into(),
    }
}

fn render(
    templates: &Templates,
    source: &str,
    format: Format,
    reader: &Reader,
) -> Result<String, TemplateError> {
    let sight = Sight {
        site: "Dispatch",
        names: &["Ada", "Bo"],
        reader: reader.clone(),
    };
    templates.render_source("x", source, format, &sight)
}

/// The text with a reader's own, escaped as the format wants it, in place of the marks.
fn filled(text: &str, (name, address): (&str, &str), format: Format) -> String {
    let escaped = |value: &str| match format {
        Format::Html => value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
        _ => value.to_owned(),
    };
    text.replace(&*marks().name, &escaped(name))
        .replace(&*marks().address, &escaped(address))
}

/// The text for all, where there is one.
fn shared(templates: &Templates, source: &str, format: Format) -> Option<String> {
    let reader = Reader::unknown(&marks());
    let text = render(templates, source, format, &reader).ok()?;
    let found = text.matches("-0a1b2c3d").count();
    (reader.only_printed()? == found).then_some(text)
}

#[test]
fn a_template_is_shared_when_it_only_prints_the_reader() {
    let (_dir, templates) = library();
    for source in SHARED {
        let shared = shared(&templates, source, Format::Html);
        assert!(shared.is_some(), "{source} is run for each reader");
    }
    for source in PER_READER {
        let shared = shared(&templates, source, Format::Html);
        assert_eq!(shared, None, "{source} is shared");
    }
}

#[test]
fn both_ways_make_the_text_that_a_single_reader_would_get() {
    let (_dir, templates) = library();
    for source in SHARED.iter().chain(PER_READER) {
        for format in [Format::Html, Format::Text] {
            let for_all = shared(&templates, source, format);
            for &(name, address) in READERS {
                let alone = render(&templates, source, format, &Reader::new(name, address));
                let marked = Reader::marked(name, address, &marks());
                let marked = render(&templates, source, format, &marked);
                let (Ok(alone), Ok(marked)) = (&alone, &marked) else {
                    let (alone, marked) = (alone.unwrap_err(), marked.unwrap_err());
                    assert_eq!(alone.to_string(), marked.to_string(), "{source}");
                    continue;
                };
                let whom = (name, address);
                assert_eq!(&filled(marked, whom, format), alone, "{source} for {name}");
                if let Some(for_all) = &for_all {
                    assert_eq!(for_all, marked, "{source} for {name}");
                }
            }
        }
    }
}

#[test]
fn a_wrong_name_of_the_readers_is_shown_with_the_right_one() {
    let (_dir, templates) = library();
    for reader in [
        Reader::new("Ada", "ada@example.com"),
        Reader::unknown(&marks()),
    ] {
        let wrong = render(&templates, "{{ reader.nmae }}", Format::Text, &reader).unwrap_err();
        assert!(wrong.to_string().contains("did you mean `name`"), "{wrong}");
    }
}
