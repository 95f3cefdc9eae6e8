//! Front matter of any bytes: it is read or refused, in bounds, and what follows it is kept.
#![no_main]

use courant::sources::folder::front_matter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(page) = front_matter::read(text) {
        assert!(text.ends_with(page.body));
        assert!(page.written.len() <= 70 * 1024);
        for name in page.fields.keys() {
            let _ = page.line_of(name);
        }
    }
});
