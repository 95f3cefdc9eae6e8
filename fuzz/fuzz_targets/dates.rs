//! Any text as a date: it is an instant of our years or none, and one that is read is read the
//! same from how we write it. So are the waits that servers ask for.
#![no_main]

use std::time::Duration;

use courant::domain::UnixMillis;
use courant::net::parse_retry_after;
use courant::sources::feed::instant;
use libfuzzer_sys::fuzz_target;

/// 1970-01-02 to the end of 2199.
const YEARS: std::ops::Range<i64> = 86_400_001..7_258_118_400_000;

fuzz_target!(|text: &str| {
    if let Some(read) = instant(text) {
        assert!(YEARS.contains(&read.0), "{text}: {read}");
        let written = read.to_string();
        assert_eq!(instant(&written), Some(read), "{text}: {written}");
        assert_eq!(instant(&format!("\t{text} \n")), Some(read), "{text}");
    }
    let now = UnixMillis(1_795_428_000_000);
    if let Some(wait) = parse_retry_after(text, now) {
        assert!(
            wait <= Duration::from_secs(7 * 24 * 3600),
            "{text}: {wait:?}"
        );
    }
});
