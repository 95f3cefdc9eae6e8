//! The two ways of a rendering, and what is kept.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use mail_parser::MessageParser;

use super::renderings::{Edition, Renderings};
use super::*;
use crate::domain::TokenKey;
use crate::templates::Templates;
use crate::templates::context::Context;
use crate::templates::samples;

const SUBJECT: &str = "{{ reader.name }}: {{ channel.title }}";

fn keys() -> TokenKey {
    TokenKey::new(&[7; 32])
}

/// The built-in digest with a greeting; `sentence` is in it, and stands for nothing.
fn templates(sentence: &str) -> (tempfile::TempDir, Templates) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("email")).unwrap();
    let html = format!(
        "{{% extends 'email/digest.html' %}}{{% block masthead %}}{sentence}\
         <p title=\"{{{{ reader.address }}}}\">Dear {{{{ reader.name }}}},</p>{{% endblock %}}"
    );
    let text = format!(
        "{sentence}Dear {{{{ reader.name }}}},\n.\n{{{{ reader.address }}}}\n\
         {{% include 'builtin/email/digest.txt' %}}"
    );
    fs::write(dir.path().join("email/digest.html"), html).unwrap();
    fs::write(dir.path().join("email/digest.txt"), text).unwrap();
    let templates = Templates::load(Some(dir.path())).unwrap();
    (dir, templates)
}

/// What a template sees, with this reader and these tokens.
fn context(sample: &Context, reader: Reader, tokens: &Personal<String>) -> Context {
    let mut context = sample.clone();
    let link =
        |page: &str, token: &str| Some(format!("https://letters.example.org/{page}/{token}"));
    context.links.unsubscribe = link("unsubscribe", &tokens.unsubscribe);
    context.links.preferences = link("preferences", &tokens.preferences);
    context.reader = Some(reader);
    context
}

fn render(templates: &Templates, context: Context) -> Rendered {
    Rendered::new(templates, ("x", SUBJECT), "email/digest", context).unwrap()
}

fn own(name: &str, address: &str) -> Personal<String> {
    let seal = |purpose| keys().seal(purpose, SubscriberId(42), "brief");
    Personal {
        name: name.to_owned(),
        address: address.to_owned(),
        unsubscribe: seal(Purpose::Unsubscribe),
        preferences: seal(Purpose::Preferences),
        confirm: String::new(),
    }
}

fn mail(rendered: &Rendered, own: &Personal<String>) -> Vec<u8> {
    let pattern = Pattern::new(&Shared {
        from: &Mailbox::parse("News <brief@news.example.org>").unwrap(),
        reply_to: None,
        subject: &rendered.subject,
        language: &rendered.language,
        list: None,
        archived_at: None,
        feedback_id: None,
        html: &rendered.html,
        text: &rendered.text,
        marks: &marks(&keys(), "brief"),
    });
    let to = Mailbox {
        name: HeaderText::clean(&own.name),
        address: EmailAddress::parse(&own.address).unwrap(),
    };
    let letter = pattern.unwrap().letter(&Filling {
        to: &to,
        message_id: "<c1.1.2.3@news.example.org>",
        date: UnixMillis(1_795_417_200_000),
        delivery: None,
        own: own.as_ref(),
    });
    letter.unwrap().to_bytes()
}

#[test]
fn a_mail_rendered_for_all_is_byte_by_byte_the_one_rendered_for_its_reader() {
    let (_dir, templates) = templates("");
    let marks = marks(&keys(), "brief");
    for sample in samples::contexts() {
        let unknown = Reader::unknown(&reader_marks(&marks));
        let for_all = render(
            &templates,
            context(&sample.context, unknown.clone(), &marks),
        );
        assert_eq!(unknown.only_printed(), Some(for_all.places(&marks)));
        assert_eq!(for_all.places(&marks), 5);
        for own in [
            own("Zoë O'Neil <b> & \"Co\"", "o'neil@example.com"),
            own("", "a@example.com"),
        ] {
            let reader = Reader::marked(&own.name, &own.address, &reader_marks(&marks));
            let for_one = render(&templates, context(&sample.context, reader, &marks));
            assert_eq!(
                mail(&for_all, &own),
                mail(&for_one, &own),
                "{}",
                sample.name
            );
        }
    }
}

