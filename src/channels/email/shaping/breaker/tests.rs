//! Relays that go down and come back.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn fail(breaker: &mut Breaker, now: Instant) {
    breaker.noted(Some(RelayTrouble::Unreachable), "connection refused", now);
}

/// A breaker that opened just now.
fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(10);
    breaker.noted(Some(RelayTrouble::AuthRefused), "535 no", now);
    breaker
}

#[test]
fn a_relay_that_is_down_is_left_alone_after_a_handful_of_tries() {
    let now = Instant::now();
    let mut breaker = Breaker::new(10);
    for _ in 0..4 {
        fail(&mut breaker, now);
        assert_eq!(breaker.may_try(now), MayTry::Go);
    }
    fail(&mut breaker, now);
    assert_eq!(breaker.may_try(now), MayTry::Wait(FIRST_PAUSE));
    assert_eq!(breaker.connections(now), 0);
    let said = breaker.paused(now + SECOND).unwrap();
    assert_eq!(said, (SECOND * 29, "unreachable: connection refused"));
}

#[test]
fn what_only_a_person_can_mend_opens_it_at_once_and_throttling_never() {
    use RelayTrouble::*;
    let now = Instant::now();
    for (trouble, opens) in [
        (AuthRefused, true),
        (Tls, true),
        (RelayingDenied, true),
        (Lost, false),
        (Busy, false),
        (Throttled, false),
        (DomainThrottled, false),
        (Stale, false),
    ] {
        let mut breaker = Breaker::new(10);
        breaker.noted(Some(trouble), "r", now);
        assert_eq!(breaker.paused(now).is_some(), opens, "{trouble:?}");
    }
    let mut breaker = Breaker::new(1);
    for _ in 0..100 {
        breaker.noted(Some(Throttled), "r", now);
        breaker.noted(Some(Stale), "r", now);
    }
    assert_eq!(breaker.may_try(now), MayTry::Go);
}

#[test]
fn it_opens_when_more_than_half_of_twenty_tries_fail() {
    let now = Instant::now();
    // Wide enough that the window does not die of it.
    let mut breaker = Breaker::new(100);
    (0..200).for_each(|_| breaker.noted(None, "", now));
    let mut failures = 0;
    while breaker.may_try(now) == MayTry::Go {
        fail(&mut breaker, now);
        fail(&mut breaker, now);
        breaker.noted(None, "", now);
        failures += 2;
    }
    // The last 64 tries, two of three of them failures: more than half are.
    assert!((33..60).contains(&failures), "{failures}");
    let mut young = Breaker::new(100);
    for n in 0..6 {
        fail(&mut young, now);
        fail(&mut young, now);
        young.noted(None, "", now);
        assert_eq!(young.may_try(now), MayTry::Go, "after {n}");
    }
    let later = now + FORGOTTEN_AFTER + SECOND;
    young.noted(None, "", later);
    fail(&mut young, later);
    fail(&mut young, later);
    assert_eq!(young.may_try(later), MayTry::Go);
}

#[test]
fn one_probe_goes_and_its_success_closes() {
    let now = Instant::now();
    let mut breaker = opened(now);
    assert_eq!(breaker.may_try(now), MayTry::Wait(FIRST_PAUSE));
    let later = now + FIRST_PAUSE;
    assert_eq!(breaker.connections(later), 1);
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    assert_eq!(breaker.may_try(later), MayTry::Wait(PROBE_LOOK));
    assert_eq!(
        breaker.paused(later),
        Some((Duration::ZERO, "auth_refused: 535 no"))
    );
    breaker.noted(None, "", later);
    assert_eq!(breaker.may_try(later), MayTry::Go);
    assert_eq!(
        (breaker.connections(later), breaker.paused(later)),
        (5, None)
    );
    // The next trouble begins with the first pause again.
    breaker.noted(Some(RelayTrouble::Tls), "r", later);
    assert_eq!(breaker.may_try(later), MayTry::Wait(FIRST_PAUSE));
}

#[test]
fn pauses_double_up_to_a_quarter_of_an_hour_while_probes_fail() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let MayTry::Wait(pause) = breaker.may_try(now) else {
            panic!("it is open");
        };
        pauses.push(pause.as_secs());
        now += pause;
        assert_eq!(breaker.may_try(now), MayTry::Probe);
        fail(&mut breaker, now);
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900, 900]);
}

#[test]
fn a_probe_that_was_not_sent_or_got_lost_does_not_block_the_relay() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + FIRST_PAUSE;
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    breaker.probe_unused(later);
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    let much_later = later + PROBE_LASTS;
    assert_eq!(breaker.may_try(much_later), MayTry::Probe);
    // A closed one has no probe to give back.
    let mut closed = Breaker::new(1);
    closed.probe_unused(now);
    assert_eq!(closed.may_try(now), MayTry::Go);
}

