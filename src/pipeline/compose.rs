//! An issue becomes a mail: rendered once per variant, then made out to each reader.
//!
//! Readers who get the same articles share one rendering: subject, HTML with its CSS inlined,
//! and text, encoded into a [`Pattern`]. Where something of the reader's goes there is a mark,
//! filled when the mail is made out. A template that does more with the reader than print them
//! is found out when it runs ([`crate::templates::context::Reader`]), and runs once for each.

mod error;
mod rendered;
mod renderings;
#[cfg(test)]
mod tests;

use crate::channels::email::{Filling, Letter, ListHeaders, Mailbox, Pattern, Personal, Shared};
use crate::domain::{
    AddressError, Article, EmailAddress, HeaderText, Issue, IssueId, Purpose, SubscriberId,
    UnixMillis, message_id,
};
use crate::store::StoreError;
use crate::templates::context::{Links, Reader};
use crate::templates::{Format, TemplateError};

use super::app::{EmailChannel, OpenChannel};
use super::publish::Outbox;
use super::views::{self, feed_url, issue_url};
use super::{App, public_url};
pub use error::ComposeError;
pub use rendered::parts;
use rendered::{Rendered, marks, reader_marks};
use renderings::Edition;
pub use renderings::Renderings;

/// A mail ready for the wire.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The envelope's sender (RFC 5321 MAIL FROM).
    pub envelope_from: String,
    /// The envelope's recipient.
    pub to: EmailAddress,
    /// The message.
    pub letter: Letter,
}

/// A mail to look at.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The subject.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
    /// All of it, as it would go out.
    pub mail: Outgoing,
}

/// Who a mail is made out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their key; their links are sealed for it.
    pub subscriber: SubscriberId,
    /// The address the mail goes to.
    pub address: String,
    /// May be empty.
    pub name: String,
}

impl Recipient {
    fn mailbox(&self) -> Result<Mailbox, ComposeError> {
        let wrong = |e: AddressError| ComposeError::Address(e.to_string());
        Ok(Mailbox {
            name: HeaderText::clean(&self.name),
            address: EmailAddress::parse(&self.address).map_err(wrong)?,
        })
    }
}

/// One issue in the making: everything but the reader.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// The house.
    pub app: &'a App,
    /// The channel…
    pub channel: &'a OpenChannel,
    /// …and its own keys.
    pub email: &'a EmailChannel,
    /// The issue.
    pub issue: &'a Issue,
}

