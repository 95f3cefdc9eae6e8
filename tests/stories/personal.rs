//! Mails that speak to their reader.

use courant::domain::EmailAddress;
use courant::pipeline::audience::{self, ImportOptions, SubscriberFields};
use courant::templates::Templates;
use mail_parser::MessageParser;

use crate::support::databases::both_databases;
use crate::support::newsroom::{DAY_ONE, Newsroom};
use crate::support::site::Item;

/// Address and name.
const READERS: [(&str, &str); 3] = [
    ("zoe@readers.example", "Zoë <b> & Co"),
    ("ben@readers.example", "Ben"),
    ("nobody@readers.example", ""),
];

fn channel(subject: &str) -> String {
    format!(
        r#"
[channels.brief]
kind = "email"
from = "News <brief@news.example>"
schedules = {{ instant = "each" }}
default_schedule = "instant"
subject = "{subject}"
"#
    )
}

/// A newsroom with the readers, and with this template of an article's mail.
async fn room(db: courant::store::Db, subject: &str, greeting: &str) -> Newsroom {
    let mut room = Newsroom::open(db, &channel(subject)).await;
    let dir = tempfile::tempdir().unwrap();
    let email = dir.path().join("email");
    std::fs::create_dir(&email).unwrap();
    let html = format!("<p>{greeting}</p>{{{{ article.url }}}} {{{{ links.unsubscribe }}}}");
    std::fs::write(email.join("article.html"), html).unwrap();
    let text = format!("{greeting}\n{{{{ article.url }}}} {{{{ links.unsubscribe }}}}");
    std::fs::write(email.join("article.txt"), text).unwrap();
    room.app.templates = std::sync::Arc::new(Templates::load(Some(dir.path())).unwrap());
    for (address, name) in READERS {
        let fields = SubscriberFields {
            address: EmailAddress::parse(address).unwrap(),
            name,
            language: None,
            timezone: None,
            schedule: None,
            topics: Vec::new(),
        };
        let options = ImportOptions {
            channels: vec!["brief".into()],
            ..ImportOptions::default()
        };
        let reader = audience::subscriber(&room.app, fields, &options).unwrap();
        room.app
            .db
            .import_subscribers(&[reader], DAY_ONE)
            .await
            .unwrap();
    }
    room
}

/// Subject, text and HTML of the one mail an address got.
fn mail_to(room: &Newsroom, address: &str) -> (String, String, String) {
    let mails = room.sink.accepted();
    let mut mine = mails.iter().filter(|mail| mail.to == [address]);
    let mail = mine.next().expect("a mail");
    assert!(mine.next().is_none(), "{address} got two");
    let message = MessageParser::default().parse(&mail.data).unwrap();
    (
        message.subject().unwrap().to_owned(),
        message.body_text(0).unwrap().into_owned(),
        message.body_html(0).unwrap().into_owned(),
    )
}

#[tokio::test]
async fn every_reader_is_greeted_by_their_own_name_and_can_leave_by_their_own_link() {
    both_databases(async |db| {
        let room = room(db, "For {{ reader.name }}", "Dear {{ reader.name }},").await;
        room.site.publish(Item::new(1));
        room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        let mut links = std::collections::BTreeSet::new();
        for (address, name) in READERS {
            let (subject, text, html) = mail_to(&room, address);
            assert_eq!(subject, format!("For {name}").trim());
            assert!(text.starts_with(&format!("Dear {name},\r\n")), "{text}");
            let escaped = name
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            assert!(html.contains(&format!("<p>Dear {escaped},</p>")), "{html}");
            let link = text
                .split("/unsubscribe/")
                .nth(1)
                .unwrap()
                .trim()
                .to_owned();
            assert!(html.contains(&link), "one link in both parts");
            assert!(links.insert(link), "a link of their own");
        }
        let issues = room.app.db.issues(Some("brief"), None, 9).await.unwrap();
        assert!(!issues[0].title.contains("For"), "{}", issues[0].title);
    })
    .await;
}

#[tokio::test]
async fn a_template_that_asks_who_reads_is_answered_for_each() {
    both_databases(async |db| {
        let greeting =
            "Dear {{ reader.name or 'friend' }}{% if reader.name == 'Ben' %}!{% endif %},";
        let room = room(db, "For {{ reader.name|upper }}", greeting).await;
        room.site.publish(Item::new(1));
        room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        for (address, subject, greeting) in [
            (READERS[0].0, "For ZOË <B> & CO", "Dear Zoë <b> & Co,"),
            (READERS[1].0, "For BEN", "Dear Ben!,"),
            (READERS[2].0, "For", "Dear friend,"),
        ] {
            let (said, text, _) = mail_to(&room, address);
            assert_eq!(said, subject);
            assert!(text.starts_with(greeting), "{text}");
        }
    })
    .await;
}
