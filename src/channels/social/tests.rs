//! What every kind promises, tried on each.

mod fitting;
mod networks;

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::{Fitting, KINDS, Kind, Plan, PlanError, Social};
use crate::config::{Config, Problem, from_text};
use crate::domain::{ArticleId, DeliveryId, Image, IssueId, Post, UnixMillis};
use crate::text::{clean, hashtags};

/// The keys that each kind cannot do without, and some it can.
fn keys_of(kind: &str) -> &'static str {
    match kind {
        "mastodon" => "server = \"https://social.example\"",
        "bluesky" => "handle = \"news.example.org\"",
        "x" => "",
        "threads" => "user = \"178414\"",
        "linkedin" => "author = \"urn:li:organization:5515715\"",
        "telegram" => "chat_id = \"@news\"",
        "discord" => "username = \"Example News\"",
        "slack" => "",
        "webhook" => "url = \"https://hooks.example.org/courant\"",
        other => panic!("tell this test which keys `{other}` needs"),
    }
}

fn config(kind: &str, keys: &str) -> Config {
    let text = format!(
        "[site]\nname = \"Ravi Dispatch\"\nurl = \"https://news.example.org\"\n\
         postal_address = \"1 Canal Bank, Lahore\"\n\
         [sources.dispatch]\nkind = \"feed\"\nurl = \"https://news.example.org/feed/\"\n\
         [channels.posts]\nkind = \"{kind}\"\n{keys}\n"
    );
    from_text("courant.toml".as_ref(), &text, |_| Vec::new()).expect("the rest is right")
}

fn try_open(kind: &Kind, keys: &str) -> Result<Box<dyn Social>, Vec<Problem>> {
    (kind.open)(&config(kind.name, keys).channels["posts"])
}

/// A channel of this kind with `keys` besides the necessary ones.
fn open_with(kind: &str, keys: &str) -> Box<dyn Social> {
    let kind = super::kind(kind).expect("there is such a kind");
    try_open(kind, &format!("{}\n{keys}", keys_of(kind.name))).unwrap_or_else(|problems| {
        let problems: Vec<_> = problems.iter().map(|p| &p.message).collect();
        panic!("{}: {problems:?}", kind.name)
    })
}

/// As much of a template engine as the default templates need.
fn render(template: &str, fitting: &Fitting<'_>) -> Result<String, String> {
    Ok(template
        .replace("{{ article.title }}", fitting.title)
        .replace("{{ article.summary }}", fitting.summary)
        .replace("{{ article.url }}", fitting.url)
        .replace("{{ article.topics|hashtags }}", &hashtags(fitting.topics)))
}

fn golden() -> Post {
    Post {
        channel: "posts".to_owned(),
        issue: IssueId(12),
        article: Some(ArticleId(345)),
        delivery: DeliveryId(678),
        template: None,
        title: "Canal repairs: what the city’s engineers found (and fixed)".to_owned(),
        summary: "Engineers drained two kilometres of the canal & found *three* leaks. \
                  Water returns on Monday."
            .to_owned(),
        url: "https://news.example.org/2026/canal-repairs?ref=feed&x=1".to_owned(),
        topics: ["Lahore", "Public works", "2026"]
            .map(str::to_owned)
            .to_vec(),
        authors: vec!["Amna Raza".to_owned()],
        image: Some(Image {
            url: "https://news.example.org/canal.jpg".to_owned(),
            alt: "A dry canal bed".to_owned(),
        }),
        language: "en".to_owned(),
        created_at: UnixMillis(1_795_403_600_000),
        site: "Ravi Dispatch".to_owned(),
    }
}

fn urdu() -> Post {
    Post {
        title: "نہر کی مرمت: انجینئروں کو کیا ملا".to_owned(),
        summary: "انجینئروں نے نہر کے دو کلومیٹر خالی کیے۔ پانی پیر کو واپس آئے گا۔".to_owned(),
        url: "https://news.example.org/خبریں/نہر".to_owned(),
        topics: ["لاہور", "عوامی کام"].map(str::to_owned).to_vec(),
        authors: vec!["آمنہ رضا".to_owned()],
        language: "ur-PK".to_owned(),
        image: None,
        ..golden()
    }
}

