//! An e-mail channel, ready to publish: its keys, its templates, who signs for it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::OpenChannel;
use crate::channels::email::dkim::Signer;
use crate::channels::email::settings::EmailSettings;
use crate::config::{ChannelConfig, ChannelSchedule, Config, Problem, Problems};
use crate::pipeline::compose::CONFIRM;
use crate::templates::Templates;

/// An e-mail channel.
pub struct EmailChannel {
    /// Its own keys.
    pub settings: EmailSettings,
    signer: OnceLock<Option<Arc<Signer>>>,
}

impl EmailChannel {
    /// What signs its mail, its keys read at the first call; `None` where the relay signs.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn signer(&self, channel: &ChannelConfig) -> Result<Option<Arc<Signer>>, Problems> {
        if let Some(signer) = self.signer.get() {
            return Ok(signer.clone());
        }
        let signer = self.settings.signer(channel).map_err(Problems::sorted)?;
        Ok(self.signer.get_or_init(|| signer.map(Arc::new)).clone())
    }

    /// The template of a mail with that many articles: the operator's, else `digest`, or
    /// `article` for `each`.
    ///
    /// An issue of `each` may hold more than one for some readers, those who changed to it
    /// with articles still to come; `article` shows only the first, so they get the digest.
    #[must_use]
    pub fn template_for(&self, schedule: &str, channel: &OpenChannel, articles: usize) -> String {
        match template_name(&channel.config, schedule) {
            name if name == ARTICLE && articles > 1 => DIGEST.to_owned(),
            name => name,
        }
    }

    /// The subject template, or a sensible one for that many articles.
    #[must_use]
    pub fn subject_for(&self, articles: usize) -> String {
        match &self.settings.subject {
            Some(source) => source.clone(),
            None if articles > 1 => "{{ channel.title }}: {{ issue.articles[0].title }}".to_owned(),
            None => crate::pipeline::compose::DEFAULT_TITLE.to_owned(),
        }
    }
}

/// The built-in template of one article.
const ARTICLE: &str = "email/article";
/// The built-in template of many.
const DIGEST: &str = "email/digest";

/// `email/NAME` without its ending.
fn template_name(channel: &ChannelConfig, schedule: &str) -> String {
    match (&channel.template, channel.schedules.get(schedule)) {
        (Some(name), _) => format!("email/{name}"),
        (None, Some(ChannelSchedule::Each)) => ARTICLE.to_owned(),
        (None, _) => DIGEST.to_owned(),
    }
}

pub(super) fn open_email(
    config: &Config,
    channel: &ChannelConfig,
    templates: &Templates,
    warnings: &mut Vec<Problem>,
) -> Result<EmailChannel, Vec<Problem>> {
    let settings = EmailSettings::open(channel)?;
    warnings.extend(settings.warnings.iter().cloned());
    let mut problems = Vec::new();
    if config.relays.is_empty() {
        problems.push(channel.settings.problem(
            "relays",
            "an e-mail channel needs a relay to send through, and there is none".to_owned(),
            Some("add [relays.main] with url = \"smtp://…\"".to_owned()),
        ));
    }
    let mut names: BTreeSet<String> = channel
        .schedules
        .keys()
        .map(|schedule| template_name(channel, schedule))
        .collect();
    if names.contains(ARTICLE) {
        names.insert(DIGEST.to_owned());
    }
    names.insert(CONFIRM.to_owned());
    for name in names {
        for part in [format!("{name}.html"), format!("{name}.txt")] {
            if templates.exists(&part) {
                problems.extend(without_what_it_must_have(channel, templates, &name, &part));
            } else {
                problems.push(missing_template(channel, templates, &part));
            }
        }
    }
    if problems.is_empty() {
        Ok(EmailChannel {
            settings,
            signer: OnceLock::new(),
        })
    } else {
        Err(problems)
    }
}

/// Every newsletter says who sends it from where and how to leave it: the law nearly
/// everywhere, and the large mailbox providers' rule. A mail that asks to confirm has the link.
fn without_what_it_must_have(
    channel: &ChannelConfig,
    templates: &Templates,
    name: &str,
    part: &str,
) -> impl Iterator<Item = Problem> {
    let link = if name == CONFIRM {
        ("links.confirm", "the link to confirm")
    } else {
        ("links.unsubscribe", "an unsubscribe link")
    };
    [link, ("site.postal_address", "the postal address")]
        .into_iter()
        .filter(move |(variable, _)| !templates.mentions(part, variable))
        .map(move |(variable, what)| {
            let help = format!("put {{{{ {variable} }}}} into it; every mail must have it");
            let message = format!("the template `{part}` does not have {what}");
            channel.settings.problem("template", message, Some(help))
        })
}

fn missing_template(channel: &ChannelConfig, templates: &Templates, part: &str) -> Problem {
    let known: Vec<String> = templates
        .names()
        .into_iter()
        .filter_map(|n| Some(n.strip_prefix("email/")?.strip_suffix(".html")?.to_owned()))
        .filter(|n| n != "layout" && n != "confirm")
        .collect();
    channel.settings.problem(
        "template",
        format!("there is no template `{part}`"),
        Some(format!(
            "there are {}; your own go into the directory of [templates]",
            known.join(", ")
        )),
    )
}
