//! What is filled into a pattern is what stands there, and nothing around it changes.

use super::*;

/// A text with places in it.
fn place() -> impl Strategy<Value = String> {
    let marks = marks();
    prop_oneof![
        6 => "(?s)([ -~]|[\r\n\t .=F]|From |[اب💌é]|<p>|\\PC){0,90}",
        1 => Just(marks.name),
        1 => Just(marks.address),
        1 => Just(marks.unsubscribe),
        1 => Just(marks.preferences),
        1 => Just(marks.confirm),
    ]
}

fn text_with_places() -> impl Strategy<Value = String> {
    prop::collection::vec(place(), 0..12).prop_map(|pieces| pieces.concat())
}

fn own() -> impl Strategy<Value = Personal<String>> {
    let name = "([ -~]|From |\\.|=|[&<>\"']|[اب💌é]|\\PC){0,120}";
    let token = "[A-Za-z0-9_-]{1,80}";
    (name, "[a-z.&']{1,60}@example\\.com", token, token, token).prop_map(
        |(name, address, unsubscribe, preferences, confirm)| Personal {
            name: HeaderText::clean(&name).to_string(),
            address,
            unsubscribe,
            preferences,
            confirm,
        },
    )
}

/// As `text` would be if it had been written for this reader.
fn written_for(text: &str, own: &Personal<String>, is_html: bool) -> String {
    let escaped = |value: &str| {
        if !is_html {
            return value.to_owned();
        }
        let value = value.replace('&', "&amp;").replace('<', "&lt;");
        let value = value.replace('>', "&gt;").replace('"', "&quot;");
        value.replace('\'', "&#39;")
    };
    let marks = marks();
    // One after the other would find marks in values; no value has one here.
    text.replace(&marks.name, &escaped(&own.name))
        .replace(&marks.address, &escaped(&own.address))
        .replace(&marks.unsubscribe, &own.unsubscribe)
        .replace(&marks.preferences, &own.preferences)
        .replace(&marks.confirm, &own.confirm)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\n', "\r\n")
}

/// The two parts as their bytes say, decoded by the letter of RFC 2045 and by nothing of ours.
fn decoded_parts(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let boundary = text.split("boundary=\"").nth(1).unwrap();
    let boundary = boundary.split('"').next().unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let parts = text.split(&delimiter).skip(1).take(2);
    let body = |part: &str| part.split_once("\r\n\r\n").unwrap().1.replace("=\r\n", "");
    parts.map(|part| unquoted(&body(part))).collect()
}

fn unquoted(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let hex = |b: u8| char::from(b).to_digit(16).unwrap() as u8;
        out.push(match b {
            b'=' => hex(bytes.next().unwrap()) << 4 | hex(bytes.next().unwrap()),
            _ => b,
        });
    }
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn every_filling_reads_as_if_the_text_had_been_written_for_its_reader(
        text in text_with_places(),
        html in text_with_places(),
        subject in text_with_places(),
        own in own(),
    ) {
        let mut mail = mail();
        mail.to.name = HeaderText::clean(&own.name);
        mail.own = own.clone();
        (mail.text, mail.html, mail.subject) = (text.clone(), html.clone(), subject.clone());
        let letter = mail.letter().unwrap();
        let bytes = letter.to_bytes();
        prop_assert_eq!(bytes.len(), letter.size());
        let parts = decoded_parts(&bytes);
        prop_assert_eq!(&parts[0], &written_for(&text, &own, false));
        prop_assert_eq!(&parts[1], &written_for(&html, &own, true));
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        let subject = HeaderText::clean(&written_for(&subject, &own, false));
        prop_assert_eq!(parsed.subject().unwrap_or_default(), subject.as_str());

        let whole = String::from_utf8(bytes).unwrap();
        prop_assert!(whole.ends_with("--\r\n") && whole.is_ascii());
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        let pieces = letter.body().collect::<Vec<_>>().concat();
        prop_assert_eq!(format!("{head}\r\n").into_bytes(), letter.headers());
        prop_assert_eq!(body.as_bytes(), pieces);
        for line in head.split("\r\n") {
            prop_assert!(line.len() <= 998, "{} {line:?}", line.len());
        }
        for line in body.split("\r\n") {
            prop_assert!(line.len() <= 76, "{} {line:?}", line.len());
            prop_assert!(!line.starts_with('.') && !line.starts_with("From "), "{line:?}");
            prop_assert!(!line.ends_with([' ', '\t']), "{line:?}");
        }
        prop_assert!(!whole.replace("\r\n", "").contains(['\r', '\n']));
    }
}

