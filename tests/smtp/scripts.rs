//! Relays that do anything at all, by chance: nothing is lost, doubled or believed wrongly.

use std::time::Duration;

use courant::channels::email::smtp::{Endpoint, Protocol, Security, Timeouts};
use proptest::prelude::*;

use crate::kit::Batch;
use crate::support::smtp::{Fault, Rule, Setup, Sink, Step};

/// Shorter than the silence of a relay that has died, longer than a busy machine's.
const DEADLINE: Duration = Duration::from_millis(150);

fn step() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![
        Step::Mail,
        Step::Rcpt,
        Step::Data,
        Step::Body,
        Step::Dot,
        Step::Rset,
    ])
}

/// What relays do that tell no lie.
fn fault() -> impl Strategy<Value = Fault> {
    let refusal = prop::sample::select(vec![
        "421 4.3.2 bye",
        "450 4.7.1 greylisted",
        "451 4.3.0 later",
        "454 4.7.0 throttling",
        "503 5.5.1 what",
        "550 5.1.1 no such user",
        "554 5.7.1 no",
    ]);
    let yes_or_no =
        prop::sample::select(vec!["250 2.0.0 ok", "421 bye", "451 later", "550 5.1.1 no"]);
    prop_oneof![
        6 => refusal.prop_map(Fault::reply),
        2 => yes_or_no.prop_map(|text| Fault::ReplyAndClose(text.to_owned())),
        2 => Just(Fault::Close),
        1 => Just(Fault::Hang),
        1 => Just(Fault::Delay(DEADLINE * 2)),
        1 => Just(Fault::Delay(Duration::from_millis(3))),
        2 => Just(Fault::Drip(Duration::ZERO)),
    ]
}

/// An answer that belongs to nothing. One in a conversation: after several of the right kind
/// nobody could tell.
fn lie() -> impl Strategy<Value = Fault> {
    let codes = vec![
        "250 ok",
        "354 go",
        "451 no",
        "554 5.7.1 no",
        "421 bye",
        "251 ok",
        "?",
    ];
    let code = prop::sample::select(codes);
    prop_oneof![
        code.clone().prop_map(Fault::reply),
        code.prop_map(|text| Fault::Extra(text.to_owned())),
    ]
}

fn rule(fault: impl Strategy<Value = Fault>) -> impl Strategy<Value = Rule> {
    (step(), fault, 0usize..6, 1usize..3).prop_map(|(step, fault, skip, times)| {
        // An answer in the middle of a message is the message's, whenever it is read.
        let step = match (&fault, step) {
            (Fault::Close | Fault::Hang, _) => step,
            (_, Step::Body) => Step::Dot,
            _ => step,
        };
        Rule::at(step, fault).after(skip).times(times)
    })
}

#[derive(Debug, Clone)]
struct Script {
    setup: Setup,
    letters: usize,
    hold: bool,
}

fn script() -> impl Strategy<Value = Script> {
    let rules = prop::collection::vec(rule(fault()), 0..4);
    let lie = prop::option::of(rule(lie()));
    (rules, lie, any::<[bool; 4]>(), 1usize..7).prop_map(
        |(mut rules, lie, [pipelining, joined, lmtp, hold], letters)| {
            rules.extend(lie.map(|rule| rule.times(1)));
            let setup = Setup {
                joined,
                lmtp,
                ..Setup::pipelined(pipelining, rules)
            };
            Script {
                setup,
                letters,
                hold,
            }
        },
    )
}

async fn play(script: Script) {
    let what = format!("{script:?}");
    let protocol = if script.setup.lmtp {
        Protocol::Lmtp
    } else {
        Protocol::Smtp
    };
    let sink = Sink::start(script.setup).await;
    let hello = "letters.example.org";
    let endpoint = Endpoint::new(protocol, Security::Off, "127.0.0.1", sink.port(), hello)
        .with_timeouts(Timeouts::all(DEADLINE));
    let readers: Vec<String> = (0..script.letters)
        .map(|i| format!("reader{i}@example.com"))
        .collect();
    let mut batch = Batch::to(&readers.iter().map(String::as_str).collect::<Vec<_>>());
    batch.hold = script.hold.then_some("reader1@example.com");
    batch.over_any(&endpoint).await;
    batch.check(&sink, &what);
    let done = batch.ended.len() + batch.withdrawn.len();
    assert_eq!(done, script.letters, "{what}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_relay_does_each_message_ends_once_and_its_verdict_is_true(script in script()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(script));
    }
}
