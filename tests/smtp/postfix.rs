//! The same against somebody else's server: Debian's `smtp-sink`, of the package `postfix`.

use std::path::Path;

use courant::channels::email::smtp::{Connection, Endpoint, Protocol, Security};

use crate::kit::{Batch, FROM, Letter, address, name, patient};
use crate::support::postfix::SmtpSink;

#[tokio::test]
async fn postfixs_sink_writes_down_what_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let sink = SmtpSink::start(dir.path(), &["-D", "mails"]);
    let mut connection = Connection::open(&patient(sink.port)).await.unwrap();
    assert!(connection.can_pipeline());
    let message = "Subject: x\r\n\r\n.dots..\r\n..\r\nlast";
    for i in 0..20 {
        let to = address(&format!("reader{i}@example.com"));
        let verdict = connection.send(FROM, &to, message.as_bytes()).await;
        assert_eq!(name(&verdict.outcome), "accepted");
    }
    drop(connection);
    let dumped = std::fs::read_to_string(dir.path().join("mails")).unwrap();
    assert_eq!(
        dumped.matches("\n.dots..\n..\nlast\n").count(),
        20,
        "{dumped}"
    );
    assert_eq!(
        dumped.matches(&format!("X-Mail-Args: <{FROM}>")).count(),
        20
    );
    for i in 0..20 {
        assert!(dumped.contains(&format!("X-Rcpt-Args: <reader{i}@example.com>\n")));
    }
}

#[tokio::test]
async fn postfixs_sink_refuses_and_hangs_up_everywhere_and_the_verdict_is_true() {
    for (option, command, expected) in [
        // -r refuses for now, -f for good, -q hangs up, -Q says 421 first.
        ("-r", "MAIL", "deferred"),
        ("-r", "RCPT", "deferred"),
        ("-r", "DATA", "deferred"),
        ("-r", ".", "deferred"),
        ("-f", "MAIL", "not tried"),
        ("-f", "RCPT", "rejected"),
        ("-f", "DATA", "rejected"),
        ("-f", ".", "rejected"),
        ("-q", "MAIL", "not tried"),
        ("-q", "RCPT", "deferred"),
        ("-q", "DATA", "deferred"),
        ("-q", ".", "unknown"),
        ("-Q", "MAIL", "not tried"),
        ("-Q", "RCPT", "not tried"),
        ("-Q", "DATA", "not tried"),
        ("-Q", ".", "not tried"),
    ] {
        for more in [&[][..], &["-p"]] {
            let what = format!("{option} {command} {more:?}");
            let dir = tempfile::tempdir().unwrap();
            let options = [&["-D", "mails", option, command], more].concat();
            let sink = SmtpSink::start(dir.path(), &options);
            let mut connection = Connection::open(&patient(sink.port)).await.unwrap();
            // -r and -f turn PIPELINING off.
            let pipelining = more.is_empty() && matches!(option, "-q" | "-Q");
            assert_eq!(connection.can_pipeline(), pipelining);
            let readers = ["ada@example.com", "bob@example.com", "eve@example.com"];
            let mut batch = Batch::to(&readers);
            assert_eq!(batch.over(&mut connection).await, None, "{what}");
            let goes_on = matches!(option, "-f" | "-r");
            assert_eq!(connection.is_usable(), goes_on, "{what}");
            for reader in &readers[..if goes_on { 3 } else { 1 }] {
                assert_eq!(batch.outcome(reader), expected, "{what}: {:?}", batch.ended);
            }
            drop(connection);
            drop(sink);
            // It writes a message down before it answers the dot.
            if command != "." {
                assert_eq!(whole_mails(dir.path()), 0, "{what}");
            }
        }
    }
}

/// Messages that came to their final dot.
fn whole_mails(dir: &Path) -> usize {
    let dumped = std::fs::read_to_string(dir.join("mails")).unwrap_or_default();
    dumped.matches("29: they reopen").count()
}

#[tokio::test]
async fn postfixs_sink_has_what_it_said_it_has_when_it_dies_or_gives_up() {
    for (options, least) in [
        // Ends for good after so many messages.
        (&["-M", "7"][..], 6),
        // 550 in the middle of a message, and no reading on.
        (&["-A", "0"], 0),
        // Reads slowly and little at a time.
        (&["-H", "1", "-T", "2000", "-M", "2"], 1),
        (&["-L", "-M", "5"], 4),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let sink = SmtpSink::start(dir.path(), &[&["-D", "mails"], options].concat());
        let hello = "letters.example.org";
        let protocol = match options {
            ["-L", ..] => Protocol::Lmtp,
            _ => Protocol::Smtp,
        };
        let endpoint = Endpoint::new(protocol, Security::Off, "127.0.0.1", sink.port, hello);
        let letters = (0..12).map(|i| Letter::of(&format!("reader{i}@example.com"), 1500));
        let mut batch = Batch::of(letters.collect());
        let mut connection = Connection::open(&endpoint).await.unwrap();
        batch.over(&mut connection).await;
        let count = |outcome| {
            let ended = batch.ended.iter();
            ended.filter(|(to, _)| batch.outcome(to) == outcome).count()
        };
        let (accepted, unknown) = (count("accepted"), count("unknown"));
        drop(connection);
        drop(sink);
        let dumped = std::fs::read_to_string(dir.path().join("mails")).unwrap_or_default();
        let whole = dumped.matches("1499: they reopen").count();
        let what = format!("{options:?}: {accepted} accepted, {unknown} unknown, {whole} written");
        assert!(accepted >= least, "{what}");
        assert!((accepted..=accepted + unknown).contains(&whole), "{what}");
        assert!(unknown <= 1 && batch.ended.len() < 12, "{what}");
    }
}
