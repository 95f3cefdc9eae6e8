//! Files and directories of configuration.

use super::*;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// What is said about a directory, its own path left out.
fn told(directory: &Path) -> String {
    let problems = load(directory, |_| Vec::new()).unwrap_err();
    let prefix = format!("{}/", directory.display());
    problems.to_string().replace(&prefix, "")
}

#[test]
fn a_directory_is_one_document_and_paths_are_relative_to_it() {
    let directory = directory(&[
        ("10-site.toml", SITE),
        (
            "20-sources.toml",
            "[sources.a]\nkind = \"feed\"\n[site]\nlanguage = \"ur\"\n",
        ),
        (
            "30-channels.toml",
            "[sources.b]\nkind = \"folder\"\n[channels.c]\nkind = \"mastodon\"\nserver = \
             \"https://m\"\ntoken = { file = \"token\" }\nsources = [\"a\", \"b\"]\npayloads = \"out\"\n",
        ),
        ("40-not-toml.txt", "what?"),
    ]);
    std::fs::write(directory.path().join("token"), "s3cret\n").unwrap();
    let config = load(directory.path(), mastodon).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.site.language, "ur");
    assert_eq!(config.sources.len(), 2);
    let channel = &config.channels["c"];
    assert_eq!(channel.payloads, Some(directory.path().join("out")));
    assert_eq!(channel.settings.path("x"), directory.path().join("x"));
    let keys: MastodonKeys = channel.settings.parse().unwrap();
    assert_eq!(keys.token.resolve().unwrap(), "s3cret");
    let url = config.database.url().unwrap();
    assert_eq!(
        url,
        format!("sqlite:{}/courant.db", directory.path().display())
    );
}

#[test]
fn a_key_in_two_files_is_a_problem_that_names_both() {
    let directory = directory(&[
        ("a.toml", SITE),
        (
            "b.toml",
            "\n[site]\nname = \"T\"\n[sources.x]\nkind = \"feed\"\nevery = \"1\"\n",
        ),
    ]);
    assert_eq!(
        told(directory.path()),
        "b.toml:3:1: `name` is set already in a.toml:2\n   |\n 3 | name = \"T\"\n   | ^^^^\n  help: \
         keep one of the two\n\nb.toml:6:9: `every`: `1` has no unit: write `1s` for seconds, `1m` \
         for minutes, `1h` or `1d`\n   |\n 6 | every = \"1\"\n   |         ^^^\n\nthe configuration \
         has 2 problems"
    );
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let empty = directory(&[]);
    let said = load(empty.path(), |_| Vec::new()).unwrap_err().to_string();
    assert!(
        said.contains("there is no *.toml file in this directory"),
        "{said}"
    );
    let missing = load(&empty.path().join("courant.toml"), |_| Vec::new()).unwrap_err();
    assert!(
        missing.to_string().contains("with `courant init`"),
        "{missing}"
    );
}

#[test]
fn the_kinds_are_asked_also_when_another_table_is_wrong() {
    let text = format!("[defaults]\nhold = \"x\"\n{SITE}[channels.m]\nkind = \"mastodon\"\n");
    let problems = from_text(Path::new("courant.toml"), &text, mastodon).unwrap_err();
    let said = heads(&problems);
    assert!(
        said[0].contains("`hold`") && said[1].contains("no `server`"),
        "{said:?}"
    );
}

#[test]
fn printing_a_configuration_shows_no_secret() {
    let text = include_str!("contract.toml")
        .replace("{ credential = \"relay-main\" }", "\"hunter2\"")
        .replace("{ credential = \"mastodon\" }", "\"hunter2\"")
        .replace("sqlite:courant.db", "postgres://u:hunter2@h/d");
    let config = loaded(&text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_annotated_configuration_loads_as_it_stands_and_with_its_comments_taken_away() {
    let text = include_str!("../../../config/courant.toml");
    loaded(text).unwrap_or_else(|p| panic!("{p}"));
    // Keys that are only shown are written as `#key = …`, prose as `# Prose`.
    let all: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(shown) if !shown.starts_with([' ', '#']) => shown,
            _ => line,
        })
        .collect();
    let all = all
        .join("\n")
        .replace("dir = \"templates\"", "dir = \"src\"");
    loaded(&all).unwrap_or_else(|p| panic!("{p}"));
    for key in super::keys_everywhere() {
        let explained = all
            .lines()
            .any(|line| line.starts_with(&format!("{key} =")));
        assert!(explained, "config/courant.toml does not explain `{key}`");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(
        text in "(\\[(site|sources|channels)(\\.[a-z\"]{0,3})?\\]\n|[a-z]{1,4} = [\"0-9a-z{}\\[\\]=]{0,6}\n|[ -~é\n]{0,9}){0,8}"
    ) {
        if let Err(problems) = loaded(&text) {
            let _ = problems.to_string();
        }
    }
}
