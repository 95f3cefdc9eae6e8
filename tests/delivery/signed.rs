//! Signatures through the whole program, as dkimpy sees them: relays that want them and one that
//! signs itself, two keys for every mail, and mails in two languages and two ways of rendering.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use courant::channels::email::dkim::{Algorithm, PrivateKey, SigningKey};
use courant::domain::DeliveryState::Sent;
use courant::domain::{EmailAddress, Issue};
use courant::pipeline::audience::{self, ImportOptions, SubscriberFields};
use courant::templates::Templates;
use mail_parser::MessageParser;

use crate::kit::{Sender, addresses, alert, digest, issue_at, readers, relay, room, until_count};
use crate::support::databases::both_databases;
use crate::support::dkimpy;
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, Newsroom};
use crate::support::site::Item;
use crate::support::smtp::{Mail, Sink};

/// Keys in files, as an operator has them, and the records that publish them.
struct Keys {
    dir: tempfile::TempDir,
    /// The channel's `dkim`.
    setting: String,
    records: BTreeMap<String, String>,
}

impl Keys {
    fn of(algorithms: &[Algorithm]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (mut tables, mut records) = (Vec::new(), BTreeMap::new());
        for (&algorithm, number) in algorithms.iter().zip(1..) {
            let selector = format!("s{number}");
            let file = dir.path().join(&selector);
            let key = PrivateKey::generate(algorithm).unwrap();
            std::fs::write(&file, key.to_pem().unwrap()).unwrap();
            tables.push(format!(
                "{{ domain = \"news.example\", selector = \"{selector}\", key = {{ file = \"{}\" }} }}",
                file.display()
            ));
            let key = SigningKey {
                domain: "news.example".to_owned(),
                selector,
                key,
            };
            records.insert(key.record_name(), key.key.record().unwrap());
        }
        let setting = format!("dkim = [{}]\n", tables.join(", "));
        Self {
            dir,
            setting,
            records,
        }
    }

    /// What dkimpy says of the mails' signatures.
    fn verdicts<'a>(&self, mails: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<String>> {
        dkimpy::verdicts(mails, &self.records)
    }
}

/// The mail with one of its last letters changed.
fn forged(mail: &Mail) -> Vec<u8> {
    let mut forged = mail.data.clone();
    let at = forged.len() - 40;
    forged[at] ^= 1;
    forged
}

