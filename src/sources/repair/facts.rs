//! What a document says and feed-rs does not tell.

/// Items whose facts are kept; a document with more is refused by those who read it.
pub(super) const MOST_ITEMS: usize = 50_001;
/// Withdrawals, hubs and subjects that are kept.
pub(super) const MOST_WITHDRAWN: usize = 1000;
pub(super) const MOST_HUBS: usize = 8;
pub(super) const MOST_SUBJECTS: usize = 50;
/// Letters of one fact.
const LONGEST: usize = 2048;

/// What kind of document it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Root {
    /// Nothing that could be told.
    #[default]
    None,
    /// RSS 0.9x and 2.0.
    Rss,
    /// RSS 0.90 and 1.0.
    Rdf,
    /// Atom, a feed or a single entry.
    Atom,
    /// A sitemap or an index of sitemaps.
    Sitemap,
    /// JSON.
    Json,
    /// A web page.
    Html,
    /// XML of another kind.
    Other,
}

/// What a document says beside its articles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub root: Root,
    /// Of its first 50,001 items, in the order of the document.
    pub items: Vec<ItemFacts>,
    /// How many items it has.
    pub item_count: usize,
    /// RSS `ttl`, in minutes.
    pub ttl: Option<u32>,
    /// RSS `skipHours`, bit 0 for midnight in UTC.
    pub skip_hours: u32,
    /// RSS `skipDays`, bit 0 for Monday.
    pub skip_days: u8,
    /// `sy:updatePeriod`, in lower case.
    pub update_period: Option<String>,
    /// `sy:updateFrequency`.
    pub update_frequency: Option<u32>,
    /// RSS `cloud`.
    pub cloud: Option<Cloud>,
    /// WebSub hubs.
    pub hubs: Vec<String>,
    /// `rel=self`.
    pub topic: Option<String>,
    /// Articles taken back (RFC 6721).
    pub withdrawn: Vec<Withdrawn>,
    /// The program that made it, its address included.
    pub generator: Option<String>,
    /// RSS `language`.
    pub language: Option<String>,
    /// `dc:language`.
    pub dc_language: Option<String>,
    /// `xml:lang` of the whole.
    pub xml_lang: Option<String>,
    /// Whether it breaks off.
    pub truncated: bool,
}

/// What one item says beside what feed-rs reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFacts {
    /// `isPermaLink` of its guid, where it says.
    pub is_permalink: Option<bool>,
    /// `itunes:author`.
    pub author: Option<String>,
    /// Where it came from (RSS and Atom `source`): name and address.
    pub source: Option<(String, String)>,
    /// `slash:comments`.
    pub comments: Option<u32>,
    /// `dc:subject`.
    pub subjects: Vec<String>,
    /// `xml:lang` or `dc:language`.
    pub language: Option<String>,
}

/// RSS `cloud`: rssCloud's way of telling of changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cloud {
    /// The host to register with.
    pub domain: String,
    /// Its port.
    pub port: String,
    /// The path there.
    pub path: String,
    /// How to speak to it.
    pub protocol: String,
}

/// An article taken back (RFC 6721).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its id.
    pub id: String,
    /// When, as it is written.
    pub when: Option<String>,
}

/// A text as a fact: without space around it, of a decent length, and something.
pub(super) fn worth(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= LONGEST).then(|| text.to_owned())
}

/// The bit of a day's name in English.
pub(super) fn day(name: &str) -> u8 {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let name = name.trim().to_ascii_lowercase();
    DAYS.iter()
        .position(|d| name.starts_with(d))
        .map_or(0, |at| 1 << at)
}

/// The bit of an hour; both 0 and 24 are midnight.
pub(super) fn hour(text: &str) -> u32 {
    match text.trim().parse::<u32>() {
        Ok(hour @ 0..=24) => 1 << (hour % 24),
        _ => 0,
    }
}