fn digest() -> Post {
    Post {
        article: None,
        title: "Ravi Dispatch, Monday morning".to_owned(),
        summary: "• Canal repairs\n• Mango exports\n• A new library".to_owned(),
        url: "https://letters.example.org/archive/brief/12".to_owned(),
        topics: Vec::new(),
        authors: Vec::new(),
        image: None,
        ..golden()
    }
}

fn hostile() -> Post {
    let evil = "a\u{202e}b\u{0}c\r\nd\u{2067}e\u{feff} <!channel> @everyone [x](https://evil.example) \
                <script>*_`~|\\ {{ article.url }} {% raw %}";
    Post {
        title: evil.repeat(9),
        summary: evil.repeat(99),
        url: "https://news.example.org/a\r\n\tb?c=\u{202e}d\"<>|".to_owned(),
        topics: vec![evil.to_owned(); 60],
        authors: vec![evil.to_owned(); 60],
        language: "e\r\nX-Evil: 1".to_owned(),
        site: evil.to_owned(),
        image: Some(Image {
            url: "javascript:alert(1)".to_owned(),
            alt: evil.to_owned(),
        }),
        ..golden()
    }
}

fn long_title() -> Post {
    Post {
        title: "An unusually long headline about nothing in particular ".repeat(120),
        ..golden()
    }
}

/// The text that the network counts.
fn sent_text<'a>(kind: &str, plan: &'a Plan) -> &'a str {
    let pointer = match kind {
        "mastodon" => "/status",
        "bluesky" => "/record/text",
        "linkedin" => "/commentary",
        "discord" => "/content",
        "slack" => "/blocks/0/text/text",
        "webhook" => "/data/text",
        _ => "/text",
    };
    plan.requests[0]
        .body
        .pointer(pointer)
        .and_then(|t| t.as_str())
        .expect("the text is there")
}

/// Every text in a body.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// What holds for every plan of every kind.
fn check_plan(channel: &dyn Social, post: &Post, plan: &Plan) {
    let kind = channel.kind();
    let sent = sent_text(kind, plan);
    let limit = channel.limit();
    assert!(
        (limit.measure)(sent) <= limit.max,
        "{kind} is over its limit"
    );
    assert!(!plan.text.trim().is_empty(), "{kind} has no text");
    assert_eq!(plan.text, clean(&plan.text), "{kind} shows unclean text");
    assert_eq!(channel.plan(post, &render).expect("it planned once"), *plan);
    for request in &plan.requests {
        for text in strings(&request.body) {
            assert_eq!(text, clean(text), "{kind} sends unclean text");
        }
        let one_line = |text: &String| !text.contains(['\n', '\r', ' ']);
        assert!(one_line(&request.url), "{kind}: {}", request.url);
        assert!(
            request
                .headers
                .values()
                .all(|value| !value.contains(['\r', '\n']))
        );
        assert!(request.url.starts_with("https://") || request.url.starts_with("{webhook}"));
    }
}

#[test]
fn every_kind_plans_ordinary_and_awkward_posts_within_its_limit() {
    for kind in KINDS {
        let channel = open_with(kind.name, "");
        for post in [golden(), urdu(), digest(), hostile(), long_title()] {
            let plan = channel.plan(&post, &render).unwrap_or_else(|error| {
                panic!("{} cannot plan {:.40}: {error}", kind.name, post.title)
            });
            check_plan(&*channel, &post, &plan);
            let url = url::Url::parse(&post.url)
                .expect("the address is one")
                .to_string();
            let json = serde_json::to_value(&plan.requests)
                .expect("requests are JSON")
                .to_string();
            let url = serde_json::to_string(&url).expect("text is JSON");
            let url = url
                .trim_matches('"')
                .replace('&', "&amp;")
                .replace('|', "%7C");
            let json = json
                .replace("&amp;", "&")
                .replace('&', "&amp;")
                .replace('|', "%7C");
            assert!(json.contains(&url), "{} lost the link", kind.name);
        }
    }
}

#[test]
fn the_requests_of_each_kind_are_exactly_these() {
    for kind in KINDS {
        let channel = open_with(kind.name, "");
        for (name, post) in [
            ("article", golden()),
            ("urdu", urdu()),
            ("digest", digest()),
        ] {
            let plan = channel.plan(&post, &render).expect("it plans");
            let requests = serde_json::to_string_pretty(&plan.requests).expect("they are JSON");
            let shown = format!("{}\n\n---\n{requests}", plan.text);
            insta::with_settings!({ prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("{}_{name}", kind.name), shown);
            });
        }
    }
}