#[test]
fn the_last_words_of_old_connections_do_not_close_it() {
    let now = Instant::now();
    let mut breaker = opened(now);
    breaker.noted(None, "250 ok", now + SECOND);
    fail(&mut breaker, now + SECOND);
    assert_eq!(breaker.may_try(now + SECOND), MayTry::Wait(SECOND * 29));
}

#[test]
fn a_suspension_holds_its_time_and_no_shorter_one_ends_it() {
    let now = Instant::now();
    let mut breaker = Breaker::new(10);
    breaker.suspend(SECOND * 7200, "rule", now);
    breaker.open("policy", now);
    assert_eq!(breaker.paused(now), Some((SECOND * 7200, "rule")));
    assert_eq!(breaker.may_try(now + SECOND * 7200), MayTry::Probe);
    breaker.suspend(SECOND, "rule", now);
    breaker.hold_connections(2, now + SECOND * 9000);
    assert_eq!(breaker.may_try(now + SECOND * 7200), MayTry::Probe);
    breaker.noted(None, "", now + SECOND * 7200);
    assert_eq!(breaker.connections(now + SECOND * 7200), 2);
}

#[test]
fn a_probe_of_another_daemon_is_waited_for_and_asked_about_every_second() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + FIRST_PAUSE;
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    breaker.probed_elsewhere(later);
    assert!(!breaker.is_probing());
    assert_eq!(breaker.may_try(later), MayTry::Wait(PROBE_LOOK));
    assert_eq!(breaker.connections(later), 0);
    let said = (Duration::ZERO, "auth_refused: 535 no");
    assert_eq!(breaker.paused(later), Some(said));
    // What connections from before say is no answer to a probe, and none was given back.
    breaker.noted(None, "250 ok", later);
    fail(&mut breaker, later);
    breaker.probe_unused(later);
    assert_eq!(breaker.paused(later), Some(said));
    assert_eq!(breaker.may_try(later), MayTry::Wait(PROBE_LOOK));
    assert_eq!(breaker.may_try(later + PROBE_LOOK), MayTry::Probe);
    // Without a probe of ours there is none to leave to others.
    let mut closed = Breaker::new(1);
    closed.probed_elsewhere(now);
    assert_eq!(closed.may_try(now), MayTry::Go);
}

#[test]
fn what_another_daemons_probe_found_counts_as_if_it_were_our_own() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let mut later = now + FIRST_PAUSE;
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    breaker.probed_elsewhere(later);
    breaker.heard(SECOND * 240, 3, "unreachable: theirs", later);
    assert_eq!(
        breaker.paused(later),
        Some((SECOND * 240, "unreachable: theirs"))
    );
    assert_eq!(breaker.may_try(later), MayTry::Wait(SECOND * 240));
    later += SECOND * 240;
    assert_eq!(breaker.may_try(later), MayTry::Probe);
    fail(&mut breaker, later);
    assert_eq!(breaker.failed_probes(), 4);
    assert_eq!(breaker.may_try(later), MayTry::Wait(SECOND * 480));
    // Theirs is answered: we begin again as they do.
    breaker.is_back();
    assert_eq!(breaker.may_try(later), MayTry::Go);
    assert_eq!(
        (breaker.connections(later), breaker.failed_probes()),
        (5, 0)
    );
    // A breaker that is closed keeps what it has learned.
    (0..100).for_each(|_| breaker.noted(None, "", later));
    breaker.is_back();
    assert_eq!(breaker.connections(later), 10);
}

proptest! {
    #[test]
    fn whatever_happens_it_lets_something_through_again_and_one_at_a_time_while_open(
        events in proptest::collection::vec((0u8..9, 0u64..400), 0..200),
    ) {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(3);
        let mut probing = false;
        for (event, seconds) in events {
            now += SECOND * u32::try_from(seconds).unwrap();
            match event {
                0 | 1 => { fail(&mut breaker, now); probing = false; }
                2 => { breaker.noted(None, "", now); probing = false; }
                3 => breaker.noted(Some(RelayTrouble::Stale), "", now),
                4 => { breaker.probe_unused(now); probing = false; }
                5 => { breaker.probed_elsewhere(now); probing = false; }
                6 => { breaker.heard(FIRST_PAUSE, u32::MAX, "r", now); probing = false; }
                7 => { breaker.is_back(); probing = false; }
                _ => match breaker.may_try(now) {
                    MayTry::Probe => {
                        prop_assert!(!probing || seconds > 0);
                        probing = true;
                    }
                    MayTry::Go => prop_assert!(breaker.paused(now).is_none()),
                    MayTry::Wait(wait) => {
                        prop_assert!(!wait.is_zero() && wait <= LONGEST_PAUSE);
                    }
                },
            }
        }
        now += LONGEST_PAUSE + PROBE_LASTS;
        prop_assert!(!matches!(breaker.may_try(now), MayTry::Wait(_)));
    }
}
