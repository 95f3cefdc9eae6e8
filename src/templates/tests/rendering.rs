//! Every built-in template with every sample.

use serde_json::{Value, json};

use crate::templates::{Templates, samples};

/// Gmail cuts a mail off at about 102 kB, and the unsubscribe link with it.
const MAIL_LIMIT: usize = 90_000;

fn contexts() -> Vec<(&'static str, Value)> {
    let mut all: Vec<_> = samples::contexts()
        .into_iter()
        .map(|sample| (sample.name, serde_json::to_value(sample.context).unwrap()))
        .collect();
    let none = serde_json::to_value(samples::without_articles()).unwrap();
    all.push(("none", none));
    all
}

/// What the public pages see besides the common names.
fn page(context: &Value, extra: &Value) -> Value {
    let mut page = json!({
        "site": context["site"], "language": context["language"], "dir": context["dir"],
        "timezone": context["timezone"], "channel": context["channel"],
    });
    page["channel"]["subscribe_url"] = "/subscribe?channel=b".into();
    let fields = extra.as_object().unwrap().clone();
    page.as_object_mut().unwrap().extend(fields);
    page
}

/// Every built-in page and mail with a context of each kind.
fn everything() -> Vec<(String, String)> {
    let templates = Templates::load(None).unwrap();
    let mut out = Vec::new();
    for (name, context) in contexts() {
        let mut render = |template: &str, context: &Value| {
            let text = templates
                .render(template, context)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            out.push((format!("{name} {template}"), text));
        };
        render("email/digest.html", &context);
        render("email/digest.txt", &context);
        render("web/issue.html", &context);
        if !context["article"].is_null() {
            render("email/article.html", &context);
            render("email/article.txt", &context);
        }
        for (template, extra) in pages(&context).into_iter().chain(signup_pages(&context)) {
            render(template, &page(&context, &extra));
        }
    }
    out
}

fn pages(context: &Value) -> Vec<(&'static str, Value)> {
    let title = &context["issue"]["title"];
    let feeds = json!({"rss": "/feeds/f.rss", "atom": "/feeds/f.atom", "json": "/feeds/f.json"});
    let issue = json!({"number": 3, "title": title, "date": context["issue"]["date"], "url": "/archive/b/3"});
    vec![
        ("web/home.html", json!({"channels": []})),
        (
            "web/home.html",
            json!({"channels": [
                {"id": "b", "title": title, "description": title, "kind": "email", "language": "en", "dir": "ltr", "feed_urls": null, "archive_url": "/archive/b", "subscribe_url": "/subscribe?channel=b"},
                {"id": "f", "title": "F", "description": "", "kind": "feed", "language": "ur", "dir": "rtl", "feed_urls": feeds, "archive_url": "/archive/f", "subscribe_url": null},
            ]}),
        ),
        ("web/archive.html", json!({"issues": [], "older_url": null})),
        (
            "web/archive.html",
            json!({"issues": [issue], "older_url": "/archive/b?before=3"}),
        ),
        (
            "web/unsubscribe.html",
            json!({"address": "a***@example.org", "action_url": "/unsubscribe/x", "done": false, "also_all": false}),
        ),
        (
            "web/unsubscribe.html",
            json!({"address": "a***@example.org", "action_url": "/unsubscribe/x", "done": true, "also_all": true}),
        ),
        (
            "web/preferences.html",
            json!({
                "address": "a***@example.org", "action_url": "/preferences/x", "saved": true, "mistake": "timezone_wrong",
                "schedules": [{"name": "daily", "label": title, "chosen": true}, {"name": "weekly", "label": "weekly", "chosen": false}],
                "topics": [{"name": title, "chosen": true}],
            }),
        ),
        (
            "web/message.html",
            json!({"error": "unclear", "text": title}),
        ),
        (
            "web/admin/overview.html",
            json!({
                "needs_attention": [title], "status": status(title),
                "explanations": {"dispatch": "answers about every 12 min", "other": title},
            }),
        ),
        (
            "web/admin/overview.html",
            json!({"needs_attention": [], "explanations": {}, "status": {
                "version": "0.1.0", "uptime_s": 0, "sources": [], "channels": [], "relays": [], "deliveries": {"sent": 0},
            }}),
        ),
    ]
}

