//! Posts as the interface and its plug-ins write them.

use super::*;

fn home() -> Url {
    Url::parse("https://news.example.org/").unwrap()
}

#[test]
fn a_post_keeps_all_it_says() {
    let value = serde_json::json!({
        "id": 29, "date": "2026-11-23T10:00:00", "date_gmt": "2026-11-23T05:00:00",
        "modified_gmt": "2026-11-23T06:00:00", "status": "publish", "lang": "en",
        "guid": {"rendered": "http://localhost:3000/?post_type=x&#038;p=29"},
        "link": "https://news.example.org/floods/",
        "title": {"rendered": "Floods &#038; rain &#8211; <i>live</i>"},
        "content": {"rendered": "<p>Long</p>", "protected": false},
        "excerpt": {"rendered": "<p>Short [&hellip;]</p>"},
        "_embedded": {
            "author": [{"name": "Ayesha Khan"}, {"code": "rest_user_invalid_id"}],
            "wp:term": [[{"taxonomy": "category", "name": "Pakistan &amp; Region", "slug": "region"},
                {"taxonomy": "category", "name": "Uncategorized", "slug": "uncategorized"}],
                [{"taxonomy": "post_tag", "name": "Sindh"}]],
            "wp:featuredmedia": [{"source_url": "https://news.example.org/full.jpg", "alt_text": "A boat",
                "media_details": {"sizes": {"large": {"width": 1024, "source_url": "https://news.example.org/large.jpg"},
                    "thumbnail": {"width": 150, "source_url": "https://news.example.org/t.jpg"}}}}]
        }
    });
    let post = post(&value, &home()).unwrap();
    let entry = post.entry;
    assert_eq!(html::plain(&entry.title), "Floods & rain – live");
    assert_eq!(entry.published.unwrap().to_string(), "2026-11-23T05:00:00Z");
    assert_eq!(entry.updated.unwrap().to_string(), "2026-11-23T06:00:00Z");
    assert_eq!(entry.topics, ["Pakistan & Region", "Sindh"]);
    assert_eq!(entry.authors, ["Ayesha Khan"]);
    assert_eq!(entry.language.as_deref(), Some("en"));
    let image = entry.image.unwrap();
    assert_eq!(
        (image.url.as_str(), image.alt.as_str()),
        ("https://news.example.org/large.jpg", "A boat")
    );
    let keys: Vec<&str> = entry.keys.iter().map(|k| k.value.as_str()).collect();
    assert_eq!(keys[0], "news.example.org#29");
    assert!(keys.contains(&"http://localhost:3000/?post_type=x&p=29"));
    assert!(keys.contains(&"news.example.org/floods"));
    assert!(post.is_public);
}

#[test]
fn what_is_not_for_everybody_says_why() {
    for (status, protected, public, words) in [
        ("publish", false, true, ""),
        ("publish", true, false, "password"),
        ("trash", false, false, "trash"),
        ("private", false, false, "private"),
        ("draft", false, false, "draft"),
        ("future", false, false, "later date"),
    ] {
        let value = serde_json::json!({"id": 1, "status": status, "content": {"rendered": "", "protected": protected}});
        let post = post(&value, &home()).unwrap();
        assert_eq!(post.is_public, public, "{status}");
        assert!(post.why.contains(words) || public, "{status}");
    }
}

#[test]
fn a_post_that_plugins_have_bent_is_still_read() {
    for value in [
        serde_json::json!({"id": 1}),
        serde_json::json!({"id": 1, "title": "x", "content": [], "_embedded": [], "date_gmt": "0000-00-00T00:00:00", "lang": false}),
        serde_json::json!({"id": 1, "_embedded": {"author": {"0": 1}, "wp:term": [null, {"a": 1}], "wp:featuredmedia": [{"source_url": "javascript:x"}]}}),
    ] {
        let post = post(&value, &home()).unwrap();
        assert_eq!((post.published, post.entry.image), (None, None));
    }
    assert!(post(&serde_json::json!({"id": "x"}), &home()).is_none());
    assert!(post(&serde_json::json!([]), &home()).is_none());
}
