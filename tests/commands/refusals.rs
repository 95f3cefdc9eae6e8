//! Wrong configurations, templates and feeds: the message each gets, the exit status, and that
//! nothing is lost over it.

use crate::support::process::House;
use crate::{CHANNELS, Item, Office};

const SITE: &str = "[site]\nname = \"N\"\nurl = \"https://n.example\"\npostal_address = \"P\"\n";
const RELAY: &str = "[relays.main]\nurl = \"smtp://127.0.0.1:25?tls=off\"\n";
const BRIEF: &str = "[channels.brief]\nkind = \"email\"\nfrom = \"b@n.example\"\n";

/// What is wrong, the document, and all that is said, in order.
const WRONG: [(&str, &str, &[&str]); 19] = [
    (
        "an unknown key",
        "{SITE}[defaults]\nhodl = \"5m\"\n",
        &[
            "courant.toml:6:1",
            "unknown key `hodl`",
            "did you mean `hold`?",
        ],
    ),
    (
        "an unknown table",
        "{SITE}[source.a]\nkind = \"feed\"\n",
        &["courant.toml:5:", "did you mean [sources]?"],
    ),
    ("no TOML", "{SITE}[defaults\n", &["courant.toml:5:"]),
    (
        "a bad duration",
        "{SITE}[defaults]\nhold = \"soon\"\n",
        &["courant.toml:6:8", "`soon`"],
    ),
    (
        "a bad zone",
        "{SITE}timezone = \"Asia/Lahore\"\n",
        &["courant.toml:5:12", "no time zone `Asia/Lahore`"],
    ),
    (
        "a bad cron",
        "{SITE}{RELAY}{BRIEF}schedule = \"0 25 * * *\"\n",
        &["courant.toml:10:", "0 25 * * *"],
    ),
    (
        "no schedule",
        "{SITE}{RELAY}{BRIEF}",
        &[
            "courant.toml:8:8",
            "does not say when it publishes",
            "add `schedule",
        ],
    ),
    (
        "an unknown relay",
        "{SITE}{RELAY}{BRIEF}schedule = \"each\"\nrelays = [\"mian\"]\n",
        &["courant.toml:11:", "`mian`", "did you mean `main`?"],
    ),
    (
        "an unknown kind",
        "{SITE}[channels.m]\nkind = \"mastodom\"\n",
        &["courant.toml:6:8", "`mastodom`", "did you mean `mastodon`?"],
    ),
    (
        "what a kind must have",
        "{SITE}[channels.m]\nkind = \"mastodon\"\n",
        &["courant.toml:5:", "`server`"],
    ),
    (
        "a feed that is no address",
        "{SITE}[sources.a]\nkind = \"feed\"\nurl = \"news.example/feed\"\n",
        &["courant.toml:7:7", "news.example/feed"],
    ),
    (
        "a format for a kind of source",
        "{SITE}[sources.a]\nkind = \"rss\"\nurl = \"https://n.example\"\n",
        &[
            "courant.toml:6:8",
            "named `rss`",
            "write `feed`, which reads RSS",
        ],
    ),
    (
        "half a login, and a kind of post that is none",
        "{SITE}[sources.a]\nkind = \"wordpress\"\nurl = \"https://n.example\"\nuser = \"x\"\npost_type = \"a/b\"\n",
        &[
            "courant.toml:8:8",
            "`user` needs `application_password` beside it",
            "courant.toml:9:13",
            "`a/b` is no kind of post",
        ],
    ),
    (
        "a password in the clear",
        "{SITE}[sources.a]\nkind = \"wordpress\"\nurl = \"http://n.example\"\nuser = \"x\"\napplication_password = \"abcd efgh\"\n",
        &[
            "courant.toml:7:7",
            "in the clear",
            "begin `url` with https://",
        ],
    ),
    (
        "rules for pages that are no selectors",
        "{SITE}[sources.a]\nkind = \"sitemap\"\nurl = \"https://n.example\"\nselect = [\"a\", \"::before\"]\nstrip = [\".a:has(b)\"]\n",
        &[
            "courant.toml:8:16",
            "`::before` is no CSS selector",
            "courant.toml:9:10",
            "`:has()` is not understood",
        ],
    ),
    (
        "a folder's addresses",
        "{SITE}[sources.a]\nkind = \"folder\"\npath = \"p\"\npermalink = \"/:yeer/:slug\"\nbase_url = \"x\"\n",
        &[
            "courant.toml:8:13",
            "`:yeer` is no part of an address",
            "courant.toml:9:12",
            "`x` is no web address",
        ],
    ),
    (
        "a push source that anybody may send to",
        "{SITE}[sources.a]\nkind = \"push\"\n",
        &["courant.toml:5:", "has no `token`", "or `secret`"],
    ),
    (
        "keys that can be guessed",
        "{SITE}[sources.a]\nkind = \"feed\"\nurl = \"https://n.example\"\npush_token = \"abc\"\n",
        &[
            "courant.toml:8:14",
            "can be guessed",
            "openssl rand -hex 32",
        ],
    ),
    (
        "a bad condition",
        "{SITE}[channels.f]\nkind = \"feed\"\nwhere = \"article.words >\"\n",
        &["courant.toml:7:"],
    ),
];

