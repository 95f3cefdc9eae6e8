//! What is known around a document, gathered for [`decide`]: which articles its entries are, which
//! they look like, what the source brought before and what it has taken back.

use std::collections::{HashMap, HashSet};

use tracing::{error, warn};

use crate::config::{Identity, SourceConfig};
use crate::domain::{
    Article, ArticleId, ArticleState, IdentityKey, IssueState, KeyKind, UnixMillis,
};
use crate::sources::Withdrawal;
use crate::store::{Change, KnownArticle, SourceMemory, StoreError};

use super::super::App;
use super::super::decide::{
    Background, Decision, History, Prepared, after_storm, by_address, decide, guid_storm,
    tell_addresses_apart, tell_likenesses_apart, without_referrers,
};
use super::pages;

/// Articles of one poll whose former texts are looked at; of further ones a revision is called
/// substantive, and a likeness is none. Ordinary documents have a tenth of it.
const MOST_TEXTS: usize = 500;
/// Articles whose arrival tells what is usual.
const HISTORY: usize = 200;

/// What a source's answer says beside its entries.
#[derive(Default)]
pub(super) struct Heard {
    /// What it takes back.
    pub withdrawn: Vec<Withdrawal>,
    /// Whether it gave one guid to several articles.
    pub shared_guids: bool,
}

/// What came of it.
pub(super) struct Judged {
    /// What to do.
    pub decision: Decision,
    /// Entries that are articles known before.
    pub known: usize,
    /// Whether the source's articles are known by their addresses from now on.
    pub by_links: bool,
    /// Whether the next poll needs all of the document, changed or not: a withdrawal in it waits
    /// to be heard once more.
    pub asks_anew: bool,
}

/// Decides about the entries of a document.
///
/// # Errors
/// The store's.
pub(super) async fn judge(
    app: &App,
    memory: &SourceMemory,
    mut entries: Vec<Prepared>,
    heard: Heard,
    now: UnixMillis,
) -> Result<Judged, StoreError> {
    let source = &app.config.sources[&memory.name];
    let named = hosts(app, source);
    let hosts: Vec<&str> = named.iter().map(String::as_str).collect();
    for entry in &mut entries {
        without_referrers(&mut entry.keys, &hosts);
    }
    let twins = tell_likenesses_apart(&mut entries);
    let mut notes = Vec::new();
    let by_links = goes_by_links(source, memory, &heard, &mut notes);
    let (known, by_links) = recognise(app, memory, &mut entries, by_links, &mut notes).await?;
    pages::keep_read(&mut entries, &known);
    let alike = look_alike(app, memory, &entries, &known).await?;
    let wanted = wanted(&entries, &known, &alike);
    let articles = app.db.newest_of(&wanted).await?;
    let doubted: HashMap<ArticleId, UnixMillis> = app
        .db
        .open_withdrawals(&memory.name)
        .await?
        .into_iter()
        .collect();
    let count = known.iter().flatten().count();
    let background = Background {
        source,
        is_first: !memory.baselined,
        history: history(app, memory, source, &known, now).await?,
        withdrawn: withdrawn(app, memory, heard.withdrawn).await?,
        articles: articles.into_iter().map(|a| (a.id, a)).collect(),
        known,
        alike,
        twins,
        doubted,
    };
    let mut decision = decide(entries, &background, now);
    let is_unconfirmed =
        |change: &Change| matches!(change, Change::Withdraw { confirmed, .. } if !confirmed);
    let asks_anew = decision.changes.iter().any(is_unconfirmed);
    if let Some(flood) = &decision.flood {
        warn!(source.name = source.id, "{flood}");
    }
    tell_retractions(app, &mut decision).await?;
    decision.notes.splice(0..0, notes);
    Ok(Judged {
        decision,
        known: count,
        by_links,
        asks_anew,
    })
}

/// The hosts that a `ref` in an address may name without meaning the page.
fn hosts(app: &App, source: &SourceConfig) -> Vec<String> {
    let adapter = app.sources.get(&source.id).map(|source| &source.adapter);
    let feed = adapter.and_then(|adapter| adapter.url());
    [feed, Some(&app.config.site.url)]
        .into_iter()
        .flatten()
        .filter_map(|url| url.host_str().map(str::to_owned))
        .collect()
}

/// Whether the articles are known by their addresses alone, as the operator, an earlier poll or
/// this document says.
fn goes_by_links(
    source: &SourceConfig,
    memory: &SourceMemory,
    heard: &Heard,
    notes: &mut Vec<String>,
) -> bool {
    match source.identity {
        Identity::Guid => false,
        Identity::Link => true,
        Identity::Auto => {
            if heard.shared_guids && !memory.by_links {
                distrust(source, "it gave one guid to several articles", notes);
            }
            memory.by_links || heard.shared_guids
        }
    }
}

/// Says that a source's guids count no more.
fn distrust(source: &SourceConfig, why: &str, notes: &mut Vec<String>) {
    let note = format!(
        "{why}; from now on its articles are known by their addresses (`identity = \"guid\"` in \
         [sources.{}] goes back to guids)",
        source.id
    );
    warn!(source.name = source.id, "{note}");
    notes.push(note);
}

