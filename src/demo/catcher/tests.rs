//! The catcher, spoken to as a relay's client would.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn started() -> (Catcher, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let catcher = Catcher::new();
    tokio::spawn(catcher.clone().serve(listener));
    (catcher, address)
}

/// Says all of it in one go and returns everything that was answered.
async fn say(address: std::net::SocketAddr, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn codes(answer: &str) -> Vec<&str> {
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    answer.lines().filter(last).map(|line| &line[..3]).collect()
}

const MESSAGE: &str = "From: =?utf-8?B?2LHYp9mI24w=?= <brief@news.example>\r\n\
    To: Ada <ada@example.org>\r\nSubject: =?utf-8?Q?Caf=C3=A9?= & more\r\n\
    List-Unsubscribe: <http://127.0.0.1/u>,\r\n <mailto:u@news.example>\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    Na=C3=AFve <b>text</b>\r\n..dots\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><HEAD lang=\"en\"><title>x</title></head><p>Hello</p></html>\r\n--b--\r\n";

fn send(message: &str) -> String {
    format!(
        "EHLO me\r\nMAIL FROM:<brief@news.example> SIZE=900 BODY=8BITMIME SMTPUTF8\r\n\
         RCPT TO:<ada@example.org>\r\nrcpt to: <مدیر@example.org>\r\nDATA\r\n{message}.\r\nQUIT\r\n"
    )
}

#[tokio::test]
async fn a_pipelined_message_is_caught_byte_for_byte() {
    let (catcher, address) = started().await;
    let answer = say(address, send(MESSAGE).as_bytes()).await;
    let expected = ["220", "250", "250", "250", "250", "354", "250", "221"];
    assert_eq!(codes(&answer), expected, "{answer}");
    for extension in ["8BITMIME", "SMTPUTF8", "PIPELINING", "SIZE 10485760"] {
        assert!(answer.contains(extension), "{extension}");
    }
    catcher.wait_for(1).await;
    let mail = catcher.mail(1).unwrap();
    assert_eq!(mail.from, "brief@news.example");
    assert_eq!(mail.to, ["ada@example.org", "مدیر@example.org"]);
    assert_eq!(mail.subject, "Café & more");
    assert_eq!(mail.bytes, MESSAGE.replace("\r\n..", "\r\n.").as_bytes());
    let letter = mail.letter();
    assert_eq!(letter.from, "راوی <brief@news.example>");
    assert_eq!(letter.text.as_deref(), Some("Naïve <b>text</b>\r\n.dots"));
    let unsubscribe = letter
        .headers
        .iter()
        .find(|(name, _)| name == "List-Unsubscribe");
    assert_eq!(
        unsubscribe.unwrap().1,
        "<http://127.0.0.1/u>, <mailto:u@news.example>"
    );
}

#[tokio::test]
async fn commands_out_of_order_and_nonsense_are_refused_and_the_talk_goes_on() {
    let (catcher, address) = started().await;
    let long = "X".repeat(10_000);
    let lines = [
        ("MAIL FROM:<a@b.example>", "503"),
        ("EHLO me", "250"),
        ("RCPT TO:<a@b.example>", "503"),
        ("DATA", "503"),
        ("MAIL a@b.example", "501"),
        ("MAIL FROM:<a@b.example> SIZE=99999999", "552"),
        ("MAIL FROM:<a@b.example> SIZE=x", "501"),
        ("MAIL FROM:<a@b.example> RET=HDRS", "555"),
        ("MAIL FROM:<>", "250"),
        ("MAIL FROM:<a@b.example>", "503"),
        ("RCPT TO:<nobody>", "501"),
        ("RSET", "250"),
        ("RCPT TO:<a@b.example>", "503"),
        ("NOOP", "250"),
        ("VRFY x", "252"),
        ("", "500"),
        ("\u{fffd}\u{0}", "500"),
        (long.as_str(), "500"),
        ("QUIT", "221"),
    ];
    let said: String = lines
        .iter()
        .map(|(line, _)| format!("{line}\r\n"))
        .collect();
    let answer = say(address, said.as_bytes()).await;
    let expected: Vec<_> = lines.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes(&answer)[1..], expected, "{answer}");
    assert_eq!(catcher.caught(), 0);
}

