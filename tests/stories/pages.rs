//! Full text from articles' pages: read once, kept over new themes, and no way inside.

use courant::domain::{Article, UnixMillis};
use courant::pipeline::ingest::PollReport;
use courant::store::{ArticleFilter, Db};

use crate::support::databases::both_databases;
use crate::support::newsroom::{DAY_ONE, MINUTE, Newsroom};
use crate::support::site::{Item, Site};

const SUMMARY: &str = "Water levels rose through the night and families were moved […]";

fn configuration(full_text: &str, hold: &str) -> String {
    format!(
        r#"
[sources.full]
kind = "feed"
url = "{{SITE}}/feed/?full"
every = "5m"
hold = "{hold}"
full_text = "{full_text}"
[channels.brief]
kind = "email"
sources = ["full"]
from = "News <brief@news.example>"
schedules = {{ instant = "each" }}
"#
    )
}

/// A source with full text, and an instant reader of it.
async fn newsroom(db: Db, full_text: &str, hold: &str) -> Newsroom {
    let room = Newsroom::open(db, &configuration(full_text, hold)).await;
    room.reader("ada@readers.example", "instant").await;
    room
}

fn item(site: &Site, number: usize) -> Item {
    let mut item = Item::new(number);
    item.link = format!("{}/story-{number}/", site.url);
    item.body = format!("<p>{SUMMARY}</p>");
    item
}

/// A page of a theme: `furniture` is what the theme puts around the text.
fn page(furniture: &str) -> String {
    format!(
        "<html lang=\"en\"><head><meta name=\"author\" content=\"Ayesha Khan\">\
         <meta property=\"og:image\" content=\"/boats.jpg\"><title>Story - News</title></head><body>\
         <nav>Home</nav><div class=\"{furniture}\">{furniture}</div><article><div class=\"entry-content\">\
         <p>SUKKUR: Water levels rose through the night and families were moved to schools, officials said.</p>\
         <div class=\"share-buttons\">{furniture} 41 shares</div><h2>The camps</h2>\
         <p>The last paragraph names the seven villages.</p></div></article><footer>{furniture}</footer></body></html>"
    )
}

async fn look(room: &Newsroom, now: UnixMillis) -> PollReport {
    let reports = room.look(now).await;
    room.tick(now).await;
    reports.into_iter().find(|r| r.source == "full").unwrap()
}

async fn newest(room: &Newsroom) -> Article {
    let filter = ArticleFilter {
        source: Some("full".into()),
        ..ArticleFilter::default()
    };
    room.app.db.articles(&filter, 1).await.unwrap().remove(0)
}

fn mails(room: &Newsroom) -> Vec<String> {
    room.mails_of("ada@readers.example")
}