impl Making<'_> {
    /// Makes out the mail of one delivery. What readers of the variant share is made at the
    /// first one and kept.
    ///
    /// # Errors
    /// [`ComposeError`]; a template's error concerns the whole issue, an address only its row.
    pub async fn letter(
        &self,
        variant: i64,
        outbox: Outbox,
        to: &Recipient,
    ) -> Result<Outgoing, ComposeError> {
        let to_whom = to.mailbox()?;
        let key = (self.issue.id, variant);
        let make = || async { self.edition(&articles_of(self.app, key).await?).await };
        let pattern = match self.app.renderings.edition(key, make).await? {
            Edition::Shared(pattern) => pattern,
            Edition::PerReader(articles) => {
                self.pattern(&self.for_reader(&articles, &to_whom).await?)?
            }
        };
        self.made_out(&pattern, outbox, to.subscriber, to_whom)
    }

    /// The mail of a reader who gets these articles, with its texts.
    ///
    /// # Errors
    /// A template's error, or an address that is none.
    pub async fn proof(
        &self,
        articles: &[Article],
        outbox: Outbox,
        to: &Recipient,
    ) -> Result<Proof, ComposeError> {
        let to_whom = to.mailbox()?;
        let rendered = match self.for_all(articles).await? {
            Some(rendered) => rendered,
            None => self.for_reader(articles, &to_whom).await?,
        };
        let own = self.own(to.subscriber, &to_whom, outbox.made_at);
        let marks = self.marks();
        let texts = rendered.filled(&marks, &own.as_ref());
        let pattern = self.pattern(&rendered)?;
        Ok(Proof {
            subject: texts.subject,
            html: texts.html,
            text: texts.text,
            mail: self.made_out(&pattern, outbox, to.subscriber, to_whom)?,
        })
    }

    async fn edition(&self, articles: &[Article]) -> Result<Edition, ComposeError> {
        Ok(match self.for_all(articles).await? {
            Some(rendered) => Edition::Shared(self.pattern(&rendered)?),
            None => Edition::PerReader(articles.into()),
        })
    }

    /// The rendering that all readers can share; `None` when there is none.
    async fn for_all(&self, articles: &[Article]) -> Result<Option<Rendered>, ComposeError> {
        let marks = self.marks();
        let reader = Reader::unknown(&reader_marks(&marks));
        match self.render(articles, reader.clone()).await {
            Ok(rendered) => {
                let is_whole = reader.only_printed() == Some(rendered.places(&marks));
                Ok(is_whole.then_some(rendered))
            }
            // A filter may not take what is no string; with a reader there is one.
            Err(_) if reader.is_used() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The rendering for one reader.
    async fn for_reader(
        &self,
        articles: &[Article],
        to: &Mailbox,
    ) -> Result<Rendered, ComposeError> {
        let marks = reader_marks(&self.marks());
        let reader = Reader::marked(to.name.as_str(), to.address.as_str(), &marks);
        self.render(articles, reader).await
    }

    async fn render(&self, articles: &[Article], reader: Reader) -> Result<Rendered, ComposeError> {
        let (config, channel) = (&self.app.config, &self.channel.config);
        let links = links(self.app, self.issue, &self.marks());
        let context = views::context(config, channel, self.issue, articles, links, Some(reader));
        let templates = self.app.templates.clone();
        let (name, subject) = self.sources(articles.len());
        let place = format!("subject of channel {}", channel.id);
        let work = move || Rendered::new(&templates, (&place, &subject), &name, context);
        // Inlining costs about a millisecond of CPU for 20 articles: not on the async threads.
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(panic) => Err(ComposeError::Css(channel.id.clone(), panic.to_string())),
        }
    }

    /// The name of the template, and the source of the subject's.
    fn sources(&self, articles: usize) -> (String, String) {
        if self.issue.is_confirmation() {
            return (CONFIRM.to_owned(), CONFIRM_SUBJECT.to_owned());
        }
        let name = (self.email).template_for(&self.issue.schedule, self.channel, articles);
        (name, self.email.subject_for(articles))
    }

    fn marks(&self) -> Personal<String> {
        marks(&self.app.keys, &self.issue.channel)
    }

    /// What is a reader's own in the mail, which was made at that instant.
    fn own(&self, subscriber: SubscriberId, to: &Mailbox, made: UnixMillis) -> Personal<String> {
        let (keys, channel) = (&self.app.keys, &self.issue.channel);
        let seal = |purpose| keys.seal(purpose, subscriber, channel);
        let confirm = if self.issue.is_confirmation() {
            keys.seal_confirmation(subscriber, channel, made)
        } else {
            String::new()
        };
        Personal {
            name: to.name.to_string(),
            address: to.address.to_string(),
            unsubscribe: seal(Purpose::Unsubscribe),
            preferences: seal(Purpose::Preferences),
            confirm,
        }
    }

    /// Encodes a rendering.
    fn pattern(&self, rendered: &Rendered) -> Result<Pattern, ComposeError> {
        let settings = &self.email.settings;
        let (marks, issue) = (self.marks(), self.issue);
        let links = links(self.app, issue, &marks);
        let domain = settings.from.address.domain();
        let feedback_id = HeaderText::clean(&format!("{}:{}:{domain}", issue.id, issue.channel));
        Ok(Pattern::new(&Shared {
            from: &settings.from,
            reply_to: settings.reply_to.as_ref(),
            subject: &rendered.subject,
            language: &rendered.language,
            list: self.list(&links).as_ref(),
            archived_at: links
                .web
                .as_deref()
                .and_then(|url| url.parse().ok())
                .as_ref(),
            feedback_id: Some(&feedback_id),
            html: &rendered.html,
            text: &rendered.text,
            marks: &marks,
        })?)
    }

    /// Makes a pattern out to a reader.
    fn made_out(
        &self,
        pattern: &Pattern,
        outbox: Outbox,
        subscriber: SubscriberId,
        to: Mailbox,
    ) -> Result<Outgoing, ComposeError> {
        let (keys, settings) = (&self.app.keys, &self.email.settings);
        let id = outbox.delivery;
        let mac = keys.mac8(&format!("message {id}"));
        let domain = settings.from.address.domain();
        let letter = pattern.letter(&Filling {
            to: &to,
            message_id: &message_id(self.issue.id, id, &mac, domain),
            date: outbox.made_at,
            delivery: Some(&HeaderText::clean(&format!("{id}.{mac}"))),
            own: self.own(subscriber, &to, outbox.made_at).as_ref(),
        })?;
        let token = format!("{id}-{}", keys.mac8(&format!("bounce {id}")));
        Ok(Outgoing {
            envelope_from: settings.envelope_from(&token),
            to: to.address,
            letter,
        })
    }

    /// What tells mail programs that this is a list, and how to leave it (RFC 2369, 2919, 8058).
    fn list(&self, links: &Links) -> Option<ListHeaders> {
        let settings = &self.email.settings;
        let owner = settings.reply_to.as_ref().unwrap_or(&settings.from);
        let mailto = format!("mailto:{}?subject=unsubscribe", owner.address);
        let archive = public_url(&self.app.config, &format!("archive/{}", self.issue.channel));
        Some(ListHeaders {
            id: settings.list_id(&self.issue.channel),
            title: HeaderText::clean(&self.channel.config.title),
            unsubscribe: links.unsubscribe.as_deref()?.parse().ok()?,
            unsubscribe_mailto: mailto.parse().ok(),
            archive: archive.parse().ok(),
        })
    }
}