#[test]
fn a_place_has_a_line_of_its_own_and_the_lines_around_it_stay() {
    let marks = marks();
    let mut mail = mail();
    mail.text = format!(
        "Dear {},\n{} is {}.\n",
        marks.name, marks.name, marks.address
    );
    let body = |mail: &Case| {
        let text = String::from_utf8(built(mail)).unwrap();
        let part = text.split("printable\r\n\r\n").nth(1).unwrap().to_owned();
        part.split("\r\n--").next().unwrap().to_owned()
    };
    assert_eq!(
        body(&mail),
        "Dear =\r\nAda Lovelace=\r\n,\r\nAda Lovelace=\r\n is =\r\nada@example.com=\r\n=2E\r\n"
    );
    mail.own.name = String::new();
    mail.own.address = ".a@example.com".into();
    assert_eq!(
        body(&mail),
        "Dear =\r\n=\r\n,\r\n=\r\n is =\r\n=2Ea@example.com=\r\n=2E\r\n"
    );
}

#[test]
fn readers_of_one_pattern_differ_only_in_their_own() {
    let marks = marks();
    let mut mail = mail();
    mail.subject = format!("For {}: canals reopen", marks.name);
    mail.html = format!(
        "<a href=\"https://e.org/{}\">{}</a>",
        marks.unsubscribe, marks.name
    );
    let ada = String::from_utf8(built(&mail)).unwrap();
    mail.own.name = "Zoë <b> & Co".into();
    mail.own.unsubscribe = "dZZZ".into();
    let zoe = String::from_utf8(built(&mail)).unwrap();
    assert!(ada.contains("Subject: For Ada Lovelace: canals reopen\r\n"));
    assert!(zoe.contains("Subject: =?utf-8?Q?For_Zo=C3=AB_=3Cb=3E_=26_Co=3A_canals_reopen?=\r\n"));
    assert!(zoe.contains("List-Unsubscribe: <https://letters.example.org/unsubscribe/dZZZ>,\r\n"));
    let body = |text: &str| text.split_once("\r\n\r\n").unwrap().1.to_owned();
    let html = "Zo=C3=AB &lt;b&gt; &amp; Co";
    assert_eq!(
        body(&ada)
            .replace("Ada Lovelace", html)
            .replace("dAAB", "dZZZ"),
        body(&zoe)
    );
}

#[test]
fn signatures_stand_before_the_other_headers_and_change_nothing_else() {
    let mut letter = mail().letter().unwrap();
    let before = letter.to_bytes();
    letter.sign_with(b"DKIM-Signature: v=1;\r\n b=x\r\n".to_vec());
    let after = letter.to_bytes();
    assert_eq!(
        after,
        [&b"DKIM-Signature: v=1;\r\n b=x\r\n"[..], &before].concat()
    );
    assert_eq!(after.len(), letter.size());
    assert!(letter.headers().starts_with(b"Date: "));
}

#[test]
fn a_value_that_would_leave_its_link_is_refused() {
    for token in ["", "a/b", "a>b", "a b", "a\r\nBcc: x", &"a".repeat(83)] {
        let mut mail = mail();
        mail.own.unsubscribe = token.into();
        let refused = mail.letter().map(|_| ()).unwrap_err();
        assert!(
            matches!(
                refused,
                MailError::Link {
                    header: "List-Unsubscribe",
                    ..
                }
            ),
            "{token:?}"
        );
    }
}

#[test]
fn the_longest_link_with_the_longest_value_fits_into_a_line() {
    let mut mail = mail();
    let list = mail.list.as_mut().unwrap();
    let start = "https://letters.example.org/";
    let mark = marks().unsubscribe;
    let filler = "u".repeat(900 - start.len() - mark.len() - 1);
    list.unsubscribe = Url::parse(&format!("{start}{filler}/{mark}")).unwrap();
    mail.own.unsubscribe = "a".repeat(82);
    let head = String::from_utf8(mail.letter().unwrap().headers().to_vec()).unwrap();
    let longest = head.split("\r\n").map(str::len).max().unwrap();
    assert!((980..=998).contains(&longest), "{longest}");
}

#[test]
fn a_line_break_in_a_value_is_a_space() {
    let mut mail = mail();
    mail.text = format!("Dear {}\n.", marks().name);
    mail.own.name = "Ada\r\n.\r\nLovelace".into();
    let parts = decoded_parts(&built(&mail));
    assert_eq!(parts[0], "Dear Ada  .  Lovelace\r\n.");
}
