//! An issue becomes a mail: rendered once per variant, then made out to each reader.
//!
//! Readers who get the same articles share one rendering: subject, HTML with its CSS inlined,
//! and text. The two addresses that differ per reader are put in as slots and filled when the
//! mail is made out. A template that asks for `reader` itself cannot be shared and is rendered
//! per reader.

mod rendered;

use std::sync::Arc;

use crate::channels::email::{ListHeaders, Mail, MailError, Mailbox};
use crate::domain::{
    Article, DeliveryId, EmailAddress, HeaderText, Issue, IssueId, Purpose, SubscriberId,
    UnixMillis, message_id,
};
use crate::store::{Claimed, Reader, StoreError};
use crate::templates::context::{Links, Reader as ReaderView};
use crate::templates::{Format, TemplateError};

use super::app::{EmailChannel, OpenChannel};
use super::views::{self, feed_url, issue_url};
use super::{App, public_url};
use rendered::{PREFERENCES_SLOT, UNSUBSCRIBE_SLOT};
pub use rendered::{Rendered, Renderings, parts};

/// Why a mail could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The mail itself.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The CSS of the template.
    #[error("the styles of template `{0}` could not be inlined: {1}")]
    Css(String, String),
    /// The template had the variable and lost the address on the way (through a filter, say).
    #[error(
        "template `{0}` came out without the reader's unsubscribe link: write {{{{ links.unsubscribe }}}} where every mail has it, without a filter"
    )]
    NoWayOut(String),
    /// The address in the database is none (any more).
    #[error("the reader's address cannot be mailed: {0}")]
    Address(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A mail ready for the wire.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The envelope's sender (RFC 5321 MAIL FROM).
    pub envelope_from: String,
    /// The envelope's recipient.
    pub to: EmailAddress,
    /// RFC 5322 bytes.
    pub message: Vec<u8>,
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

/// One mail in the making: everything but the reader.
pub struct Making<'a> {
    /// The house.
    pub app: &'a App,
    /// The channel…
    pub channel: &'a OpenChannel,
    /// …and its own keys.
    pub email: &'a EmailChannel,
    /// The issue.
    pub issue: &'a Issue,
    /// The outbox row; the root of the Message-ID.
    pub delivery: DeliveryId,
    /// The mail's Date, the same at every try.
    pub made_at: UnixMillis,
}

/// Makes out the mail of one claimed delivery.
///
/// # Errors
/// [`ComposeError`]; a template's error concerns the whole issue, an address only its row.
pub async fn mail_for(
    app: &App,
    channel: &OpenChannel,
    email: &EmailChannel,
    issue: &Issue,
    claimed: &Claimed,
    reader: &Reader,
) -> Result<Outgoing, ComposeError> {
    let making = Making {
        app,
        channel,
        email,
        issue,
        delivery: claimed.id,
        made_at: claimed.made_at,
    };
    let to = Recipient {
        subscriber: reader.subscriber,
        address: reader.address.clone(),
        name: reader.name.clone(),
    };
    let mail = if email.personal {
        making.mail(&articles_of(app, claimed).await?, &to).await?
    } else {
        let rendered = making.shared(claimed).await?;
        making.made_out(&rendered, &to)?
    };
    let id = claimed.id;
    let token = format!("{id}-{}", app.keys.mac8(&format!("bounce {id}")));
    let envelope_from = email.settings.envelope_from(&token);
    Ok(Outgoing {
        envelope_from,
        to: mail.to.address.clone(),
        message: mail.build()?,
    })
}

/// The articles of a claimed delivery's variant, at their frozen revisions, newest first.
async fn articles_of(app: &App, claimed: &Claimed) -> Result<Vec<Article>, StoreError> {
    let positions = app
        .db
        .variant_positions(claimed.issue, claimed.variant)
        .await?;
    let all = app.db.issue_articles(claimed.issue).await?;
    Ok(all
        .into_iter()
        .filter(|(line, _)| positions.contains(&line.position))
        .map(|(_, article)| article)
        .collect())
}

