//! Those who come to the form to find something out, or to misuse it.

use std::collections::BTreeSet;
use std::time::Duration;

use courant::domain::{EmailAddress, SubscriptionState, SuppressionReason, UnixMillis};
use courant::store::{SignUp, SignUpAnswer};

use super::kit::{Reply, Site, request};
use super::signup::{MORE, admit, channels_of, sign_up, token_in, waiting};
use crate::support::databases::both_databases;

/// A page without what it shows of the address.
fn without(page: &Reply, address: &str) -> String {
    assert!(page.text().contains(address), "{}", page.text());
    page.text().replace(address, "ADDRESS")
}

fn headers_of(page: &Reply) -> Vec<(String, String)> {
    let length = |name: &str| name == "content-length" || name == "date";
    let headers = page.headers.clone().into_iter();
    headers.filter(|(name, _)| !length(name)).collect()
}

#[tokio::test]
async fn known_unknown_and_suppressed_addresses_get_the_same_answer() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        let now = UnixMillis::now();
        site.reader("known@example.org").await;
        let pending = SubscriptionState::Pending;
        site.reader_who_is(pending, "waiting@example.org", &["brief"])
            .await;
        let gone = EmailAddress::parse("gone@example.org").unwrap();
        site.reader(gone.as_str()).await;
        site.db
            .suppress(&gone.key(), SuppressionReason::Complaint, "", now)
            .await
            .unwrap();
        let before = waiting(&site).await;
        let mut pages = Vec::new();
        for address in [
            "new@example.org",
            "known@example.org",
            "waiting@example.org",
            "gone@example.org",
            "new@example.org",
        ] {
            let page = sign_up(&site, None, &format!("email={address}&channel=brief")).await;
            assert_eq!(page.status, 200, "{}", page.text());
            pages.push((without(&page, address), headers_of(&page)));
        }
        let first = pages[0].clone();
        assert!(first.0.contains("brief@news.example.org"), "{}", first.0);
        assert!(pages.iter().all(|page| *page == first), "{pages:#?}");
        // One row each; what an operator entered for `waiting` is apart from it.
        assert_eq!((before, waiting(&site).await), (1, 5));
        admit(&site.db).await;
        assert_eq!(
            channels_of(&site.db, "new@example.org").await,
            ["brief Pending"]
        );
        assert_eq!(
            channels_of(&site.db, "known@example.org").await,
            ["brief Active"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_program_that_fills_in_every_field_is_thanked_and_nothing_is_kept() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        let wanted = "email=ada%40example.org&channel=brief";
        let trapped = sign_up(
            &site,
            None,
            &format!("{wanted}&homepage=https%3A%2F%2Fspam.example"),
        )
        .await;
        assert_eq!(waiting(&site).await, 0);
        let taken = sign_up(&site, None, &format!("{wanted}&homepage=")).await;
        assert_eq!(waiting(&site).await, 1);
        assert_eq!((trapped.status, &trapped.body), (taken.status, &taken.body));
        let form = site.get("/subscribe").await;
        let trap = form
            .text()
            .split("<p class=\"trap\" aria-hidden=\"true\">")
            .nth(1)
            .unwrap();
        let trap = trap.split("</p>").next().unwrap();
        assert!(
            trap.contains("name=\"homepage\"") && trap.contains("tabindex=\"-1\""),
            "{trap}"
        );
        assert!(
            form.text().contains(".trap{display:none}"),
            "people see the trap"
        );
    })
    .await;
}

