//! Articles that a publishing system pushes to us: nothing is fetched.
//!
//! `POST /push/SOURCE` with one article, or with the id of one that is withdrawn. What arrives is
//! as untrusted as a feed's entry and goes the same way from here.

mod article;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use url::Url;

use super::{BoxFuture, Kind, Memory, PollError, Polled, PushKeys, Source};
use crate::config::{Problem, Secret, SourceConfig};
use crate::net::Client;

pub use article::{Pushed, Refused, parse};

/// The kind `push`.
pub const KIND: Kind = Kind {
    name: "push",
    summary: "articles that a publishing system sends to /push/SOURCE as JSON",
    open,
};

/// Characters of a token that nobody guesses.
const SHORTEST_TOKEN: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PushSettings {
    token: Option<Secret>,
    secret: Option<Secret>,
}

/// A source that waits for pushes.
#[derive(Debug)]
pub struct Push {
    token: Option<Secret>,
    secret: Option<Secret>,
}

fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: PushSettings = config.settings.parse()?;
    if settings.token.is_none() && settings.secret.is_none() {
        let message = format!("{} has no `token`", config.settings.name());
        let help = "add `token = { file = \"push-token\" }`, which a push must say, or `secret`, \
                    which must sign it";
        let problem = config
            .settings
            .problem("token", message, Some(help.to_owned()));
        return Err(vec![problem]);
    }
    let keys = [("token", &settings.token), ("secret", &settings.secret)];
    let guessable = guessable(config, &keys);
    if !guessable.is_empty() {
        return Err(guessable);
    }
    Ok(Box::new(Push {
        token: settings.token,
        secret: settings.secret,
    }))
}

/// The keys, by their names in the table, that are written there and can be guessed.
pub(super) fn guessable(config: &SourceConfig, keys: &[(&str, &Option<Secret>)]) -> Vec<Problem> {
    let short = keys.iter().filter(
        |(_, secret)| matches!(secret, Some(Secret::Inline(text)) if text.len() < SHORTEST_TOKEN),
    );
    let problem = |(key, _): &(&str, _)| {
        let message = format!("`{key}` is so short that it can be guessed");
        let help = "`openssl rand -hex 32` makes a good one".to_owned();
        config.settings.problem(key, message, Some(help))
    };
    short.map(problem).collect()
}

impl Source for Push {
    /// There is nothing to ask; what was pushed is in already.
    fn poll<'a>(
        &'a self,
        _memory: &'a Memory,
        _client: &'a Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        let nothing = Polled {
            not_modified: true,
            ..Polled::default()
        };
        Box::pin(async { Ok(nothing) })
    }

    fn url(&self) -> Option<&Url> {
        None
    }

    fn is_polled(&self) -> bool {
        false
    }

    fn push_keys(&self) -> Option<PushKeys<'_>> {
        PushKeys::of(self.token.as_ref(), self.secret.as_ref())
    }
}
