//! Hostile addresses, hostile servers, and real HTTP over the loopback.

pub(crate) mod loopback;

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Instant;

use self::loopback::{Answer, Loopback, http};
use super::*;

/// Every way of writing this machine that we know; `{p}` is the canary's port.
const HOSTILE: [&str; 64] = [
    "http://127.0.0.1:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.1:{p}/",
    "http://0x7f.0.0.0x1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://0177.0.0.01:{p}/",
    "http://017700000001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://127.127.127.127:{p}/",
    "http://0.0.0.0:{p}/",
    "http://0:{p}/",
    "http://①②⑦.0.0.1:{p}/",
    "http://127。0。0。1:{p}/",
    "http://127%2e0%2e0%2e1:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http:\\\\127.0.0.1:{p}\\",
    "http:/127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "http://///127.0.0.1:{p}/",
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[::ffff:0:127.0.0.1]:{p}/",
    "http://[64:ff9b::127.0.0.1]:{p}/",
    "http://[64:ff9b:1::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2001:0:7f00:1::]:{p}/",
    "http://[fe80::5efe:7f00:1]:{p}/",
    "http://[fe80::1]:{p}/",
    "http://[fec0::1]:{p}/",
    "http://[fc00::1]:{p}/",
    "http://[ff02::1]:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST:{p}/",
    "http://localhost.:{p}/",
    "http://a.localhost:{p}/",
    "http://printer.local:{p}/",
    "http://db.internal:{p}/",
    "http://metadata.google.internal:{p}/",
    "http://ｌｏｃａｌｈｏｓｔ:{p}/",
    "http://ⓛocalhost:{p}/",
    "http://localtest.me:{p}/",
    "http://127.0.0.1.nip.io:{p}/",
    "http://mixed.example:{p}/",
    "http://user@127.0.0.1:{p}/",
    "http://user:word@example.org:{p}/",
    "http://example.org@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}@example.org/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:{p}/",
    "http://192.168.0.1:{p}/",
    "http://172.16.0.1:{p}/",
    "ftp://127.0.0.1:{p}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/",
    "data:text/html,x",
    "javascript:alert(1)",
];

/// Names of the table above, as a hostile name server answers.
fn hostile_names() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let answer = match name.as_str() {
                "mixed.example" => ["93.184.216.34", "127.0.0.1"]
                    .map(|a| a.parse().unwrap())
                    .into(),
                _ => vec![IpAddr::from([127, 0, 0, 1])],
            };
            Ok(answer)
        })
    })
}

fn local() -> Client {
    Client::new(&["127.0.0.0/8".parse().unwrap()], "courant-test").unwrap()
}

async fn get(client: &Client, url: &Url) -> Result<Fetched, FetchError> {
    client
        .get(url, &Conditions::default(), &Limits::default())
        .await
}

#[tokio::test]
async fn no_hostile_address_reaches_the_canary() {
    let canary = Loopback::serve(|_| http("200 OK", "", "internal")).await;
    let mut guard = Guard::default();
    // Otherwise the port alone would refuse them all.
    guard.test_port = Some(canary.address.port());
    let client = Client::guarded(guard, "courant-test", hostile_names()).unwrap();
    let mut asked = 0;
    for text in HOSTILE {
        let text = text.replace("{p}", &canary.address.port().to_string());
        // What is no address at all cannot be asked; the rest must be refused by us.
        let Ok(url) = Url::parse(&text) else { continue };
        asked += 1;
        let error = get(&client, &url).await.expect_err(&text);
        assert!(error.is_refused(), "{text}: {error}");
    }
    assert!(asked >= 60, "only {asked} were addresses");
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_hostile_address_is_refused_on_that_hop() {
    let canary = Loopback::serve(|_| http("200 OK", "", "internal")).await;
    let port = canary.address.port();
    for target in [
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        format!("http://0x7f.2:{port}/"),
        format!("//127.0.0.2:{port}/"),
        "http://rebind.example/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let door =
            Loopback::serve(move |_| http("302 Found", &format!("Location: {target}\r\n"), ""))
                .await;
        // Only 127.0.0.1 is allowed; 127.0.0.2 is as private as ever.
        let lookup: Lookup =
            Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 3])]) }));
        let client =
            Client::with_lookup(&["127.0.0.1/32".parse().unwrap()], "courant-test", lookup)
                .unwrap();
        let error = get(&client, &door.url("/")).await.unwrap_err();
        assert!(error.is_refused(), "{error}");
        assert_eq!(door.hits(), 1);
    }
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_at_every_connection() {
    use reqwest::dns::Resolve;
    let answers = Mutex::new(vec![[127, 0, 0, 1], [93, 184, 216, 34]]);
    let resolver = resolve::Vetting {
        guard: Arc::new(Guard::default()),
        lookup: Arc::new(move |_| {
            let next = answers.lock().unwrap().pop().unwrap();
            Box::pin(async move { Ok(vec![IpAddr::from(next)]) })
        }),
        only_allowed: false,
    };
    assert!(
        resolver
            .resolve("rebind.example".parse().unwrap())
            .await
            .is_ok()
    );
    let second = resolver.resolve("rebind.example".parse().unwrap()).await;
    let why = second.err().unwrap().to_string();
    assert!(why.contains("private or local"), "{why}");
}

