//! The conversation with hubs, as rules.

use super::*;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn one(state: HubState) -> HubSubscription {
    HubSubscription {
        id: 1,
        source: "news".into(),
        topic: "https://news.example/feed/".into(),
        hub: "https://a.example/".into(),
        callback: "old".into(),
        secret: Some("s".into()),
        state,
        asked: String::new(),
        asked_at: Some(NOW.plus_ms(-86_400_000)),
        verified_at: None,
        lease_until: None,
        next_try_at: NOW,
        fails: 0,
        error: None,
        pushes: 0,
        refused: 0,
        missed: 0,
        last_push_at: None,
    }
}

fn hubs(names: &[&str]) -> Vec<String> {
    let address = |name: &&str| format!("https://{name}.example/");
    names.iter().map(address).collect()
}

fn fresh() -> (String, String) {
    ("new".into(), "new".into())
}

fn ask(one: &HubSubscription, names: &[&str]) -> Option<NextAsk> {
    let secure = |hub: &str| hub.starts_with("https:");
    next_ask(one, &hubs(names), NOW, fresh(), secure)
}

fn leased(state: HubState) -> HubSubscription {
    HubSubscription {
        verified_at: Some(NOW.plus_ms(-1000)),
        lease_until: Some(NOW.plus_ms(1000)),
        ..one(state)
    }
}

#[test]
fn a_renewal_keeps_hub_callback_and_secret_and_a_new_start_keeps_none() {
    let renewal = ask(&leased(HubState::Verified), &["a", "b"]).unwrap();
    assert_eq!((&*renewal.callback, renewal.is_fresh), ("old", false));
    assert_eq!(renewal.secret.as_deref(), Some("s"));
    assert_eq!(renewal.state, HubState::Verified);
    for state in [HubState::Verified, HubState::Denied, HubState::Dead] {
        let anew = ask(&one(state), &["a"]).unwrap();
        assert_eq!((&*anew.callback, anew.is_fresh), ("new", true), "{state}");
        assert_eq!(anew.secret.as_deref(), Some("new"));
        assert_eq!(anew.state, HubState::Pending);
    }
}

#[test]
fn a_hub_that_does_not_confirm_is_followed_by_the_next_under_another_callback() {
    let mut waiting = one(HubState::Pending);
    waiting.asked = "subscribe".into();
    let next = ask(&waiting, &["a", "b"]).unwrap();
    assert_eq!((&*next.hub, &*next.callback), ("https://b.example/", "new"));
    assert_eq!(next.fails, 1);
    // The only hub is asked again, and may still answer the first time's question.
    let again = ask(&waiting, &["a"]).unwrap();
    assert_eq!(
        (&*again.hub, &*again.callback),
        ("https://a.example/", "old")
    );
    // One that has confirmed since is not to blame.
    waiting.verified_at = waiting.asked_at;
    assert_eq!(ask(&waiting, &["a"]).unwrap().fails, 0);
}

#[test]
fn pauses_double_up_to_a_day_and_begin_when_every_hub_was_asked() {
    let new = one(HubState::Pending);
    assert_eq!(after_failure(&new, 0, 2, None, NOW), NOW);
    let minutes = |fails, hubs| {
        after_failure(&new, fails, hubs, None, NOW)
            .since(NOW)
            .as_secs()
            / 60
    };
    assert_eq!(minutes(1, 2), 20);
    assert_eq!([minutes(0, 1), minutes(1, 1), minutes(2, 1)], [20, 40, 80]);
    assert_eq!(minutes(1_000_000, 1), 1440);
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(after_failure(&new, 0, 1, hour, NOW), NOW.plus_ms(3_600_000));
    // While a lease runs its hub is kept.
    assert!(after_failure(&leased(HubState::Verified), 0, 2, None, NOW) > NOW);
    assert_eq!(after_refusal(0, 1, NOW), NOW.plus(DAY));
    assert_eq!(after_refusal(0, 2, NOW), NOW);
}

#[test]
fn a_dead_hub_is_replaced_where_there_is_another_and_renewed_where_not() {
    let other = ask(&leased(HubState::Dead), &["a", "b"]).unwrap();
    assert_eq!(
        (&*other.hub, other.state),
        ("https://b.example/", HubState::Pending)
    );
    let same = ask(&leased(HubState::Dead), &["a"]).unwrap();
    assert_eq!((&*same.callback, same.state), ("old", HubState::Dead));
}

#[test]
fn a_secret_is_told_only_where_nobody_listens() {
    let mut plain = one(HubState::Denied);
    plain.hub = "http://a.example/".into();
    let open = ["http://a.example/".to_owned()];
    let secure = |hub: &str| hub.starts_with("https:");
    let asked = next_ask(&plain, &open, NOW, fresh(), secure).unwrap();
    assert_eq!(asked.secret, None);
}

#[test]
fn an_end_is_asked_for_three_times_while_the_lease_runs() {
    let farewell = ask(&leased(HubState::Leaving), &[]).unwrap();
    assert_eq!((farewell.mode, &*farewell.callback), ("unsubscribe", "old"));
    let mut tried = leased(HubState::Leaving);
    tried.fails = 3;
    assert_eq!(ask(&tried, &[]), None);
    assert_eq!(ask(&one(HubState::Leaving), &[]), None);
}

#[test]
fn leases_are_ten_days_at_most_and_renewed_at_seventy_percent() {
    let days = |at: UnixMillis| at.since(NOW).as_secs_f64() / 86_400.0;
    for (granted, until) in [(None, 10.0), (Some(u64::MAX), 10.0), (Some(86_400), 1.0)] {
        let (end, renewal) = lease(granted, 500, NOW);
        assert!((days(end) - until).abs() < 0.001, "{granted:?}");
        assert!((days(renewal) / until - 0.675).abs() < 0.001, "{granted:?}");
    }
    let (_, renewal) = lease(Some(0), 7, NOW);
    assert_eq!(renewal, NOW.plus_ms(60_000));
}

#[test]
fn subscriptions_follow_what_sources_offer() {
    let offer = |topic: &str| HubOffer {
        source: "news".into(),
        topic: topic.into(),
        hubs: hubs(&["a"]),
    };
    let here = offer("https://news.example/feed/");
    let have = [one(HubState::Verified)];
    let all = |_: &str| true;
    assert_eq!(reconcile(std::slice::from_ref(&here), all, &have), []);
    assert_eq!(
        reconcile(std::slice::from_ref(&here), |_| false, &have),
        [Change::Leave(1)]
    );
    assert_eq!(reconcile(&[], all, &have), [Change::Leave(1)]);
    let moved = offer("https://news.example/feed/rss/");
    let expected = [Change::Leave(1), Change::Begin(moved.clone())];
    assert_eq!(reconcile(&[moved], all, &have), expected);
    let leaving = [one(HubState::Leaving)];
    assert_eq!(
        reconcile(std::slice::from_ref(&here), all, &leaving),
        [Change::Begin(here)]
    );
    assert_eq!(reconcile(&[], all, &leaving), []);
}

#[test]
fn a_working_hub_relaxes_polling_and_never_hastens_it() {
    let minutes = |every: u64, own| relaxed(Duration::from_secs(60 * every), own).as_secs() / 60;
    assert_eq!([minutes(10, false), minutes(10, true)], [40, 30]);
    assert_eq!([minutes(120, false), minutes(600, false)], [360, 600]);
}
