//! Issues that do not exist: what would go out now, for `preview` and `publish --test`.

use crate::channels::feed::{FeedDoc, FeedSettings};
use crate::domain::{
    Article, DeliveryId, EmailAddress, Issue, SubscriberId, SubscriptionState, UnixMillis,
};
use crate::store::{AudienceFilter, StoreError, ZoneFilter};

use super::App;
use super::app::{EmailChannel, Form, OpenChannel};
use super::compose::{self, ComposeError, Proof, Recipient};
use super::publish::{self, Outbox};
use super::select::Taste;

/// Articles taken when there is nothing new.
const NEWEST: usize = 10;
/// Ledger rows looked at.
const MOST: usize = 1000;

/// An issue that is not recorded, for one reader or for everybody.
#[derive(Debug, Clone)]
pub struct Draft {
    /// As it would be; its id is 0.
    pub issue: Issue,
    /// Newest first.
    pub articles: Vec<Article>,
    /// Who it is made out to.
    pub to: Recipient,
}

impl Draft {
    /// The same for another address.
    #[must_use]
    pub fn addressed(&self, address: &EmailAddress) -> Self {
        let to = Recipient {
            address: address.to_string(),
            ..self.to.clone()
        };
        Self { to, ..self.clone() }
    }
}

/// What the channel would publish to everybody it has something for.
///
/// # Errors
/// The store's.
pub async fn for_channel(app: &App, channel: &OpenChannel) -> Result<Option<Draft>, StoreError> {
    let id = &channel.config.id;
    let newest = app.db.ledger_newest(id).await?;
    let lowest = if matches!(channel.form, Form::Email(_)) {
        let filter = AudienceFilter {
            channel: id,
            schedule: None,
            is_default: false,
            zone: ZoneFilter::Any,
        };
        let groups = app.db.audience(&filter, newest).await?;
        // Without a reader yet, the operator still wants to see what one would get.
        let nobody = app
            .db
            .subscriber_counts(id)
            .await?
            .values()
            .all(|n| *n == 0);
        groups
            .iter()
            .map(|g| g.cursor)
            .min()
            .or(nobody.then_some(newest - NEWEST as i64))
    } else {
        Some(app.db.channel_cursor(id).await?)
    };
    let Some(lowest) = lowest else {
        return Ok(None);
    };
    let rows = app.db.ledger_rows(id, lowest, newest, MOST).await?;
    let articles: Vec<Article> = rows.into_iter().rev().map(|row| row.article).collect();
    made(app, channel, articles, nobody()).await
}

/// What the channel would send this reader now.
///
/// # Errors
/// The store's.
pub async fn for_reader(
    app: &App,
    channel: &OpenChannel,
    address: &EmailAddress,
) -> Result<Option<Draft>, StoreError> {
    let id = &channel.config.id;
    let Some(person) = app.db.subscriber(&address.key()).await? else {
        return Ok(None);
    };
    let subscriptions = app.db.subscriptions(person.id).await?;
    let mine = subscriptions.into_iter().find(|s| s.channel == *id);
    let Some(mine) = mine.filter(|s| s.state == SubscriptionState::Active) else {
        return Ok(None);
    };
    let newest = app.db.ledger_newest(id).await?;
    let taste = Taste::new(&channel.config, &mine.topics, person.language.as_deref());
    let rows = app.db.ledger_rows(id, mine.cursor, newest, MOST).await?;
    let articles = rows
        .into_iter()
        .rev()
        .map(|row| row.article)
        .filter(|a| taste.wants(a))
        .collect();
    let to = Recipient {
        subscriber: person.id,
        address: person.address,
        name: person.name,
    };
    made(app, channel, articles, to).await
}

/// The channel's newest articles, new or not.
///
/// # Errors
/// The store's.
pub async fn of_newest(app: &App, channel: &OpenChannel) -> Result<Option<Draft>, StoreError> {
    let id = &channel.config.id;
    let newest = app.db.ledger_newest(id).await?;
    let rows = app
        .db
        .ledger_rows(id, newest - NEWEST as i64, newest, NEWEST)
        .await?;
    let articles = rows.into_iter().rev().map(|row| row.article).collect();
    made(app, channel, articles, nobody()).await
}

/// A feed as it would be after the next issue: what is new before what is there.
///
/// # Errors
/// The store's.
pub async fn feed(
    app: &App,
    channel: &OpenChannel,
    settings: &FeedSettings,
) -> Result<FeedDoc, StoreError> {
    let most = usize::try_from(settings.items).unwrap_or(usize::MAX);
    let draft = for_channel(app, channel).await?;
    let mut articles = draft.map(|draft| draft.articles).unwrap_or_default();
    articles.extend(app.db.feed_articles(&channel.config.id, most).await?);
    articles.truncate(most);
    Ok(publish::document(&app.config, &channel.config, &articles))
}

async fn made(
    app: &App,
    channel: &OpenChannel,
    articles: Vec<Article>,
    to: Recipient,
) -> Result<Option<Draft>, StoreError> {
    if articles.is_empty() {
        return Ok(None);
    }
    let id = &channel.config.id;
    let newest = app.db.newest_issue(id).await?;
    let last = newest.map_or(0, |issue| issue.number);
    let schedule = &channel.config.default_schedule;
    let mut issue = compose::imagined(id, schedule, last + 1, UnixMillis::now());
    if let Ok(title) = compose::issue_title(app, channel, &issue, &articles) {
        issue.title = title;
    }
    Ok(Some(Draft {
        issue,
        articles,
        to,
    }))
}

fn nobody() -> Recipient {
    Recipient {
        subscriber: SubscriberId(0),
        address: "reader@example.org".to_owned(),
        name: String::new(),
    }
}

/// The mail of a draft.
///
/// # Errors
/// A template's error, with its place.
pub async fn mail(
    app: &App,
    channel: &OpenChannel,
    email: &EmailChannel,
    draft: &Draft,
) -> Result<Proof, ComposeError> {
    let making = compose::Making {
        app,
        channel,
        email,
        issue: &draft.issue,
    };
    let outbox = Outbox {
        delivery: DeliveryId(0),
        made_at: draft.issue.created_at,
    };
    making.proof(&draft.articles, outbox, &draft.to).await
}
