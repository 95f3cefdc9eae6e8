//! `/subscribe`: the form by which readers come, and what is done with it.
//!
//! A POST writes one row, the same whatever is known of the address, and shows the same page: a
//! stranger cannot find out who is subscribed (by the time it takes neither), and an address that
//! must not be mailed is told nothing. What becomes of the row is decided where mails are planned.
//!
//! A form carries a token for the network it was shown to. One without (a publisher's own page may
//! hold the form) or with an old one is shown again, filled in; that page's button works. A field
//! that no person sees catches programs that fill in every field.

use std::net::IpAddr;

use axum::extract::{Request, State as Shared};
use axum::http::header::RETRY_AFTER;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::client::{client_address, network_of};
use super::error::Error;
use super::form::Form;
use super::page;
use super::state::{Live, State};
use super::views::{ChannelChoice, ChannelView, Tongue, common_tongue};
use crate::channels::email::settings::EmailSettings;
use crate::config::ChannelConfig;
use crate::domain::{AddressError, EmailAddress, UnixMillis};
use crate::store::{SignUp, SignUpAnswer};

/// Where the form goes: to its own address. Relative for the reasons of `readers::action_of`.
const ACTION: &str = "subscribe";
/// As much of what was typed is shown again.
const MOST_TYPED: usize = 320;
/// When to try again while too many wait.
const FULL_FOR_S: u64 = 120;

#[derive(Debug, Serialize)]
struct SubscribePage {
    #[serde(flatten)]
    tongue: Tongue,
    channels: Vec<ChannelChoice>,
    email: String,
    email_problem: Option<&'static str>,
    which_problem: bool,
    notice: Option<&'static str>,
    action_url: &'static str,
    token: String,
    sent: bool,
    senders: Vec<String>,
}

/// Somebody at the form.
struct Visitor {
    state: State,
    live: Live,
    address: Option<IpAddr>,
    now: UnixMillis,
}

impl Visitor {
    /// # Errors
    /// [`Error::NotFound`] where there is nothing to sign up for.
    fn of(state: State, request: &Parts) -> Result<Self, Error> {
        let (live, now) = (state.live(), state.now());
        let address = client_address(request, &live.config.server.trusted_proxies);
        if !live.config.channels.values().any(|channel| channel.signup) {
            return Err(Error::NotFound);
        }
        Ok(Self {
            state,
            live,
            address,
            now,
        })
    }

    /// The newsletters on the form.
    fn offered(&self) -> impl Iterator<Item = &ChannelConfig> {
        let channels = self.live.config.channels.values();
        channels.filter(|channel| channel.signup)
    }

    /// The network asked from; empty where it is not known.
    fn network(&self) -> String {
        self.address.map(network_of).unwrap_or_default()
    }

    /// The form with what `filled` has, its token good from now on.
    fn page(&self, filled: &Filled) -> SubscribePage {
        let config = &self.live.config;
        let channels: Vec<ChannelChoice> = self
            .offered()
            .map(|channel| ChannelChoice {
                chosen: filled.channels.contains(&channel.id),
                view: ChannelView::of(channel, config),
            })
            .collect();
        let chosen = channels.iter().filter(|c| c.chosen || channels.len() == 1);
        SubscribePage {
            tongue: common_tongue(chosen.map(|choice| &choice.view), config),
            email: filled.email.clone(),
            email_problem: None,
            which_problem: false,
            notice: None,
            action_url: ACTION,
            token: self.state.key().seal_form(&self.network(), self.now),
            sent: false,
            senders: Vec::new(),
            channels,
        }
    }

    fn show(&self, page: &SubscribePage, status: StatusCode) -> Result<Response, Error> {
        let mut response = page::private(&self.live, "web/subscribe.html", page)?;
        *response.status_mut() = status;
        Ok(response)
    }

