//! What a page's path says: its slug, its language, its day, its address on the site.

use jiff::civil::Date;

use crate::sources::feed::language_tag;

/// Endings of files that hold pages.
const ENDINGS: [&str; 5] = ["md", "markdown", "mdown", "mkd", "html"];

/// A page's path, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The folders above it, from the root; a bundle's own folder is its slug.
    pub(super) sections: Vec<String>,
    /// The name it has in its address.
    pub(super) slug: String,
    /// `ur` of `floods.ur.md`.
    pub(super) language: Option<String>,
    /// The day in the file's name, as Jekyll wants it.
    pub(super) day: Option<Date>,
    /// Whether it lies in `_posts`.
    pub(super) is_jekyll: bool,
    /// Whether it is HTML with front matter.
    pub(super) is_html: bool,
}

/// Takes the path of a page apart (`/` between its parts, relative to the root); `None` for
/// what is no page of its own: other files, sections (`_index.md`), a root page.
pub(super) fn place(path: &str) -> Option<Place> {
    let mut sections: Vec<&str> = path.split('/').collect();
    let file = sections.pop()?;
    let (stem, ending) = file.rsplit_once('.')?;
    if !ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) || stem.is_empty() {
        return None;
    }
    let (stem, language) = match stem.rsplit_once('.') {
        Some((stem, tag)) if is_language(tag) => (stem, language_tag(tag)),
        _ => (stem, None),
    };
    if stem.is_empty() || stem == "_index" || stem.eq_ignore_ascii_case("readme") {
        return None;
    }
    let is_jekyll = sections.contains(&"_posts");
    sections.retain(|part| *part != "_posts");
    let name = if stem == "index" {
        sections.pop()?
    } else {
        stem
    };
    let (day, slug) = dated(name);
    Some(Place {
        slug: slug.to_owned(),
        sections: sections.into_iter().map(str::to_owned).collect(),
        language,
        day,
        is_jekyll,
        is_html: ending.eq_ignore_ascii_case("html"),
    })
}

/// Two or three letters, with a region if need be; others are part of the name.
fn is_language(tag: &str) -> bool {
    let (language, region) = tag.split_once(['-', '_']).unwrap_or((tag, "xx"));
    let is_letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && (2..=4).contains(&region.len())
        && is_letters(region)
}

/// `2026-11-23-floods` as a day and `floods`.
fn dated(name: &str) -> (Option<Date>, &str) {
    let day = name.get(..10).and_then(|day| day.parse::<Date>().ok());
    match (day, name.get(10..)) {
        (Some(day), Some(rest)) if rest.len() > 1 && rest.starts_with(['-', '_']) => {
            (Some(day), &rest[1..])
        }
        _ => (None, name),
    }
}

/// What a permalink is made of.
pub(super) struct Parts<'a> {
    pub(super) place: &'a Place,
    pub(super) slug: &'a str,
    pub(super) title: &'a str,
    pub(super) day: Option<Date>,
    pub(super) categories: &'a [String],
    /// The language to stand in front, when it is not the site's first.
    pub(super) language: Option<&'a str>,
}

