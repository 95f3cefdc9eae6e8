//! `subscribers`: good rows and bad ones.

use serde_json::{Value, json};

use crate::Office;

const GOOD: &str = "\u{feff}Email,Name,language,timezone,schedule,topics\n\
    ada@readers.example,Ada,en,Europe/London,weekly,News;Region\n\
    bo@readers.example,,,,,\n";

fn good_and_bad() -> Vec<u8> {
    let mut csv = GOOD.as_bytes().to_vec();
    csv.extend_from_slice(
        b"not an address,,,,,\n\
        ADA@readers.example,,,,,\n\
        cy@readers.example,,,,hourly,\n\
        di@readers.example,,,Mars/Olympus,,\n\
        ed@readers.example,\xff\xfe,,,,\n\
        ,Nobody,,,,\n\
        gone@readers.example,,,,,\n",
    );
    csv
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_import_takes_good_rows_and_says_what_is_wrong_with_each_other() {
    let office = Office::open().await;
    let house = &office.house;
    house
        .courant(&[
            "subscribers",
            "suppress",
            "gone@readers.example",
            "--reason",
            "asked by letter",
        ])
        .done();
    house.write("people.csv", good_and_bad());
    let import = ["subscribers", "import", "people.csv", "--channel", "brief"];

    let before = office.state();
    let rehearsal = house.json(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(office.state(), before);
    assert!(!house.path("people.rejects.csv").exists());
    let done = house.json(&import);
    assert_eq!(done, rehearsal, "the rehearsal tells what will happen");
    assert_eq!(
        [&done["rows"], &done["added"], &done["suppressed"]],
        [&json!(9), &json!(2), &json!(1)]
    );
    let expected = says_why(&done);
    let file = house.read("people.rejects.csv");
    assert_eq!(file.lines().count(), expected + 1, "{file}");
    assert!(file.starts_with("line,reason,email,") && file.contains("hourly"));
    // Mended, it can be imported as it is.
    house.write("mended.csv", file.replace("hourly", "weekly"));
    let mended = house.json(&["subscribers", "import", "mended.csv", "--channel", "brief"]);
    assert_eq!(mended["added"], json!(1), "{mended}");

    // Twice is once.
    let again = house.json(&import);
    assert_eq!(
        (&again["added"], &again["unchanged"]),
        (&json!(0), &json!(2))
    );
    let text = house.courant(&import).done().out;
    assert!(
        text.contains("9 rows") && text.contains("people.rejects.csv"),
        "{text}"
    );
}

/// Each row that was not taken has its line and its reason; how many there are.
fn says_why(report: &Value) -> usize {
    let rejects = report["rejects"].as_array().expect("a list");
    let expected = [
        (
            4,
            "`not an address` is not an e-mail address; it should look like name@example.org",
        ),
        (
            5,
            "`ADA@readers.example` stands in an earlier row; only that one was taken",
        ),
        (
            6,
            "channel `brief` has no schedule `hourly`; it has daily, weekly",
        ),
        (
            7,
            "`Mars/Olympus` is no time zone; it should look like Asia/Karachi",
        ),
        (8, "the row is not CSV in UTF-8"),
        (9, "there is no address"),
    ];
    assert_eq!(rejects.len(), expected.len(), "{rejects:?}");
    for (reject, (line, reason)) in rejects.iter().zip(expected) {
        assert_eq!(reject["line"], line, "{reject}");
        let told = reject["reason"].as_str().expect("a reason");
        assert!(told.starts_with(reason), "line {line}: {told}");
    }
    rejects.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_is_no_list_of_readers_is_refused_whole() {
    let office = Office::open().await;
    let before = office.state();
    let table = [
        (
            "name,language\nAda,en\n",
            "brief",
            "none of them is `email`",
        ),
        (
            "email,colour\nada@readers.example,red\n",
            "brief",
            "a column `colour`",
        ),
        (
            GOOD,
            "feed",
            "there is no e-mail channel `feed`; there are brief",
        ),
        (GOOD, "nope", "there is no e-mail channel `nope`"),
    ];
    for (csv, channel, said) in table {
        office.house.write("people.csv", csv);
        let import = ["subscribers", "import", "people.csv", "--channel", channel];
        office.house.courant(&import).refused(2, &[said]);
    }
    let nowhere = ["subscribers", "import", "nowhere.csv", "--channel", "brief"];
    office
        .house
        .courant(&nowhere)
        .refused(2, &["nowhere.csv", "could not be read"]);
    office
        .house
        .courant(&["subscribers", "import", "people.csv"])
        .refused(2, &["--channel"]);
    assert_eq!(office.state(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_is_added_and_shown() {
    let office = Office::open().await;
    let house = &office.house;
    let add = |address: &str, more: &[&str]| {
        let all = [&["subscribers", "add", address, "--channel", "brief"], more].concat();
        house.courant(&all)
    };
    let ada = "ada@readers.example";
    add("ada", &[]).refused(2, &["`ada` is not an e-mail address"]);
    add("ada@localhost", &[]).refused(2, &["no public domain"]);
    add(ada, &["--timezone", "Mars"]).refused(2, &["`Mars` is no time zone"]);
    add(ada, &["--schedule", "hourly"]).refused(2, &["no schedule `hourly`; it has daily, weekly"]);
    house
        .courant(&["subscribers", "show", ada])
        .refused(1, &["is not known"]);
    let more = [
        "--name",
        "Ada L.",
        "--schedule",
        "weekly",
        "--topic",
        "News",
        "--timezone",
        "Europe/London",
    ];
    assert!(add(ada, &more).done().out.contains("is subscribed"));
    assert!(
        add("Ada@Readers.example", &[])
            .done()
            .out
            .contains("already")
    );

    let shown = house.json(&["subscribers", "show", ada]);
    assert_eq!(shown["subscriber"]["name"], "Ada L.");
    assert_eq!(shown["subscriptions"][0]["schedule"], "weekly");
    assert!(
        house
            .courant(&["subscribers", "show", ada])
            .done()
            .out
            .contains("weekly")
    );
    let csv = house
        .courant(&["subscribers", "export", "--channel", "brief"])
        .done()
        .out;
    assert!(csv.starts_with("email,name,language,timezone,"), "{csv}");
    assert!(
        csv.contains("ada@readers.example,Ada L.,,Europe/London,brief,active,weekly,News"),
        "{csv}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_left_or_is_suppressed_does_not_come_back_by_the_operators_hand() {
    let office = Office::open().await;
    let house = &office.house;
    let add = |address: &str, more: &[&str]| {
        let all = [&["subscribers", "add", address, "--channel", "brief"], more].concat();
        house.courant(&all)
    };
    let ada = "ada@readers.example";
    office.add(ada);
    house.courant(&["subscribers", "remove", ada]).done();
    house
        .courant(&["subscribers", "remove", ada])
        .refused(1, &["no such subscription"]);
    add(ada, &[]).refused(1, &["has left the channel"]);
    house
        .courant(&["subscribers", "suppress", ada, "--reason", "by letter"])
        .done();
    let shown = house.courant(&["subscribers", "show", ada]).done().out;
    assert!(
        shown.contains("suppressed since") && shown.contains("by letter"),
        "{shown}"
    );
    house.courant(&["subscribers", "erase", ada]).done();
    add(ada, &[]).refused(1, &["is suppressed"]);
    house
        .courant(&["subscribers", "erase", "who@readers.example"])
        .refused(1, &["is not known"]);
    house
        .courant(&["subscribers", "remove", "who@readers.example"])
        .refused(1, &["is not known"]);
    let pending = add("new@readers.example", &["--pending"]).done();
    assert!(
        pending.out.contains("new@readers.example"),
        "{}",
        pending.out
    );
    let shown = house.json(&["subscribers", "show", "new@readers.example"]);
    assert_eq!(shown["subscriptions"][0]["state"], "pending");
    let again = add("new@readers.example", &["--pending"]).done();
    assert!(again.out.contains("who has not confirmed"), "{}", again.out);
}
