//! What a mail program reads back is what was put in.

use mail_parser::{Addr, MessageParser};
use proptest::prelude::*;

use super::*;
use crate::domain::UnixMillis;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

/// A mail before it is divided into what is shared and what is the reader's.
struct Case {
    from: Mailbox,
    to: Mailbox,
    subject: String,
    message_id: String,
    language: String,
    list: Option<ListHeaders>,
    archived_at: Option<Url>,
    feedback_id: HeaderText,
    html: String,
    text: String,
    own: Personal<String>,
}

fn marks() -> Personal<String> {
    Personal {
        name: "reader-name-0a1b2c3d".into(),
        address: "reader-address-0a1b2c3d".into(),
        unsubscribe: "dUNSUBSCRIBE".into(),
        preferences: "cPREFERENCES".into(),
        confirm: "fCONFIRM".into(),
    }
}

fn mail() -> Case {
    let marks = marks();
    Case {
        from: mailbox("Ravi Dispatch <brief@news.example.org>"),
        to: mailbox("Ada Lovelace <ada@example.com>"),
        subject: "Canals reopen and 4 more".into(),
        message_id: "<c1.12.345.0a1b2c3d@news.example.org>".into(),
        language: "en".into(),
        list: Some(ListHeaders {
            id: "brief.news.example.org".into(),
            title: HeaderText::clean("The Daily Brief"),
            unsubscribe: Url::parse(&format!(
                "https://letters.example.org/unsubscribe/{}",
                marks.unsubscribe
            ))
            .unwrap(),
            unsubscribe_mailto: Some(
                Url::parse("mailto:brief@news.example.org?subject=unsubscribe").unwrap(),
            ),
            archive: Some(Url::parse("https://letters.example.org/archive/brief").unwrap()),
        }),
        archived_at: Some(Url::parse("https://letters.example.org/archive/brief/12").unwrap()),
        feedback_id: HeaderText::clean("12:brief:digest:ravidispatch"),
        html: "<p>Canals reopen.</p>\n.\nFrom here".into(),
        text: "Canals reopen.\n\n.\nFrom here on ".into(),
        own: Personal {
            name: "Ada Lovelace".into(),
            address: "ada@example.com".into(),
            unsubscribe: "dAAB".into(),
            preferences: "cAAB".into(),
            confirm: String::new(),
        },
    }
}

impl Case {
    fn letter(&self) -> Result<Letter, MailError> {
        let pattern = Pattern::new(&Shared {
            from: &self.from,
            reply_to: Some(&mailbox("editor@news.example.org")),
            subject: &self.subject,
            language: &self.language,
            list: self.list.as_ref(),
            archived_at: self.archived_at.as_ref(),
            feedback_id: Some(&self.feedback_id),
            html: &self.html,
            text: &self.text,
            marks: &marks(),
        })?;
        pattern.letter(&Filling {
            to: &self.to,
            message_id: &self.message_id,
            date: UnixMillis(1_795_417_200_000),
            delivery: Some(&HeaderText::clean("345.0a1b2c3d")),
            own: self.own.as_ref(),
        })
    }
}

fn built(mail: &Case) -> Vec<u8> {
    mail.letter().unwrap().to_bytes()
}

/// Header names in order, read without the parser under test.
fn names(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    head.split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect()
}

fn one(address: Option<&mail_parser::Address<'_>>) -> (String, String) {
    let list: Vec<&Addr<'_>> = address.unwrap().iter().collect();
    assert_eq!(list.len(), 1, "{list:?}");
    (
        list[0].name().unwrap_or_default().to_owned(),
        list[0].address().unwrap().to_owned(),
    )
}

#[test]
fn the_headers_stand_in_their_one_order() {
    assert_eq!(
        names(&built(&mail())),
        [
            "Date",
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Message-ID",
            "MIME-Version",
            "Content-Type",
            "Content-Language",
            "List-Id",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
            "List-Archive",
            "Archived-At",
            "Feedback-ID",
            "Precedence",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "X-Courant-Delivery",
        ]
    );
}

