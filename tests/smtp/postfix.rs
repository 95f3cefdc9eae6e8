//! The same against somebody else's server: Debian's `smtp-sink`, of the package `postfix`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use courant::channels::email::smtp::Connection;

use crate::kit::{FROM, address, name, patient, send};

/// A running `smtp-sink`, killed when dropped.
struct SmtpSink {
    child: Child,
    port: u16,
}

impl SmtpSink {
    fn start(dir: &Path, options: &[&str]) -> Self {
        let program = ["/usr/sbin/smtp-sink", "/usr/local/sbin/smtp-sink"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .expect("smtp-sink is missing; install the package `postfix`");
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        // As root it insists on being told whom to run as.
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let as_root: &[&str] = if user == b"root\n" {
            &["-u", "root"]
        } else {
            &[]
        };
        let child = Command::new(program)
            .args(as_root)
            .args(options)
            .arg(format!("127.0.0.1:{port}"))
            .arg("100")
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sink = Self { child, port };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("smtp-sink does not listen");
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
    let dir = tempfile::tempdir().unwrap();
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
        let sink = SmtpSink::start(dir.path(), &[option, command]);
        let mut connection = Connection::open(&patient(sink.port)).await.unwrap();
        let verdict = send(&mut connection, "ada@example.com").await;
        assert_eq!(
            name(&verdict.outcome),
            expected,
            "{option} {command}: {verdict:?}"
        );
        assert_eq!(connection.is_usable(), matches!(option, "-f" | "-r"));
    }
}