#[tokio::test]
async fn an_unusual_port_of_a_public_name_is_refused_even_with_an_allow_list() {
    let lookup: Lookup =
        Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([93, 184, 216, 34])]) }));
    let client =
        Client::with_lookup(&["127.0.0.0/8".parse().unwrap()], "courant-test", lookup).unwrap();
    let url = Url::parse("http://public.example:6379/").unwrap();
    let error = get(&client, &url).await.unwrap_err();
    assert!(
        error.is_refused() && error.to_string().contains("6379"),
        "{error}"
    );
}

#[tokio::test]
async fn an_allowed_address_is_fetched_with_its_validators_as_they_came() {
    let site = Loopback::serve(|head| {
        if head.contains("if-none-match: W/\"a b\"") {
            http("304 Not Modified", "", "")
        } else {
            http(
                "200 OK",
                "ETag: W/\"a b\"\r\nLast-Modified: Mon, 1 Jan 2024 00:00:00 GMT\r\n\
                 Content-Type: application/rss+xml; charset=utf-8\r\nRetry-After: 90\r\n",
                "body",
            )
        }
    })
    .await;
    let client = local();
    let first = get(&client, &site.url("/feed")).await.unwrap();
    assert_eq!(first.body, b"body");
    assert_eq!(first.etag.as_deref(), Some("W/\"a b\""));
    assert_eq!(first.retry_after, Some(Duration::from_secs(90)));
    assert_eq!(first.permanent_redirect, None);
    let conditions = Conditions {
        etag: first.etag,
        last_modified: first.last_modified,
        accept: Some("text/xml"),
    };
    let again = client
        .get(&site.url("/feed"), &conditions, &Limits::default())
        .await
        .unwrap();
    assert!(again.not_modified && again.body.is_empty());
    let request = site.last_request();
    for line in [
        "if-modified-since: Mon, 1 Jan 2024 00:00:00 GMT",
        "accept: text/xml",
        "user-agent: courant-test",
        "accept-encoding: gzip,br",
    ] {
        assert!(request.contains(line), "{line} is missing in {request}");
    }
}

