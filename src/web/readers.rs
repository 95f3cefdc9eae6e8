//! Readers' own links: `/unsubscribe/TOKEN` and `/preferences/TOKEN`.
//!
//! A GET shows a page and changes nothing, because mail scanners open every link. A POST acts
//! at once and asks for neither cookie nor login: RFC 8058 lets a mail provider send it, and
//! the token is all the proof there is. Doing it twice is the same as doing it once, and people
//! who were erased get the same answer as everybody, since an old mail of theirs still has the
//! link.

use axum::extract::{Path, Request, State as Shared};
use axum::response::Response;
use serde::Serialize;

use super::error::Error;
use super::form::Form;
use super::page;
use super::state::{Live, State};
use super::views::{ChannelView, Tongue};
use crate::domain::{
    EmailAddress, Purpose, Subscriber, SubscriberId, SubscriptionState, UnixMillis,
};

#[derive(Debug, Serialize)]
struct UnsubscribePage {
    #[serde(flatten)]
    tongue: Tongue,
    channel: ChannelView,
    address: String,
    action_url: String,
    done: bool,
    also_all: bool,
}

/// Who stands behind a link. `None` for a person who has been erased.
pub(super) struct Holder {
    pub(super) id: SubscriberId,
    pub(super) channel: String,
    person: Option<Subscriber>,
}

impl Holder {
    pub(super) async fn of(state: &State, purpose: Purpose, token: &str) -> Result<Self, Error> {
        let (id, channel) = state.key().open(purpose, token)?;
        Self::find(state, id, channel).await
    }

    pub(super) async fn find(
        state: &State,
        id: SubscriberId,
        channel: String,
    ) -> Result<Self, Error> {
        let person = state.db().subscriber_by_id(id).await?;
        Ok(Self {
            id,
            channel,
            person,
        })
    }

    /// Whether the person has been erased.
    pub(super) fn is_gone(&self) -> bool {
        self.person.is_none()
    }

    /// The address as it may stand on a page that anybody with the link can open.
    pub(super) fn masked_address(&self) -> String {
        self.person
            .as_ref()
            .and_then(|person| EmailAddress::parse(&person.address).ok())
            .map_or_else(|| "***".to_owned(), |address| address.masked())
    }

    /// The zone the person chose.
    pub(super) fn timezone(&self) -> Option<&str> {
        self.person.as_ref()?.timezone.as_deref()
    }
}

/// GET `/unsubscribe/{token}`: asks.
///
/// # Errors
/// [`Error::Link`] for a token this installation did not make.
pub async fn ask_unsubscribe(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    let holder = Holder::of(&state, Purpose::Unsubscribe, &token).await?;
    let subscriptions = state.db().subscriptions(holder.id).await?;
    let is_subscribed = subscriptions.iter().any(|subscription| {
        subscription.channel == holder.channel
            && subscription.state != SubscriptionState::Unsubscribed
    });
    let live = state.live();
    unsubscribe_page(&live, &holder, &token, !is_subscribed, false)
}

/// POST `/unsubscribe/{token}`: ends the subscription, or all of the person's with `all=yes`.
/// Any body will do, RFC 8058's `List-Unsubscribe=One-Click` among them.
///
/// # Errors
/// [`Error::Link`] for a token this installation did not make; [`Error::Unavailable`] (with
/// `Retry-After`) when the database does not answer.
pub async fn unsubscribe(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await?;
    let holder = Holder::of(&state, Purpose::Unsubscribe, &token).await?;
    let via = match form.get("List-Unsubscribe") {
        Some(_) => "one-click",
        None => "page",
    };
    let now = UnixMillis::now();
    let all = form.get("all").is_some();
    if all {
        for subscription in state.db().subscriptions(holder.id).await? {
            let channel = &subscription.channel;
            state.db().unsubscribe(holder.id, channel, via, now).await?;
        }
    }
    state
        .db()
        .unsubscribe(holder.id, &holder.channel, via, now)
        .await?;
    unsubscribe_page(&state.live(), &holder, &token, true, all)
}

/// Where the form of a token's page goes: to itself. Relative, because the page's policy lets
/// forms go to its own origin only, and that need not be `base_url` behind a second name or
/// port. A token is base64url, so the reference cannot be read as anything else.
pub(super) fn action_of(token: &str) -> String {
    token.to_owned()
}

/// The subscription behind a link is over: what its preferences are answered with.
pub(super) fn ended(live: &Live, holder: &Holder) -> Result<Response, Error> {
    unsubscribe_page(live, holder, "", true, false)
}

fn unsubscribe_page(
    live: &Live,
    holder: &Holder,
    token: &str,
    done: bool,
    also_all: bool,
) -> Result<Response, Error> {
    let view = ChannelView::named(&holder.channel, &live.config);
    let context = UnsubscribePage {
        tongue: view.tongue(),
        channel: view,
        address: holder.masked_address(),
        action_url: action_of(token),
        done,
        also_all,
    };
    page::private(live, "web/unsubscribe.html", &context)
}