#[tokio::test]
async fn a_summary_is_mailed_with_the_text_of_its_page_and_a_new_theme_is_no_correction() {
    both_databases(async |db| {
        let room = newsroom(db, "auto", "0s").await;
        room.site.show("/story-1/", &page("sidebar"));
        room.site.publish(item(&room.site, 1));
        let report = look(&room, DAY_ONE).await;
        assert_eq!((report.new, &report.notes[..]), (1, &[][..]));
        let mail = mails(&room).concat();
        assert!(
            mail.contains("The last paragraph names the seven villages."),
            "{mail}"
        );
        assert!(
            !mail.contains("41 shares") && !mail.contains("sidebar"),
            "{mail}"
        );
        let article = newest(&room).await;
        assert_eq!(article.revision.authors, ["Ayesha Khan"]);
        assert!(article.revision.image.unwrap().url.ends_with("/boats.jpg"));

        room.site.show("/story-1/", &page("new-theme"));
        room.site.publish(item(&room.site, 2));
        let report = look(&room, DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!((report.new, report.changed), (1, 0));
        assert_eq!(room.site.visits("/story-1/"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_missing_leaves_the_summary_and_is_tried_while_the_article_waits() {
    both_databases(async |db| {
        let room = newsroom(db, "auto", "10m").await;
        room.site.publish(item(&room.site, 1));
        room.site.publish(item(&room.site, 2));
        let report = look(&room, DAY_ONE).await;
        assert_eq!((report.new, report.notes.len()), (2, 2));
        assert!(
            report.notes[0].contains("the source's own text is used"),
            "{:?}",
            report.notes
        );
        room.site.show("/story-2/", &page("late"));
        let report = look(&room, DAY_ONE.plus_ms(5 * MINUTE)).await;
        assert_eq!((report.new, report.changed, report.notes.len()), (0, 1, 1));
        look(&room, DAY_ONE.plus_ms(25 * MINUTE)).await;
        let mails = mails(&room).concat();
        assert_eq!(mails.matches("Water levels rose").count(), 2, "{mails}");
        assert_eq!(mails.matches("the seven villages").count(), 1, "{mails}");
        let asked = room.site.visits("/story-1/");
        look(&room, DAY_ONE.plus_ms(40 * MINUTE)).await;
        assert_eq!(
            (asked, room.site.visits("/story-1/")),
            (2, 2),
            "it is not asked for ever"
        );
    })
    .await;
}

#[tokio::test]
async fn who_turns_full_text_off_has_corrected_nothing() {
    both_databases(async |db| {
        let mut room = newsroom(db, "auto", "0s").await;
        room.site.show("/story-1/", &page("theme"));
        room.site.publish(item(&room.site, 1));
        look(&room, DAY_ONE).await;
        room.app = room.beside(&configuration("never", "0s")).await;
        room.site.publish(item(&room.site, 2));
        let report = look(&room, DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!((report.new, report.changed), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_corrected_summary_keeps_the_text_while_its_page_is_away() {
    both_databases(async |db| {
        let room = newsroom(db, "auto", "0s").await;
        room.site.show("/story-1/", &page("theme"));
        room.site.publish(item(&room.site, 1));
        look(&room, DAY_ONE).await;
        room.site.show("/story-1/", "");
        let guid = "https://news.example/?p=1";
        room.site
            .edit(guid, |item| item.title = "Story one, put right".into());
        let report = look(&room, DAY_ONE.plus_ms(MINUTE)).await;
        assert!(
            report.notes[0].contains("its earlier text is kept"),
            "{:?}",
            report.notes
        );
        let revision = newest(&room).await.revision;
        assert_eq!(
            (revision.number, &revision.title[..]),
            (2, "Story one, put right")
        );
        assert!(revision.content_html.contains("the seven villages"));
    })
    .await;
}

#[tokio::test]
async fn always_reads_the_page_of_a_full_feed_and_never_reads_none() {
    both_databases(async |db| {
        let full = "<p>Water levels rose through the night.</p>".repeat(6);
        let room = newsroom(db, "always", "0s").await;
        room.site.show("/story-1/", &page("theme"));
        let mut one = item(&room.site, 1);
        one.body.clone_from(&full);
        room.site.publish(one);
        look(&room, DAY_ONE).await;
        assert!(
            newest(&room)
                .await
                .revision
                .content_html
                .contains("the seven villages")
        );
        // The story's other source has the same items and does not say `full_text`.
        assert_eq!(room.site.visits("/story-1/"), 1);
    })
    .await;
}

#[tokio::test]
async fn no_link_of_a_feed_leads_inside() {
    let inside = Site::start().await;
    inside.show("/secret/", &page("secret"));
    let port = inside.url.rsplit(':').next().unwrap().to_owned();
    both_databases(async |db| {
        let room = newsroom(db, "auto", "0s").await;
        let places = [
            // The operator's exception is for the source's own host.
            format!("http://localhost:{port}/secret/"),
            format!("http://[::ffff:127.0.0.1]:{port}/secret/"),
            format!("http://0x7f000001:{port}/secret/").replace("0x7f000001", "127.1.0.1"),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "http://[::1]/secret/".to_owned(),
            "http://10.0.0.1/".to_owned(),
        ];
        for (number, place) in places.iter().enumerate() {
            let mut item = item(&room.site, number + 1);
            item.link.clone_from(place);
            room.site.publish(item);
        }
        let report = look(&room, DAY_ONE).await;
        assert_eq!(
            (report.new, report.notes.len()),
            (places.len(), places.len())
        );
        for note in &report.notes {
            assert!(note.contains("was not fetched"), "{note}");
        }
        assert_eq!(inside.visits("/secret/"), 0);
        let mails = mails(&room).concat();
        assert!(mails.contains("Water levels") && !mails.contains("seven villages"));
    })
    .await;
}
