//! `articles`: what is told of each, and what an operator decides.

use courant::domain::UnixMillis;
use serde_json::json;

use crate::support::process::House;
use crate::{Item, Office};

/// Channels that each have a reason not to take ordinary stories, and one that takes all.
const CHOOSY: &str = r#"
[channels.all]
kind = "feed"
[channels.region]
kind = "feed"
topics = { any = ["Region", "Pakistan"] }
[channels.sponsored]
kind = "feed"
topics = { none = ["News"] }
[channels.both]
kind = "feed"
topics = { all = ["News", "Sport"] }
[channels.urdu]
kind = "feed"
languages = ["ur"]
[channels.long]
kind = "feed"
where = "article.words > 80"
[channels.elsewhere]
kind = "feed"
sources = ["other"]
[sources.other]
kind = "feed"
url = "{SITE}/feed/?other"
"#;

fn show(house: &House, id: i64) -> String {
    let id = id.to_string();
    house.courant(&["articles", "show", &id]).done().out
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "nothing of `{word}` in:\n{text}");
    }
}

/// The article of source `news` with this title.
fn id_of(house: &House, title: &str) -> i64 {
    let list = house.json(&["articles", "list", "--source", "news"]);
    let all = list.as_array().expect("a list");
    let found = all.iter().find(|a| a["revision"]["title"] == title);
    found.expect("an article")["id"].as_i64().expect("an id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn show_says_for_each_channel_why_it_has_an_article_or_has_not() {
    let office = Office::with(CHOOSY).await;
    office.site.publish(Item::new(1));
    let house = &office.house;
    house.courant(&["poll"]).done();
    let id = id_of(house, "Story 1");
    let told = show(house, id);
    says(
        &told,
        &[
            "released from news, revision 1",
            "released at 20",
            "all: number 1 of its ledger since 20",
            "; in no issue yet",
            "region: its selection does not take it: it takes the topics region, pakistan, and \
             this has none of them",
            "sponsored: its selection does not take it: it refuses the topic news, which this has",
            "both: its selection does not take it: it demands the topic sport, which this does \
             not have",
            "urdu: its selection does not take it: it takes the languages ur, and this is in en",
            "long: its selection does not take it: its `where` is not true of it: article.words \
             > 80",
            "elsewhere: its selection does not take it: it takes from other, and this is from \
             news",
            "first seen: Story 1",
            "wp: news.example#1",
            "guid: https://news.example/?p=1",
            "link: news.example/story-1",
            "headline (alike only): story 1 2026-01-01",
        ],
    );
    house.courant(&["publish", "all"]).done();
    says(&show(house, id), &["; in issue 1 of 20", "(manual, "]);
    let shown = house.json(&["articles", "show", &id.to_string()]);
    assert_eq!(shown["article"]["state"], "released");
    let channel = |id: &str| {
        let mut all = shown["channels"].as_array().expect("channels").iter();
        all.find(|c| c["channel"] == id)
            .expect("the channel")
            .clone()
    };
    assert_eq!(channel("all")["number"], 1);
    assert_eq!(channel("all")["issues"][0]["issue"], 1);
    assert_eq!(channel("urdu")["number"], json!(null));
    assert_eq!(shown["revisions"][0]["class"], json!(null));
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn show_tells_of_channels_that_came_later_and_of_corrections() {
    let office = Office::with(CHOOSY).await;
    office.site.publish(Item::new(1));
    let house = &office.house;
    house.courant(&["poll"]).done();
    let id = id_of(house, "Story 1");
    let text = house.read("courant.toml") + "[channels.late]\nkind = \"feed\"\n";
    house.write("courant.toml", text);
    office.site.edit("https://news.example/?p=1", |item| {
        item.body = "<p>Correction: it was otherwise.</p>".into();
    });
    house.courant(&["poll"]).done();
    says(
        &show(house, id),
        &[
            "late: takes it now, but did not when it was released at 20",
            "correction: Story 1",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_list_is_of_one_source_and_as_long_as_asked() {
    let office = Office::with(CHOOSY).await;
    (1..=3).for_each(|number| office.site.publish(Item::new(number)));
    let house = &office.house;
    house.courant(&["poll"]).done();
    let count = |arguments: &[&str]| house.json(arguments).as_array().map(Vec::len);
    assert_eq!(count(&["articles"]), Some(6));
    assert_eq!(count(&["articles", "list", "--source", "other"]), Some(3));
    assert_eq!(count(&["articles", "list", "--limit", "2"]), Some(2));
    let both = ["articles", "list", "--source", "news", "--state", "held"];
    assert_eq!(count(&both), Some(0));
    house
        .courant(&["articles", "list", "--source", "nwes"])
        .refused(1, &["no source `nwes`"]);
}

/// A date of RFC 2822, a day from now.
fn tomorrow() -> String {
    let at = UnixMillis::now().plus_ms(86_400_000).timestamp();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_embargo_is_told_and_outlasts_the_release_of_a_flood() {
    let office = Office::open().await;
    let house = &office.house;
    office.site.publish(Item::new(1).dated(&tomorrow()));
    house.courant(&["poll"]).done();
    let first = id_of(house, "Story 1");
    says(
        &show(house, first),
        &[
            "waits until 20",
            "its source dates it 20",
            "brief: enters at 20",
        ],
    );
    let text = house.read("courant.toml");
    house.write(
        "courant.toml",
        text.replace("hold = \"0s\"", "hold = \"0s\"\nflood = 1"),
    );
    office.site.publish(Item::new(2).dated(&tomorrow()));
    office.site.publish(Item::new(3));
    house.courant(&["poll"]).done();
    let (second, third) = (id_of(house, "Story 2"), id_of(house, "Story 3"));
    says(
        &show(house, third),
        &[
            "held until you release it",
            "flood brake: 2 new articles in one poll",
            "brief: enters when you release it",
        ],
    );
    let released = house.json(&["articles", "release", "held"]);
    assert_eq!(
        released,
        json!({ "released": [third], "waiting": [second] })
    );
    says(
        &show(house, second),
        &["waiting from news", "its source dates it"],
    );
    // One by one the operator's word is stronger than the date.
    let one = house.json(&["articles", "release", &second.to_string()]);
    assert_eq!(one["released"], json!([second]));
    says(&show(house, second), &["brief: number 2 of its ledger"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspicion_is_told_and_an_article_of_the_first_poll_can_become_news() {
    let office = Office::open().await;
    let house = &office.house;
    let long = |number: usize| {
        let mut item = Item::new(number);
        item.body = format!("<p>{}</p>", "The river rose in the night. ".repeat(10));
        item.titled("Floods").dated("Mon, 05 Jan 2026 05:00:00 GMT")
    };
    office.site.publish(long(1));
    house.courant(&["poll"]).done();
    office.site.publish(long(2));
    house.courant(&["poll"]).done();
    let list = house.json(&["articles", "list", "--state", "held"]);
    let twin = list[0]["id"].as_i64().expect("an id");
    says(
        &show(house, twin),
        &[
            "held until 20",
            "it looks like article 1, which has the same title and text: “Floods”",
            "brief: enters when it leaves its hold, 20",
        ],
    );
    let kept = ["articles", "hold", &twin.to_string()];
    house.courant(&kept).done();
    says(&show(house, twin), &["held until you release it"]);

    // Another source, whose first poll knows all of it.
    let more = format!(
        "{}[sources.late]\nkind = \"feed\"\nurl = \"{}/feed/?late\"\n",
        house.read("courant.toml"),
        office.site.url
    );
    house.write("courant.toml", more);
    house.courant(&["poll"]).done();
    let old = house.json(&["articles", "list", "--source", "late"]);
    let old = old[0]["id"].as_i64().expect("an id");
    says(
        &show(house, old),
        &["makes it news", "brief: no, it was there at the first poll"],
    );
    house
        .courant(&["articles", "release", &old.to_string()])
        .done();
    says(&show(house, old), &["brief: number 2 of its ledger"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_cannot_be_held_says_why_and_what_can_be_done() {
    let office = Office::with(CHOOSY).await;
    office.site.publish(Item::new(1));
    let house = &office.house;
    let late = "[sources.late]\nkind = \"feed\"\n";
    let late = format!("{late}url = \"{}/feed/?late\"\n", office.site.url);
    house.write("courant.toml", house.read("courant.toml") + &late);
    house.courant(&["poll"]).done();
    let newest = |source: &str| {
        let list = house.json(&["articles", "list", "--source", source]);
        list[0]["id"].to_string()
    };
    house
        .courant(&["articles", "hold", &newest("late")])
        .refused(1, &["at the first poll", "only if you release it"]);
    house
        .courant(&["articles", "ignore", &newest("news")])
        .refused(1, &["is released", "`courant issues`"]);
}