#[test]
fn every_kind_refuses_a_key_it_does_not_know_and_wants_the_ones_it_needs() {
    for kind in KINDS {
        let keys = format!("{}\nlimts = {{}}", keys_of(kind.name));
        let problems = try_open(kind, &keys).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{}", kind.name);
        assert!(problems[0].message.contains("limts"), "{}", problems[0]);
        for setting in kind.settings.iter().filter(|setting| setting.required) {
            let problems = try_open(kind, "").err().unwrap_or_default();
            let named = problems.iter().any(|p| p.message.contains(setting.key));
            assert!(named, "{} does not ask for {}", kind.name, setting.key);
        }
        for setting in kind.settings {
            assert!(
                setting.meaning.ends_with('.'),
                "{}.{}",
                kind.name,
                setting.key
            );
        }
    }
}

#[test]
fn every_kind_wants_its_secret_before_it_publishes() {
    for kind in KINDS {
        let keys = format!("{}\npublish = true", keys_of(kind.name));
        let problems = try_open(kind, &keys).err().unwrap_or_default();
        assert_eq!(
            problems.len(),
            1,
            "{} would publish without a secret",
            kind.name
        );
        let help = problems[0].help.as_deref().unwrap_or_default();
        assert!(help.contains("env ="), "{help}");
        let secret = kind
            .settings
            .iter()
            .find(|setting| ["token", "password", "webhook", "secret"].contains(&setting.key));
        let key = secret.expect("each kind has a secret").key;
        assert!(problems[0].message.contains(key), "{}", problems[0].message);
        open_with(
            kind.name,
            &format!("publish = true\n{key} = {{ env = \"SOME\" }}"),
        );
    }
}

#[test]
fn a_template_that_fails_or_says_nothing_is_an_error_not_a_post() {
    for kind in KINDS {
        let channel = open_with(kind.name, "");
        let fails = |_: &str, _: &Fitting<'_>| Err("line 1: no such thing".to_owned());
        let error = channel.plan(&golden(), &fails).unwrap_err();
        assert_eq!(error.to_string(), "line 1: no such thing");
        let says_nothing = |_: &str, _: &Fitting<'_>| Ok(" \n\u{202e}".to_owned());
        let error = channel.plan(&golden(), &says_nothing).unwrap_err();
        assert_eq!(error, PlanError::Empty);
        let endless = |_: &str, _: &Fitting<'_>| Ok("x".repeat(50_000));
        let error = channel.plan(&golden(), &endless).unwrap_err();
        assert!(
            matches!(error, PlanError::TooLong { length: 50_000, .. }),
            "{error}"
        );
        for url in [
            "",
            "news/canal",
            "javascript:alert(1)",
            "mailto:a@example.org",
        ] {
            let post = Post {
                url: url.to_owned(),
                ..golden()
            };
            let error = channel.plan(&post, &render).unwrap_err();
            assert!(matches!(error, PlanError::Link(_)), "{url:?}: {error}");
        }
    }
}

/// One channel of each kind.
static CHANNELS: LazyLock<Vec<Box<dyn Social>>> =
    LazyLock::new(|| KINDS.iter().map(|kind| open_with(kind.name, "")).collect());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_post_makes_a_kind_panic_or_exceed_its_limit(
        title in "\\PC{0,40}|(\\PC|[\\x00-\\x7f]){0,400}",
        summary in any::<String>(),
        sentences in prop::collection::vec("[a-zا-ی]{1,9}( [a-zا-ی]{1,9}){0,9}[.۔!]? ", 0..90),
        path in "[a-z0-9/?=&().,_~|<>\"é\u{202e}خ-]{0,300}",
        topics in prop::collection::vec("\\PC{0,30}", 0..12),
        template in prop::option::of("(\\PC{0,20}|\\{\\{ article\\.(title|summary|url|topics\\|hashtags) \\}\\}| |\n){0,8}"),
    ) {
        let summary = summary + &sentences.concat();
        let url = format!("https://news.example.org/{path}");
        let post = Post { title, summary, url, topics, template, ..golden() };
        for channel in CHANNELS.iter() {
            match channel.plan(&post, &render) {
                Ok(plan) => check_plan(&**channel, &post, &plan),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