#[test]
fn a_mail_is_written_as_this() {
    let text = String::from_utf8(built(&mail())).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    let expected = "\
Date: Mon, 23 Nov 2026 07:00:00 +0000
From: Ravi Dispatch <brief@news.example.org>
To: Ada Lovelace <ada@example.com>
Reply-To: editor@news.example.org
Subject: Canals reopen and 4 more
Message-ID: <c1.12.345.0a1b2c3d@news.example.org>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary=\"BOUNDARY\"
Content-Language: en
List-Id: The Daily Brief <brief.news.example.org>
List-Unsubscribe: <https://letters.example.org/unsubscribe/dAAB>,
 <mailto:brief@news.example.org?subject=unsubscribe>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Archive: <https://letters.example.org/archive/brief>
Archived-At: <https://letters.example.org/archive/brief/12>
Feedback-ID: 12:brief:digest:ravidispatch
Precedence: bulk
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: OOF, AutoReply
X-Courant-Delivery: 345.0a1b2c3d";
    let mail = mail();
    let expected = expected
        .replace("BOUNDARY", &pattern::boundary(&mail.text, &mail.html))
        .replace('\n', "\r\n");
    assert_eq!(head, expected);
}

#[test]
fn a_mail_program_reads_back_both_parts_text_first() {
    let bytes = built(&mail());
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(
        parsed.body_text(0).unwrap(),
        "Canals reopen.\r\n\r\n.\r\nFrom here on "
    );
    assert_eq!(
        parsed.body_html(0).unwrap(),
        "<p>Canals reopen.</p>\r\n.\r\nFrom here"
    );
    let kinds: Vec<_> = parsed
        .parts
        .iter()
        .map(|part| {
            mail_parser::MimeHeaders::content_type(part)
                .unwrap()
                .subtype()
                .unwrap()
        })
        .collect();
    assert_eq!(kinds, ["alternative", "plain", "html"]);
    assert_eq!(
        one(parsed.to()),
        ("Ada Lovelace".into(), "ada@example.com".into())
    );
    assert_eq!(
        parsed.message_id().unwrap(),
        "c1.12.345.0a1b2c3d@news.example.org"
    );
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_795_417_200);
}

#[test]
fn subjects_and_names_of_every_script_come_back() {
    let long = "A very long headline about the canals of Lahore ".repeat(8);
    let token = "x".repeat(300);
    for text in [
        "نہروں کی بحالی کا کام مکمل، لاہور میں پانی کی فراہمی بحال اور چار مزید خبریں",
        "💌🇵🇰👩‍👩‍👧‍👦 Family news 👍🏽 for all of us, and a rather long tail of it 🎉🎉🎉🎉🎉🎉",
        "Größe & Höhe",
        "Ravi, Inc. (\"R\") \\ <x>",
        "=?utf-8?Q?not_encoded?=",
        "Newsletter: 5 > 4; 3 < 4",
        long.trim(),
        &token,
    ] {
        let mut mail = mail();
        mail.subject = text.into();
        mail.from.name = HeaderText::clean(text);
        mail.to.name = HeaderText::clean(text);
        let bytes = built(&mail);
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        assert_eq!(parsed.subject().unwrap(), HeaderText::clean(text).as_str());
        assert_eq!(one(parsed.from()).0, mail.from.name.as_str());
        assert_eq!(
            one(parsed.to()),
            (
                mail.to.name.as_str().to_owned(),
                "ada@example.com".to_owned()
            )
        );
    }
}

#[test]
fn a_mail_that_is_no_lists_has_no_list_headers() {
    let mut mail = mail();
    mail.list = None;
    let names = names(&built(&mail));
    assert!(
        names
            .iter()
            .all(|n| !n.starts_with("List-") && n != "Precedence")
    );
    assert!(names.iter().any(|n| n == "Auto-Submitted"));
}