#[tokio::test]
async fn one_network_asks_so_often_and_nobody_else_is_counted_with_it() {
    both_databases(async |db| {
        let site = Site::over(db, "\n[signup]\nper_network = \"2/h\"\n").await;
        let fields = |n: usize| format!("email=a{n}%40example.org&channel=brief");
        let from = async |network: &str, n| sign_up(&site, Some(network), &fields(n)).await;
        assert_eq!(from("203.0.113.7", 1).await.status, 200);
        // Neighbours are one network; what the client itself writes in front changes nothing.
        assert_eq!(from("8.8.8.8, 203.0.113.99", 2).await.status, 200);
        for spoofed in [
            "203.0.113.7",
            "198.51.100.1, 203.0.113.1",
            "x, 203.0.113.255",
        ] {
            let page = from(spoofed, 10).await;
            let told = (page.status, page.header("retry-after"));
            assert_eq!(told, (429, "3600"), "{spoofed}");
            let text = page.text();
            assert!(text.contains("try again later"), "{text}");
            assert!(text.contains("value=\"a10@example.org\""), "{text}");
        }
        assert_eq!(waiting(&site).await, 2);
        assert_eq!(from("198.51.100.1", 3).await.status, 200);
        for n in 4..8 {
            let page = sign_up(&site, None, &fields(n)).await;
            assert_eq!(page.status, 200, "this machine itself");
        }
        assert_eq!(waiting(&site).await, 7);
        let metrics = site.admin("/metrics").await;
        for line in [
            "courant_signups_total{result=\"taken\"} 7",
            "courant_signups_total{result=\"too_many\"} 3",
            "courant_signups_waiting 7",
        ] {
            assert!(metrics.text().contains(line), "{line}: {}", metrics.text());
        }
        admit(&site.db).await;
        let evidence = site.db.consent_events("a2@example.org").await.unwrap();
        let evidence = format!("{evidence:?}");
        assert!(evidence.contains("form, 203.0.113.99"), "{evidence}");
    })
    .await;
}

#[tokio::test]
async fn when_too_many_wait_or_the_database_is_away_one_may_come_again() {
    let site = Site::open().await;
    let mut n = 0;
    loop {
        let signup = SignUp {
            address: EmailAddress::parse(&format!("a{n}@example.org")).unwrap(),
            channels: vec!["brief".into()],
            network: None,
            evidence: String::new(),
        };
        let hour = Duration::from_secs(3600);
        let now = UnixMillis::now();
        if site.db.take_signup(&signup, 1, hour, now).await.unwrap() == SignUpAnswer::Full {
            break;
        }
        n += 1;
    }
    let page = sign_up(&site, None, "email=ada%40example.org&channel=brief").await;
    assert_eq!((page.status, page.header("retry-after")), (503, "120"));
    assert!(page.text().contains("in a few minutes"), "{}", page.text());
    let form = site.get("/subscribe").await;
    site.db.close().await;
    let fields = format!(
        "email=ada%40example.org&channel=brief&token={}",
        token_in(&form)
    );
    let page = site.post("/subscribe", &fields).await;
    assert_eq!((page.status, page.header("retry-after")), (503, "120"));
    assert!(page.text().contains("try again"), "{}", page.text());
}

#[tokio::test]
async fn scanners_open_every_link_twice_and_nothing_changes() {
    both_databases(async |db| {
        let site = Site::over(db, MORE).await;
        let pending = SubscriptionState::Pending;
        let id = site
            .reader_who_is(pending, "ada@example.org", &["brief", "subh"])
            .await;
        let token = site.confirmation(id).await;
        let before = (
            waiting(&site).await,
            site.db.subscriptions(id).await.unwrap(),
        );
        let mut paths = vec![
            "/".to_owned(),
            format!("/confirm/{token}"),
            "/subscribe?email=eve%40example.org&channel=brief&token=x".into(),
        ];
        let mut seen = BTreeSet::new();
        while let Some(path) = paths.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            for method in ["GET", "HEAD", "GET", "HEAD"] {
                let page = request(&site.public, method, &path, &[], b"").await;
                assert_eq!(page.status, 200, "{method} {path}");
                let links = page
                    .text()
                    .split("href=\"https://letters.example.org")
                    .skip(1);
                let links = links.map(|rest| rest.split('"').next().unwrap());
                paths.extend(links.filter(|l| l.len() > 1).map(str::to_owned));
            }
        }
        assert!(seen.len() > 6, "only {seen:?}");
        let after = (
            waiting(&site).await,
            site.db.subscriptions(id).await.unwrap(),
        );
        assert_eq!(after, before);
        assert_eq!(site.db.subscriber("eve@example.org").await.unwrap(), None);
    })
    .await;
}
