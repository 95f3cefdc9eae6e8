//! What is particular to one network.

use serde_json::Value;

use super::{golden, hostile, open_with, render, try_open, urdu};
use crate::channels::social::{KINDS, PlanError, kind};
use crate::domain::{Post, UnixMillis};

fn body(kind: &str, keys: &str, post: &Post) -> Value {
    let plan = open_with(kind, keys).plan(post, &render).unwrap();
    plan.requests[0].body.clone()
}

fn refusal(name: &str, keys: &str) -> String {
    let problems = try_open(kind(name).unwrap(), keys)
        .err()
        .unwrap_or_default();
    problems
        .iter()
        .map(|p| p.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn bluesky_facets_are_sorted_disjoint_and_cover_what_they_mean() {
    let template = "🎉 {{ article.url }} {{ article.topics|hashtags }}\n{{ article.title }} \
                    (https://other.example/x_(y)). #زندہ";
    for post in [golden(), urdu()] {
        let post = Post {
            template: Some(template.to_owned()),
            ..post
        };
        let body = body("bluesky", "", &post);
        let text = body["record"]["text"].as_str().unwrap();
        let facets = body["record"]["facets"].as_array().unwrap();
        assert_eq!(facets.len(), 5, "{text}");
        let mut last_end = 0;
        for facet in facets {
            let at = |key: &str| usize::try_from(facet["index"][key].as_u64().unwrap()).unwrap();
            let (start, end) = (at("byteStart"), at("byteEnd"));
            assert!(last_end <= start && start < end);
            last_end = end;
            let feature = &facet["features"][0];
            match feature["uri"].as_str() {
                Some(uri) => assert_eq!(&text[start..end], uri),
                None => assert_eq!(text[start + 1..end], *feature["tag"].as_str().unwrap()),
            }
        }
    }
}

#[test]
fn bluesky_writes_the_same_record_under_the_same_key_at_every_attempt() {
    let first = body("bluesky", "", &golden());
    assert_eq!(first, body("bluesky", "", &golden()));
    assert_eq!(first["swapRecord"], Value::Null);
    assert!(first.as_object().unwrap().contains_key("swapRecord"));
    assert_eq!(first["record"]["createdAt"], "2026-11-23T03:13:20.000Z");
    let later = UnixMillis(golden().created_at.0 + 1);
    let other = body(
        "bluesky",
        "",
        &Post {
            created_at: later,
            ..golden()
        },
    );
    assert_ne!(first["rkey"], other["rkey"]);
    assert_eq!(body("bluesky", "", &hostile())["record"].get("langs"), None);
}

#[test]
fn telegram_entities_count_utf16_units() {
    let title = "🎉 نہر 👨\u{200d}👩\u{200d}👧".to_owned();
    let body = body(
        "telegram",
        "",
        &Post {
            title: title.clone(),
            ..urdu()
        },
    );
    let text: Vec<u16> = body["text"].as_str().unwrap().encode_utf16().collect();
    let entities = body["entities"].as_array().unwrap();
    let part = |entity: &Value| {
        let at = |key: &str| usize::try_from(entity[key].as_u64().unwrap()).unwrap();
        String::from_utf16(&text[at("offset")..at("offset") + at("length")]).unwrap()
    };
    assert_eq!(part(&entities[0]), title);
    assert_eq!(part(&entities[1]), entities[1]["url"].as_str().unwrap());
    assert_eq!(body.get("parse_mode"), None);
}

#[test]
fn telegram_takes_a_name_or_a_number() {
    let chat = |keys: &str| {
        let channel = try_open(kind("telegram").unwrap(), keys).ok().unwrap();
        channel.plan(&golden(), &render).unwrap().requests[0].body["chat_id"].clone()
    };
    assert_eq!(chat("chat_id = \"@news\""), "@news");
    assert_eq!(chat("chat_id = -1001234567890"), -1_001_234_567_890_i64);
    assert_eq!(chat("chat_id = \"-1001234567890\""), -1_001_234_567_890_i64);
    assert!(refusal("telegram", "chat_id = \"news\"").contains("no chat"));
}

#[test]
fn mastodon_counts_the_content_warning_and_keeps_its_key_for_a_delivery() {
    let channel = open_with("mastodon", "content_warning = \"Medical news\"");
    assert_eq!(channel.limit().max, 488);
    let plan = channel.plan(&golden(), &render).unwrap();
    let request = &plan.requests[0];
    assert_eq!(request.body["spoiler_text"], "Medical news");
    assert_eq!(request.body["sensitive"], true);
    assert_eq!(
        request.headers["Idempotency-Key"],
        "courant-678-1795403600000"
    );
    assert!(refusal("mastodon", "server = \"social\"").contains("no web address"));
    let short = "server = \"https://social.example\"\nmax_characters = 9";
    assert!(refusal("mastodon", short).contains("no room"));
}

#[test]
fn threads_refuses_more_than_five_links_and_tags_one_topic() {
    let links: String = (0..5)
        .map(|n| format!("https://example.org/{n} "))
        .collect();
    let post = Post {
        template: Some(links),
        ..golden()
    };
    let error = open_with("threads", "").plan(&post, &render).unwrap_err();
    assert_eq!(error, PlanError::TooManyLinks(6));
    let topics = vec!["&.".to_owned(), "R&D, Inc.".to_owned()];
    let container = body("threads", "", &Post { topics, ..golden() });
    assert_eq!(container["topic_tag"], "R D, Inc");
}

#[test]
fn slack_and_discord_let_nobody_be_called() {
    let slack = body("slack", "", &hostile());
    assert!(!slack["blocks"][0].to_string().contains("<!"), "{slack}");
    assert!(!slack["text"].to_string().contains("<!"), "{slack}");
    let discord = body("discord", "", &hostile());
    assert_eq!(
        discord["allowed_mentions"]["parse"],
        Value::Array(Vec::new())
    );
    assert!(!discord["content"].as_str().unwrap().contains("[x]("));
    assert!(refusal("discord", "username = \"Discord News\"").contains("refuses"));
}

#[test]
fn a_webhook_body_stays_under_20_000_bytes_and_its_id_has_no_full_stop() {
    let quotes = "\"\\".repeat(9000);
    let post = Post {
        summary: quotes.clone(),
        title: quotes,
        ..golden()
    };
    let plan = open_with("webhook", "").plan(&post, &render).unwrap();
    let request = &plan.requests[0];
    assert!(request.body.to_string().len() < 20_000);
    assert_eq!(request.headers["webhook-id"], "msg_posts_678_1795403600000");
}

#[test]
fn limits_are_read_and_quiet_hours_go_over_midnight() {
    for kind in KINDS {
        let keys = "limits = { per_hour = 6, gap = \"5m\", quiet = \"23:00-06:00\" }";
        let pace = open_with(kind.name, keys).pace();
        assert_eq!(pace.per_hour, Some(6));
        assert_eq!(pace.gap.unwrap().0.as_secs(), 300);
        let quiet = pace.quiet.unwrap();
        let covers = |hour, minute| quiet.cover(jiff::civil::time(hour, minute, 0, 0));
        assert!(covers(23, 0) && covers(2, 30) && covers(5, 59));
        assert!(!covers(6, 0) && !covers(22, 59));
    }
    assert!(refusal("x", "limits = { quiet = \"late\" }").contains("no span of hours"));
}
