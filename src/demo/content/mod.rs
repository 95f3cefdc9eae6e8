//! The sample publication's articles and pictures, built into the program.
//!
//! "Ravi Dispatch" and everybody in it are invented. An article is one file: a head of
//! `Name: value` lines, an empty line, and HTML. Lines that begin with `[first]` stand only
//! in the version published first, those with `[corrected]` only in the one after its
//! correction.

use std::time::Duration;

/// An article as its file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleText {
    /// Its number in the publication, from 1: WordPress's post id.
    pub id: usize,
    /// The last part of its page's path.
    pub slug: &'static str,
    /// The title, as typed; one of them has markup and ampersands in it.
    pub title: &'static str,
    /// The authors' names.
    pub authors: Vec<&'static str>,
    /// `en-GB` or `ur`.
    pub language: &'static str,
    /// Its categories.
    pub topics: Vec<&'static str>,
    /// One or two sentences.
    pub summary: &'static str,
    /// Its picture, where it has one.
    pub picture: Option<Picture>,
    /// How long before the demo's start it was published; zero: it arrives during the demo.
    pub age: Duration,
    /// How much older than its arrival its date claims to be.
    pub back_dated: Duration,
    body: &'static str,
}

/// A picture by name, with its description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// A name of [`PICTURES`].
    pub name: &'static str,
    /// The description, in the article's language.
    pub alt: &'static str,
}

/// Which version of an article is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// As it was published.
    First,
    /// After its correction.
    Corrected,
}

impl ArticleText {
    /// The body in `version`, as HTML with links as they were typed (some are relative).
    #[must_use]
    pub fn body(&self, version: Version) -> String {
        let (ours, theirs) = match version {
            Version::First => ("[first]", "[corrected]"),
            Version::Corrected => ("[corrected]", "[first]"),
        };
        let mut body = String::with_capacity(self.body.len());
        for line in self.body.lines().filter(|line| !line.starts_with(theirs)) {
            body.push_str(line.strip_prefix(ours).unwrap_or(line));
            body.push('\n');
        }
        body
    }

    /// Whether a correction of it follows.
    #[must_use]
    pub fn has_correction(&self) -> bool {
        self.body.contains("\n[corrected]")
    }

    fn parse(id: usize, file: &'static str) -> Self {
        let (head, body) = file.split_once("\n\n").unwrap_or((file, ""));
        let values = |name: &'static str| {
            head.lines()
                .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let value = |name| values(name).next();
        let hours = |name| {
            let hours = value(name).and_then(|v| v.strip_suffix('h')?.parse::<u64>().ok());
            Duration::from_secs(hours.unwrap_or(0) * 3600)
        };
        Self {
            id,
            slug: value("Slug").unwrap_or_default(),
            title: value("Title").unwrap_or_default(),
            authors: values("Author").collect(),
            language: value("Language").unwrap_or("en-GB"),
            topics: value("Topics").map_or_else(Vec::new, |t| t.split(", ").collect()),
            summary: value("Summary").unwrap_or_default(),
            picture: value("Picture").map(|name| Picture {
                name,
                alt: value("Alt").unwrap_or_default(),
            }),
            age: hours("Age"),
            back_dated: hours("Dated"),
            body,
        }
    }
}

macro_rules! articles {
    ($($file:literal)*) => { [$(include_str!(concat!("articles/", $file, ".html")),)*] };
}

macro_rules! pictures {
    ($($name:literal)*) => {
        [$(($name, include_bytes!(concat!("pictures/", $name, ".png")).as_slice()),)*]
    };
}

const FILES: [&str; 12] = articles![
    "01-metro" "02-river" "03-nehr" "04-cricket" "05-kilns" "06-qna"
    "07-kitab" "08-mango" "09-idarati-khat" "10-monsoon" "11-kites" "12-barish"
];

/// The pictures by name, as PNG of [`PICTURE_SIZE`], drawn for this publication.
pub const PICTURES: [(&str, &[u8]); 9] = pictures![
    "books" "canal" "cricket" "kiln" "mango" "metro" "monsoon" "river" "walled-city"
];

/// Width and height of every picture, in pixels.
pub const PICTURE_SIZE: (u32, u32) = (800, 450);

/// All articles, in the order in which they are published.
#[must_use]
pub fn articles() -> Vec<ArticleText> {
    FILES
        .iter()
        .enumerate()
        .map(|(index, file)| ArticleText::parse(index + 1, file))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_article_is_complete() {
        let articles = articles();
        for article in &articles {
            let place = article.slug;
            assert!(
                !place.is_empty() && !article.title.is_empty(),
                "{article:?}"
            );
            assert!(!article.authors.is_empty(), "{place}");
            assert!(
                !article.topics.is_empty() && !article.summary.is_empty(),
                "{place}"
            );
            let body = article.body(Version::Corrected);
            assert!(body.starts_with("<p>") && body.contains("<h2>"), "{place}");
            assert!(
                body.contains("<blockquote>") && body.contains("<a href="),
                "{place}"
            );
            assert!(!body.contains('['), "{place}: a mark was left in the text");
            if let Some(picture) = article.picture {
                assert!(
                    PICTURES.iter().any(|(name, _)| *name == picture.name),
                    "{place}"
                );
                assert!(picture.alt.chars().count() > 30, "{place}");
            }
        }
        let urdu = articles.iter().filter(|a| a.language == "ur").count();
        assert_eq!((articles.len(), urdu), (12, 4));
        assert!(articles.iter().any(|a| a.title.chars().count() > 200));
        assert!(articles.iter().any(|a| a.back_dated > Duration::ZERO));
    }

    #[test]
    fn the_correction_changes_one_article_and_says_so() {
        let corrected: Vec<_> = articles()
            .into_iter()
            .filter(ArticleText::has_correction)
            .collect();
        assert_eq!(corrected.len(), 1);
        let (first, second) = (
            corrected[0].body(Version::First),
            corrected[0].body(Version::Corrected),
        );
        assert!(first.contains("fell by a half in the first season"));
        assert!(!first.contains("Correction"));
        assert!(second.contains("fell by a fifth in the first season"));
        assert!(second.contains("<strong>Correction:</strong>"));
    }

    #[test]
    fn pictures_are_png_of_the_stated_size() {
        for (name, bytes) in PICTURES {
            assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{name}");
            let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!((number(16), number(20)), PICTURE_SIZE, "{name}");
            assert!(bytes.len() < 40_000, "{name} has {} bytes", bytes.len());
        }
    }
}
