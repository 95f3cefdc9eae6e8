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
    let problem = |key: &str, message: String, help: &str| {
        Err(vec![config.settings.problem(
            key,
            message,
            Some(help.to_owned()),
        )])
    };
    if settings.token.is_none() && settings.secret.is_none() {
        let message = format!("{} has no `token`", config.settings.name());
        let help = "add `token = { file = \"push-token\" }`, which a push must say, or `secret`, \
                    which must sign it";
        return problem("token", message, help);
    }
    for (key, secret) in [("token", &settings.token), ("secret", &settings.secret)] {
        if let Some(Secret::Inline(text)) = secret
            && text.len() < SHORTEST_TOKEN
        {
            let message = format!("`{key}` is so short that it can be guessed");
            return problem(key, message, "`openssl rand -hex 32` makes a good one");
        }
    }
    Ok(Box::new(Push {
        token: settings.token,
        secret: settings.secret,
    }))
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