/// The form and the confirmation in all their states, with a stranger's text wherever it can be.
fn signup_pages(context: &Value) -> Vec<(&'static str, Value)> {
    let title = &context["issue"]["title"];
    let newsletter = |id: &str, chosen: bool| {
        json!({"id": id, "title": title, "description": title, "language": "ur", "dir": "rtl", "chosen": chosen,
               "preferences_url": "/preferences/x", "archive_url": "/archive/b"})
    };
    let (one, two) = (newsletter("b", false), newsletter("c", true));
    let form = |channels: &[&Value], email: &str, which: bool, notice: &str| {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let page = json!({
            "channels": channels, "email": title, "email_problem": some(email), "which_problem": which,
            "notice": some(notice), "action_url": "subscribe", "token": "x", "sent": false, "senders": [],
        });
        ("web/subscribe.html", page)
    };
    let mut sent = form(&[&one], "", false, "");
    sent.1["sent"] = true.into();
    sent.1["senders"] = json!(["brief@news.example.org", title]);
    let confirm = |step: &str, channels: &[&Value], which: bool| {
        let page = json!({
            "step": step, "channels": channels, "address": "a***@example.org", "which_problem": which,
            "action_url": "x", "subscribe_url": "/subscribe",
        });
        ("web/confirm.html", page)
    };
    vec![
        form(&[&one], "", false, ""),
        form(&[&one, &two], "empty", true, ""),
        form(&[&one, &two], "wrong", false, ""),
        form(&[&one], "long", false, ""),
        form(&[&one], "", false, "once_more"),
        form(&[&one, &two], "", true, "too_many"),
        form(&[&one, &two], "", false, "full"),
        sent,
        confirm("ask", &[&one], false),
        confirm("ask", &[&one, &two], true),
        confirm("done", &[&one, &two], false),
        confirm("expired", &[], false),
    ]
}

fn status(error: &Value) -> Value {
    json!({
        "version": "0.1.0", "uptime_s": 93784,
        "sources": [
            {"id": "dispatch", "kind": "feed", "state": "ok", "last_fetch": "2026-11-23T02:00:00Z", "next_fetch": null, "articles": 1204, "error": null},
            {"id": "other", "kind": "feed", "state": "failing", "last_fetch": null, "next_fetch": "2026-11-23T02:00:00Z", "articles": 0, "error": error},
        ],
        "channels": [{"id": "brief", "kind": "email", "state": "ok", "next_run": "2026-11-24T02:00:00Z", "last_issue": 12}],
        "deliveries": {"pending": 0, "leased": 0, "sent": 120_345, "deferred": 3, "failed": 1, "suppressed": 2, "uncertain": 0, "cancelled": 0},
        "relays": [{
            "id": "main", "state": "ok", "connections": 2, "window": 5, "rate_per_s": 50,
            "quota": 5000, "quota_used": 1200, "paused_until": null, "reason": null,
        }],
    })
}

#[test]
fn every_template_renders_every_sample() {
    for (name, text) in everything() {
        assert!(text.trim().len() > 40, "{name} is empty");
        assert!(
            !text.contains("{{") || text.contains("{{ 7*7 }}"),
            "{name}: {text}"
        );
    }
}

