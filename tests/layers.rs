//! The picture in `ARCHITECTURE.md`, held by a test: who may import whom, where SQL and
//! templates live, how long files and functions may grow, and that each module says what it is.

#[path = "layers/scanner.rs"]
mod scanner;
#[path = "layers/source.rs"]
mod source;

use source::{Source, module_of};
use std::path::Path;

/// The layers from the ground up. A module imports only from layers below its own, and
/// modules of one layer do not see each other.
const LAYERS: [&[&str]; 8] = [
    &["domain", "schedule"],
    &["config", "html", "net", "text"],
    &["store", "templates"],
    &["sources", "channels"],
    &["pipeline"],
    &["web"],
    &["cli", "runtime", "demo"],
    &["main", "lib"],
];

/// Imports within one layer that the picture allows, as (who, whom): `domain` and `schedule`
/// share the instant, and the commands start the daemon and the demo.
const BESIDE: [(&str, &str); 4] = [
    ("schedule", "domain"),
    ("cli", "runtime"),
    ("cli", "demo"),
    ("demo", "runtime"),
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Every Rust file of the package's own, read.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src"), root.join("tests"), root.join("benches")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("the folder was just opened").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("sources are UTF-8 files");
                let name = path
                    .strip_prefix(root)
                    .expect("it was found below the root");
                sources.push(Source::new(&name.to_string_lossy(), &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 20, "the scan found the package");
    sources
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// What is wrong with one file's imports.
fn import_problems(source: &Source) -> Vec<String> {
    let own = module_of(&source.path);
    let Some(own_top) = own.first() else {
        return Vec::new(); // lib.rs and main.rs see everything.
    };
    let Some(own_layer) = layer_of(own_top) else {
        return vec![format!("{}: `{own_top}` has no layer", source.path)];
    };
    let mut problems = Vec::new();
    for (at, path) in source.crate_paths() {
        let place = format!("{}:{}", source.path, source.line_at(at));
        let Some(top) = path.first() else {
            problems.push(format!("{place}: names the whole crate; say which module"));
            continue;
        };
        let Some(layer) = layer_of(top) else {
            problems.push(format!("{place}: `{top}` has no layer"));
            continue;
        };
        let beside = BESIDE.contains(&(own_top.as_str(), top.as_str()));
        if top != own_top && layer >= own_layer && !beside {
            problems.push(format!(
                "{place}: `{own_top}` (layer {own_layer}) imports `{top}` (layer {layer})"
            ));
        }
        // Kinds of channels are strangers to each other.
        if own_top == "channels" && top == "channels" && own.len() > 1 && path.len() > 2 {
            let folder = |name: &str| ["email", "feed", "social"].contains(&name);
            if own[1] != path[1] && folder(&own[1]) && folder(&path[1]) {
                problems.push(format!(
                    "{place}: channels/{} imports channels/{}",
                    own[1], path[1]
                ));
            }
        }
    }
    problems
}

#[test]
fn modules_import_only_from_layers_below() {
    let problems: Vec<_> = sources()
        .iter()
        .filter(|source| source.path.starts_with("src/"))
        .flat_map(import_problems)
        .collect();
    assert_none(&problems);
}

#[test]
fn every_folder_of_src_has_a_layer_and_every_layer_its_folder() {
    let sources = sources();
    let known = |module: &str| {
        sources.iter().any(|s| {
            s.path.starts_with("src/")
                && module_of(&s.path).first().map(String::as_str) == Some(module)
        })
    };
    for module in LAYERS[..7].iter().copied().flatten() {
        assert!(
            known(module),
            "`{module}` is in the picture and not in src/"
        );
    }
}

#[test]
fn sql_is_only_in_store_and_minijinja_only_in_templates() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|s| s.path.starts_with("src/")) {
        for (word, home) in [("sqlx", "src/store"), ("minijinja", "src/templates")] {
            if source.path.starts_with(home) {
                continue;
            }
            for at in source.mentions(word) {
                problems.push(format!(
                    "{}:{}: {word} outside {home}",
                    source.path,
                    source.line_at(at)
                ));
            }
        }
        // `query!` is checked against one database; there are two.
        for at in source.mentions("query") {
            if source.code[at..].starts_with("query!") {
                problems.push(format!("{}:{}: `query!`", source.path, source.line_at(at)));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn files_and_functions_are_short() {
    let mut problems = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            problems.push(format!("{}: {lines} lines", source.path));
        }
        for function in source.functions() {
            if function.lines > LONGEST_FUNCTION {
                problems.push(format!(
                    "{}:{}: `{}` has {} lines",
                    source.path, function.line, function.name, function.lines
                ));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn every_module_says_what_it_is() {
    let problems: Vec<_> = sources()
        .iter()
        .filter(|source| {
            let first = source
                .text
                .lines()
                .find(|l| !l.starts_with("#![") && !l.is_empty());
            !first.is_some_and(|line| line.starts_with("//!"))
        })
        .map(|source| format!("{}: does not begin with //!", source.path))
        .collect();
    assert_none(&problems);
}

#[test]
fn nothing_outside_tests_panics_without_saying_why_it_cannot() {
    let mut problems = Vec::new();
    let sources = sources();
    let tests: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
    let code = sources
        .iter()
        .filter(|source| !tests.iter().any(|t| module_of(&source.path).starts_with(t)));
    for source in code {
        for at in source
            .mentions("unwrap")
            .into_iter()
            .chain(source.mentions("expect"))
        {
            let called = source.code[..at].ends_with('.');
            if !called || source.is_test_code(at) {
                continue;
            }
            let place = format!("{}:{}", source.path, source.line_at(at));
            let rest = &source.text[at..];
            if rest.starts_with("unwrap()") {
                problems.push(format!("{place}: unwrap()"));
            } else if let Some(argument) = rest.strip_prefix("expect(")
                && argument.trim_start().starts_with('"')
                && argument
                    .split('"')
                    .nth(1)
                    .is_some_and(|why| why.split(' ').count() < 3)
            {
                problems.push(format!("{place}: expect() without a reason"));
            }
        }
    }
    assert_none(&problems);
}
