//! Sitemaps as XML (sitemaps.org) and their news extension, read element by element.
//!
//! Names are told by their namespaces; documents that declare none are read by their names
//! alone. Nothing is kept but what the entries need, so a document costs no more memory than
//! its bound of addresses.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};

/// Addresses of one document at most (sitemaps.org).
pub(super) const MOST_URLS: usize = 50_000;
/// Bytes of one field.
const LONGEST_FIELD: usize = 4_096;

const NEWS: &str = "sitemap-news/0.9";

/// What a document is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sitemap {
    /// Other sitemaps (a sitemap index).
    pub(super) sitemaps: Vec<Child>,
    /// Pages.
    pub(super) urls: Vec<Page>,
    /// Whether there was more than was read.
    pub(super) is_cut: bool,
}

/// A sitemap of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) loc: String,
    pub(super) lastmod: String,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) loc: String,
    pub(super) lastmod: String,
    /// What Google News wants to know, where it is said.
    pub(super) news: Option<News>,
    pub(super) image: String,
}

/// `news:news`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) title: String,
    pub(super) date: String,
    pub(super) language: String,
    pub(super) keywords: String,
}

/// Which vocabulary an element is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Sitemap,
    News,
    Image,
    Other,
}

/// Reads a sitemap or a sitemap index.
///
/// # Errors
/// What it is instead, or where it breaks.
pub(super) fn read(text: &str) -> Result<Sitemap, String> {
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut reading = Reading::default();
    loop {
        let event = match reader.read_resolved_event() {
            Ok((namespace, event)) => (words(&namespace), event),
            // What was read before the break is good.
            Err(error) if reading.root.is_some() && !reading.is_empty() => {
                tracing::debug!("a sitemap breaks off: {error}");
                reading.sitemap.is_cut = true;
                break;
            }
            Err(error) => return Err(format!("the sitemap cannot be read: {error}")),
        };
        match event {
            (words, Event::Start(tag)) => reading.open(words, tag.local_name().as_ref())?,
            (words, Event::Empty(tag)) => {
                reading.open(words, tag.local_name().as_ref())?;
                reading.close(words, tag.local_name().as_ref());
            }
            (words, Event::End(tag)) => reading.close(words, tag.local_name().as_ref()),
            (_, Event::Text(text)) => reading.text(&text),
            (_, Event::CData(text)) => reading.text(&text),
            (_, Event::GeneralRef(name)) => match name.resolve_char_ref() {
                Ok(Some(c)) => reading.text(c.encode_utf8(&mut [0; 4])),
                _ => reading.text(entity(&name)),
            },
            (_, Event::Eof) => break,
            _ => {}
        }
        if reading.is_full() {
            reading.sitemap.is_cut = true;
            break;
        }
    }
    if reading.root.is_none() {
        return Err("this is no sitemap: it has no `urlset` and no `sitemapindex`".to_owned());
    }
    Ok(reading.sitemap)
}

/// The five entities of XML; others mean nothing without a DTD.
fn entity(name: &str) -> &'static str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
}

fn words(namespace: &ResolveResult<'_>) -> Words {
    match namespace {
        ResolveResult::Bound(Namespace(uri)) if uri.contains(NEWS) => Words::News,
        ResolveResult::Bound(Namespace(uri)) if uri.contains("sitemap-image/") => Words::Image,
        ResolveResult::Bound(Namespace(uri)) if uri.contains("schemas/sitemap") => Words::Sitemap,
        ResolveResult::Bound(_) => Words::Other,
        // A prefix that nobody declared means what it usually does.
        ResolveResult::Unknown(prefix) if prefix == "news" => Words::News,
        ResolveResult::Unknown(prefix) if prefix == "image" => Words::Image,
        ResolveResult::Unknown(_) => Words::Other,
        ResolveResult::Unbound => Words::Sitemap,
    }
}

#[derive(Debug, Default)]
struct Reading {
    root: Option<&'static str>,
    sitemap: Sitemap,
    /// The page or sitemap being read.
    page: Option<Page>,
    /// Whether it is a sitemap of an index.
    is_child: bool,
    /// The text of the element being read, if it is one we want.
    field: Option<String>,
}

impl Reading {
    fn is_empty(&self) -> bool {
        self.sitemap.urls.is_empty() && self.sitemap.sitemaps.is_empty()
    }

    fn is_full(&self) -> bool {
        self.sitemap.urls.len() >= MOST_URLS || self.sitemap.sitemaps.len() >= MOST_URLS
    }

    fn open(&mut self, words: Words, name: &str) -> Result<(), String> {
        if self.root.is_none() {
            self.root = Some(match name {
                "urlset" => "urlset",
                "sitemapindex" => "sitemapindex",
                "rss" | "feed" | "RDF" => {
                    return Err("this is a feed: write `kind = \"feed\"`".to_owned());
                }
                "html" => {
                    return Err(
                        "this is a web page and no sitemap; `courant discover` looks \
                                for the sitemaps of a site"
                            .to_owned(),
                    );
                }
                other => {
                    let other: String = other.chars().take(40).collect();
                    return Err(format!("this is no sitemap: it begins with `{other}`"));
                }
            });
            return Ok(());
        }
        match (words, name) {
            (Words::Sitemap, "url" | "sitemap") => {
                self.page = Some(Page::default());
                self.is_child = name == "sitemap";
            }
            (Words::News, "news") => {
                if let Some(page) = &mut self.page {
                    page.news = Some(News::default());
                }
            }
            (Words::Sitemap, "loc" | "lastmod")
            | (Words::News, "title" | "publication_date" | "language" | "keywords")
            | (Words::Image, "loc") => self.field = Some(String::new()),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            let mut end = text.len().min(LONGEST_FIELD.saturating_sub(field.len()));
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            field.push_str(&text[..end]);
        }
    }

    fn close(&mut self, words: Words, name: &str) {
        if words == Words::Sitemap && matches!(name, "url" | "sitemap") {
            let Some(page) = self.page.take().filter(|page| !page.loc.is_empty()) else {
                return;
            };
            if self.is_child {
                self.sitemap.sitemaps.push(Child {
                    loc: page.loc,
                    lastmod: page.lastmod,
                });
            } else {
                self.sitemap.urls.push(page);
            }
            return;
        }
        let Some(field) = self.field.take() else {
            return;
        };
        let Some(page) = &mut self.page else { return };
        let place = match (words, name) {
            (Words::Sitemap, "loc") => &mut page.loc,
            (Words::Sitemap, "lastmod") => &mut page.lastmod,
            (Words::Image, "loc") => &mut page.image,
            (Words::News, name) => {
                let Some(news) = &mut page.news else { return };
                match name {
                    "title" => &mut news.title,
                    "publication_date" => &mut news.date,
                    "language" => &mut news.language,
                    "keywords" => &mut news.keywords,
                    _ => return,
                }
            }
            _ => return,
        };
        // The first of several counts: `image:loc` may come in dozens.
        if place.is_empty() {
            field.trim().clone_into(place);
        }
    }
}

#[cfg(test)]
mod tests;
