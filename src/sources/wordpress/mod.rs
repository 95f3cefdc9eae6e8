//! A WordPress site by its REST interface: whole texts without a theme's furniture, changes of
//! old posts, withdrawals. Where the interface is closed, its feed serves, and the interface is
//! tried again every day; both know a post by the same key, so nothing comes twice.
//!
//! Each poll reads two lists. The newest by date has what was published, also at a time that
//! was set long ago: publishing a scheduled post does not count as a change of it
//! (`wp_publish_post`). The last changed has corrections, and with a login what was taken back.
//! Without one, posts that were public and are in neither list are asked for by their ids.

mod poll;
mod post;
pub(super) mod rest;
mod state;

use std::collections::HashSet;
use std::time::Instant;

use serde::Deserialize;
use url::{Host, Url};

use self::poll::{Poll, find};
use self::rest::{Rest, Trouble};
use self::state::State;
use super::feed::{Feed, web_url};
use super::{BoxFuture, Kind, Memory, PollError, Polled, Source};
use crate::config::{Problem, Secret, SourceConfig};
use crate::domain::{Entry, KeyKind, UnixMillis, wordpress_key};
use crate::net::Client;

/// The kind `wordpress`.
pub const KIND: Kind = Kind {
    name: "wordpress",
    summary: "a WordPress site by its REST interface, by its feed where that is closed",
    open,
};

/// After so long a closed interface is tried again.
const DAY: i64 = 24 * 3_600_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordpressSettings {
    url: String,
    post_type: Option<String>,
    lang: Option<String>,
    user: Option<String>,
    application_password: Option<Secret>,
}

/// A WordPress site.
#[derive(Debug)]
pub struct Wordpress {
    home: Url,
    kind: String,
    language: Option<String>,
    login: Option<(String, Secret)>,
}

fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: WordpressSettings = config.settings.parse()?;
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: String, help: &str| {
        problems.push(config.settings.problem(key, message, Some(help.to_owned())));
    };
    let home = web_url(&settings.url);
    if let Err(message) = &home {
        let help = "give the address of the site's home page, like https://news.example.org/";
        refuse("url", message.clone(), help);
    }
    let kind = settings.post_type.unwrap_or_else(|| "posts".to_owned());
    let is_word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !is_word(&kind) {
        let help = "write it as in the site's REST addresses, like \"posts\"";
        refuse("post_type", format!("`{kind}` is no kind of post"), help);
    }
    if let Some(language) = settings.lang.as_deref().filter(|lang| !is_word(lang)) {
        let help = "write it as the site's language plug-in does, like \"ur\"";
        refuse("lang", format!("`{language}` is no language"), help);
    }
    if settings.user.is_some() != settings.application_password.is_some() {
        let (there, missing) = match settings.user {
            Some(_) => ("user", "application_password"),
            None => ("application_password", "user"),
        };
        let help = "give both, or neither: what everybody may read needs no login";
        refuse(
            there,
            format!("`{there}` needs `{missing}` beside it"),
            help,
        );
    }
    if let (Ok(home), Some(_)) = (&home, &settings.user)
        && home.scheme() == "http"
        && !is_this_machine(home)
    {
        let help =
            "begin `url` with https://; WordPress itself refuses application passwords otherwise";
        refuse(
            "url",
            "the password would travel in the clear".to_owned(),
            help,
        );
    }
    match home {
        Ok(home) if problems.is_empty() => Ok(Box::new(Wordpress {
            home: as_folder(home),
            kind,
            language: settings.lang,
            login: settings.user.zip(settings.application_password),
        })),
        _ => Err(problems),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A home page is a folder, so that `feed/` is below it.
fn as_folder(mut home: Url) -> Url {
    home.set_query(None);
    if !home.path().ends_with('/') {
        home.set_path(&format!("{}/", home.path()));
    }
    home
}

impl Wordpress {
    async fn read(
        &self,
        memory: &Memory,
        client: &Client,
        now: UnixMillis,
    ) -> Result<Polled, PollError> {
        let known = State::read(memory.state.as_deref(), &self.home);
        let is_first = known.is_none();
        let state = known.clone().unwrap_or_else(|| State::of(&self.home));
        let is_blocked = state.blocked.is_some_and(|since| now.0 - since < DAY);
        if !is_blocked || memory.full {
            let poll = Poll {
                state: state.clone(),
                polled: Polled::default(),
                seen: HashSet::new(),
                now,
                full: memory.full,
                started: Instant::now(),
            };
            match self.by_rest(poll, is_first, client).await {
                Ok(mut poll) => {
                    poll.state.blocked = None;
                    poll.state.fed.clear();
                    poll.state.tidy(now);
                    if known.as_ref() != Some(&poll.state) {
                        poll.polled.state = poll.state.written();
                    }
                    return Ok(poll.polled);
                }
                Err(Trouble::Poll(error)) => return Err(error),
                Err(Trouble::Blocked(why)) => {
                    let state = State {
                        blocked: Some(now.0),
                        root: None,
                        ..state
                    };
                    return self
                        .by_feed(memory, client, state, is_first, Some(why))
                        .await;
                }
            }
        }
        self.by_feed(memory, client, state, is_first, None).await
    }

    /// By the site's feed, while the interface is closed (`why`, when that was found out now).
    async fn by_feed(
        &self,
        memory: &Memory,
        client: &Client,
        mut state: State,
        is_first: bool,
        why: Option<String>,
    ) -> Result<Polled, PollError> {
        let told = |error: PollError| match &why {
            Some(why) => PollError {
                message: format!(
                    "the REST interface is closed ({why}), and the feed gives nothing: {error}"
                ),
                ..error
            },
            None => error,
        };
        let mut url = self
            .home
            .join("feed/")
            .map_err(|e| PollError::new(e.to_string()))?;
        if let Some(language) = &self.language {
            url.query_pairs_mut().append_pair("lang", language);
        }
        let feed_memory = Memory {
            url_override: None,
            state: None,
            ..memory.clone()
        };
        let mut polled = Feed::new(url)
            .poll(&feed_memory, client)
            .await
            .map_err(told)?;
        let mut highest = 0;
        polled.entries.retain_mut(|entry| {
            let Some(id) = name_by_site(entry, &self.home) else {
                return true;
            };
            highest = highest.max(id);
            !state.is_old(id, entry.published) && state.saw_in_feed(id)
        });
        if is_first {
            state.began = UnixMillis::now().0;
            state.horizon = highest;
        }
        if let Some(why) = why {
            polled.notes.push(format!(
                "the REST interface is closed ({why}); the site's feed is read instead, and the \
                 interface is tried again tomorrow"
            ));
        }
        // Where the feed has moved is not where the site is.
        polled.moved_to = None;
        polled.state = state.written();
        Ok(polled)
    }
}

/// What a site's interface offers, for discovery.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) total: Option<u64>,
    pub(super) entries: Vec<Entry>,
}

/// Asks the interface at one of `roots` for its newest posts, without a login.
pub(super) async fn probe(client: &Client, home: &Url, roots: Vec<Url>) -> Result<Offered, String> {
    let home = as_folder(home.clone());
    let mut rest = Rest {
        client,
        login: None,
        home: &home,
        kind: "posts",
        language: None,
        root: home.clone(),
    };
    match find(&mut rest, roots).await {
        Ok((page, _)) => {
            let public = page.posts.into_iter().filter(|post| post.is_public);
            Ok(Offered {
                total: page.total,
                entries: public.map(|post| post.entry).collect(),
            })
        }
        Err(Trouble::Blocked(why)) => Err(why),
        Err(Trouble::Poll(error)) => Err(error.message),
    }
}

/// Gives an entry of the site's feed the key that the interface gives it: `?p=29` of its guid.
fn name_by_site(entry: &mut Entry, home: &Url) -> Option<u64> {
    let id = entry.keys.iter().find_map(|key| {
        let guid = (key.kind == KeyKind::Guid).then(|| Url::parse(&key.value).ok())??;
        let (_, id) = guid.query_pairs().find(|(name, _)| name == "p")?;
        id.parse::<u64>().ok()
    })?;
    let key = wordpress_key(home, id)?;
    if !entry.keys.contains(&key) {
        entry.keys.insert(0, key);
    }
    Some(id)
}

impl Source for Wordpress {
    fn poll<'a>(
        &'a self,
        memory: &'a Memory,
        client: &'a Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(self.read(memory, client, UnixMillis::now()))
    }

    fn url(&self) -> Option<&Url> {
        Some(&self.home)
    }
}
