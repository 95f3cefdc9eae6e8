//! `/confirm/TOKEN`: the link of a confirmation mail.
//!
//! GET shows what would be confirmed and changes nothing, because mail scanners open every link;
//! the button's POST acts. Doing it twice is the same as doing it once. A link that is older than
//! seven days, or whose person is gone or has unsubscribed since, is answered with 410: it was right
//! once and will not be again. What was asked for after the mail was made is shown, too, but whoever
//! presses the button alone does not get it: a stranger may have entered the address meanwhile.

use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::error::Error;
use super::form::Form;
use super::page;
use super::readers::{Holder, action_of};
use super::state::{Live, State};
use super::views::{ChannelChoice, ChannelView, Tongue, common_tongue};
use crate::domain::{ConfirmError, Purpose, Subscription, SubscriptionState, UnixMillis};

#[derive(Debug, Serialize)]
struct ConfirmPage<C> {
    #[serde(flatten)]
    tongue: Tongue,
    step: &'static str,
    channels: Vec<C>,
    address: String,
    which_problem: bool,
    action_url: String,
    subscribe_url: Option<String>,
}

/// A newsletter that comes from now on.
#[derive(Debug, Serialize)]
struct Confirmed {
    #[serde(flatten)]
    view: ChannelView,
    preferences_url: String,
}

/// Whoever has the link of a confirmation mail, and what their subscriptions are at this moment.
struct Guest {
    state: State,
    live: Live,
    token: String,
    holder: Holder,
    /// When the mail was made.
    made_at: UnixMillis,
    /// What waits for their word.
    pending: Vec<String>,
    /// Of that, what the mail is about. The rest was asked for after it was made, by them or by
    /// whoever knows their address: they have to tick it themselves.
    asked: Vec<String>,
    active: Vec<String>,
    now: UnixMillis,
}

impl Guest {
    /// `None` for a link that is too old or whose person is gone.
    ///
    /// # Errors
    /// [`Error::Link`] for a token this installation did not make.
    async fn of(state: &State, token: String) -> Result<Option<Self>, Error> {
        let now = state.now();
        let (id, channel, made_at) = match state.key().open_confirmation(&token, now) {
            Ok(opened) => opened,
            Err(ConfirmError::Expired) => return Ok(None),
            Err(ConfirmError::Broken(error)) => return Err(Error::Link(error)),
        };
        let holder = Holder::find(state, id, channel).await?;
        if holder.is_gone() {
            return Ok(None);
        }
        let mut guest = Self {
            state: state.clone(),
            live: state.live(),
            token,
            holder,
            made_at,
            pending: Vec::new(),
            asked: Vec::new(),
            active: Vec::new(),
            now,
        };
        guest.look().await?;
        Ok(Some(guest))
    }

    /// Reads the subscriptions to newsletters that there are (still).
    async fn look(&mut self) -> Result<(), Error> {
        let all = self.state.db().subscriptions(self.holder.id).await?;
        (self.pending, self.asked, self.active) = Default::default();
        for Subscription {
            channel,
            state,
            requested_at,
            ..
        } in all
        {
            if !self.live.config.channels.contains_key(&channel) {
                continue;
            }
            match state {
                SubscriptionState::Active => self.active.push(channel),
                SubscriptionState::Pending => {
                    if requested_at <= self.made_at || channel == self.holder.channel {
                        self.asked.push(channel.clone());
                    }
                    self.pending.push(channel);
                }
                SubscriptionState::Unsubscribed => {}
            }
        }
        Ok(())
    }

    /// What a form with these ticks confirms.
    fn wanted(&self, ticked: &[&str]) -> Vec<String> {
        if ticked.is_empty() {
            return self.asked.clone();
        }
        let is_ticked = |id: &&String| ticked.contains(&id.as_str());
        self.pending.iter().filter(is_ticked).cloned().collect()
    }

    /// Whether that was confirmed before.
    fn has_any(&self, ticked: &[&str]) -> bool {
        let named = [self.holder.channel.as_str()];
        let ticked = if ticked.is_empty() { &named } else { ticked };
        let is_ticked = |id: &String| ticked.contains(&id.as_str());
        self.active.iter().any(is_ticked)
    }