#[tokio::test]
async fn a_message_that_is_cut_off_is_not_caught() {
    let (catcher, address) = started().await;
    let whole = send(MESSAGE);
    let cut = &whole[..whole.find("\r\n.\r\n").unwrap()];
    assert_eq!(
        codes(&say(address, cut.as_bytes()).await).last(),
        Some(&"354")
    );
    assert_eq!(catcher.caught(), 0);
}

#[tokio::test]
async fn a_dot_between_bare_line_feeds_does_not_end_a_message() {
    let (catcher, address) = started().await;
    let smuggled =
        "Subject: one\r\n\r\ntext\n.\nMAIL FROM:<evil@b.example>\r\nmore\n.\r\nstill\r\n";
    say(address, send(smuggled).as_bytes()).await;
    assert_eq!(catcher.caught(), 1);
    assert_eq!(catcher.mail(1).unwrap().bytes, smuggled.as_bytes());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_at_its_end() {
    let (catcher, address) = started().await;
    let line = "x".repeat(998) + "\r\n";
    let answer = say(address, send(&line.repeat(11_000)).as_bytes()).await;
    assert_eq!(codes(&answer)[6..], ["552", "221"], "{answer}");
    assert_eq!(catcher.caught(), 0);
}

#[test]
fn files_are_named_after_number_recipient_and_subject() {
    let folder = tempfile::tempdir().unwrap();
    let catcher = Catcher::new();
    for (to, subject) in [
        ("Ada@example.org", "Q&A: what’s next?"),
        ("../../etc/passwd@x", "صبح کی خبریں"),
        ("", ""),
    ] {
        let bytes = format!("Subject: {subject}\r\n\r\nx").into_bytes();
        catcher.keep("a@b.example".into(), vec![to.into()], bytes);
    }
    let names: Vec<_> = catcher.write_files(&folder.path().join("mail")).unwrap();
    let names: Vec<_> = names
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "001-ada@example.org-q-a-what-s-next.eml",
            "002-etc-passwd@x-صبح-کی-خبریں.eml",
            "003.eml"
        ]
    );
}

#[test]
fn the_oldest_go_when_there_are_too_many() {
    let catcher = Catcher::new();
    for _ in 0..MOST_MESSAGES + 3 {
        catcher.keep(String::new(), vec![], b"x".to_vec());
    }
    let mails = catcher.mails();
    assert_eq!(mails.len(), MOST_MESSAGES);
    assert_eq!((mails[0].number, catcher.caught()), (5003, 5003));
    assert!(catcher.mail(3).is_none() && catcher.mail(4).is_some());
}

async fn get(catcher: &Catcher, path: &str) -> (reqwest::StatusCode, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, catcher.router()).into_future());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    let headers = format!("{:?}", answer.headers());
    let all = (answer.status(), headers, answer.text().await.unwrap());
    server.abort();
    all
}

#[tokio::test]
async fn the_pages_show_mail_without_trusting_it() {
    let catcher = Catcher::new();
    let (.., empty) = get(&catcher, "/mail").await;
    assert!(empty.contains("Nothing yet"));
    let evil = MESSAGE.replace("Caf=C3=A9", "<script>");
    catcher.keep(
        "a@b.example".into(),
        vec!["\"<i>\"@x".into()],
        evil.into_bytes(),
    );
    let (.., list) = get(&catcher, "/mail").await;
    assert!(list.contains("&lt;script&gt;") && list.contains("&lt;i&gt;"));
    assert!(list.contains("http-equiv=\"refresh\""));
    let (.., still) = get(&catcher, "/mail?still").await;
    assert!(!still.contains("http-equiv=\"refresh\""));
    let (_, headers, one) = get(&catcher, "/mail/1").await;
    assert!(one.contains("sandbox=\"allow-popups") && one.contains("Naïve &lt;b&gt;text"));
    assert!(!one.contains("<script"));
    assert!(headers.contains("\"content-security-policy\": \"default-src 'none'"));
    let (_, headers, html) = get(&catcher, "/mail/1/html").await;
    assert!(headers.contains("sandbox allow-popups"));
    assert!(html.starts_with("<html><HEAD lang=\"en\"><base target=\"_blank\"><title>"));
    let (_, headers, source) = get(&catcher, "/mail/1/source").await;
    assert!(
        headers.contains("text/plain; charset=utf-8") && source.contains("multipart/alternative")
    );
    for missing in ["/mail/2", "/mail/2/html", "/mail/0/source"] {
        assert_eq!(get(&catcher, missing).await.0, 404, "{missing}");
    }
}
