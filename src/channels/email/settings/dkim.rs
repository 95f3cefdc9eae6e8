//! The keys that sign a channel's mail: `dkim = [{ domain = …, selector = …, key = … }]`.

use serde::Deserialize;

use crate::channels::email::dkim::{KeyError, PrivateKey, Signer, SigningKey, is_selector};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::EmailAddress;

/// One key as the configuration names it; it is read when it is needed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimKey {
    /// The domain that signs.
    pub domain: String,
    /// The key's name below it.
    pub selector: String,
    /// The private key in PEM.
    pub key: Secret,
}

impl DkimKey {
    /// Reads the key.
    ///
    /// # Errors
    /// A [`KeyError`] when it is not there, or no key that signs.
    pub fn open(&self) -> Result<SigningKey, KeyError> {
        Ok(SigningKey {
            domain: self.domain.to_ascii_lowercase(),
            selector: self.selector.clone(),
            key: PrivateKey::from_pem(&self.key.resolve()?)?,
        })
    }

    /// What [`open`](Self::open) said, at the place of the key in the configuration.
    #[must_use]
    pub fn problem(&self, channel: &ChannelConfig, error: &KeyError) -> Problem {
        let name = &self.selector;
        let message = match error {
            KeyError::Secret(error) => format!("the DKIM key `{name}` is missing: {error}"),
            error => format!("the DKIM key `{name}` cannot sign: {error}"),
        };
        match &self.key {
            Secret::File(file) => {
                let place = file.to_string_lossy();
                channel.settings.problem_at("dkim", &place, message, None)
            }
            Secret::Env(place) | Secret::Credential(place) => {
                channel.settings.problem_at("dkim", place, message, None)
            }
            // The head of the table: a problem quotes its line, which here is the secret.
            Secret::Inline(_) => channel.settings.problem("", message, None),
        }
    }
}

/// What is wrong with the keys of a sender at `from`, as far as it shows without reading them.
pub(super) fn problems(channel: &ChannelConfig, keys: &[DkimKey], from: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        let mut wrong = |word: &str, message: String, help: &str| {
            let help = Some(help.to_owned());
            problems.push(channel.settings.problem_at("dkim", word, message, help));
        };
        let DkimKey {
            domain, selector, ..
        } = key;
        if !is_selector(selector) {
            let help = "it is a name in the DNS, of letters, digits and `-`, as `s1`";
            wrong(selector, format!("`{selector}` cannot be a selector"), help);
        }
        if !is_domain(domain) {
            let help = "write the sender's domain, or one above it";
            wrong(domain, format!("`{domain}` is not a domain"), help);
        } else if !covers(domain, from) {
            let message = format!("a signature of {domain} does not speak for mail from {from}");
            wrong(
                domain,
                message,
                &format!("sign with {from}, or a domain above it"),
            );
        }
        let is_same = |other: &DkimKey| {
            other.domain.eq_ignore_ascii_case(domain) && other.selector == *selector
        };
        if keys[..i].iter().any(is_same) {
            let message = format!("two keys of {domain} have the selector `{selector}`");
            wrong(
                selector,
                message,
                "each key has a record in the DNS, and so a selector of its own",
            );
        }
    }
    problems
}

/// Reads all keys.
pub(super) fn signer(
    channel: &ChannelConfig,
    keys: &[DkimKey],
) -> Result<Option<Signer>, Vec<Problem>> {
    let (mut open, mut problems) = (Vec::new(), Vec::new());
    for key in keys {
        match key.open() {
            Ok(key) => open.push(key),
            Err(error) => problems.push(key.problem(channel, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok((!open.is_empty()).then(|| Signer::new(open)))
}

fn is_domain(text: &str) -> bool {
    EmailAddress::parse(&format!("a@{text}")).is_ok_and(|a| a.domain().eq_ignore_ascii_case(text))
}

/// Whether mailboxes count a signature of `domain` for mail from `from`: the same domain, or
/// one below it (relaxed alignment, RFC 7489 §3.1.1).
fn covers(domain: &str, from: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let below = from.strip_suffix(&domain);
    below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