fn filled(document: &str) -> String {
    let parts = [("{SITE}", SITE), ("{RELAY}", RELAY), ("{BRIEF}", BRIEF)];
    let fill = |text: String, (name, part): (&str, &str)| text.replace(name, part);
    parts.into_iter().fold(document.to_owned(), fill)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrong_configuration_is_refused_with_its_place_by_every_command() {
    let house = House::empty();
    for (what, document, said) in WRONG {
        eprintln!("{what}");
        house.write("courant.toml", filled(document));
        for command in ["check", "status", "run"] {
            house.courant(&[command]).refused(2, said);
        }
        assert!(
            !house.path("courant.db").exists(),
            "{what}: a database was made"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_errors_are_told_in_one_go() {
    let wrong = "{SITE}colour = 1\n[defaults]\nflood = 0\n[channels.m]\nkind = \"mastodon\"\n[channels.b]\nkind = \"email\"\nschedule = \"each\"\n";
    let house = House::with(&filled(wrong));
    let told = house.courant(&["check"]);
    let places = [
        "courant.toml:5:1",
        "courant.toml:7:9",
        "courant.toml:8:",
        "courant.toml:10:",
    ];
    told.refused(2, &places);
    assert!(told.out.is_empty(), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_that_are_not_there_stop_the_daemon_and_are_named() {
    let with = |secret: &str| {
        filled("{SITE}{RELAY}{BRIEF}schedule = \"each\"\n[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nbase_url = \"http://l.example\"\n")
            .replace("?tls=off\"\n", &format!("\"\npassword = {secret}\n"))
            .replace("smtp://127", "smtp://user@127")
    };
    let table = [
        ("{ env = \"COURANT_TEST_NOT_SET\" }", "COURANT_TEST_NOT_SET"),
        ("{ file = \"secrets/relay\" }", "secrets/relay"),
        ("{ credential = \"relay-main\" }", "relay-main"),
    ];
    for (secret, said) in table {
        let house = House::with(&with(secret));
        house.courant(&["run"]).refused(2, &["relay `main`", said]);
        house.courant(&["status"]).done();
    }
}

/// What every mail must have; a template without it is refused.
const FOOT: &str = "<p>{{ links.unsubscribe }} {{ site.postal_address }}</p>\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrong_template_is_refused_with_file_line_and_column() {
    let more = format!("[templates]\ndir = \"templates\"\n{CHANNELS}");
    let office = Office::with_templates(&more).await;
    let house = &office.house;
    let own = |html: &str| {
        house.write("templates/email/digest.html", format!("{html}{FOOT}"));
        house.courant(&["check"])
    };
    own("<p>\n{% if issue %}\n").refused(2, &["templates/email/digest.html:"]);
    own("<p>{{ channel.title }}</p>\n<p>{{ isue.title }}</p>\n").refused(
        2,
        &[
            "templates/email/digest.html:2:7",
            "with the sample long, empty, urdu, hostile",
            "`isue` is not there",
            "did you mean `issue`?",
        ],
    );
    own("<p>{{ channel.title|shout }}</p>\n")
        .refused(2, &["templates/email/digest.html:1:", "shout"]);
    house.write(
        "templates/email/digest.html",
        "<p>{{ channel.title }}</p>\n",
    );
    house.courant(&["check"]).refused(
        2,
        &[
            "does not have an unsubscribe link",
            "does not have the postal address",
        ],
    );
    // The mail that asks to confirm is made for every newsletter; what is wrong is told once.
    own("<p>{{ channel.title }}</p>\n").done();
    let confirm = house.path("templates/email/confirm.html");
    std::fs::write(&confirm, "<p>Yes! {{ site.postal_address }}</p>\n").expect("a directory");
    let told = house.courant(&["check"]);
    told.refused(2, &["`email/confirm.html`", "{{ links.confirm }}"]);
    assert_eq!(told.err.matches("links.confirm").count(), 1, "{}", told.err);
    std::fs::remove_file(confirm).expect("it was just written");
    // The issue's page in the archive is a template like any other.
    house.write("templates/web/issue.html", "<p>\n{{ isue.title }}</p>\n");
    house.courant(&["check"]).refused(
        2,
        &["templates/web/issue.html:2:4", "did you mean `issue`?"],
    );
    std::fs::remove_dir_all(house.path("templates/web")).expect("it was just written");
    // The same in the configuration's own templates.
    let good = house.read("courant.toml");
    let subject = good.replacen(
        "default_schedule",
        "subject = \"{{ isue.title }}\"\ndefault_schedule",
        1,
    );
    house.write("courant.toml", subject);
    house
        .courant(&["check"])
        .refused(2, &["channels.brief.subject", "isue"]);
    house.write("courant.toml", good);
    house.courant(&["check"]).done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_template_broken_after_the_check_pauses_its_issue_and_loses_nothing() {
    let more = format!("[templates]\ndir = \"templates\"\n{CHANNELS}");
    let office = Office::with_templates(&more).await;
    let house = &office.house;
    office.add("ada@readers.example");
    office.site.publish(Item::new(1));
    house.courant(&["poll"]).done();
    // Right for every sample, wrong for this story.
    let only = "{% if issue.articles[0].title == 'Story 1' %}{{ nothing.here }}{% endif %}\n";
    house.write("templates/email/digest.html", format!("{only}{FOOT}"));
    house.write("templates/email/article.html", format!("{only}{FOOT}"));
    house.courant(&["check"]).done();
    house.courant(&["publish", "brief"]);
    let shown = house.courant(&["issues", "show", "1"]).done().out;
    assert!(
        shown.contains("paused") && shown.contains("nothing"),
        "{shown}"
    );
    std::fs::remove_dir_all(house.path("templates/email")).expect("it was just written");
    house.courant(&["issues", "resume", "1"]).done();
    let daemon = house.start().await;
    use crate::support::process::{SOON, until};
    until("the mail goes out after all", SOON, async || {
        (office.sink.accepted().len() == 1).then_some(())
    })
    .await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_feed_that_cannot_be_read_is_told_and_harms_nothing() {
    let office = Office::with_news(1).await;
    let house = &office.house;
    let known = house.json(&["articles"]);
    let table = [
        (404, "", "404"),
        (500, "down", "500"),
        (200, "<html><body>no feed</body></html>", "feed"),
        (200, "<rss><channel><item>", ""),
    ];
    for (status, body, said) in table {
        office.site.answer_instead(status, body);
        let told = house.courant(&["poll"]);
        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.out.contains(said), "{told:?}");
        let status = house.json(&["status"]);
        assert_eq!(status["sources"][0]["state"], "failing");
        assert_eq!(house.json(&["articles"]), known);
    }
    office.site.answer_again();
    house.courant(&["poll"]).done();
    assert_eq!(house.json(&["status"])["sources"][0]["state"], "ok");

    // This machine is not fetched from unless the operator says so.
    let text = house
        .read("courant.toml")
        .replace("allow = [\"127.0.0.0/8\"]", "allow = []");
    house.write("courant.toml", text);
    let told = house.courant(&["poll"]);
    assert_eq!(told.code, 1);
    assert!(told.out.contains("private or local address"), "{told:?}");
    assert!(told.out.contains("[network]"), "{told:?}");
    assert_eq!(house.json(&["articles"]), known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_there_is_not_is_refused_with_what_there_is() {
    let office = Office::with_news(1).await;
    let before = office.state();
    let table: [(&[&str], i32, &str); 7] = [
        (
            &["preview", "nope"],
            2,
            "no channel `nope`; there are brief, feed, hook",
        ),
        (&["publish", "nope"], 2, "no channel `nope`"),
        (&["poll", "nope"], 2, "no source `nope`; there are news"),
        (&["issues", "show", "7"], 1, "no issue 7"),
        (&["issues", "retry", "7"], 1, "no issue 7"),
        (
            &["subscribers", "show", "who@readers.example"],
            1,
            "is not known",
        ),
        (
            &["publish", "brief", "--test", "who"],
            2,
            "`who` is not an e-mail address",
        ),
    ];
    for (arguments, code, said) in table {
        office.house.courant(arguments).refused(code, &[said]);
    }
    assert_eq!(office.state(), before);
}
