//! The specifications' own examples, and every rule against a plainer way to do the same.

use proptest::prelude::*;

use super::canonical::{Body, fields, write_field};
use super::*;
use aws_lc_rs::digest;

/// RFC 8463 §A.3: the mail that both specifications sign, without its signatures.
const HEADERS: &[u8] = b"From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
const BODY: &[u8] = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
const BODY_HASH: &str = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
/// RFC 8463 §A.1, with the frame that PKCS#8 gives an Ed25519 seed (RFC 8410 §7).
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const FRAME: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

fn hash(parts: &[&[u8]]) -> String {
    let mut body = Body::new();
    parts.iter().for_each(|part| body.push(part));
    BASE64.encode(body.finish().as_ref())
}

fn hash_of(text: &[u8]) -> String {
    BASE64.encode(digest::digest(&SHA256, text).as_ref())
}

fn field(text: &str) -> String {
    let mut out = Vec::new();
    write_field(&mut out, text.as_bytes());
    String::from_utf8(out).unwrap()
}

fn rfc_8463_key() -> PrivateKey {
    let der = [FRAME, &BASE64.decode(SEED.as_bytes()).unwrap()].concat();
    let text = BASE64.encode(&der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    PrivateKey::from_pem(&pem).unwrap()
}

fn signer(algorithms: &[Algorithm]) -> Signer {
    let keys = algorithms.iter().map(|&algorithm| SigningKey {
        domain: "football.example.com".to_owned(),
        selector: format!("s-{algorithm}"),
        key: PrivateKey::generate(algorithm).unwrap(),
    });
    Signer::new(keys.collect())
}

fn sign(signer: &Signer, headers: &[u8], body: &[u8]) -> String {
    let at = UnixMillis(1_528_637_909_999);
    let signed = signer.sign(headers, [body].into_iter(), at).unwrap();
    String::from_utf8(signed).unwrap()
}

/// A tag of the first signature, unfolded.
fn tag(signature: &str, name: &str) -> String {
    let one = signature.split("DKIM-Signature:").nth(1).unwrap();
    let one: String = one.split_ascii_whitespace().collect();
    let start = format!("{name}=");
    let tags = one.split(';');
    tags.filter_map(|t| t.strip_prefix(&start).map(str::to_owned))
        .next()
        .unwrap()
}

#[test]
fn the_examples_of_rfc_6376_become_what_it_says() {
    // §3.4.5, example 1.
    let block = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
    let made: Vec<String> = fields(block)
        .iter()
        .map(|f| field(std::str::from_utf8(f).unwrap()))
        .collect();
    assert_eq!(made, ["a:X", "b:Y Z"]);
    assert_eq!(
        hash(&[b" C \r\nD \t E\r\n\r\n\r\n"]),
        hash_of(b" C\r\nD E\r\n")
    );
}

#[test]
fn the_example_of_rfc_8463_is_signed_as_printed_there() {
    assert_eq!(hash(&[BODY]), BODY_HASH);
    let key = rfc_8463_key();
    assert_eq!(
        key.record().unwrap(),
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    );
    let unsigned = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
        d=football.example.com; i=@football.example.com;\r\n \
        q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
        subject : date : message-id : from : subject : date;\r\n \
        bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=";
    let mut signed = Vec::new();
    for each in fields(HEADERS) {
        write_field(&mut signed, each);
        signed.extend_from_slice(b"\r\n");
    }
    write_field(&mut signed, unsigned.as_bytes());
    let signature = key.sign(&digest::digest(&SHA256, &signed)).unwrap();
    assert_eq!(
        BASE64.encode(&signature),
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
    );
}

#[test]
fn a_body_of_nothing_but_space_is_empty() {
    for body in ["", "\r\n", "\r\n\r\n", " \t\r\n \r\n", "  "] {
        assert_eq!(hash(&[body.as_bytes()]), hash_of(b""), "{body:?}");
    }
    assert_eq!(hash(&[b"no end"]), hash_of(b"no end\r\n"));
}

#[test]
fn headers_are_signed_in_their_order_and_closed_against_more() {
    let made = sign(&signer(&[Algorithm::Rsa]), HEADERS, BODY);
    assert_eq!(
        tag(&made, "h"),
        "from:from:to:to:cc:subject:subject:date:date:message-id:reply-to:mime-version:\
         content-type:list-unsubscribe:list-unsubscribe-post"
    );
    let more = b"List-Unsubscribe: <https://a.example/u>\r\n\
        list-unsubscribe-post: List-Unsubscribe=One-Click\r\nX-Other: a\r\n";
    let made = sign(&signer(&[Algorithm::Rsa]), &[HEADERS, more].concat(), BODY);
    let ending = "content-type:list-unsubscribe:list-unsubscribe:\
         list-unsubscribe-post:list-unsubscribe-post";
    assert!(tag(&made, "h").ends_with(ending), "{made}");
}

#[test]
fn of_several_headers_of_a_name_the_last_comes_first() {
    let block = b"To: b@example.org\r\nFrom: a@example.org\r\nTo: c@example.org\r\n";
    let (names, canonical) = signed_headers(block).unwrap();
    assert_eq!(names[..5], ["from", "from", "to", "to", "to"]);
    let canonical = String::from_utf8(canonical).unwrap();
    assert_eq!(
        canonical,
        "from:a@example.org\r\nto:c@example.org\r\nto:b@example.org\r\n"
    );
}

#[test]
fn the_signature_has_no_lines_that_a_hop_would_fold() {
    let mut signer = signer(&[Algorithm::Rsa, Algorithm::Ed25519]);
    signer.0[1].domain = format!("{}.example.org", "long".repeat(15));
    let made = sign(&signer, HEADERS, BODY);
    assert_eq!(made.matches("DKIM-Signature: v=1; a=").count(), 2);
    for line in made.strip_suffix("\r\n").unwrap().split("\r\n") {
        assert!(line.len() <= 78, "{line}");
        assert!(!line.trim().is_empty() && line == line.trim_end(), "{made}");
    }
    assert_eq!(tag(&made, "t"), "1528637909");
    assert_eq!(tag(&made, "bh"), BODY_HASH);
    assert_eq!(tag(&made, "b").len(), 344);
}

#[test]
fn a_mail_without_a_sender_is_not_signed() {
    let signed = signer(&[Algorithm::Ed25519]).sign(
        b"Subject: From: me\r\n",
        std::iter::empty(),
        UnixMillis(0),
    );
    assert_eq!(signed, Err(SignError::NoSender));
}

#[test]
fn a_key_is_read_as_it_was_written() {
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let pem = key.to_pem().unwrap();
        let read = PrivateKey::from_pem(&pem).unwrap();
        assert_eq!(read.algorithm(), algorithm);
        assert_eq!(read.record().unwrap(), key.record().unwrap());
        assert!(!format!("{read:?}").contains(pem.lines().nth(1).unwrap()));
    }
}

