//! Signatures through the whole program: relays that want them, and one that signs itself.

use std::io::Write;
use std::process::{Command, Stdio};

use courant::channels::email::dkim::{Algorithm, PrivateKey, SigningKey};
use courant::domain::DeliveryState::Sent;

use crate::kit::{Sender, addresses, alert, readers, relay, room, until_count};
use crate::support::databases::both_databases;
use crate::support::smtp::Sink;

/// Debian's Python, which has dkimpy.
const PYTHON: &str = "/usr/bin/python3";
/// Verifies a mail against one record; other names have none.
const VERIFY: &str = "import dkim, sys\n\
    name, record = sys.argv[1] + '.', sys.argv[2].encode()\n\
    txt = lambda asked, timeout=5: record if asked.decode() == name else None\n\
    sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=txt) else 1)\n";

fn verifies(mail: &[u8], name: &str, record: &str) -> bool {
    let mut python = Command::new(PYTHON)
        .args(["-c", VERIFY, name, record])
        .stdin(Stdio::piped())
        .spawn()
        .expect("Debian's python3 with python3-dkim");
    python.stdin.take().unwrap().write_all(mail).unwrap();
    python.wait().unwrap().success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_relay_gets_mail_signed_by_whom_it_says() {
    both_databases(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key.pem");
        let key = PrivateKey::generate(Algorithm::Rsa).unwrap();
        std::fs::write(&file, key.to_pem().unwrap()).unwrap();
        let signs_itself = Sink::plain().await;
        let keys = format!(
            "dkim = [{{ domain = \"news.example\", selector = \"s1\", key = {{ file = \"{}\" }} }}]\n{}",
            file.display(),
            relay("own", &signs_itself, "dkim = \"relay\"")
        );
        let room = room(db, "", &keys).await;
        readers(&room, &addresses(20, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 20).await;
        sender.stop().await;
        let key = SigningKey {
            domain: "news.example".to_owned(),
            selector: "s1".to_owned(),
            key,
        };
        let (name, record) = (key.record_name(), key.key.record().unwrap());
        let (signed, bare) = (room.sink.accepted(), signs_itself.accepted());
        assert_eq!((signed.len(), bare.len()), (10, 10));
        for mail in &signed {
            assert!(verifies(&mail.data, &name, &record), "a signature that does not hold");
        }
        let is_signed = |data: &[u8]| String::from_utf8_lossy(data).contains("DKIM-Signature:");
        assert!(bare.iter().all(|mail| !is_signed(&mail.data)));
        let mut forged = signed[0].data.clone();
        let at = forged.len() - 40;
        forged[at] ^= 1;
        assert!(!verifies(&forged, &name, &record), "the verifier looks at nothing");
    })
    .await;
}
