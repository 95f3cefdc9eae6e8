//! The scanner itself, on small pieces of Rust.

use super::import_problems;
use super::source::{Function, Source, module_of};

fn tops(path: &str, text: &str) -> Vec<String> {
    let mut tops: Vec<_> = Source::new(path, text)
        .crate_paths()
        .into_iter()
        .filter_map(|(_, path)| path.into_iter().next())
        .collect();
    tops.sort();
    tops.dedup();
    tops
}

#[test]
fn comments_strings_and_characters_are_not_code() {
    let text = r##"
let a = "crate::web"; // crate::web
let b = r#"" crate::web {"#; /* crate::web /* { */ { */
let c = '"'; let d: &'static str = "\"{"; let e = '\''; let f = b'{';
let g = '\u{7b}'; let h = br"{"; let ی = '۔';
"##;
    let source = Source::new("src/domain/x.rs", text);
    assert!(source.crate_paths().is_empty(), "{}", source.code);
    assert!(!source.code.contains('{'), "{}", source.code);
    assert_eq!(source.code.len(), text.len());
    assert!(source.code.contains("&'static str"), "lifetimes stay");
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    assert_eq!(tops("src/web/a.rs", "use crate::store::Db;"), ["store"]);
    assert_eq!(
        tops(
            "src/web/a.rs",
            "use crate::{\n domain::{Article, Issue},\n html,\n text as t};"
        ),
        ["domain", "html", "text"]
    );
    assert_eq!(
        tops("src/web/a.rs", "fn f() { crate::net::get() }"),
        ["net"]
    );
    assert_eq!(tops("src/web/mod.rs", "use super::store::Db;"), ["store"]);
    assert_eq!(tops("src/web/a.rs", "use super::b::C;"), ["web"]);
    assert_eq!(
        tops("src/web/a.rs", "use super::super::store::Db;"),
        ["store"]
    );
    assert_eq!(
        tops("src/web/a.rs", "mod tests { use super::super::b; }"),
        ["web"]
    );
    assert_eq!(
        tops("src/web/a.rs", "mod tests { use super::super::super::b; }"),
        ["b"]
    );
    assert_eq!(tops("src/web/a.rs", "pub(crate) fn f() {}"), [""; 0]);
    assert_eq!(
        tops("src/web/a.rs", "pub(in crate::web) fn f() {}"),
        ["web"]
    );
}

#[test]
fn an_import_from_above_or_beside_is_a_problem() {
    for (path, text) in [
        ("src/domain/x.rs", "use crate::config::Config;"),
        ("src/config/x.rs", "use crate::html::clean;"),
        ("src/channels/x.rs", "use crate::sources::Source;"),
        ("src/store/x.rs", "use crate::pipeline::ingest;"),
        ("src/web/x.rs", "use crate::*;"),
        ("src/web/x.rs", "use crate::nowhere::X;"),
        (
            "src/channels/feed/x.rs",
            "use crate::channels::email::Mail;",
        ),
        ("src/extra/x.rs", ""),
    ] {
        let source = Source::new(path, text);
        assert_eq!(import_problems(&source).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("src/schedule/x.rs", "use crate::domain::UnixMillis;"),
        (
            "src/channels/email/x.rs",
            "use crate::{config, text, html, net, templates};",
        ),
        ("src/channels/email/x.rs", "use super::super::Kind;"),
        (
            "src/web/x.rs",
            "use crate::{store::Db, pipeline, web::pages};",
        ),
        ("src/main.rs", "use courant::cli;"),
    ] {
        let source = Source::new(path, text);
        assert_eq!(import_problems(&source), [""; 0], "{path}: {text}");
    }
}

#[test]
fn functions_are_measured_from_fn_to_brace() {
    let text = "trait T { fn no_body(&self) -> [u8; 4]; }\n\
        fn one<F: Fn(u8) -> u8>(f: F) -> u8 { f(\"}\".len() as u8) }\n\
        pub async fn three(\n  f: fn(u8),\n) where u8: Copy {\n}\n\
        const F: fn(u8) = |_| {};\n";
    let functions = Source::new("src/domain/x.rs", text).functions();
    assert_eq!(
        functions,
        [("one", 2, 1), ("three", 3, 4)].map(|(name, line, lines)| Function {
            name: name.to_owned(),
            line,
            lines
        })
    );
}

#[test]
fn test_code_is_told_from_the_rest() {
    let text = "fn a() { x.unwrap() }\n#[cfg(test)]\nmod tests { fn b() { y.unwrap() } }\nfn c() { z.unwrap() }";
    let source = Source::new("src/domain/x.rs", text);
    let in_tests: Vec<_> = source
        .mentions("unwrap")
        .into_iter()
        .map(|at| source.is_test_code(at))
        .collect();
    assert_eq!(in_tests, [false, true, false]);
    let outside = Source::new("src/domain/x.rs", "#[cfg(test)]\nmod tests;\nfn a() { b }");
    assert!(!outside.is_test_code(outside.mentions("b")[0]));
    assert_eq!(outside.test_modules(), [["domain", "x", "tests"]]);
}

#[test]
fn a_files_place_is_its_module() {
    assert_eq!(
        module_of("src/channels/email/mod.rs"),
        ["channels", "email"]
    );
    assert_eq!(module_of("src/schedule/tests.rs"), ["schedule", "tests"]);
    assert_eq!(module_of("src/lib.rs"), [""; 0]);
}