#[test]
fn a_mail_says_what_one_written_without_marks_would_say() {
    // The second template has to be run for each reader.
    for (sentence, is_shared) in [("", true), ("{{ reader.name and '' }}", false)] {
        let (_dir, templates) = templates(sentence);
        let marks = marks(&keys(), "brief");
        let own = own("Zoë <b> & Co", "zoe@example.com");
        for sample in samples::contexts() {
            let plain = Reader::new(&own.name, &own.address);
            let expected = render(&templates, context(&sample.context, plain, &own));
            let unknown = Reader::unknown(&reader_marks(&marks));
            let marked = Reader::marked(&own.name, &own.address, &reader_marks(&marks));
            let reader = if is_shared { &unknown } else { &marked };
            let rendered = render(&templates, context(&sample.context, reader.clone(), &marks));
            let texts = rendered.filled(&marks, &own.as_ref());
            let bytes = mail(&rendered, &own);
            let parsed = MessageParser::new().parse(&bytes).unwrap();
            let lines = |text: &str| text.replace('\n', "\r\n");
            for (part, made, wanted) in [
                (parsed.body_html(0), &texts.html, &expected.html),
                (parsed.body_text(0), &texts.text, &expected.text),
            ] {
                assert_eq!(made, wanted, "{}", sample.name);
                assert_eq!(part.unwrap(), lines(wanted), "{}", sample.name);
            }
            assert_eq!(parsed.subject().unwrap(), expected.subject);
            assert_eq!(texts.subject, expected.subject);
        }
    }
}

#[test]
fn the_title_of_an_issue_names_no_reader() {
    let (_dir, templates) = templates("{{ issue.title }}\n");
    let sample = samples::contexts().remove(0).context;
    let plain = Reader::new("Ada", "ada@example.com");
    let rendered = render(
        &templates,
        context(&sample, plain, &own("Ada", "a@example.com")),
    );
    assert_eq!(rendered.subject, format!("Ada: {}", sample.channel.title));
    assert!(rendered.text.starts_with(&sample.issue.title));
}

fn edition(bytes: usize) -> Edition {
    let rendered = Rendered {
        subject: "x".to_owned(),
        html: "x".repeat(bytes),
        text: "x".to_owned(),
        language: "en".to_owned(),
    };
    let pattern = Pattern::new(&Shared {
        from: &Mailbox::parse("brief@news.example.org").unwrap(),
        reply_to: None,
        subject: &rendered.subject,
        language: &rendered.language,
        list: None,
        archived_at: None,
        feedback_id: None,
        html: &rendered.html,
        text: &rendered.text,
        marks: &marks(&keys(), "brief"),
    });
    Edition::Shared(pattern.unwrap())
}

#[tokio::test]
async fn many_that_ask_at_once_have_an_edition_made_once() {
    let renderings = Renderings::default();
    let made = AtomicUsize::new(0);
    let ask = || {
        renderings.edition((IssueId(1), 0), || async {
            tokio::task::yield_now().await;
            made.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(edition(9))
        })
    };
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_could_not_be_made_is_tried_again() {
    let renderings = Renderings::default();
    let key = (IssueId(1), 0);
    let failed = renderings.edition(key, || async { Err("broken") }).await;
    assert_eq!(failed.map(drop), Err("broken"));
    let mended = renderings.edition(key, || async { Ok::<_, ()>(edition(9)) });
    assert!(mended.await.is_ok());
}

#[tokio::test]
async fn the_edition_used_longest_ago_makes_room() {
    let renderings = Renderings::default();
    let made = AtomicUsize::new(0);
    let ask = async |variant: i64| {
        let make = || async {
            made.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(edition(5 << 20))
        };
        renderings
            .edition((IssueId(1), variant), make)
            .await
            .unwrap();
        made.load(Ordering::Relaxed)
    };
    // Five megabytes are some more when they are encoded: three have room.
    for variant in [1, 2, 1, 3, 1] {
        ask(variant).await;
    }
    assert_eq!(made.load(Ordering::Relaxed), 3);
    assert_eq!(ask(4).await, 4);
    assert_eq!(
        (ask(1).await, ask(3).await),
        (4, 4),
        "they were used after 2"
    );
    assert_eq!(ask(2).await, 5, "2 had gone");
}
