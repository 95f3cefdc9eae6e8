//! Any text as a date: it is an instant of our years or none, and no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(instant) = courant::sources::feed::instant(text) {
        assert!((0..7_258_118_400_000).contains(&instant.0), "{text}: {instant}");
    }
});