    /// The form once more, with what stands in its way.
    fn refuse(
        &self,
        filled: &Filled,
        notice: &'static str,
        status: StatusCode,
        retry_after_s: Option<u64>,
    ) -> Result<Response, Error> {
        let page = SubscribePage {
            notice: Some(notice),
            ..self.page(filled)
        };
        let mut response = self.show(&page, status)?;
        if let Some(seconds) = retry_after_s {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        Ok(response)
    }

    /// Where to look for the mail: what a person does who is subscribed already, and what a
    /// program does that was found out.
    fn thank(&self, filled: &Filled) -> Result<Response, Error> {
        let wanted = self.offered().filter(|c| filled.channels.contains(&c.id));
        let mut senders: Vec<String> = wanted.filter_map(sender_of).collect();
        senders.sort();
        senders.dedup();
        let page = SubscribePage {
            sent: true,
            senders,
            ..self.page(filled)
        };
        self.show(&page, StatusCode::OK)
    }
}

/// The address that a channel's mail comes from. A configuration in force has one.
fn sender_of(channel: &ChannelConfig) -> Option<String> {
    let settings = EmailSettings::open(channel).ok()?;
    Some(settings.from.address.to_string())
}

/// What stands in the form.
#[derive(Debug, Default)]
struct Filled {
    email: String,
    channels: Vec<String>,
}

impl Filled {
    /// What is offered counts of the newsletters; where there is only one, it need not be named.
    fn of(form: &Form, visitor: &Visitor) -> Self {
        let email = form.get("email").unwrap_or_default().trim();
        let named: Vec<&str> = form.all("channel").collect();
        let offered: Vec<String> = visitor.offered().map(|c| c.id.clone()).collect();
        let is_only = offered.len() == 1 && named.is_empty();
        Self {
            email: email.chars().take(MOST_TYPED).collect(),
            channels: offered
                .into_iter()
                .filter(|id| is_only || named.contains(&id.as_str()))
                .collect(),
        }
    }
}

/// GET `/subscribe`: the form. `?channel=ID` ticks a newsletter; none is ticked otherwise, because
/// what nobody chose nobody has agreed to.
///
/// # Errors
/// [`Error::NotFound`] where no newsletter is offered.
pub async fn form(Shared(state): Shared<State>, request: Request) -> Result<Response, Error> {
    let (head, _) = request.into_parts();
    let visitor = Visitor::of(state, &head)?;
    let asked = Form::of_query(head.uri.query().unwrap_or_default());
    let filled = Filled {
        email: String::new(),
        ..Filled::of(&asked, &visitor)
    };
    visitor.show(&visitor.page(&filled), StatusCode::OK)
}

/// POST `/subscribe`: takes `email` and `channel` (repeated).
///
/// # Errors
/// Those of [`form`](fn@form); [`Error::Unavailable`] when the database does not answer.
pub async fn sign_up(Shared(state): Shared<State>, request: Request) -> Result<Response, Error> {
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body).await?;
    let visitor = Visitor::of(state, &head)?;
    let filled = Filled::of(&form, &visitor);
    let (response, result) = answer(&visitor, &form, &filled).await?;
    visitor.state.signups().count(result);
    Ok(response)
}

/// The page, and what it is counted as.
async fn answer(
    visitor: &Visitor,
    form: &Form,
    filled: &Filled,
) -> Result<(Response, &'static str), Error> {
    let address = EmailAddress::parse(&filled.email);
    let address = match address {
        Ok(address) if !filled.channels.is_empty() => address,
        wrong => {
            let page = SubscribePage {
                email_problem: wrong.err().as_ref().map(name_of),
                which_problem: filled.channels.is_empty(),
                ..visitor.page(filled)
            };
            let response = visitor.show(&page, StatusCode::BAD_REQUEST)?;
            return Ok((response, "refused"));
        }
    };
    let token = form.get("token").unwrap_or_default();
    let (key, network) = (visitor.state.key(), visitor.network());
    if !key.is_form(&network, token, visitor.now) {
        let response = visitor.refuse(filled, "once_more", StatusCode::OK, None)?;
        return Ok((response, "again"));
    }
    if form.get("homepage").is_some_and(|text| !text.is_empty()) {
        return Ok((visitor.thank(filled)?, "trapped"));
    }
    take(visitor, address, filled).await
}

/// The words that a page has for what is wrong with an address.
fn name_of(error: &AddressError) -> &'static str {
    match error {
        AddressError::Empty => "empty",
        AddressError::TooLong(_) => "long",
        AddressError::Syntax(_) | AddressError::Domain(_) => "wrong",
    }
}

async fn take(
    visitor: &Visitor,
    address: EmailAddress,
    filled: &Filled,
) -> Result<(Response, &'static str), Error> {
    let state = &visitor.state;
    let network = visitor.address.map(network_of);
    let signup = SignUp {
        address,
        channels: filled.channels.clone(),
        network: network.map(|network| state.key().mark(&network)),
        evidence: match visitor.address {
            Some(address) => format!("form, {address}"),
            None => "form".to_owned(),
        },
    };
    let limit = visitor.live.config.signup.per_network;
    let (count, within) = (limit.count, limit.per);
    let db = state.db();
    let answer = db.take_signup(&signup, count, within, visitor.now).await?;
    Ok(match answer {
        SignUpAnswer::Taken => {
            // Where only pages are served, another process looks by the clock.
            if let Ok(app) = state.app() {
                app.wake.release.notify_one();
            }
            (visitor.thank(filled)?, "taken")
        }
        SignUpAnswer::TooMany => {
            let wait = Some(limit.per.as_secs());
            let status = StatusCode::TOO_MANY_REQUESTS;
            let response = visitor.refuse(filled, "too_many", status, wait)?;
            (response, "too_many")
        }
        SignUpAnswer::Full => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let response = visitor.refuse(filled, "full", status, Some(FULL_FOR_S))?;
            (response, "full")
        }
    })
}