#[test]
fn rsa_in_its_older_form_is_read_too() {
    let key = PrivateKey::generate(Algorithm::Rsa).unwrap();
    let pem = key.to_pem().unwrap();
    let text: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    // PKCS#8 puts 26 octets before the older form of a key of 2048 bits.
    let older = BASE64.encode(&BASE64.decode(text.as_bytes()).unwrap()[26..]);
    let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{older}\n-----END RSA PRIVATE KEY-----");
    let read = PrivateKey::from_pem(&pem).unwrap();
    assert_eq!(read.record().unwrap(), key.record().unwrap());
}

/// RFC 8463 §A.1: an RSA key of 1024 bits.
const SHORT: &str = "-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
";
/// A key of the curve P-256.
const ELLIPTIC: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBEk9GiS3wjMeAHjf
JsztJWpPUdMI9KyRB2gO8j2ov1+hRANCAAQpqKJdtmNnzABx0uAW+twHISYDnBDh
Vud0nNjPX7HJTRAFmfCpVQFxu7lG2duKpInLDO7JwUY+dg+vRcOFvkfd
-----END PRIVATE KEY-----
";

#[test]
fn what_cannot_sign_is_refused_with_what_it_is() {
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----";
    let locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIF\n-----END RSA PRIVATE KEY-----";
    let public = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----";
    let damaged = SHORT.replace("MIICXQ", "MIICXg");
    let wrong = [
        (SHORT, "shorter than 2048 bits"),
        (ELLIPTIC, "no RSA or Ed25519 key"),
        (encrypted, "passphrase"),
        (locked, "passphrase"),
        (public, "a public key"),
        (&damaged, "damaged"),
        ("v=DKIM1; k=rsa; p=MIIB", "-----BEGIN PRIVATE KEY-----"),
        (
            "-----BEGIN PRIVATE KEY-----\n?\n-----END",
            "-----BEGIN PRIVATE KEY-----",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----",
            "damaged",
        ),
    ];
    for (pem, words) in wrong {
        let told = PrivateKey::from_pem(pem).unwrap_err().to_string();
        assert!(told.contains(words), "{pem}\n{told}");
    }
}

#[test]
fn a_selector_is_a_name_of_the_dns() {
    for good in ["s1", "2026-11", "a.b", "mail_1", "K"] {
        assert!(is_selector(good), "{good}");
    }
    let long = "s".repeat(64);
    for bad in ["", ".", "a.", "-a", "a-", "a b", "a;b", "ä", "a..b", &long] {
        assert!(!is_selector(bad), "{bad}");
    }
}

/// The relaxed body as the specification words it, one rule after the other.
fn plainly(body: &str) -> String {
    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let mut even = String::new();
            for c in line.chars().map(|c| if c == '\t' { ' ' } else { c }) {
                if !(c == ' ' && even.ends_with(' ')) {
                    even.push(c);
                }
            }
            even.trim_end_matches(' ').to_owned()
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

proptest! {
    #[test]
    fn any_body_in_any_parts_is_hashed_as_the_plain_rules_say(
        pieces in proptest::collection::vec(
            prop_oneof![
                4 => "[a-z=\u{c}]{1,90}",
                2 => Just(" ".to_owned()),
                1 => Just("\t".to_owned()),
                2 => Just("\r\n".to_owned()),
                1 => Just("a b c. d e f, g h i; j k l: m n o! ".repeat(9)),
                1 => Just("long".repeat(3000)),
            ],
            0..40,
        ),
        cuts in proptest::collection::vec(0usize..2000, 0..8),
    ) {
        let body = pieces.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.min(&body.len()).to_owned()).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|w| &body.as_bytes()[w[0]..w[1]]).collect();
        prop_assert_eq!(hash(&parts), hash_of(plainly(&body).as_bytes()));
    }

    #[test]
    fn any_header_is_as_the_plain_rules_say(
        name in "[A-Za-z-]{1,12}",
        pad in "[ \t]{0,3}",
        words in proptest::collection::vec("[!-~]{1,8}", 0..8),
        gaps in proptest::collection::vec("[ \t]{1,3}|\r\n[ \t]{1,2}|[ \t]\r\n ", 8),
        end in "[ \t]{0,2}(\r\n)?",
    ) {
        let mut value = pad.clone();
        for (word, gap) in words.iter().zip(&gaps) {
            value.push_str(word);
            value.push_str(gap);
        }
        let made = field(&format!("{name}{pad}:{value}{end}"));
        prop_assert_eq!(made, format!("{}:{}", name.to_lowercase(), words.join(" ")));
    }
}