    /// What is to be confirmed; where nothing is, what was.
    fn answer(&self) -> Result<Response, Error> {
        match (self.pending.is_empty(), self.active.is_empty()) {
            (false, _) => self.ask(&self.asked, StatusCode::OK),
            (true, false) => self.done(),
            (true, true) => expired(&self.live),
        }
    }

    fn ask(&self, chosen: &[String], status: StatusCode) -> Result<Response, Error> {
        let choice = |id: &String| ChannelChoice {
            chosen: chosen.contains(id),
            view: ChannelView::named(id, &self.live.config),
        };
        let channels: Vec<ChannelChoice> = self.pending.iter().map(choice).collect();
        let tongue = common_tongue(channels.iter().map(|c| &c.view), &self.live.config);
        let page = ConfirmPage {
            which_problem: status != StatusCode::OK,
            ..self.page("ask", tongue, channels)
        };
        shown(&self.live, &page, status)
    }

    fn done(&self) -> Result<Response, Error> {
        let confirmed = |id: &String| {
            let token = self
                .state
                .key()
                .seal(Purpose::Preferences, self.holder.id, id);
            let path = format!("preferences/{token}");
            Confirmed {
                preferences_url: self.live.config.server.link(&path),
                view: ChannelView::named(id, &self.live.config),
            }
        };
        let channels: Vec<Confirmed> = self.active.iter().map(confirmed).collect();
        let tongue = common_tongue(channels.iter().map(|c| &c.view), &self.live.config);
        let page = self.page("done", tongue, channels);
        shown(&self.live, &page, StatusCode::OK)
    }

    fn page<C>(&self, step: &'static str, tongue: Tongue, channels: Vec<C>) -> ConfirmPage<C> {
        ConfirmPage {
            tongue,
            step,
            channels,
            address: self.holder.masked_address(),
            which_problem: false,
            action_url: action_of(&self.token),
            subscribe_url: None,
        }
    }
}

/// GET `/confirm/{token}`: asks.
///
/// # Errors
/// [`Error::Link`] for a token this installation did not make.
pub async fn ask(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    match Guest::of(&state, token).await? {
        Some(guest) => guest.answer(),
        None => expired(&state.live()),
    }
}

/// POST `/confirm/{token}`: confirms each `channel` in the form, or all that the mail is about
/// where the body has none. A form with nothing ticked is not such a body: it has `chosen`.
///
/// # Errors
/// Those of [`ask`]; [`Error::Unavailable`] when the database does not answer.
pub async fn confirm(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await?;
    let Some(mut guest) = Guest::of(&state, token).await? else {
        return expired(&state.live());
    };
    let ticked: Vec<&str> = form.all("channel").collect();
    if ticked.is_empty() && form.get("chosen").is_some() && !guest.pending.is_empty() {
        return guest.ask(&[], StatusCode::BAD_REQUEST);
    }
    let wanted = guest.wanted(&ticked);
    if wanted.is_empty() {
        return match guest.has_any(&ticked) {
            true => guest.done(),
            false => guest.answer(),
        };
    }
    let (key, id, now) = (state.key(), guest.holder.id, guest.now);
    let confirming = state
        .db()
        .confirm_subscriptions(key, id, &wanted, "page", now);
    confirming.await?;
    guest.look().await?;
    match guest.active.is_empty() {
        // The address must not be mailed any more.
        true => expired(&guest.live),
        false => guest.done(),
    }
}

fn expired(live: &Live) -> Result<Response, Error> {
    let config = &live.config;
    let offered = config.channels.values().any(|channel| channel.signup);
    let page = ConfirmPage::<ChannelView> {
        tongue: Tongue::of(&config.site.language),
        step: "expired",
        channels: Vec::new(),
        address: String::new(),
        which_problem: false,
        action_url: String::new(),
        subscribe_url: offered.then(|| config.server.link("subscribe")),
    };
    shown(live, &page, StatusCode::GONE)
}

fn shown(live: &Live, page: &impl Serialize, status: StatusCode) -> Result<Response, Error> {
    let mut response = page::private(live, "web/confirm.html", page)?;
    *response.status_mut() = status;
    Ok(response)
}
