//! Every mark of the article is there after cleaning, and none of the furniture.

use courant::html::clean;
use courant::html::extract::{Page, PageRules, extract};
use url::Url;

use crate::press::Press;
use crate::themes::THEMES;

pub fn page_url() -> Url {
    Url::parse("https://news.example/2026/01/relief-work/").unwrap()
}

pub fn read(html: &str) -> (Page, String) {
    let page = extract(html, &page_url(), &PageRules::default()).unwrap_or_else(|e| panic!("{e}"));
    let cleaned = clean(&page.content_html, Some(&page_url()))
        .unwrap()
        .into_string();
    (page, cleaned)
}

/// The marks with this letter that are not, or are, in a text.
fn marks(letter: char, number: usize, text: &str, there: bool) -> Vec<String> {
    (1..=number)
        .map(|n| format!("{letter}{n:03}"))
        .filter(|mark| text.contains(mark.as_str()) == there)
        .collect()
}

#[test]
fn every_block_of_the_text_is_kept_and_no_furniture() {
    let mut table = String::new();
    let mut wrong = 0;
    for (name, print) in THEMES {
        for (urdu, full) in [(false, true), (false, false), (true, true), (true, false)] {
            let press = Press::new(urdu, full);
            let html = print(&press);
            let (kept, furniture) = press.marks();
            let (page, text) = read(&html);
            let lost = marks('K', kept, &text, false);
            let leaked = marks('F', furniture, &text, true);
            wrong += lost.len() + leaked.len();
            let about = format!(
                "{} {}",
                if urdu { "ur" } else { "en" },
                if full { "full" } else { "short" }
            );
            table += &format!(
                "{name:20} {about:9} lost {lost:?} of {kept}, leaked {leaked:?} of {furniture}\n"
            );
            if std::env::var_os("COURANT_SHOW_PAGES").is_some()
                && !(lost.is_empty() && leaked.is_empty())
            {
                table += &format!("{text}\n{:?}\n", page.notes);
            }
        }
    }
    assert_eq!(wrong, 0, "\n{table}");
}

#[test]
fn what_the_head_says_is_read() {
    for urdu in [false, true] {
        let press = Press::new(urdu, true);
        let (page, text) = read(&crate::themes::THEMES[0].1(&press));
        assert_eq!(page.title.as_deref(), Some(press.title()));
        assert_eq!(page.authors, ["Ayesha Khan"]);
        assert_eq!(page.topics, ["Pakistan", "Floods"]);
        assert_eq!(
            page.language.as_deref(),
            Some(if urdu { "ur" } else { "en" })
        );
        assert_eq!(page.direction.as_deref(), urdu.then_some("rtl"));
        assert_eq!(page.site.as_deref(), Some("The Ravi Post"));
        assert_eq!(page.published.unwrap().to_string(), "2026-01-05T01:00:00Z");
        assert_eq!(page.canonical.as_ref(), Some(&page_url()));
        // The picture of the text in the size of the head, once, with the text's description.
        let image = page.image.unwrap();
        assert_eq!(image.url, "https://news.example/uploads/boats-1024x683.jpg");
        assert!(image.alt.starts_with("boats K"), "{}", image.alt);
        assert_eq!(text.matches("boats-1024x683.jpg").count(), 1);
        assert!(!text.contains("uploads/boats.jpg"));
        assert_eq!(text.contains("dir=\"rtl\""), urdu);
        assert_eq!(text.contains("<span dir=\"ltr\" lang=\"en\">"), urdu);
    }
}

#[test]
fn pictures_loaded_late_and_films_are_kept() {
    for (name, print) in THEMES {
        let press = Press::new(false, true);
        let (_, text) = read(&print(&press));
        for file in ["boats", "camp.jpg"] {
            assert!(text.contains(file), "{name} lost {file}: {text}");
        }
        assert!(
            text.contains("href=\"https://www.youtube"),
            "{name}: {text}"
        );
        assert!(!text.contains("data:image"), "{name}");
    }
}

/// Every name by which a theme tells what an element is.
const NAMES: &str = r#" (class|id|role|aria-label|itemprop|data-component|data-module)="[^"]*""#;

#[test]
fn no_block_of_the_text_is_lost_where_all_names_are_taken_away() {
    let names = regex::Regex::new(NAMES).unwrap();
    let mut lost = Vec::new();
    for (name, print) in THEMES {
        for (urdu, full) in [(false, true), (false, false), (true, true), (true, false)] {
            let press = Press::new(urdu, full);
            let html = names.replace_all(&print(&press), "").into_owned();
            let (kept, furniture) = press.marks();
            let (_, text) = read(&html);
            let gone = marks('K', kept, &text, false);
            if !gone.is_empty() {
                lost.push(format!("{name}: {gone:?}"));
            }
            // What is furniture is not to be known for sure here; most of it goes all the same.
            let leaked = marks('F', furniture, &text, true).len();
            assert!(
                leaked * 10 <= furniture * 6,
                "{name}: {leaked} of {furniture}"
            );
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}