impl Making<'_> {
    /// The mail for one reader, rendered for them alone.
    ///
    /// # Errors
    /// A template's error, or an address that is none.
    pub async fn mail(&self, articles: &[Article], to: &Recipient) -> Result<Mail, ComposeError> {
        let links = links_for(self.app, self.issue, to.subscriber);
        let view = ReaderView {
            name: to.name.clone(),
            address: to.address.clone(),
        };
        let rendered = self.render(articles, &links, Some(view)).await?;
        self.made_out(&rendered, to)
    }

    /// The rendering that readers of one variant share.
    async fn shared(&self, claimed: &Claimed) -> Result<Arc<Rendered>, ComposeError> {
        let key = (claimed.issue, claimed.variant);
        if let Some(rendered) = self.app.renderings.get(key) {
            return Ok(rendered);
        }
        let articles = articles_of(self.app, claimed).await?;
        let links = slot_links(self.app, self.issue);
        let rendered = Arc::new(self.render(&articles, &links, None).await?);
        self.app.renderings.keep(key, rendered.clone());
        Ok(rendered)
    }

    /// Renders subject, HTML and text.
    async fn render(
        &self,
        articles: &[Article],
        links: &Links,
        reader: Option<ReaderView>,
    ) -> Result<Rendered, ComposeError> {
        let (config, channel) = (&self.app.config, &self.channel.config);
        let mut context =
            views::context(config, channel, self.issue, articles, links.clone(), reader);
        let templates = self.app.templates.clone();
        let schedule = &self.issue.schedule;
        let name = (self.email).template_for(schedule, self.channel, articles.len());
        let subject_source = self.email.subject_for(articles.len());
        let place = format!("subject of channel {}", self.channel.config.id);
        let work = move || {
            let subject =
                templates.render_source(&place, &subject_source, Format::Text, &context)?;
            let subject = HeaderText::clean(&subject);
            context.issue.title = subject.to_string();
            let (html, text) = parts(&templates, &name, &context)?;
            Ok(Rendered {
                subject,
                html,
                text,
                language: context.language,
            })
        };
        // Inlining costs about a millisecond of CPU for 20 articles: not on the async threads.
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(panic) => Err(ComposeError::Css(
                self.channel.config.id.clone(),
                panic.to_string(),
            )),
        }
    }

    /// Puts a rendering and a reader into a mail.
    fn made_out(&self, rendered: &Rendered, to: &Recipient) -> Result<Mail, ComposeError> {
        let Self {
            app,
            channel,
            email,
            ..
        } = self;
        let address =
            EmailAddress::parse(&to.address).map_err(|e| ComposeError::Address(e.to_string()))?;
        let links = links_for(app, self.issue, to.subscriber);
        let (html, text) = rendered.filled(&links);
        let domain = email.settings.from.address.domain().to_owned();
        let mac = app.keys.mac8(&format!("message {}", self.delivery));
        Ok(Mail {
            from: email.settings.from.clone(),
            to: Mailbox {
                name: HeaderText::clean(&to.name),
                address,
            },
            reply_to: email.settings.reply_to.clone(),
            subject: rendered.subject.clone(),
            message_id: message_id(self.issue.id, self.delivery, &mac, &domain),
            date: self.made_at,
            language: rendered.language.clone(),
            list: self.list(&links),
            archived_at: links.web.as_deref().and_then(|url| url.parse().ok()),
            feedback_id: Some(HeaderText::clean(&format!(
                "{}:{}:{domain}",
                self.issue.id, channel.config.id
            ))),
            delivery: Some(HeaderText::clean(&format!("{}.{mac}", self.delivery))),
            html,
            text,
        })
    }
}

impl Making<'_> {
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

/// The title an issue is listed under: its subject.
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
    let links = slot_links(app, issue);
    let context = views::context(&app.config, &channel.config, issue, articles, links, None);
    let place = format!("subject of channel {}", channel.config.id);
    let title = app
        .templates
        .render_source(&place, &source, Format::Text, &context)?;
    Ok(HeaderText::clean(&title).to_string())
}

/// What a channel without a subject template lists its issues under.
pub const DEFAULT_TITLE: &str =
    "{% if issue.articles %}{{ issue.articles[0].title }}{% else %}{{ channel.title }}{% endif %}";

/// A reader's addresses.
#[must_use]
pub fn links_for(app: &App, issue: &Issue, who: SubscriberId) -> Links {
    let unsubscribe = app.keys.seal(Purpose::Unsubscribe, who, &issue.channel);
    let preferences = app.keys.seal(Purpose::Preferences, who, &issue.channel);
    Links {
        unsubscribe: Some(public_url(
            &app.config,
            &format!("unsubscribe/{unsubscribe}"),
        )),
        preferences: Some(public_url(
            &app.config,
            &format!("preferences/{preferences}"),
        )),
        ..slot_links(app, issue)
    }
}

/// The addresses with slots where a reader's own go.
fn slot_links(app: &App, issue: &Issue) -> Links {
    Links {
        web: Some(issue_url(&app.config, issue)),
        unsubscribe: Some(UNSUBSCRIBE_SLOT.to_owned()),
        preferences: Some(PREFERENCES_SLOT.to_owned()),
        feed: feed_url(&app.config),
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
    }
}
