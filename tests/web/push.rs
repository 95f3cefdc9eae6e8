//! Publishing systems that push articles, or ask for a look at their feed.

use courant::domain::{ArticleState, UnixMillis};
use courant::pipeline::status::status;

use super::house::{House, JSON, TOKEN};
use crate::support::databases::both_databases;
use crate::support::hub::{send, sha256};
use crate::support::newsroom::{DAY_ONE, MINUTE};
use crate::support::site::Item;

const DESK: &str = r#"
[sources.desk]
kind = "push"
token = "a-token-that-nobody-guesses"
secret = "a-secret-that-nobody-guesses"
flood = 3
[sources.closed]
kind = "feed"
url = "{SITE}/feed/?closed"
[channels.all]
kind = "feed"
title = "All"
"#;

async fn house(db: courant::store::Db) -> House {
    House::open(db, DESK).await
}

const STORY: &str = r#"{"id": "7", "url": "https://news.example/7", "title": "Floods in Sindh",
    "content_html": "<p>Water <script>alert(1)</script>rose.</p>", "topics": ["Region"]}"#;

#[tokio::test]
async fn a_pushed_article_is_news_at_once_and_known_the_second_time() {
    both_databases(async |db| {
        let house = house(db).await;
        let (code, answer) = house.push("desk", STORY).await;
        assert_eq!((code, &answer["result"]), (202, &"new".into()), "{answer}");
        let articles = house.articles("desk").await;
        assert_eq!(articles.len(), 1);
        let article = &articles[0];
        assert_eq!(article.state, ArticleState::Released, "the first is news");
        assert_eq!(article.revision.title, "Floods in Sindh");
        assert_eq!(article.revision.content_html, "<p>Water rose.</p>");
        assert_eq!(article.revision.topics, ["Region"]);
        assert_eq!(article.revision.published, DAY_ONE);

        assert_eq!(house.push("desk", STORY).await.1["result"], "unchanged");
        let moved = STORY.replace("\"id\": \"7\"", "\"id\": \"post-7\"");
        assert_eq!(house.push("desk", &moved).await.1["result"], "unchanged");
        let corrected = STORY.replace("rose", "fell");
        assert_eq!(house.push("desk", &corrected).await.1["result"], "changed");
        let articles = house.articles("desk").await;
        assert_eq!((articles.len(), articles[0].revision.number), (1, 2));

        for delete in ["7", "post-7", "7", "https://news.example/7"] {
            let body = format!("{{\"delete\": \"{delete}\"}}");
            let (code, answer) = house.push("desk", &body).await;
            assert_eq!((code, &answer["result"]), (202, &"withdrawn".into()));
        }
        assert_eq!(
            house.articles("desk").await[0].state,
            ArticleState::Retracted
        );
        let (code, answer) = house.push("desk", "{\"delete\": \"8\"}").await;
        assert_eq!(code, 404, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_pushed_address_is_read_and_its_page_is_the_article() {
    both_databases(async |db| {
        let house = house(db).await;
        let paragraphs = "<p>Water rose in the Indus overnight, and villages were cleared.</p>";
        let page = format!(
            "<html lang=en><head><title>Floods in Sindh – News</title><meta property=og:title \
             content='Floods in Sindh'></head><body><nav><a href=/>Home</a></nav><article>\
             <h1>Floods in Sindh</h1>{}</article><footer>All rights reserved</footer></body></html>",
            paragraphs.repeat(5)
        );
        house.site.show("/floods", &page);
        let body = format!("{{\"url\": \"{}/floods\"}}", house.site.url);
        let (code, answer) = house.push("desk", &body).await;
        assert_eq!((code, &answer["result"]), (202, &"new".into()), "{answer}");
        let article = &house.articles("desk").await[0];
        assert_eq!(article.revision.title, "Floods in Sindh");
        assert!(article.revision.content_html.contains("villages were cleared"));
        assert!(!article.revision.content_html.contains("rights reserved"));
        assert_eq!(house.push("desk", &body).await.1["result"], "unchanged");
        let (code, answer) = house.push("desk", "{\"url\": \"http://169.254.169.254/\"}").await;
        assert_eq!(code, 422, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("169.254"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_source_that_waits_for_pushes_is_never_polled() {
    both_databases(async |db| {
        let house = house(db).await;
        let state = async |now: UnixMillis| {
            let (db, config) = (&house.app.db, &house.app.config);
            let status = status(db, config, None, now, now).await.unwrap();
            let mut sources = status.sources.into_iter();
            sources.find(|source| source.id == "desk").unwrap()
        };
        for _ in 0..2 {
            let desk = state(DAY_ONE).await;
            assert_eq!(desk.next_fetch, None);
            assert_eq!(desk.push.as_deref(), Some("waits for pushes"));
            let polled = house.poll_due(DAY_ONE.plus_ms(100 * MINUTE)).await;
            assert!(!polled.contains(&"desk".to_owned()), "{polled:?}");
            house.push("desk", STORY).await;
        }
        assert_eq!(state(DAY_ONE).await.articles, 1);
        let named = ["desk".to_owned()];
        let reports = courant::pipeline::ingest::poll(&house.app, Some(&named), DAY_ONE);
        assert_eq!(reports.await.unwrap()[0].notes, ["it waits for pushes"]);
    })
    .await;
}

#[tokio::test]
async fn more_pushes_than_the_flood_brake_allows_wait_for_an_operator() {
    both_databases(async |db| {
        let house = house(db).await;
        let story = |number: usize| {
            STORY
                .replace("/7", &format!("/{number}"))
                .replace("\"7\"", &number.to_string())
                .replace("Floods", &format!("Flood {number}"))
                .replace("Water", &format!("River {number}"))
        };
        let mut results = Vec::new();
        for number in 0..5 {
            results.push(house.push("desk", &story(number)).await.1["result"].clone());
        }
        assert_eq!(results, ["new", "new", "new", "held", "held"]);
        house.app.clock.set(DAY_ONE.plus_ms(11 * MINUTE));
        assert_eq!(house.push("desk", &story(5)).await.1["result"], "new");
        let held = house.articles("desk").await;
        let held = held
            .iter()
            .filter(|a| a.state == ArticleState::Held)
            .count();
        assert_eq!(held, 2);
    })
    .await;
}

#[tokio::test]
async fn only_who_knows_the_token_or_signs_with_the_secret_is_let_in() {
    both_databases(async |db| {
        let house = house(db).await;
        let signed = sha256("a-secret-that-nobody-guesses", STORY);
        let forged = sha256("a-secret-that-somebody-guesses", STORY);
        let other = sha256("a-secret-that-nobody-guesses", "{}");
        let sha1 = "sha1=0000000000000000000000000000000000000000";
        let long = format!("Bearer {}", "a".repeat(4000));
        for (name, value, expected) in [
            ("x-nothing", "", 401),
            ("authorization", "", 401),
            ("authorization", "Basic YTpi", 401),
            ("authorization", "a-token-that-nobody-guesses", 401),
            ("authorization", "Bearer", 401),
            ("authorization", "Bearer  ", 401),
            ("authorization", "Bearer a-token-that-nobody-guesse", 403),
            ("authorization", "Bearer a-secret-that-nobody-guesses", 403),
            ("authorization", &long, 403),
            ("x-courant-signature", "", 403),
            ("x-courant-signature", "sha256=", 403),
            ("x-courant-signature", sha1, 403),
            ("x-courant-signature", &forged, 403),
            ("x-courant-signature", &other, 403),
        ] {
            let (code, answer) = house.push_with("desk", &[(name, value), JSON], STORY).await;
            assert_eq!(code, expected, "{name}: {value}: {answer}");
            assert!(!answer.to_string().contains("nobody"), "{answer}");
        }
        assert_eq!(house.titles("desk").await, Vec::<String>::new());
        for source in ["nothing", "closed", "DESK", "desk%00"] {
            assert_eq!(house.push(source, STORY).await.0, 404, "{source}");
        }
        for (name, value) in [
            ("authorization", "bEARER   a-token-that-nobody-guesses"),
            ("x-courant-signature", &*signed),
        ] {
            let (code, answer) = house.push_with("desk", &[(name, value), JSON], STORY).await;
            assert_eq!(code, 202, "{name}: {answer}");
        }
        let url = format!("{}/push/desk", house.base);
        assert_eq!(send("GET", &url, &[], b"").await.0, 405);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_by_its_fields() {
    both_databases(async |db| {
        let house = house(db).await;
        let (code, answer) = house
            .push(
                "desk",
                r#"{"id": 7, "titel": "x", "published": "yesterday"}"#,
            )
            .await;
        assert_eq!(code, 422);
        for field in ["titel", "title", "published"] {
            assert!(answer["fields"][field].is_string(), "{field}: {answer}");
        }
        for (body, expected) in [
            ("nonsense", 400),
            ("[]", 400),
            ("", 422),
            ("{}", 422),
            (r#"{"url": "https://news.example/7"}"#, 422),
            (
                r#"{"id": 1, "content_html": "<script>alert(1)</script>"}"#,
                422,
            ),
            (r#"{"id": 1, "title": "<script></script>"}"#, 202),
        ] {
            let (code, answer) = house.push("desk", body).await;
            assert_eq!(code, expected, "{body}: {answer}");
            assert!(code == 202 || answer["error"].is_string(), "{answer}");
        }
        let token = ("authorization", TOKEN);
        let plain = ("content-type", "text/plain");
        assert_eq!(house.push_with("desk", &[token, plain], STORY).await.0, 415);
        assert_eq!(house.push_with("desk", &[token], STORY).await.0, 415);
        let feed = ("content-type", "application/feed+json; charset=utf-8");
        assert_eq!(house.push_with("desk", &[token, feed], STORY).await.0, 202);
        let huge = " ".repeat(2 * 1024 * 1024 + 1);
        assert_eq!(house.push("desk", &huge).await.0, 413);
    })
    .await;
}

#[tokio::test]
async fn a_feeds_publisher_may_ask_for_a_look_every_ten_seconds() {
    both_databases(async |db| {
        let mut house = house(db).await;
        let open = "every = \"1h\"\npush_token = \"a-token-that-nobody-guesses\"";
        assert_eq!(house.push("news", "").await.0, 404);
        house
            .reload(|text| text.replace("every = \"1h\"", open))
            .await;
        let looked = async |seconds: i64| house.poll_due(DAY_ONE.plus_ms(seconds * 1000)).await;
        looked(0).await;
        assert_eq!(looked(1).await, Vec::<String>::new());
        house.site.publish(Item::new(1));
        for body in ["", "{}", r#"{"post": {"id": 7}}"#] {
            let (code, answer) = house.push("news", body).await;
            assert_eq!((code, &answer["result"]), (202, &"poll".into()));
        }
        assert_eq!(looked(2).await, ["news"]);
        assert_eq!(house.titles("news").await[0], "Story 1");
        // A flood of hints is one look every ten seconds, and none is forgotten.
        for second in 3..=11 {
            house.push("news", "").await;
            assert_eq!(looked(second).await, Vec::<String>::new(), "{second}");
        }
        assert_eq!(looked(12).await, ["news"]);
        assert_eq!(looked(22).await, Vec::<String>::new());
        let (code, answer) = house.push("news", STORY).await;
        assert_eq!(code, 409, "{answer}");
    })
    .await;
}