#[tokio::test]
async fn redirects_end_and_only_permanent_ones_are_remembered() {
    let site = Loopback::serve(|head| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        match path {
            "/old" => http("301 Moved", "Location: /newer\r\n", ""),
            "/newer" => http("308 Moved", "Location: /new\r\n", ""),
            "/new" => http("302 Found", "Location: /today\r\n", ""),
            "/today" => http("200 OK", "", "here"),
            "/loop" => http("302 Found", "Location: /loop\r\n", ""),
            "/nowhere" => http("302 Found", "Location: http://[\r\n", ""),
            "/slash" => http("302 Found", "Location: /\\evil.example/\r\n", ""),
            _ => http("404 Not Found", "", ""),
        }
    })
    .await;
    let client = local();
    let found = get(&client, &site.url("/old")).await.unwrap();
    assert_eq!(found.final_url.path(), "/today");
    assert_eq!(found.permanent_redirect.unwrap().path(), "/new");
    let found = get(&client, &site.url("/new")).await.unwrap();
    assert_eq!(found.permanent_redirect, None);
    let before = site.hits();
    let error = get(&client, &site.url("/loop")).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirects { .. }), "{error}");
    assert_eq!(site.hits() - before, 6);
    for path in ["/nowhere", "/slash"] {
        let error = get(&client, &site.url(path)).await.unwrap_err();
        assert!(matches!(error, FetchError::Location { .. }), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_heard_on_every_status_also_on_the_way() {
    let site = Loopback::serve(|head| match head.split(' ').nth(1) {
        Some("/moved") => http("302 Found", "Location: /fine\r\nRetry-After: 600\r\n", ""),
        Some("/lost") => http("302 Found", "Location: /none\r\nRetry-After: 600\r\n", ""),
        Some("/fine") => http("200 OK", "Retry-After: 60\r\n", "fine"),
        Some("/same") => http("304 Not Modified", "Retry-After: 60\r\n", ""),
        _ => http("404 Not Found", "", ""),
    })
    .await;
    let client = local();
    for (path, seconds) in [("/fine", 60), ("/same", 60), ("/moved", 600)] {
        let fetched = get(&client, &site.url(path)).await.unwrap();
        let wait = Duration::from_secs(seconds);
        assert_eq!(fetched.retry_after, Some(wait), "{path}");
    }
    let error = get(&client, &site.url("/lost")).await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
}

/// A gzip stream that never ends in much: one zero, then matches of 258 zeros at 13 bits each.
fn gzip_bomb(matches: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut bits, mut held) = (0u32, 0);
    let mut push = |code: u32, length: u32| {
        for i in (0..length).rev() {
            bits |= (code >> i & 1) << held;
            held += 1;
            if held == 8 {
                bytes.push(u8::try_from(bits).unwrap());
                (bits, held) = (0, 0);
            }
        }
    };
    push(0b110, 3); // last block, fixed codes (RFC 1951 §3.2.3, each field bit by bit)
    push(0b0011_0000, 8);
    for _ in 0..matches {
        push(0b1100_0101, 8);
        push(0, 5);
    }
    bytes
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit_while_it_inflates() {
    let site =
        Loopback::serve(|_| http("200 OK", "Content-Encoding: gzip\r\n", gzip_bomb(1_000_000)))
            .await;
    let limits = Limits {
        bytes: 1024 * 1024,
        ..Limits::default()
    };
    let started = Instant::now();
    let error = local()
        .get(&site.url("/"), &Conditions::default(), &limits)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_drips_or_says_nothing_is_left_in_time() {
    for script in [|| Answer::Drip, || Answer::Silence] {
        let site = Loopback::serve(move |_| script()).await;
        let limits = Limits {
            time: Duration::from_millis(400),
            ..Limits::default()
        };
        let error = local()
            .get(&site.url("/"), &Conditions::default(), &limits)
            .await
            .unwrap_err();
        assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_say_what_to_do() {
    let client = local();
    let site = Loopback::serve(|head| match head.split(' ').nth(1) {
        Some("/busy?key=secret") => http("503 Busy", "Retry-After: 120\r\n", ""),
        Some("/gone") => http("410 Gone", "", ""),
        Some("/wall") => http("403 No", "cf-mitigated: challenge\r\n", ""),
        Some("/cut") => Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx".to_vec()),
        _ => Answer::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
    })
    .await;
    let error = get(&client, &site.url("/busy?key=secret"))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
    assert!(!error.to_string().contains("secret"), "{error}");
    assert_eq!(
        get(&client, &site.url("/gone")).await.unwrap_err().status(),
        Some(410)
    );
    let wall = get(&client, &site.url("/wall"))
        .await
        .unwrap_err()
        .to_string();
    assert!(wall.contains("bot wall"), "{wall}");
    for path in ["/cut", "/ssh"] {
        let error = get(&client, &site.url(path)).await.unwrap_err();
        assert!(matches!(error, FetchError::Broken { .. }), "{error}");
    }
    let closed = Url::parse("http://127.0.0.1:1/").unwrap();
    let error = get(&client, &closed).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error}");
    let nobody: Lookup =
        Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such host")) }));
    let lost = Client::with_lookup(&[], "courant-test", nobody).unwrap();
    let error = get(&lost, &Url::parse("http://nobody.example/").unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }), "{error}");
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        let words = b"220 this is no TLS server\r\n";
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, words).await;
    });
    let error = get(&client, &Url::parse(&url).unwrap()).await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error:?}");
}

#[test]
fn retry_after_is_read_in_both_forms_and_never_longer_than_a_week() {
    let now: crate::domain::UnixMillis = "2026-11-23T10:00:00Z".parse().unwrap();
    let read = |text: &str| parse_retry_after(text, now).map(|d| d.as_secs());
    assert_eq!(read("120"), Some(120));
    assert_eq!(read("Mon, 23 Nov 2026 10:05:00 GMT"), Some(300));
    assert_eq!(read("Mon, 23 Nov 2026 09:00:00 GMT"), Some(0));
    assert_eq!(read("99999999999"), Some(604_800));
    assert_eq!(read("soon"), None);
}
