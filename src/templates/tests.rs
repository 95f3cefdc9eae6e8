//! The fence, the errors, the operator's directory.

use std::fs;

use serde_json::json;

use super::*;

fn built_in() -> Templates {
    Templates::load(None).unwrap()
}

#[test]
fn a_wrong_name_is_shown_with_its_place_and_the_right_one() {
    let templates = built_in();
    let context = json!({"issue": {"title": "x", "articles": [{"title": "y"}]}});
    let report = |source: &str| {
        let rendered =
            templates.render_source("channels.brief.subject", source, Format::Text, &context);
        rendered.unwrap_err().to_string()
    };
    insta::assert_snapshot!(report("New: {{ isue.title }}"), @r"
    channels.brief.subject:1:9: `isue` is not there
      1 | New: {{ isue.title }}
        |         ^^^^^^^^^^
      help: did you mean `issue`?
    ");
    insta::assert_snapshot!(report("{{ issue.articles[0].titel }}"), @r"
    channels.brief.subject:1:4: `issue.articles[0].titel` is not there
      1 | {{ issue.articles[0].titel }}
        |    ^^^^^^^^^^^^^^^^^^^^^^^
      help: did you mean `title`?
    ");
    insta::assert_snapshot!(report("{{ issue.wholly_unknown }}"), @r"
    channels.brief.subject:1:4: `issue.wholly_unknown` is not there
      1 | {{ issue.wholly_unknown }}
        |    ^^^^^^^^^^^^^^^^^^^^
      help: if it may be missing, write `{% if issue.wholly_unknown is defined %}` around it
    ");
    insta::assert_snapshot!(report("{{ issue.title|trunkate_words(3) }}"), @r"
    channels.brief.subject:1:16: there is no filter `trunkate_words`
      1 | {{ issue.title|trunkate_words(3) }}
        |                ^^^^^^^^^^^^^^^^^
      help: did you mean `truncate_words`?
    ");
    insta::assert_snapshot!(report("a\n{% if issue.title %}x"), @r"
    channels.brief.subject:2:21: syntax error: unexpected end of input, expected end of block
      2 | {% if issue.title %}x
        |                     ^
    ");
    insta::assert_snapshot!(report("{{ t('reed_more') }}"), @r"
    channels.brief.subject:1:4: there are no words for `reed_more` in the strings; did you mean `read_more`?
      1 | {{ t('reed_more') }}
        |    ^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(report("{{ issue.title|date }}"), @r"
    channels.brief.subject:1:16: `x` is not a time; `date` takes one such as `issue.date`
      1 | {{ issue.title|date }}
        |                ^^^^
    ");
    insta::assert_snapshot!(report("{% include 'email/digset.html' %}"), @r"
    channels.brief.subject:1:4: there is no template `email/digset.html`
      1 | {% include 'email/digset.html' %}
        |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: did you mean `email/digest.html`?
    ");
    insta::assert_snapshot!(report("{% include '../../etc/passwd' %}"), @r"
    channels.brief.subject:1:4: there is no template `../../etc/passwd`
      1 | {% include '../../etc/passwd' %}
        |    ^^^^^^^^^^^^^^^^^^^^^^^^^^
      help: templates are named by their path below the templates directory, such as `email/digest.html`
    ");
}

#[test]
fn an_expression_says_what_is_wrong_with_it() {
    let templates = built_in();
    let context = json!({"article": {"words": 81, "topics": ["City"]}});
    let compile = |source: &str| templates.expression("channels.brief.where", source);
    assert!(
        compile("article.words > 80")
            .unwrap()
            .is_true(&context)
            .unwrap()
    );
    assert!(
        !compile("'Sport' in article.topics")
            .unwrap()
            .is_true(&context)
            .unwrap()
    );
    let ask = |source: &str| {
        compile(source)
            .unwrap()
            .is_true(&context)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(compile("article.words >").unwrap_err(), @r"
    channels.brief.where:1:15: syntax error: unexpected end of input, expected expression
      1 | article.words >
        |               ^
    ");
    insta::assert_snapshot!(ask("article.wrods > 80"), @r"
    channels.brief.where:1: `article.wrods` is not there
      1 | article.wrods > 80
        | ^^^^^^^^^^^^^^^^^^
      help: did you mean `words`?
    ");
    insta::assert_snapshot!(ask("article.wrods"), @r"
    channels.brief.where:1: `article.wrods` is not there
      1 | article.wrods
        | ^^^^^^^^^^^^^
      help: did you mean `words`?
    ");
}

#[test]
fn tricks_that_eat_the_machine_end_at_once() {
    let templates = built_in();
    for source in [
        "{{ 'x' * 200000000 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{{ '%999999999d'|format(1) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ ('a' * 5000)|replace('a', 'b' * 5000) }}",
        "{{ range(100000000)|list }}",
    ] {
        let started = std::time::Instant::now();
        let e = templates
            .render_source("trick", source, Format::Text, ())
            .unwrap_err();
        assert!(
            started.elapsed().as_secs() < 5,
            "{source} took {:?}",
            started.elapsed()
        );
        assert!(!e.to_string().is_empty());
    }
    let e = templates
        .render_source("x", "{{ debug() }}", Format::Text, ())
        .unwrap_err();
    assert!(e.to_string().contains("debug"), "{e}");
}

#[test]
fn a_value_is_escaped_by_the_format_that_is_made() {
    let templates = built_in();
    let context = json!({"x": "<b> \"&'"});
    let render = |format| {
        templates
            .render_source("x", "{{ x }}", format, &context)
            .unwrap()
    };
    assert_eq!(render(Format::Html), "&lt;b&gt; &quot;&amp;&#39;");
    assert_eq!(render(Format::Text), "<b> \"&'");
    assert!(serde_json::from_str::<String>(&render(Format::Json)).is_ok());
}

#[test]
fn an_operators_file_takes_a_built_ins_place_and_can_build_on_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("email")).unwrap();
    fs::create_dir_all(dir.path().join("strings")).unwrap();
    let file = dir.path().join("email/digest.html");
    fs::write(
        &file,
        "{% extends 'email/digest.html' %}{% block top %}ours, {{ t('read_more') }}{% endblock %}",
    )
    .unwrap();
    fs::write(dir.path().join("email/.digest.html.swp"), "{% broken").unwrap();
    fs::write(dir.path().join("strings/en.toml"), "read_more = 'Go on'").unwrap();
    fs::write(dir.path().join("strings/pa.toml"), "by = '{names} ਵੱਲੋਂ'").unwrap();
    let templates = Templates::load(Some(dir.path())).unwrap();
    let html = templates
        .render("email/digest.html", &samples::contexts()[0].context)
        .unwrap();
    assert!(html.contains("ours, Go on"));
    assert!(
        html.contains("Twelve engineers"),
        "the built-in's stories are there"
    );
    assert_eq!(templates.file("email/digest.html"), Some(file.as_path()));
    let by = "{{ t('by', names='A', lang='pa-IN') }}|{{ t('read_more', lang='pa') }}";
    let by = templates.render_source("x", by, Format::Text, ()).unwrap();
    assert_eq!(by, "A ਵੱਲੋਂ|Go on");
}

#[test]
fn a_broken_file_of_the_operator_is_named_with_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("email")).unwrap();
    let file = dir.path().join("email/digest.html");
    fs::write(&file, "<p>\n  {{ issue.title }\n").unwrap();
    let e = Templates::load(Some(dir.path())).unwrap_err();
    assert_eq!(
        (e.file_path(), e.line(), e.column()),
        (Some(file.as_path()), 2, 18)
    );
    fs::write(&file, "<p>\n  {{ isue.title }}\n").unwrap();
    let templates = Templates::load(Some(dir.path())).unwrap();
    let e = templates
        .render("email/digest.html", &samples::contexts()[0].context)
        .unwrap_err();
    assert!(
        e.to_string()
            .starts_with(&format!("{}:2:6: `isue`", file.display())),
        "{e}"
    );
    fs::remove_file(&file).unwrap();
    fs::create_dir_all(dir.path().join("strings")).unwrap();
    fs::write(dir.path().join("strings/en.toml"), "read_more = 3").unwrap();
    let e = Templates::load(Some(dir.path())).unwrap_err();
    assert!(e.to_string().contains("strings/en.toml:1:"), "{e}");
    let e = Templates::load(Some(Path::new("/nowhere"))).unwrap_err();
    assert!(e.to_string().contains("/nowhere"), "{e}");
}

#[test]
fn what_a_template_looks_at_is_found_through_what_it_extends_and_includes() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.html"), "{% extends 'b.html' %}").unwrap();
    fs::write(dir.path().join("b.html"), "{%- include 'c.txt' -%}").unwrap();
    fs::write(dir.path().join("c.txt"), "{{ reader.name }}").unwrap();
    fs::write(dir.path().join("d.txt"), "{% include site.name %}").unwrap();
    fs::write(dir.path().join("e.txt"), "{% set r = links %}{{ r }}").unwrap();
    let templates = Templates::load(Some(dir.path())).unwrap();
    assert!(templates.mentions("a.html", "reader"));
    assert!(templates.mentions("a.html", "reader.name"));
    assert!(!templates.mentions("a.html", "reader.address"));
    assert!(
        templates.mentions("d.txt", "reader"),
        "a computed name could be anything"
    );
    assert!(templates.mentions("e.txt", "links.unsubscribe"));
    assert!(!templates.mentions("email/digest.html", "reader"));
    assert!(templates.mentions("email/digest.html", "links.unsubscribe"));
}

mod filtering;
mod reader;
mod rendering;

#[test]
fn both_languages_have_the_same_words() {
    let keys = |source: &str| -> Vec<String> {
        let table: toml::Table = toml::from_str(source).unwrap();
        table.keys().cloned().collect()
    };
    let [(_, english), (_, urdu)] = builtin::STRINGS else {
        panic!("a third language came; compare it too");
    };
    assert_eq!(keys(english), keys(urdu));
}