/// Which articles the entries are, and whether only addresses count from now on: where the guids
/// are other ones all at once, they are not looked at.
async fn recognise(
    app: &App,
    memory: &SourceMemory,
    entries: &mut [Prepared],
    by_links: bool,
    notes: &mut Vec<String>,
) -> Result<(Vec<Option<KnownArticle>>, bool), StoreError> {
    if by_links {
        entries
            .iter_mut()
            .for_each(|entry| by_address(&mut entry.keys));
    } else {
        tell_addresses_apart(entries);
    }
    let before = find(app, memory, entries).await?;
    let source = &app.config.sources[&memory.name];
    if by_links || source.identity != Identity::Auto {
        return Ok((before, by_links && source.identity == Identity::Auto));
    }
    let Some((strange, of)) = guid_storm(entries, &before) else {
        return Ok((before, false));
    };
    let why = format!("{strange} of {of} known articles had other guids in one poll");
    distrust(source, &why, notes);
    entries
        .iter_mut()
        .for_each(|entry| by_address(&mut entry.keys));
    let by_link = find(app, memory, entries).await?;
    Ok((after_storm(by_link, before), true))
}

async fn find(
    app: &App,
    memory: &SourceMemory,
    entries: &[Prepared],
) -> Result<Vec<Option<KnownArticle>>, StoreError> {
    let keys: Vec<_> = entries.iter().map(|entry| entry.keys.clone()).collect();
    app.db.find_articles(&memory.name, &keys).await
}

/// For each entry that no name leads to, what it shares weak keys with.
async fn look_alike(
    app: &App,
    memory: &SourceMemory,
    entries: &[Prepared],
    known: &[Option<KnownArticle>],
) -> Result<Vec<Vec<(KeyKind, ArticleId)>>, StoreError> {
    let of = |(entry, known): (&Prepared, &Option<KnownArticle>)| match known {
        Some(_) => Vec::<IdentityKey>::new(),
        None => entry.keys.clone(),
    };
    let keys: Vec<_> = entries.iter().zip(known).map(of).collect();
    app.db.find_alike(&memory.name, &keys).await
}

/// The articles whose texts are to be compared.
fn wanted(
    entries: &[Prepared],
    known: &[Option<KnownArticle>],
    alike: &[Vec<(KeyKind, ArticleId)>],
) -> Vec<ArticleId> {
    let changed = entries.iter().zip(known).filter_map(|(entry, known)| {
        let known = known.as_ref()?;
        (known.hash != entry.revision.hash).then_some(known.id)
    });
    let alike = alike.iter().flatten().map(|(_, id)| *id);
    let mut seen = HashSet::new();
    alike
        .chain(changed)
        .filter(|id| seen.insert(*id))
        .take(MOST_TEXTS)
        .collect()
}

/// What the source brought before, where there is anything new to hold against it.
async fn history(
    app: &App,
    memory: &SourceMemory,
    source: &SourceConfig,
    known: &[Option<KnownArticle>],
    now: UnixMillis,
) -> Result<History, StoreError> {
    if known.iter().all(Option::is_some) {
        return Ok(History::default());
    }
    Ok(History {
        arrivals: app.db.arrivals(&memory.name, HISTORY).await?,
        silent: memory
            .last_ok_at
            .map(|at| now.since(at))
            .unwrap_or_default(),
        every: source.every,
    })
}

/// The articles that the source takes back, and that are not retracted yet.
async fn withdrawn(
    app: &App,
    memory: &SourceMemory,
    heard: Vec<Withdrawal>,
) -> Result<Vec<(ArticleId, String)>, StoreError> {
    if heard.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = heard.iter().map(|one| one.keys.clone()).collect();
    let known = app.db.find_articles(&memory.name, &keys).await?;
    let open = |(one, known): (Withdrawal, Option<KnownArticle>)| {
        let known = known.filter(|known| known.state != ArticleState::Retracted)?;
        Some((known.id, one.why))
    };
    Ok(heard.into_iter().zip(known).filter_map(open).collect())
}

/// Tells the operator what is retracted now.
async fn tell_retractions(app: &App, decision: &mut Decision) -> Result<(), StoreError> {
    let ids: Vec<ArticleId> = decision.retracted.iter().map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let articles: Vec<Article> = app.db.newest_of(&ids).await?;
    for (id, why) in &decision.retracted {
        let Some(article) = articles.iter().find(|article| article.id == *id) else {
            continue;
        };
        let title = &article.revision.title;
        let note = if article.state == ArticleState::Released {
            let gone = "it has been released: it leaves feeds, archive and issues to come, but \
                        mails and posts that went out stay";
            error!(
                article.id = id.0,
                article.title = title,
                why,
                "retracted after its release"
            );
            format!("article {id} is retracted, {why}; {gone}: “{title}”")
        } else {
            warn!(article.id = id.0, article.title = title, why, "retracted");
            format!("article {id} is retracted and never goes out, {why}: “{title}”")
        };
        decision.notes.push(note);
        for line in app.db.issues_of(*id).await? {
            if line.state == IssueState::Waiting {
                let issue = line.issue;
                decision.notes.push(format!(
                    "issue {issue} waits for approval and was frozen with it; `courant issues \
                     cancel {issue}` stops it"
                ));
            }
        }
    }
    Ok(())
}