fn bodies(mails: &[Mail]) -> impl Iterator<Item = &[u8]> {
    mails.iter().map(|mail| mail.data.as_slice())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_relay_gets_mail_signed_by_whom_it_says() {
    both_databases(async |db| {
        let keys = Keys::of(&[Algorithm::Rsa]);
        let signs_itself = Sink::plain().await;
        let own = relay("own", &signs_itself, "dkim = \"relay\"");
        let room = room(db, "", &format!("{}{own}", keys.setting)).await;
        readers(&room, &addresses(20, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        send(&room, &issue, 20).await;
        let (signed, bare) = (room.sink.accepted(), signs_itself.accepted());
        assert_eq!((signed.len(), bare.len()), (10, 10));
        assert_eq!(keys.verdicts(bodies(&signed)), vec![["rsa-sha256"]; 10]);
        let none: [&str; 0] = [];
        assert_eq!(keys.verdicts(bodies(&bare)), vec![none; 10]);
        let forged = forged(&signed[0]);
        let broken = keys.verdicts(std::iter::once(forged.as_slice()));
        assert_eq!(broken, [["broken"]], "the verifier looks at nothing");
    })
    .await;
}

/// Name, address and language: each language is a variant, and so are both together.
const PEOPLE: [(&str, &str, Option<&str>); 5] = [
    ("Zoë O'Neil", "zoe@readers.example", Some("en")),
    ("", "ben@readers.example", Some("en")),
    ("عائشہ صدیقی", "ayesha@readers.example", Some("ur")),
    ("بلال", "bilal@readers.example", Some("ur")),
    ("Noor", "noor@readers.example", None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_signatures_hold_in_every_language_and_way_of_rendering() {
    both_databases(async |db| {
        let keys = Keys::of(&[Algorithm::Rsa, Algorithm::Ed25519]);
        let more = format!("languages = [\"en\", \"ur\"]\n{}", keys.setting);
        let mut room = room(db, "", &more).await;
        people(&room).await;
        // Rendered once for each variant, then once for each reader.
        room.site.publish(urdu(2));
        let shared = digest(&room, 1).await;
        send(&room, &shared, 5).await;
        room.app.templates = Arc::new(asking(keys.dir.path()));
        room.site.publish(urdu(4));
        let each = issue_at(&room, 3, DAY_ONE.plus_ms(DAY + HOUR)).await;
        assert_ne!(each.id, shared.id);
        send(&room, &each, 5).await;

        let mails = room.sink.accepted();
        let both = ["rsa-sha256", "ed25519-sha256"];
        assert_eq!(keys.verdicts(bodies(&mails)), vec![both; 10]);
        let (first, second) = mails.split_at(5);
        assert_variants(first, |_| String::new());
        assert_variants(second, |name| format!("[{}]\r\n.\r\n", name.to_uppercase()));
        let forged: Vec<_> = mails.iter().map(forged).collect();
        let verdicts = keys.verdicts(forged.iter().map(Vec::as_slice));
        assert_eq!(verdicts, vec![["broken", "broken"]; 10]);
    })
    .await;
}

async fn people(room: &Newsroom) {
    let options = ImportOptions {
        channels: vec!["brief".into()],
        ..ImportOptions::default()
    };
    let people = PEOPLE.map(|(name, address, language)| {
        let fields = SubscriberFields {
            address: EmailAddress::parse(address).unwrap(),
            name,
            language,
            timezone: None,
            schedule: Some("daily"),
            topics: Vec::new(),
        };
        audience::subscriber(&room.app, fields, &options).unwrap()
    });
    let imported = room.app.db.import_subscribers(&people, DAY_ONE).await;
    imported.unwrap();
}

fn urdu(number: usize) -> Item {
    Item {
        body: "<p>نہروں کی بحالی کا کام مکمل ہو گیا اور کسانوں کو پانی ملنے لگا۔</p>".to_owned(),
        ..Item::new(number).titled(&format!("لاہور میں پانی کی فراہمی بحال {number}"))
    }
}

/// Templates that do more with the reader than print them, so that they run for each.
fn asking(dir: &Path) -> Templates {
    let email = dir.join("email");
    std::fs::create_dir(&email).unwrap();
    for name in ["article", "digest"] {
        let text =
            format!("[{{{{ reader.name|upper }}}}]\n.\n{{% include 'builtin/email/{name}.txt' %}}");
        std::fs::write(email.join(format!("{name}.txt")), text).unwrap();
    }
    Templates::load(Some(dir)).unwrap()
}

async fn send(room: &Newsroom, issue: &Issue, readers: i64) {
    let sender = Sender::start(&room.app);
    until_count(&room.app, issue, Sent, readers).await;
    sender.stop().await;
}

/// Each of the people got their variant, with this greeting before it.
fn assert_variants(mails: &[Mail], greeting: impl Fn(&str) -> String) {
    for (name, address, language) in PEOPLE {
        let mail = mails.iter().find(|mail| mail.to == [address]).unwrap();
        let message = MessageParser::default().parse(&mail.data).unwrap();
        let text = message.body_text(0).unwrap();
        assert!(text.starts_with(&greeting(name)), "{address}: {text}");
        let in_english = text.contains("plain words");
        let in_urdu = text.contains("نہروں");
        let expected = (language != Some("ur"), language != Some("en"));
        assert_eq!((in_english, in_urdu), expected, "{address}: {text}");
    }
}
