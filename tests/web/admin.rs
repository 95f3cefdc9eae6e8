//! Operators and their tools.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use courant::channels::email::Relays;
use courant::config::DomainLimits;
use courant::domain::{ArticleState, IssueId, IssueState, UnixMillis};
use courant::templates::Templates;

use super::kit::{Site, configuration, request};
use super::signup::{admit, sign_up};
use crate::support::databases::both_databases;

#[tokio::test]
async fn status_has_the_shape_scripts_rely_on() {
    let site = Site::open().await;
    let id = site.article("1", "Water in the Ravi", &["brief"]).await;
    let issue = site.issue("brief", IssueState::Waiting, "One", &[id]).await;
    let reply = site.admin("/api/v1/status").await;
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let status = reply.json();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all.join(" ")
    };
    assert_eq!(
        sorted(keys(&status)),
        "channels deliveries relays sources uptime_s version"
    );
    assert_eq!(
        sorted(keys(&status["sources"][0])),
        "articles error id kind last_fetch next_fetch state"
    );
    assert_eq!(
        sorted(keys(&status["channels"][0])),
        "id kind last_issue next_run state"
    );
    assert_eq!(
        sorted(keys(&status["relays"][0])),
        "connections id paused_until quota quota_used rate_per_s reason state window"
    );
    assert_eq!(
        sorted(keys(&status["deliveries"])),
        "cancelled deferred failed leased pending sent suppressed uncertain"
    );
    assert_eq!(status["sources"][0]["last_fetch"], "2026-11-23T07:00:00Z");
    assert_eq!(status["sources"][0]["articles"], 1);
    let brief = &status["channels"][0];
    assert_eq!(
        (&brief["id"], &brief["state"]),
        (&"brief".into(), &"waiting".into())
    );
    assert_eq!(brief["last_issue"], issue.0);
    assert!(brief["next_run"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_operators_page_says_what_needs_a_person() {
    let site = Site::open().await;
    let id = site.article("1", "Water in the Ravi", &["brief"]).await;
    let issue = site.issue("brief", IssueState::Waiting, "One", &[id]).await;
    let page = site.admin("/").await;
    assert_eq!(page.status, 200, "{}", page.text());
    let command = format!("courant issues approve {issue}");
    assert!(page.text().contains(&command), "{}", page.text());
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
}

#[tokio::test]
async fn the_operators_page_counts_the_articles_that_wait_for_a_decision() {
    let site = Site::open().await;
    let id = site.article("1", "Water in the Ravi", &[]).await;
    let waits = "Articles that are held until you decide: 1";
    assert!(!site.admin("/").await.text().contains(waits));
    let from = &[ArticleState::Released, ArticleState::Waiting];
    let moved = site
        .db
        .set_article_state(id, from, ArticleState::Held, "flood", None);
    assert!(moved.await.unwrap());
    let page = site.admin("/").await;
    assert!(page.text().contains(waits), "{}", page.text());
    assert!(page.text().contains("courant articles list --state held"));
}

#[tokio::test]
async fn the_operators_page_says_why_an_issue_is_paused_also_behind_a_newer_one() {
    let site = Site::open().await;
    let id = site.article("1", "Water in the Ravi", &["brief"]).await;
    let old = site.issue("brief", IssueState::Sending, "One", &[id]).await;
    let id = site.article("2", "Rain", &["brief"]).await;
    site.issue("brief", IssueState::Done, "Two", &[id]).await;
    let why = "the relay refuses the sender's address <brief@news.example>";
    assert!(site.db.pause_issue(old, why).await.unwrap());
    assert!(!site.db.pause_issue(old, "again").await.unwrap());
    let page = site.admin("/").await;
    let text = page.text();
    let shown = "refuses the sender&#39;s address &lt;brief@news.example&gt;";
    assert!(text.contains(shown), "{text}");
    assert!(text.contains(&format!("courant issues resume {old}")));
    let detail = site.admin(&format!("/api/v1/issues/{old}")).await.json();
    assert_eq!(detail["why_paused"], why);
}

#[tokio::test]
async fn a_round_of_confirmation_mail_is_called_so_and_has_no_page() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        sign_up(&site, None, "email=ada%40example.org&channel=brief").await;
        admit(&site.db).await;
        let list = site.admin("/api/v1/issues").await.json();
        let round = &list["items"][0];
        assert_eq!(
            (&round["number"], &round["url"]),
            (&(-1).into(), &serde_json::Value::Null)
        );
        let id = IssueId(round["id"].as_i64().unwrap());
        assert!(site.db.pause_issue(id, "").await.unwrap());
        let page = site.admin("/").await;
        let told = format!("Issue {id} (brief confirmation) is paused");
        assert!(page.text().contains(&told), "{}", page.text());
    })
    .await;
}