/// The path of a page's address by a pattern of Hugo's and Jekyll's words (`:year`, `:slug`
/// …). A word that has nothing to say takes its slash with it.
pub(super) fn permalink(pattern: &str, parts: &Parts<'_>) -> String {
    let day = |format: &str| parts.day.map(|d| d.strftime(format).to_string());
    let sections = || parts.place.sections.join("/");
    let value = |word: &str| -> Option<String> {
        match word {
            "year" => day("%Y"),
            "month" => day("%m"),
            "day" => day("%d"),
            "i_month" => day("%-m"),
            "i_day" => day("%-d"),
            "monthname" => day("%B"),
            "yearday" => day("%j"),
            "short_year" => day("%y"),
            "slug" | "slugorfilename" | "slugorcontentbasename" => Some(parts.slug.to_owned()),
            "filename" | "contentbasename" | "basename" | "name" => Some(parts.place.slug.clone()),
            "title" if parts.place.is_jekyll => Some(parts.slug.to_owned()),
            "title" => Some(dashed(parts.title)),
            "section" => parts.place.sections.first().cloned(),
            "sections" | "path" => Some(sections()),
            "categories" => {
                let names = parts.categories.iter().map(|c| dashed(c));
                Some(names.collect::<Vec<_>>().join("/"))
            }
            "lang" | "language" => parts.language.map(str::to_owned),
            "output_ext" => Some(".html".to_owned()),
            _ => None,
        }
    };
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(':') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.push_str(&value(word).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    while out.contains("//") {
        out = out.replace("//", "/");
    }
    out
}

/// The words of a pattern that mean nothing here.
pub(super) fn unknown_words(pattern: &str) -> Vec<String> {
    const WORDS: [&str; 22] = [
        "year",
        "month",
        "day",
        "i_month",
        "i_day",
        "monthname",
        "yearday",
        "short_year",
        "slug",
        "slugorfilename",
        "slugorcontentbasename",
        "filename",
        "contentbasename",
        "basename",
        "name",
        "title",
        "section",
        "sections",
        "path",
        "categories",
        "lang",
        "output_ext",
    ];
    let words = pattern.split(':').skip(1).map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        &rest[..end.unwrap_or(rest.len())]
    });
    words
        .filter(|word| !WORDS.contains(word) && *word != "language")
        .map(str::to_owned)
        .collect()
}

/// A name as part of an address: lower case, one dash between words.
pub(super) fn dashed(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

/// Vowel signs of Urdu, Arabic and Indic scripts are part of a word.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{900}'..='\u{903}'
        | '\u{93a}'..='\u{94f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_slug_language_and_day() {
        let at = |path: &str| place(path).unwrap_or_else(|| panic!("{path}"));
        let page = at("news/floods.ur.md");
        assert_eq!(
            (page.slug.as_str(), page.language.as_deref()),
            ("floods", Some("ur"))
        );
        assert_eq!(page.sections, ["news"]);
        let bundle = at("news/floods/index.md");
        assert_eq!(
            (bundle.slug.as_str(), bundle.sections.as_slice()),
            ("floods", &["news".to_owned()][..])
        );
        assert_eq!(
            at("news/floods/index.ur.md").language.as_deref(),
            Some("ur")
        );
        let post = at("_posts/2026-11-23-floods-in-sindh.md");
        assert!(post.is_jekyll);
        assert_eq!(post.slug, "floods-in-sindh");
        assert_eq!(post.day.unwrap().to_string(), "2026-11-23");
        assert_eq!(at("v1.2.md").slug, "v1.2");
        assert_eq!(at("سیلاب.md").slug, "سیلاب");
        for path in [
            "_index.md",
            "a/_index.ur.md",
            "index.md",
            "a.txt",
            "README.md",
            ".md",
            "a",
        ] {
            assert_eq!(place(path), None, "{path}");
        }
    }

    #[test]
    fn permalinks_are_those_of_hugo_and_jekyll() {
        let page = place("world/asia/2026-11-23-floods.md").unwrap();
        let parts = Parts {
            place: &page,
            slug: "floods",
            title: "Floods & rain!",
            day: page.day,
            categories: &["Region".to_owned(), "Big Weather".to_owned()],
            language: None,
        };
        for (pattern, path) in [
            ("/:year/:month/:day/:slug/", "/2026/11/23/floods/"),
            ("/:sections/:slug/", "/world/asia/floods/"),
            ("/:section/:title/", "/world/floods-rain/"),
            (
                "/:categories/:year/:title:output_ext",
                "/region/big-weather/2026/floods-rain.html",
            ),
            ("/:lang/:slug/", "/floods/"),
        ] {
            assert_eq!(permalink(pattern, &parts), path);
        }
        assert_eq!(unknown_words("/:yaer/:slug/"), ["yaer"]);
    }
}