/// The articles of an issue's variant, at their frozen revisions, newest first.
async fn articles_of(
    app: &App,
    (issue, variant): (IssueId, i64),
) -> Result<Vec<Article>, StoreError> {
    let positions = app.db.variant_positions(issue, variant).await?;
    let all = app.db.issue_articles(issue).await?;
    Ok(all
        .into_iter()
        .filter(|(line, _)| positions.contains(&line.position))
        .map(|(_, article)| article)
        .collect())
}

/// The title an issue is listed under: its subject, unless that has a reader in it.
///
/// # Errors
/// The subject template's.
pub fn issue_title(
    app: &App,
    channel: &OpenChannel,
    issue: &Issue,
    articles: &[Article],
) -> Result<String, TemplateError> {
    let source = match &channel.form {
        super::app::Form::Email(email) => email.subject_for(articles.len()),
        _ => DEFAULT_TITLE.to_owned(),
    };
    let marks = marks(&app.keys, &issue.channel);
    let links = links(app, issue, &marks);
    let reader = Reader::unknown(&reader_marks(&marks));
    let person = Some(reader.clone());
    let context = views::context(&app.config, &channel.config, issue, articles, links, person);
    let place = format!("subject of channel {}", channel.config.id);
    let render =
        |source: &str| (app.templates).render_source(&place, source, Format::Text, &context);
    let title = render(&source);
    let title = if reader.is_used() {
        render(DEFAULT_TITLE)
    } else {
        title
    };
    Ok(HeaderText::clean(&title?).to_string())
}

/// What a channel without a subject template lists its issues under.
pub const DEFAULT_TITLE: &str =
    "{% if issue.articles %}{{ issue.articles[0].title }}{% else %}{{ channel.title }}{% endif %}";

/// The template of the mail that asks a reader to confirm that they signed up. It has nothing
/// that whoever filled in the form wrote: nobody can send their words to others through it.
pub(super) const CONFIRM: &str = "email/confirm";
/// Its subject.
pub(super) const CONFIRM_SUBJECT: &str = "{{ t(\"confirm_subject\", site=site.name) }}";

/// The addresses in a mail, with these in the reader's own.
fn links(app: &App, issue: &Issue, own: &Personal<String>) -> Links {
    let public = |page: &str, token: &str| public_url(&app.config, &format!("{page}/{token}"));
    if issue.is_confirmation() {
        return Links {
            confirm: Some(public("confirm", &own.confirm)),
            ..Links::default()
        };
    }
    Links {
        web: Some(issue_url(&app.config, issue)),
        unsubscribe: Some(public("unsubscribe", &own.unsubscribe)),
        preferences: Some(public("preferences", &own.preferences)),
        feed: feed_url(&app.config),
        confirm: None,
    }
}

/// An issue that does not exist: what a preview shows.
#[must_use]
pub fn imagined(channel: &str, schedule: &str, number: i64, now: UnixMillis) -> Issue {
    Issue {
        id: IssueId(0),
        channel: channel.to_owned(),
        number,
        schedule: schedule.to_owned(),
        slot: String::new(),
        state: crate::domain::IssueState::Waiting,
        title: String::new(),
        created_at: now,
        ledger_upto: 0,
        why_paused: String::new(),
    }
}
