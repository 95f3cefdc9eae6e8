//! What the documentation says, held against the program: kinds, keys, commands, filters, and
//! configurations that load.

use std::path::{Path, PathBuf};
use std::process::Command;

use courant::channels::social;
use courant::runtime::load_config;
use courant::sources;
use courant::templates::{Format, Templates, samples};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The lines of a file's tables that begin with `| ` and name `kind` in code.
fn table_line<'a>(text: &'a str, kind: &str) -> Option<&'a str> {
    let code = format!("`{kind}`");
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .find(|line| {
            let first = line.split(" | ").next().unwrap_or_default();
            first.contains(&code)
        })
}

fn kinds() -> impl Iterator<Item = &'static str> {
    let sources = sources::KINDS.iter().map(|kind| kind.name);
    let social = social::KINDS.iter().map(|kind| kind.name);
    sources.chain(social).chain(["email", "feed"])
}

#[test]
fn the_tables_of_kinds_name_every_kind() {
    for path in ["README.md", "docs/configuration.md"] {
        let text = read(path);
        for kind in kinds() {
            assert!(table_line(&text, kind).is_some(), "{path} lacks {kind}");
        }
    }
}

#[test]
fn every_key_of_a_social_kind_is_documented_with_it() {
    let text = read("docs/configuration.md");
    for kind in social::KINDS {
        let line = table_line(&text, kind.name).expect("another test says which is missing");
        for setting in kind.settings {
            let key = format!("`{}`", setting.key);
            assert!(line.contains(&key), "{} lacks {key}", kind.name);
        }
    }
}

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_courant"))
        .arg("--help")
        .output()
        .expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("help is text");
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_is_documented_and_no_other() {
    let text = read("docs/commands.md");
    let documented: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("## ")).collect();
    assert_eq!(documented, commands());
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let text = read("README.md");
    assert!(text.contains("```sh\ncargo run --release -- demo\n./test\n```"));
    for (_, rest) in text
        .match_indices("](")
        .map(|(at, _)| text.split_at(at + 2))
    {
        let target = rest.split(')').next().unwrap_or_default();
        assert!(root().join(target).exists(), "README.md leads to {target}");
    }
}

#[test]
fn the_annotated_configuration_loads() {
    let path = root().join("config/courant.toml");
    load_config(&path).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn the_readmes_configuration_loads() {
    let text = read("README.md");
    let block = text.split("```toml\n").nth(1).expect("there is one");
    let block = block.split("```").next().unwrap_or_default();
    let dir = tempfile::tempdir().unwrap();
    let path: &Path = &dir.path().join("courant.toml");
    std::fs::write(path, block).unwrap();
    load_config(path).unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn every_kind_of_source_has_a_chapter_whose_example_loads() {
    let text = read("docs/sources.md");
    for kind in sources::KINDS.iter().filter(|kind| kind.name != "push") {
        let head = format!("\n## {}\n", kind.name);
        let chapter = text.split(&head).nth(1);
        let chapter = chapter.unwrap_or_else(|| panic!("docs/sources.md lacks {}", kind.name));
        let example = chapter.split("```toml\n").nth(1).expect("an example");
        let example = example.split("```").next().unwrap_or_default();
        assert!(example.contains(&format!("kind = \"{}\"", kind.name)));
        let site = "[site]\nname = \"N\"\nurl = \"https://e.org\"\npostal_address = \"A\"\n";
        // The keys that stand as comments are right, too.
        for example in [example.to_owned(), example.replace("\n#", "\n")] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("courant.toml");
            std::fs::write(&path, format!("{site}{example}")).unwrap();
            load_config(&path).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}

#[test]
fn every_endpoint_of_the_operators_is_documented() {
    let document: serde_json::Value = serde_json::from_str(&read("src/web/openapi.json")).unwrap();
    let text = read("docs/api.md");
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(
            text.contains(&format!("`{path}`")),
            "docs/api.md lacks {path}"
        );
    }
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let files = ["metrics.rs", "metrics/domains.rs", "metrics/signups.rs"];
    let code = files.map(|file| read(&format!("src/web/{file}"))).concat();
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let registered: Vec<&str> = code
        .split("register(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    assert!(registered.len() > 20, "{registered:?}");
    let text = read("docs/operations.md");
    let table = text.split("## What the metrics mean").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let names = table.lines().filter(|line| line.starts_with("| `"));
    let documented: Vec<&str> = names
        .flat_map(|line| line.split(" | ").next().unwrap().split('`'))
        .map(|name| name.split('{').next().unwrap().trim_end_matches("_total"))
        .filter(|name| !name.is_empty())
        .filter(is_name)
        .collect();
    for name in &registered {
        assert!(documented.contains(name), "docs/operations.md lacks {name}");
    }
    for name in &documented {
        assert!(registered.contains(name), "there is no metric {name}");
    }
}

/// The code of a line's second cell, and of its third.
fn example(line: &str) -> Option<(String, String)> {
    let cells: Vec<String> = line
        .replace("\\|", "\u{0}")
        .split(" | ")
        .map(|cell| cell.replace('\u{0}', "|"))
        .collect();
    let code = |cell: &str| Some(cell.split('`').nth(1)?.to_owned());
    let source = cells.iter().find(|cell| cell.starts_with("`{{"))?;
    Some((code(source)?, code(cells.last()?).unwrap_or_default()))
}

#[test]
fn every_example_of_the_templates_page_renders_and_says_what_it_makes() {
    let templates = Templates::load(None).unwrap();
    let sample = samples::contexts().remove(0);
    let mut context = serde_json::to_value(sample.context).unwrap();
    context["reader"] = serde_json::json!({"name": "", "address": "ada@readers.example"});
    let text = read("docs/templates.md");
    let examples: Vec<_> = text.lines().filter_map(example).collect();
    assert!(examples.len() >= 15, "only {} examples", examples.len());
    for (source, makes) in examples {
        let made = templates
            .render_source("docs/templates.md", &source, Format::Text, &context)
            .unwrap_or_else(|e| panic!("{e}"));
        if !source.contains("article.") && !source.contains("issue.") && source.contains('|') {
            assert_eq!(made, makes, "{source}");
        }
    }
}