#[test]
fn no_text_of_a_stranger_becomes_markup_and_every_tag_closes() {
    for (name, html) in everything() {
        if !name.contains(".html") {
            continue;
        }
        for danger in [
            "<script",
            "<svg",
            "<img src=x",
            " onload=\"",
            " onerror=\"",
            "\"javascript:",
        ] {
            assert!(!html.contains(danger), "{name} contains {danger}");
        }
        for tag in [
            "html", "body", "table", "tr", "td", "div", "p", "a", "h1", "h2", "ul", "li", "span",
            "form", "article",
        ] {
            let count = |text: &str| html.matches(text).count();
            let opened = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
            assert_eq!(opened, count(&format!("</{tag}>")), "{name}: <{tag}>");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
    }
}

#[test]
fn a_mail_says_its_language_and_direction_and_how_to_leave() {
    for (name, text) in everything() {
        if !name.contains("email/") {
            continue;
        }
        assert!(text.contains("/unsubscribe/"), "{name}");
        assert!(
            text.contains("1 Canal Road, Lahore") || text.contains("لاہور"),
            "{name}"
        );
        if name.ends_with(".html") {
            let (language, dir) = if name.starts_with("urdu") {
                ("ur", "rtl")
            } else {
                ("en", "ltr")
            };
            let marks = format!("lang=\"{language}\" dir=\"{dir}\"");
            assert!(
                text.matches(&marks).count() >= 2,
                "{name}: on html and on the wrapper"
            );
            let pictures = text.matches("<img ").count();
            assert_eq!(text.matches(" alt=\"").count(), pictures, "{name}");
            assert!(!text.contains(".webp"), "{name}: Outlook shows no WebP");
        }
    }
}

/// Feeds repeat the lead picture at the head of the text, escaped as HTML wants it.
#[test]
fn an_article_alone_shows_its_picture_once() {
    let mut context = serde_json::to_value(&samples::contexts()[0].context).unwrap();
    let url = "https://news.example/a.jpg?w=800&h=450";
    let text = "<p><img src=\"https://news.example/a.jpg?w=800&amp;h=450\" alt=\"x\"></p>";
    let mut article = context["article"].clone();
    article["image"] = json!({ "url": url, "alt": "x" });
    article["content"] = text.into();
    context["article"] = article.clone();
    context["issue"]["articles"] = json!([article]);
    context["issue"]["headlines"] = json!([]);
    let templates = Templates::load(None).unwrap();
    for name in ["email/article.html", "web/issue.html"] {
        let page = templates.render(name, &context).unwrap();
        assert_eq!(page.matches("<img ").count(), 1, "{name}");
    }
}

#[test]
fn a_digest_of_twenty_articles_stays_below_what_gmail_shows() {
    let templates = Templates::load(None).unwrap();
    for mut sample in samples::contexts() {
        // Urdu costs two bytes a letter and a longer list of fonts.
        let articles = &mut sample.context.issue.articles;
        *articles = articles.iter().cycle().take(20).cloned().collect();
        let html = templates
            .render("email/digest.html", &sample.context)
            .unwrap();
        let html = crate::html::inline_css(&html).unwrap();
        let (name, size) = (sample.name, html.len());
        assert!(html.contains("prefers-color-scheme:dark"), "{name}");
        assert!(size < MAIL_LIMIT, "{name} has {size} bytes");
        println!("{name}: {size} bytes");
    }
}

/// Text colours and the grounds they stand on, of the mail's style in daylight and at night.
const DAY: (&[&str], &[&str]) = (
    &["1b1a17", "36332e", "5c5851", "0c5a61"],
    &["ffffff", "f1efea"],
);
const NIGHT: (&[&str], &[&str]) = (
    &["f0ede6", "d3cfc6", "a9a59c", "7cc9ce"],
    &["1c1f22", "131517"],
);
/// The button by night.
const NIGHT_BUTTON: (&[&str], &[&str]) = (&["0d1b1c"], &["7cc9ce"]);

/// WCAG 2.2, "relative luminance".
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

#[test]
fn text_has_the_contrast_wcag_asks_for_by_day_and_by_night() {
    let style = include_str!("../../../templates/email/style.css");
    for (texts, grounds) in [DAY, NIGHT, NIGHT_BUTTON] {
        for (text, ground) in texts
            .iter()
            .flat_map(|t| grounds.iter().map(move |g| (t, g)))
        {
            assert!(
                style.contains(text) && style.contains(ground),
                "{text} {ground}"
            );
            let (a, b) = (luminance(text), luminance(ground));
            let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(ratio >= 4.5, "#{text} on #{ground}: {ratio:.2}");
        }
    }
    let colours = style.split("color:#").skip(1).map(|rest| &rest[..6]);
    let known = [DAY.0, DAY.1, NIGHT.0, NIGHT.1, NIGHT_BUTTON.0].concat();
    let lines = ["8d8a82", "3a3d40", "6fbfc4", "4c5053"];
    for colour in colours {
        assert!(
            known.contains(&colour) || lines.contains(&colour),
            "#{colour} is not checked"
        );
    }
}

#[test]
fn the_operators_page_is_english_whatever_the_site_speaks() {
    let pages = everything();
    let overview = pages
        .iter()
        .filter(|(name, _)| name == "urdu web/admin/overview.html");
    for (_, html) in overview {
        assert!(
            html.contains("<html lang=\"en\" dir=\"ltr\">") && html.contains("Skip to"),
            "{html}"
        );
    }
}
