//! Wrong configurations and the exact words each gets: the pairs are in `wrong.txt`.
//!
//! A document, then, after `>`, what is said about it. `[site] …` stands for a site that is right.

use super::*;

fn told(text: &str) -> String {
    let here = std::env::current_dir().unwrap().display().to_string();
    let problems = loaded(text).expect_err(text);
    let told = problems.0.iter().map(|p| {
        let help = p.help.iter().map(|help| format!(">   help: {help}\n"));
        let help: String = help.collect();
        format!("> {}:{}: {}\n{help}", p.line, p.column, p.message)
    });
    told.collect::<String>().replace(&here, ".")
}

#[test]
fn wrong_configurations_get_exactly_these_words() {
    let mut seen = 0;
    for pair in include_str!("wrong.txt").split_inclusive("\n\n") {
        let pair = format!("{}\n", pair.trim_end());
        let words = pair.find("> ").unwrap_or(pair.len());
        let (document, expected) = pair.split_at(words);
        assert_eq!(
            told(&document.replace("[site] …\n", SITE)),
            expected,
            "{document}"
        );
        seen += 1;
    }
    assert!(seen > 30, "{seen} pairs were found");
}
