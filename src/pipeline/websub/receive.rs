//! What hubs send to our callbacks: questions whether we mean it, refusals, and pushes.
//!
//! A callback's address is known to us and the hub alone, which is why it says whose push it is;
//! nothing in a push is asked for that (W3C WebSub §7). A push is a hint to poll. Its document is
//! read in place of the next poll when it is signed: a cache on the way to the site may still
//! have the page as it was. A wrong signature is answered like a right one and ignored (§8).

use std::time::Duration;

use tracing::{debug, info, warn};

use super::plan;
use super::signature::{self, Signature};
use crate::domain::UnixMillis;
use crate::pipeline::{App, ingest, spread};
use crate::sources::Document;
use crate::store::{HubState, HubSubscription, StoreError};

/// How long after asking a hub may verify.
const QUESTION: Duration = Duration::from_secs(3600);
/// A poll follows after this, should a signed document not be taken in.
const SAFETY: Duration = Duration::from_secs(30);
/// The longest challenge that is said back.
const MOST_CHALLENGE: usize = 1024;

/// The query of a GET to a callback, names without `hub.`.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// `subscribe`, `unsubscribe` or `denied`.
    pub mode: String,
    /// What the hub calls the source.
    pub topic: String,
    /// To be said back.
    pub challenge: String,
    /// The lease it grants, in seconds.
    pub lease_seconds: Option<u64>,
    /// Why it refuses.
    pub reason: String,
}

/// What a hub is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// We meant it: its challenge.
    Confirmed(String),
    /// Its refusal was noted.
    Noted,
    /// We asked for nothing of the kind.
    Unknown,
}

/// Whether a push was for a subscription of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was, and was taken or ignored.
    Yes,
    /// Nobody has that callback; the hub may stop.
    No,
}

/// Answers a hub that asks whether we mean it, or says that it refuses.
///
/// # Errors
/// The store's.
pub async fn verify(
    app: &App,
    callback: &str,
    intent: &Intent,
    now: UnixMillis,
) -> Result<Verdict, StoreError> {
    let Some(one) = app.db.hub_subscription(callback).await? else {
        return Ok(Verdict::Unknown);
    };
    let (source, hub, topic) = (&one.source, &one.hub, &intent.topic);
    if intent.mode == "denied" {
        let hubs = super::hubs_of(app, source).await?;
        let reason: String = intent.reason.chars().take(200).collect();
        let again = plan::after_refusal(one.fails, hubs, now);
        if !app.db.hub_denied(callback, topic, &reason, again).await? {
            return Ok(Verdict::Unknown);
        }
        warn!(source.name = source, hub, reason, "the hub refuses");
        app.wake.hubs.notify_one();
        return Ok(Verdict::Noted);
    }
    if intent.challenge.is_empty() || intent.challenge.len() > MOST_CHALLENGE {
        return Ok(Verdict::Unknown);
    }
    let is_meant = match &*intent.mode {
        "subscribe" => {
            let since = now.plus_ms(-(QUESTION.as_millis() as i64));
            let lease = plan::lease(intent.lease_seconds, spread(callback), now);
            let db = &app.db;
            db.hub_verified(callback, topic, since, lease, now).await?
        }
        "unsubscribe" => app.db.hub_left(callback, topic).await?,
        _ => false,
    };
    if !is_meant {
        return Ok(Verdict::Unknown);
    }
    info!(
        source.name = source,
        hub,
        mode = intent.mode,
        "the hub confirmed"
    );
    Ok(Verdict::Confirmed(intent.challenge.clone()))
}

/// Takes a push. It is durable when this returns: the source is due, or will be soon should its
/// document not be taken in.
///
/// # Errors
/// The store's.
pub async fn pushed(
    app: &App,
    callback: &str,
    signature: Option<&str>,
    content_type: Option<String>,
    body: Vec<u8>,
    now: UnixMillis,
) -> Result<Known, StoreError> {
    let one = match app.db.hub_subscription(callback).await? {
        Some(one) if one.state != HubState::Leaving => one,
        _ => return Ok(Known::No),
    };
    let signed = signature::check(signature, one.secret.as_deref(), &body);
    if signed == Signature::Wrong {
        app.db.hub_push_refused(callback).await?;
        warn!(
            source.name = one.source,
            hub = one.hub,
            "a push with a wrong signature was ignored"
        );
        return Ok(Known::Yes);
    }
    app.db.hub_pushed(callback, now).await?;
    if signed == Signature::Right && !body.is_empty() {
        let at = now.plus(SAFETY);
        app.db.wish_poll_at(&one.source, at).await?;
        let document = Document { body, content_type };
        let app = app.clone();
        tokio::spawn(async move { read(&app, one, document, now, at).await });
    } else {
        app.db.wish_poll(&one.source, now).await?;
        app.wake.ingest.notify_one();
    }
    Ok(Known::Yes)
}

/// Takes a signed document in; where that cannot be, the source is polled at once.
async fn read(
    app: &App,
    one: HubSubscription,
    document: Document,
    now: UnixMillis,
    at: UnixMillis,
) {
    let source = &one.source;
    let done = match ingest::take_document(app, source, document, now).await {
        Ok(true) => app.db.fulfil_wish(source, at).await,
        Ok(false) => app.db.wish_poll(source, now).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => debug!(source.name = source, "a pushed document was looked at"),
        Err(error) => warn!(source.name = source, error = %error, "a push was not taken in"),
    }
    app.wake.ingest.notify_one();
}