#[tokio::test]
async fn lists_come_in_pages_and_details_in_full() {
    let site = Site::open().await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        let title = format!("Story {n}");
        ids.push(site.article(&n.to_string(), &title, &["brief"]).await);
    }
    let issue = site.issue("brief", IssueState::Done, "One", &ids).await;
    let first = site.admin("/api/v1/articles?limit=2").await.json();
    assert_eq!(first["items"][0]["title"], "Story 3");
    assert_eq!(first["next"], ids[1].0);
    let path = format!("/api/v1/articles?limit=2&before={}", ids[1].0);
    let second = site.admin(&path).await.json();
    assert_eq!(second["items"][0]["title"], "Story 1");
    assert_eq!(second["next"], serde_json::Value::Null);
    let none = site
        .admin("/api/v1/articles?state=held&source=dispatch")
        .await
        .json();
    assert_eq!(none["items"].as_array().unwrap().len(), 0);

    let issues = site.admin("/api/v1/issues?channel=brief").await.json();
    assert_eq!(
        issues["items"][0]["url"],
        "https://letters.example.org/archive/brief/1"
    );
    assert_eq!(issues["items"][0]["deliveries"]["sent"], 0);
    let detail = site.admin(&format!("/api/v1/issues/{issue}")).await.json();
    assert_eq!(detail["title"], "One");
    assert_eq!(detail["articles"].as_array().unwrap().len(), 3);
    let channels = site.admin("/api/v1/channels").await.json();
    assert_eq!(channels["items"][0]["schedules"]["daily"], "0 7 * * *");
    assert_eq!(channels["items"][0]["subscribers"]["active"], 0);
    assert_eq!(
        site.admin("/api/v1/sources").await.json()["items"][0]["id"],
        "dispatch"
    );
    assert_eq!(
        site.admin("/api/v1/payloads").await.json()["next"],
        serde_json::Value::Null
    );
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_as_json_with_why() {
    let site = Site::open().await;
    for (path, status, word) in [
        ("/api/v1/articles?state=lost", 400, "lost"),
        ("/api/v1/articles?limit=x", 400, "limit"),
        ("/api/v1/issues?chanel=brief", 400, "chanel"),
        ("/api/v1/issues/x", 404, "nothing"),
        ("/api/v1/issues/77", 404, "nothing"),
    ] {
        let reply = site.admin(path).await;
        assert_eq!(reply.status, status, "{path}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(word), "{path}: {error}");
    }
    let post = request(&site.admin, "POST", "/api/v1/status", &[], b"").await;
    assert_eq!(post.status, 405);
    site.db.close().await;
    let reply = site.admin("/api/v1/status").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "120"));
    assert!(
        reply.json()["error"]
            .as_str()
            .unwrap()
            .contains("try again")
    );
}