#[test]
fn the_same_mail_gives_the_same_bytes_and_another_text_another_boundary() {
    assert_eq!(built(&mail()), built(&mail()));
    let mut other = mail();
    other.text.push('!');
    assert_ne!(
        pattern::boundary(&mail().text, &mail().html),
        pattern::boundary(&other.text, &other.html)
    );
}

#[test]
fn identifiers_that_would_break_a_header_are_refused() {
    let with = |change: fn(&mut Case)| {
        let mut mail = mail();
        change(&mut mail);
        mail.letter().unwrap_err().to_string()
    };
    for id in [
        "",
        "<a>",
        "<a@b",
        "<a@b>\r\nBcc: x",
        "<a b@c>",
        "<a@b@c>",
        "<é@b>",
    ] {
        let mut mail = mail();
        mail.message_id = id.into();
        assert!(
            matches!(mail.letter(), Err(MailError::MessageId(_))),
            "{id:?} was taken"
        );
    }
    assert_eq!(
        with(|m| m.list.as_mut().unwrap().id = "brief>\r\nX: y".into()),
        "`brief>\r\nX: y` is not a list identifier; it should look like brief.news.example.org"
    );
    assert_eq!(
        with(|m| m.list.as_mut().unwrap().unsubscribe_mailto =
            Some(Url::parse("mailto:a b<c>").unwrap())),
        "`mailto:a b<c>` cannot stand in List-Unsubscribe: it has spaces, quotes or angle brackets"
    );
    assert!(
        with(|m| m.archived_at = Some(Url::parse("javascript:alert(1)").unwrap()))
            .contains("Archived-At")
    );
}

#[test]
fn a_language_that_is_no_tag_is_left_out() {
    let mut mail = mail();
    for (language, line) in [
        ("ur_PK", Some("Content-Language: ur-PK\r\n")),
        ("en\r\nX: y", None),
        ("", None),
    ] {
        mail.language = language.into();
        let text = String::from_utf8(built(&mail)).unwrap();
        match line {
            Some(line) => assert!(text.contains(line)),
            None => assert!(!text.contains("Content-Language")),
        }
    }
}

proptest! {
    #[test]
    fn no_name_subject_or_body_can_add_a_header_or_a_part(
        name in prop_oneof![
            "(?s)([ -~]|[\\r\\n\\t]|\\PC|[اب💌é\"<>@,;:=?\\\\]|.){0,120}",
            "([!-~]{0,12} ){0,100}",
        ],
        subject in prop_oneof![
            "(?s)([ -~]|\r\nBcc: x|=\\?utf-8\\?|\\PC|.){0,200}",
            // Longer than header text may be, and cut wherever it is.
            "([a-z]{0,4} ){0,300}",
            "(?s)([ -~]|اب|.){400,700}",
        ],
        body in "(?s)([ -~]|\r\n\\.\r\n|\n--=_|\\PC|.){0,200}",
    ) {
        let mut mail = mail();
        mail.to.name = HeaderText::clean(&name);
        mail.from.name = HeaderText::clean(&name);
        mail.list.as_mut().unwrap().title = HeaderText::clean(&name);
        mail.subject.clone_from(&subject);
        mail.feedback_id = HeaderText::clean(&subject);
        mail.text.clone_from(&body);
        mail.html = body;
        let bytes = built(&mail);
        prop_assert!(bytes.is_ascii());
        prop_assert_eq!(names(&bytes), names(&built(&super::tests::mail())));
        let text = String::from_utf8(bytes.clone()).unwrap();
        for line in text.split("\r\n") {
            prop_assert!(line.len() <= 78, "{} {line:?}", line.len());
            prop_assert!(!line.contains(['\r', '\n']));
            prop_assert!(line.is_empty() || !line.trim().is_empty());
        }
        prop_assert_eq!(text.matches("\r\n--=_").count(), 3);
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        prop_assert_eq!(one(parsed.to()).1, "ada@example.com");
        prop_assert_eq!(one(parsed.to()).0, mail.to.name.as_str());
        let subject = HeaderText::clean(&subject);
        prop_assert_eq!(parsed.subject().unwrap_or_default(), subject.as_str());
    }
}

mod filling;
