//! What is published without a recipient: feeds as files, and the payloads of posts.

use std::path::Path;

use tracing::warn;

use crate::channels::feed::{self, FeedDoc, FeedSettings, Tombstone};
use crate::channels::social::{Fitting, Social};
use crate::channels::write_atomically;
use crate::config::{ChannelConfig, Config};
use crate::domain::{Article, DeliveryId, Issue, Payload, Post, UnixMillis};
use crate::store::{Claimed, Db, StoreError};
use crate::templates::Format;
use crate::templates::context::Links;

use super::App;
use super::app::{Form, OpenChannel};
use super::views::{self, fitted, issue_url, language_of};

/// Withdrawn articles that a feed still names: more than readers miss between two looks.
const TOMBSTONES: usize = 50;

/// The document of a feed channel: its newest articles, at their newest revisions.
///
/// # Errors
/// The store's.
pub async fn feed_doc(
    db: &Db,
    config: &Config,
    channel: &ChannelConfig,
    settings: &FeedSettings,
) -> Result<FeedDoc, StoreError> {
    let most = usize::try_from(settings.items).unwrap_or(usize::MAX);
    let articles = db.feed_articles(&channel.id, most).await?;
    let withdrawn = db.feed_withdrawn(&channel.id, TOMBSTONES).await?;
    let tombstone = |(article, at): &(Article, _)| Tombstone {
        id: feed::item_id(article),
        at: *at,
    };
    Ok(FeedDoc {
        withdrawn: withdrawn.iter().map(tombstone).collect(),
        ..document(config, channel, &articles)
    })
}

/// A feed channel's document with these articles.
pub(super) fn document(config: &Config, channel: &ChannelConfig, articles: &[Article]) -> FeedDoc {
    FeedDoc::of(channel, &config.site, &config.server, articles)
}

/// Writes a feed channel's files, where it asks for them.
///
/// # Errors
/// In words: which file, and why.
pub async fn export_feed(
    app: &App,
    channel: &OpenChannel,
    settings: &FeedSettings,
) -> Result<String, String> {
    let Some(dir) = &settings.export else {
        return Ok("published".to_owned());
    };
    let dir = app.config.base_dir.join(dir);
    let _one_at_a_time = app.exporting.lock().await;
    let doc = feed_doc(&app.db, &app.config, &channel.config, settings)
        .await
        .map_err(|e| e.to_string())?;
    let id = channel.config.id.clone();
    let written = dir.display().to_string();
    tokio::task::spawn_blocking(move || feed::export(&dir, &id, &doc))
        .await
        .map_err(|panic| panic.to_string())?
        .map_err(|e| e.to_string())?;
    Ok(format!("written to {written}"))
}

/// Writes the files of every feed channel anew where they would say something else: after a
/// correction or a withdrawal, which make no issue, and after a change of the configuration.
/// What cannot be written is logged and tried again the next time.
pub async fn refresh_exports(app: &App) {
    for (id, channel) in app.channels.iter() {
        let Form::Feed(settings) = &channel.form else {
            continue;
        };
        if let Err(error) = export_feed(app, channel, settings).await {
            warn!(
                channel.name = id,
                error, "the feed's files were not written"
            );
        }
    }
}

/// Makes the posts of a claimed social delivery, keeps them, and writes their files.
///
/// The outer error is the store's; the inner one is in words for the delivery's row.
///
/// # Errors
/// The store's.
pub async fn write_payloads(
    app: &App,
    channel: &OpenChannel,
    social: &dyn Social,
    issue: &Issue,
    claimed: &Claimed,
) -> Result<Result<String, String>, StoreError> {
    let articles: Vec<Article> = app
        .db
        .issue_articles(claimed.issue)
        .await?
        .into_iter()
        .map(|(_, a)| a)
        .collect();
    let outbox = Outbox {
        delivery: claimed.id,
        made_at: claimed.made_at,
    };
    let payload = match payload(app, channel, social, issue, outbox, &articles) {
        Ok(payload) => payload,
        Err(reason) => return Ok(Err(reason)),
    };
    app.db
        .save_payload(claimed.id, &payload, app.clock.now())
        .await?;
    let Some(dir) = &channel.config.payloads else {
        return Ok(Ok("payload kept".to_owned()));
    };
    let dir = app.config.base_dir.join(dir);
    let name = format!("{}-{:06}.json", channel.config.id, issue.number);
    let path = dir.join(&channel.config.id).join(name);
    let work =
        move || write_json(&path, &payload).map(|()| format!("written to {}", path.display()));
    Ok(tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| Err(panic.to_string())))
}