#[tokio::test]
async fn the_api_describes_itself_with_this_version() {
    let site = Site::open().await;
    let document = site.admin("/api/openapi.json").await.json();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(document["paths"]["/api/v1/status"]["get"].is_object());
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_tell_the_queue() {
    let site = Site::open().await;
    site.get("/").await;
    site.get("/unsubscribe/a-secret-token").await;
    site.get("/no-such-page-7").await;
    let reply = site.admin("/metrics").await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    for line in [
        "courant_http_requests_total{listener=\"public\",route=\"/\",method=\"GET\",status=\"2xx\"} 1",
        "courant_http_requests_total{listener=\"public\",route=\"/unsubscribe/{token}\",\
         method=\"GET\",status=\"4xx\"} 1",
        "courant_http_requests_total{listener=\"public\",route=\"none\",method=\"GET\",status=\"4xx\"} 1",
        "courant_deliveries{state=\"pending\"} 0",
        "courant_sources{state=\"new\"} 1",
        "courant_articles{source=\"dispatch\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("courant_build_info{") && text.ends_with("# EOF\n"));
    assert!(!text.contains("a-secret-token") && !text.contains("no-such-page-7"));
}

#[tokio::test]
async fn metrics_and_the_page_tell_what_a_relay_is_given() {
    let site = Site::open().await;
    let mut config = configuration("");
    let relay = config.relays.get_mut("main").unwrap();
    (relay.day_quota, relay.rate) = (Some(500), "20/s".parse().ok());
    let google = DomainLimits {
        rate: "4/s".parse().ok(),
        connections: Some(2),
        also: Vec::new(),
    };
    relay.domains.insert("gmail.com".to_owned(), google);
    let relays = Arc::new(Relays::new(&config));
    let templates = Arc::new(Templates::load(None).unwrap());
    let known = relays.iter().next().unwrap().clone();
    known.set_queue(7, 2);
    known.loads[0].in_hand.store(5, Ordering::Relaxed);
    known.loads[0].on_wire.store(1, Ordering::Relaxed);
    site.state.reload(Arc::new(config), templates, Some(relays));
    let today = known.today(UnixMillis::now()).date.to_string();
    site.db.take_quota("main", &today, 30, 500).await.unwrap();
    let until = UnixMillis::now().plus(Duration::from_secs(900));
    let why = "421 4.7.0 [TSS04] deferred";
    site.db
        .set_relay_pause("main", until, 0, why)
        .await
        .unwrap();
    let text = site.admin("/metrics").await.text().to_owned();
    for line in [
        "courant_smtp_connections{relay=\"main\"} 0",
        "courant_smtp_connections_limit{relay=\"main\"} 5",
        "courant_smtp_rate_limit{relay=\"main\"} 20.0",
        "courant_smtp_relay_paused{relay=\"main\"} 1",
        "courant_smtp_quota_used{relay=\"main\"} 30",
        "courant_smtp_quota_limit{relay=\"main\"} 500",
        "courant_smtp_messages_total{relay=\"main\",result=\"accepted\"} 0",
        "courant_smtp_connection_failures_total{relay=\"main\"} 0",
        "courant_delivery_queue_depth{relay=\"main\",state=\"waiting\"} 7",
        "courant_delivery_queue_depth{relay=\"main\",state=\"carried\"} 2",
        "courant_smtp_domain_rate_limit{relay=\"main\",domain=\"gmail.com\"} 4.0",
        "courant_smtp_domain_connections_limit{relay=\"main\",domain=\"gmail.com\"} 2",
        "courant_smtp_domain_queue_depth{relay=\"main\",domain=\"gmail.com\",state=\"waiting\"} 4",
        "courant_smtp_domain_queue_depth{relay=\"main\",domain=\"gmail.com\",state=\"carried\"} 1",
        "courant_deliveries_in_flight 0",
        "courant_deliveries_uncertain_total 0",
        "courant_lease_fenced_writes_total 0",
        "courant_journal_size_bytes 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let status = site.admin("/api/v1/status").await.json();
    assert_eq!(
        status["relays"][0]["domains"],
        serde_json::json!([{"id": "gmail.com", "rate_per_s": 4.0, "connections": 2, "waiting": 4, "carried": 1}])
    );
    let page = site.admin("/").await.text().to_owned();
    assert!(
        page.contains("30 of 500") && page.contains("[TSS04]"),
        "{page}"
    );
}

#[tokio::test]
async fn readiness_follows_the_database_and_the_way_out() {
    let site = Site::open().await;
    assert_eq!(site.admin("/healthz").await.text(), "ok\n");
    let ready = site.admin("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["ready"].as_bool()),
        (200, Some(true))
    );
    site.state.start_draining();
    let draining = site.admin("/readyz").await;
    assert_eq!(draining.status, 503);
    assert_eq!(draining.json()["checks"]["draining"], true);
    site.db.close().await;
    let away = site.admin("/readyz").await.json();
    assert_ne!(away["checks"]["database"], "ok");
    assert_eq!(site.admin("/healthz").await.status, 200);
}
