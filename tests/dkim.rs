//! Signatures as a stranger sees them: mails that went over SMTP, verified by dkimpy, which
//! shares nothing with us but the standards.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use courant::channels::email::dkim::{Algorithm, PrivateKey, Signer, SigningKey};
use courant::domain::UnixMillis;
use lettre::address::Envelope;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use support::dkimpy;
use support::smtp::Sink;

/// A newsletter's headers, with a subject in Urdu over two lines.
const HEADERS: &str = "Date: Mon, 05 Jan 2026 06:00:00 +0000\r\n\
    From: =?utf-8?B?2LHYp9mI24w=?= <brief@news.example.org>\r\n\
    To: ada@readers.example\r\n\
    Reply-To: editor@news.example.org\r\n\
    Subject: =?utf-8?B?2YTYp9uB2YjYsSDZhduM2rog2YbbgdixINqp2b4g2qnavtmE2Yc=?=\r\n \
    =?utf-8?B?INin2YjYsSDaqduM2YjaujY=?=\r\n\
    Message-ID: <c1.7.2@news.example.org>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/alternative;\r\n boundary=\"=_b\"\r\n\
    Content-Language: ur\r\n\
    List-Id: The Brief <brief.news.example.org>\r\n\
    List-Unsubscribe: <https://news.example.org/u/t0ken>,\r\n <mailto:u+t0ken@news.example.org>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
    Feedback-ID: 7:brief:issue:courant\r\n\
    Auto-Submitted: auto-generated\r\n";

/// Dots where SMTP doubles them, white space of every width, and lines without anything.
const BODY: &str = ".\r\n..two\r\n--=_b\r\nContent-Type: text/plain\r\n\r\n\
    trailing \t \r\n\ttabbed  twice\r\n \r\n.hidden =D9=84=D8=A7\r\n\r\n\r\n\
    --=_b--  \r\n\r\n \r\n\r\n";

/// A signer with the records that publish its keys.
struct Signed {
    signer: Signer,
    records: BTreeMap<String, String>,
}

impl Signed {
    fn by(algorithms: &[Algorithm]) -> Self {
        let mut records = BTreeMap::new();
        let keys = algorithms.iter().map(|&algorithm| {
            let key = SigningKey {
                domain: "news.example.org".to_owned(),
                selector: format!("s-{algorithm}"),
                key: PrivateKey::generate(algorithm).unwrap(),
            };
            records.insert(key.record_name(), key.key.record().unwrap());
            key
        });
        let signer = Signer::new(keys.collect());
        Self { signer, records }
    }

    /// The mail, signed now, with the body in parts of so many bytes.
    fn mail(&self, body: &str, part: usize) -> String {
        let parts = body.as_bytes().chunks(part);
        let now = UnixMillis::now();
        let signatures = self.signer.sign(HEADERS.as_bytes(), parts, now).unwrap();
        let signatures = String::from_utf8(signatures).unwrap();
        format!("{signatures}{HEADERS}\r\n{body}")
    }

    /// Which signatures hold, as dkimpy says.
    fn verified(&self, mail: &[u8]) -> Vec<bool> {
        let verdicts = dkimpy::verdicts([mail].into_iter(), &self.records).remove(0);
        verdicts.iter().map(|verdict| verdict != "broken").collect()
    }
}

/// What arrives of the mail after a conversation with a server, which doubles dots and takes
/// them back.
async fn over_smtp(mail: &str) -> Vec<u8> {
    let sink = Sink::plain().await;
    let client = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(sink.port())
        .build();
    let from = "b@news.example.org".parse().unwrap();
    let to = "ada@readers.example".parse().unwrap();
    let envelope = Envelope::new(Some(from), vec![to]).unwrap();
    client.send_raw(&envelope, mail.as_bytes()).await.unwrap();
    let mails = sink.accepted();
    assert_eq!(mails.len(), 1);
    mails[0].data.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_sign_is_verified_after_the_journey() {
    use Algorithm::{Ed25519, Rsa};
    for algorithms in [&[Rsa][..], &[Ed25519], &[Rsa, Ed25519]] {
        let signed = Signed::by(algorithms);
        for (body, part) in [
            (BODY, 1000),
            (BODY, 7),
            ("", 1),
            ("\r\n\r\n", 1),
            ("a\r\n", 2),
        ] {
            let arrived = over_smtp(&signed.mail(body, part)).await;
            let held = signed.verified(&arrived);
            assert_eq!(
                held,
                vec![true; algorithms.len()],
                "{algorithms:?} {body:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hops_do_to_white_space_breaks_nothing() {
    let signed = Signed::by(&[Algorithm::Rsa, Algorithm::Ed25519]);
    let mail = signed.mail(BODY, 50);
    for (from, to) in [
        (",\r\n <mailto", ", <mailto"),
        ("Subject: ", "SUBJECT:  "),
        ("trailing \t \r\n", "trailing\r\n"),
        ("\ttabbed  twice", " tabbed \t twice"),
        ("--=_b--  \r\n\r\n \r\n\r\n", "--=_b--"),
    ] {
        let changed = mail.replace(from, to);
        assert_ne!(changed, mail, "{from}");
        let arrived = over_smtp(&changed).await;
        assert_eq!(signed.verified(&arrived), [true, true], "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_or_added_breaks_both_signatures() {
    let signed = Signed::by(&[Algorithm::Rsa, Algorithm::Ed25519]);
    let mail = signed.mail(BODY, 50);
    for (from, to) in [
        (
            "https://news.example.org/u/",
            "https://other.example.org/u/",
        ),
        ("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Clicks"),
        ("ada@", "eve@"),
        ("INin2YjYsSDaqduM2YjaujY=", "INin2YjYsSDaqduM2YjaujU="),
        ("7:brief", "8:brief"),
        (".hidden", ".hiddem"),
        ("tabbed  twice", "tabbedtwice"),
        ("--=_b--", "--=_b--\r\nmore"),
    ] {
        let changed = mail.replace(from, to);
        assert_ne!(changed, mail);
        let arrived = over_smtp(&changed).await;
        assert_eq!(signed.verified(&arrived), [false, false], "{from}");
    }
    for added in [
        "From: eve@news.example.org",
        "To: eve@readers.example",
        "Cc: eve@readers.example",
        "Subject: another",
        "Date: Tue, 06 Jan 2026 06:00:00 +0000",
        "Reply-To: eve@news.example.org",
        "MIME-Version: 1.1",
        "Content-Type: text/html",
        "List-Unsubscribe: <https://other.example.org/>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ] {
        for arrived in [
            format!("{added}\r\n{mail}"),
            mail.replace("\r\nDate: ", &format!("\r\n{added}\r\nDate: ")),
        ] {
            assert_ne!(arrived, mail);
            let arrived = over_smtp(&arrived).await;
            assert_eq!(signed.verified(&arrived), [false, false], "{added}");
        }
    }
    // A hop's own headers are another matter.
    let arrived = over_smtp(&format!(
        "Received: from a by b\r\nFeedback-ID: 1:2\r\n{mail}"
    ))
    .await;
    assert_eq!(signed.verified(&arrived), [true, true]);
}