/// The outbox row a post belongs to: the root of its idempotency keys and its time.
#[derive(Debug, Clone, Copy)]
pub struct Outbox {
    /// The row.
    pub delivery: DeliveryId,
    /// When it was made.
    pub made_at: UnixMillis,
}

/// The payload of one issue on one social channel.
///
/// # Errors
/// In words: the template's error, or why the post cannot be made to fit.
pub fn payload(
    app: &App,
    channel: &OpenChannel,
    social: &dyn Social,
    issue: &Issue,
    outbox: Outbox,
    articles: &[Article],
) -> Result<Payload, String> {
    let post = post(app, channel, issue, outbox, articles);
    let links = Links {
        web: Some(post.url.clone()),
        ..Links::default()
    };
    let base = views::context(&app.config, &channel.config, issue, articles, links, None);
    let place = format!("channels.{}.template", channel.config.id);
    let render = |source: &str, fitting: &Fitting<'_>| {
        let mut context = base.clone();
        context.article = base.article.clone().map(|first| fitted(first, fitting));
        app.templates
            .render_source(&place, source, Format::Text, &context)
            .map_err(|e| e.to_string())
    };
    let plan = social.plan(&post, &render).map_err(|e| e.to_string())?;
    Ok(Payload {
        channel: channel.config.id.clone(),
        kind: channel.config.kind.clone(),
        issue: issue.id,
        article: post.article,
        text: plan.text,
        requests: plan.requests,
    })
}

/// The network-neutral post: one article, or a digest that leads to the issue's page.
fn post(
    app: &App,
    channel: &OpenChannel,
    issue: &Issue,
    outbox: Outbox,
    articles: &[Article],
) -> Post {
    let single = match articles {
        [only] => Some(only),
        _ => None,
    };
    let first = articles.first().map(|a| &a.revision);
    let summary = match single {
        Some(article) => article.revision.summary.clone(),
        None => {
            let titles: Vec<&str> = articles.iter().map(|a| a.revision.title.as_str()).collect();
            titles.join(" · ")
        }
    };
    Post {
        channel: channel.config.id.clone(),
        issue: issue.id,
        article: single.map(|a| a.id),
        delivery: outbox.delivery,
        template: channel.config.template.clone(),
        title: single.map_or_else(|| issue.title.clone(), |a| a.revision.title.clone()),
        summary,
        url: single.map_or_else(|| issue_url(&app.config, issue), |a| a.revision.url.clone()),
        topics: first.map(|r| r.topics.clone()).unwrap_or_default(),
        authors: first.map(|r| r.authors.clone()).unwrap_or_default(),
        image: first.and_then(|r| r.image.clone()),
        language: language_of(&app.config, &channel.config, articles),
        created_at: outbox.made_at,
        site: app.config.site.name.clone(),
    }
}

/// Writes a document where nobody ever sees half of it: a temporary file, then a rename.
fn write_json(path: &Path, payload: &Payload) -> Result<(), String> {
    let told =
        |what: &str, e: std::io::Error| format!("{} could not be {what}: {e}", path.display());
    let text = serde_json::to_vec_pretty(payload).map_err(|e| e.to_string())?;
    write_atomically(path, &text).map_err(|e| told("written", e))
}
