//! Front matter of any bytes: it is read or refused, in bounds and with a line that is there;
//! and what follows it is kept.
#![no_main]

use courant::sources::folder::front_matter;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let lines = text.split('\n').count();
    match front_matter::read(text) {
        Ok(page) => {
            assert!(text.ends_with(page.body));
            assert!(page.written.len() <= 66 * 1024);
            assert!(page.written.len() + page.body.len() <= text.len());
            assert!((1..=lines + 1).contains(&page.body_line));
            let before = &text[..text.len() - page.body.len()];
            if page.body_line > 1 && !page.body.is_empty() {
                assert_eq!(page.body_line, before.matches('\n').count() + 1);
            }
            let fields = Value::Object(page.fields.clone());
            let (values, bytes) = size(&fields);
            // As written, and as much again through aliases.
            assert!(
                values <= 40_000 && bytes <= 1024 * 1024,
                "{values}, {bytes}"
            );
            for name in page.fields.keys() {
                assert!((1..=lines).contains(&page.line_of(name)));
            }
        }
        Err(error) => {
            assert!((1..=lines + 1).contains(&error.line), "{error}");
            assert!(
                error.message.len() <= 2000 && !error.message.contains('\n'),
                "{error}"
            );
        }
    }
});

/// How many values there are, and of how many bytes; no recursion, whatever the depth.
fn size(value: &Value) -> (usize, usize) {
    let (mut values, mut bytes) = (0, 0);
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        values += 1;
        match value {
            Value::Object(fields) => {
                bytes += fields.keys().map(String::len).sum::<usize>();
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            Value::String(text) => bytes += text.len(),
            _ => {}
        }
    }
    (values, bytes)
}
