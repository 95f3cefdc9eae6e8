//! The keys of a channel that only e-mail understands.

mod dkim;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use super::dkim::Signer;
use super::message::Mailbox;
use crate::config::{ChannelConfig, Problem, Rate};
use crate::domain::EmailAddress;
pub use dkim::DkimKey;

/// Mailbox providers whose DMARC policy makes every other server's mail from them go astray.
const NOT_OURS: [&str; 9] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "ymail.com",
    "aol.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "icloud.com",
];

/// What an e-mail channel adds to [`ChannelConfig`].
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// Who it comes from.
    pub from: Mailbox,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<Mailbox>,
    /// The template of the subject.
    pub subject: Option<String>,
    /// The relays that carry it; empty for all.
    pub relays: Vec<String>,
    /// The domain of its return paths, which takes the bounces.
    pub bounce_domain: Option<String>,
    /// The most messages of one issue over time, of all daemons together.
    pub issue_rate: Option<Rate>,
    /// The keys that sign its mail; none where the relay signs.
    pub dkim: Vec<DkimKey>,
    /// What an operator should know although it works: `check` prints it and `run` logs it.
    pub warnings: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    from: String,
    reply_to: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    relays: Vec<String>,
    bounce_domain: Option<String>,
    issue_rate: Option<Rate>,
    #[serde(default)]
    dkim: Vec<DkimKey>,
}

impl EmailSettings {
    /// Reads them off a channel's table.
    ///
    /// # Errors
    /// All problems with them, each at its place.
    pub fn open(channel: &ChannelConfig) -> Result<Self, Vec<Problem>> {
        let keys: Keys = channel.settings.parse()?;
        let mut problems = Vec::new();
        let from = mailbox(channel, "from", &keys.from, &mut problems);
        let reply_to = keys
            .reply_to
            .and_then(|text| mailbox(channel, "reply_to", &text, &mut problems));
        let bounce_domain = keys
            .bounce_domain
            .and_then(|text| domain(channel, &text, &mut problems));
        if let Some(from) = &from {
            let domain = from.address.domain();
            problems.extend(dkim::problems(channel, &keys.dkim, domain));
        }
        let Some(from) = from.filter(|_| problems.is_empty()) else {
            return Err(problems);
        };
        let warnings = foreign_sender(channel, &from).into_iter().collect();
        Ok(Self {
            from,
            reply_to,
            subject: keys.subject,
            relays: keys.relays,
            bounce_domain,
            issue_rate: keys.issue_rate,
            dkim: keys.dkim,
            warnings,
        })
    }

    /// Reads the keys that sign this channel's mail; `None` where the relay signs. `channel` is
    /// the table that these settings are of.
    ///
    /// What sends calls it when it starts, so that a daemon does not find out with a reader's
    /// mail in its hands; commands that send nothing need no key.
    ///
    /// # Errors
    /// Every key that cannot be used, at its place.
    pub fn signer(&self, channel: &ChannelConfig) -> Result<Option<Signer>, Vec<Problem>> {
        dkim::signer(channel, &self.dkim)
    }

    /// The return path of one delivery: an address of its own under `bounce_domain`, so that
    /// a bounce says by itself whom it is about (VERP), else the sender's address. `token` is
    /// of letters, digits, `-` and `_`, at most 62 of them (RFC 5321 §4.5.3.1.1).
    #[must_use]
    pub fn envelope_from(&self, token: &str) -> String {
        match &self.bounce_domain {
            Some(domain) => format!("b+{token}@{domain}"),
            None => self.from.address.to_string(),
        }
    }

    /// The list's identifier (RFC 2919): the channel's name under the sender's domain.
    #[must_use]
    pub fn list_id(&self, channel: &str) -> String {
        format!("{channel}.{}", self.from.address.domain())
    }
}

fn mailbox(
    channel: &ChannelConfig,
    key: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Mailbox> {
    match Mailbox::parse(text) {
        // It stands in every reader's mail, and few servers on the way take such a header
        // (RFC 6531); a name beside it may be in any script.
        Ok(mailbox) if !mailbox.address.as_str().is_ascii() => {
            let address = &mailbox.address;
            let message = format!("most mailboxes take no mail from an address like {address}");
            let help = "before the @ use the letters a to z; the name beside it may be in any \
                        script: `خبریں <news@example.org>`";
            let problem = channel
                .settings
                .problem(key, message, Some(help.to_owned()));
            problems.push(problem);
            None
        }
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            let help = "write `Name <name@example.org>`, or the address alone".to_owned();
            problems.push(channel.settings.problem(key, error.to_string(), Some(help)));
            None
        }
    }
}

fn domain(channel: &ChannelConfig, text: &str, problems: &mut Vec<Problem>) -> Option<String> {
    match EmailAddress::parse(&format!("b@{text}")) {
        Ok(address) if !text.contains('@') => Some(address.domain().to_owned()),
        _ => {
            let message = format!("`{text}` is not a domain");
            let help = "write the part after the @, like bounces.news.example.org".to_owned();
            let problem = channel
                .settings
                .problem("bounce_domain", message, Some(help));
            problems.push(problem);
            None
        }
    }
}

fn foreign_sender(channel: &ChannelConfig, from: &Mailbox) -> Option<Problem> {
    let domain = from.address.domain();
    NOT_OURS.contains(&domain).then(|| {
        let message = format!("most mailboxes refuse newsletters that claim to be from {domain}");
        let help = "send from an address of a domain of your own".to_owned();
        channel.settings.problem("from", message, Some(help))
    })
}
