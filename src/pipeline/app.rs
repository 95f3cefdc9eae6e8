//! [`App`]: what the stages are given, opened from a checked configuration.

mod email;
mod hosts;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use url::Url;

use crate::channels::email::Relays;
use crate::channels::feed::{self, FeedSettings};
use crate::channels::social::{self, Social};
use crate::config::{
    ChannelConfig, Config, Problem, Problems, SecretError, SourceConfig, alternatives, nearest,
};
use crate::domain::{TokenKey, UnixMillis};
use crate::html::extract::PageRules;
use crate::net::{Client, FetchError, Pace};
use crate::sources::{self, PushKeys, Source, page};
use crate::store::{Db, Journal, StoreError};
use crate::templates::{TemplateError, Templates};

pub use email::EmailChannel;
use email::open_email;

use super::clock::Clock;
use super::compose::Renderings;
use super::dispatch::Held;
use super::select::Select;

/// The opened house: configuration, database, templates, adapters. Cheap to clone; a reload
/// makes a new one over the same database.
#[derive(Clone)]
pub struct App {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database.
    pub db: Db,
    /// Built-in templates and the operator's own over them.
    pub templates: Arc<Templates>,
    /// The guarded client for everything fetched.
    pub client: Client,
    /// The same without the operator's exceptions, for what strangers name.
    pub outside: Client,
    /// The sources by name.
    pub sources: Arc<BTreeMap<String, OpenSource>>,
    /// The channels by name.
    pub channels: Arc<BTreeMap<String, OpenChannel>>,
    /// The relays by name, with their connections.
    pub relays: Arc<Relays>,
    /// Seals and opens the tokens in links.
    pub keys: TokenKey,
    /// Who we are in lease columns.
    pub owner: String,
    /// Rung when there is new work for planning or sending.
    pub wake: Arc<Wake>,
    /// Renderings of the issues being sent.
    pub renderings: Arc<Renderings>,
    /// What works and is not what the operator may expect.
    pub warnings: Arc<Vec<Problem>>,
    /// The time that leases and retries go by.
    pub clock: Clock,
    /// Where processes note what they have on the wire.
    pub journals: PathBuf,
    /// This process's own notes, once it sends.
    pub journal: Arc<OnceLock<Arc<Journal>>>,
    /// The deliveries that this process has in hand.
    pub held: Arc<Held>,
    /// Held while a feed's files are written: of two writers the one that read later must win.
    pub exporting: Arc<tokio::sync::Mutex<()>>,
}

/// The bells between the stages of one process; across processes the loops look by time.
#[derive(Debug, Default)]
pub struct Wake {
    /// Sources are wished to be polled.
    pub ingest: Notify,
    /// Sources name other hubs than before, or a hub refused.
    pub hubs: Notify,
    /// Articles were stored.
    pub release: Notify,
    /// Articles were corrected: files that hold their old text are to be written anew.
    pub tidy: Notify,
    /// Deliveries were made.
    pub dispatch: Notify,
}

/// A source and its adapter.
pub struct OpenSource {
    /// Its table in the configuration.
    pub config: SourceConfig,
    /// Its kind's adapter.
    pub adapter: Box<dyn Source>,
    /// What its table says about its pages.
    pub rules: PageRules,
}

impl OpenSource {
    /// What a push to it must prove to know; `None` when nobody may push.
    #[must_use]
    pub fn push_keys(&self) -> Option<PushKeys<'_>> {
        let own = self.adapter.push_keys();
        own.or_else(|| {
            PushKeys::of(
                self.config.push_token.as_ref(),
                self.config.push_secret.as_ref(),
            )
        })
    }
}

/// The client for what the configuration names, on the ports that it names.
fn client(config: &Config, sources: &BTreeMap<String, OpenSource>) -> Result<Client, FetchError> {
    let urls = sources.values().filter_map(|source| source.adapter.url());
    let ports = urls.filter_map(Url::port).collect();
    let client = Client::new(&config.network.allow, &user_agent(config))?;
    Ok(client.with_ports(ports))
}

/// A channel, ready to publish.
pub struct OpenChannel {
    /// Its table in the configuration.
    pub config: ChannelConfig,
    /// Which articles it takes.
    pub select: Select,
    /// In what form and to whom.
    pub form: Form,
}

/// The families of channel kinds.
pub enum Form {
    /// Mail to subscribers.
    Email(Box<EmailChannel>),
    /// RSS, Atom and JSON Feed.
    Feed(FeedSettings),
    /// A post on a network.
    Social(Box<dyn Social>),
}

/// The adapters of a configuration, and what is wrong with their own keys.
pub struct Opened {
    /// The sources by name.
    pub sources: BTreeMap<String, OpenSource>,
    /// The channels by name.
    pub channels: BTreeMap<String, OpenChannel>,
    /// What is wrong; nothing may run while there is any.
    pub problems: Vec<Problem>,
    /// What works and is not what the operator may expect.
    pub warnings: Vec<Problem>,
}

/// Opens every source and channel of `config`; all problems at once.
#[must_use]
pub fn open(config: &Config, templates: &Templates) -> Opened {
    let mut opened = Opened {
        sources: BTreeMap::new(),
        channels: BTreeMap::new(),
        problems: Vec::new(),
        warnings: super::warnings::of_config(config),
    };
    for (id, source) in &config.sources {
        let rules = page::rules(source).unwrap_or_else(|problems| {
            opened.problems.extend(problems);
            PageRules::default()
        });
        match sources::open(source) {
            Ok(adapter) => {
                opened.sources.insert(
                    id.clone(),
                    OpenSource {
                        config: source.clone(),
                        adapter,
                        rules,
                    },
                );
            }
            Err(problems) => opened.problems.extend(problems),
        }
    }
    for (id, channel) in &config.channels {
        match open_channel(config, channel, templates, &mut opened.warnings) {
            Ok(open) => {
                opened.channels.insert(id.clone(), open);
            }
            Err(problems) => opened.problems.extend(problems),
        }
    }
    opened
}

fn open_channel(
    config: &Config,
    channel: &ChannelConfig,
    templates: &Templates,
    warnings: &mut Vec<Problem>,
) -> Result<OpenChannel, Vec<Problem>> {
    let form = match channel.kind.as_str() {
        "email" => Form::Email(Box::new(open_email(config, channel, templates, warnings)?)),
        "feed" => Form::Feed(channel.settings.parse()?),
        name => match social::kind(name) {
            Some(kind) => Form::Social((kind.open)(channel)?),
            None => return Err(vec![no_such_kind(channel)]),
        },
    };
    let select = Select::new(channel, templates)
        .map_err(|e| vec![channel.settings.problem("where", e.to_string(), None)])?;
    let open = OpenChannel {
        config: channel.clone(),
        select,
        form,
    };
    warnings.extend(super::warnings::of_channel(&open));
    Ok(open)
}

fn no_such_kind(channel: &ChannelConfig) -> Problem {
    let names = || {
        ["email", feed::KIND]
            .into_iter()
            .chain(social::KINDS.iter().map(|k| k.name))
    };
    let help = match nearest(&channel.kind, names()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("use {}", alternatives(names())),
    };
    let message = format!("there is no kind of channel named `{}`", channel.kind);
    channel.settings.problem("kind", message, Some(help))
}

/// Why nothing could be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendingError {
    /// A relay's password.
    #[error("relay `{0}`: {1}")]
    Relay(String, SecretError),
    /// A key that signs.
    #[error(transparent)]
    Key(#[from] Problems),
    /// The journal.
    #[error(
        "what is on the wire cannot be noted; set `journal` in [delivery] to a directory that can be written to"
    )]
    Journal(#[from] StoreError),
}

/// Why the house could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The operator's templates.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The client for everything fetched.
    #[error(transparent)]
    Client(#[from] FetchError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database's address.
    #[error("the database's address could not be read: {0}")]
    Secret(#[from] SecretError),
}

impl App {
    /// Opens sources and channels of `config` over an open database.
    ///
    /// # Errors
    /// Every problem of the configuration's kinds at once; the templates'; the database's.
    pub async fn open(
        config: Config,
        templates: Templates,
        db: Db,
        owner: String,
        wake: Arc<Wake>,
    ) -> Result<Self, OpenError> {
        let opened = open(&config, &templates);
        if !opened.problems.is_empty() {
            return Err(Problems::sorted(opened.problems).into());
        }
        let names = |is_polled: bool| -> Vec<String> {
            let sources = opened.sources.iter();
            let kept = sources.filter(|(_, source)| source.adapter.is_polled() == is_polled);
            kept.map(|(id, _)| id.clone()).collect()
        };
        let (polled, pushed) = (names(true), names(false));
        let now = UnixMillis::now();
        db.sync_sources(&polled, now).await?;
        db.add_unpolled_sources(&pushed).await?;
        let place = |(id, source): (&String, &OpenSource)| {
            let every = source.config.every.as_millis().min(1 << 60) as i64;
            Some((id.clone(), source.adapter.url()?.to_string(), every))
        };
        let places: Vec<_> = opened.sources.iter().filter_map(place).collect();
        db.place_sources(&places, now).await?;
        hosts::settle(&db, &opened.sources, now).await?;
        db.read_anew(sources::READING).await?;
        for channel in opened.channels.values().map(|c| &c.config) {
            // A reader whose schedule is gone follows the default from here on; they would
            // wait for ever otherwise.
            let known: Vec<String> = channel.schedules.keys().cloned().collect();
            db.forget_schedules(&channel.id, &known).await?;
        }
        let keys = db.token_key().await?;
        let state = std::env::var_os("STATE_DIRECTORY");
        let journals = config.journal_directory(state.as_deref())?;
        let client = client(&config, &opened.sources)?;
        Ok(Self {
            client,
            outside: Client::new(&[], &user_agent(&config))?,
            sources: Arc::new(opened.sources),
            channels: Arc::new(opened.channels),
            relays: Arc::new(Relays::new(&config)),
            config: Arc::new(config),
            templates: Arc::new(templates),
            warnings: Arc::new(opened.warnings),
            renderings: Arc::default(),
            clock: Clock::default(),
            exporting: Arc::default(),
            journal: Arc::default(),
            held: Arc::default(),
            journals,
            db,
            keys,
            owner,
            wake,
        })
    }

    /// This process's journal, begun at the first call.
    ///
    /// # Errors
    /// The store's, naming the file that cannot be written.
    pub fn open_journal(&self) -> Result<Arc<Journal>, StoreError> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal.clone());
        }
        let journal = Arc::new(Journal::begin(&self.journals, &self.keys, &self.owner)?);
        Ok(self.journal.get_or_init(|| journal).clone())
    }

    /// Reads what sending needs, so that a daemon that could not send does not start: the
    /// relays' passwords, the keys that sign, a place for the journal.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn check_sending(&self) -> Result<(), SendingError> {
        let refused = |(relay, error)| SendingError::Relay(relay, error);
        self.relays.check().map_err(refused)?;
        for channel in self.channels.values() {
            if let Form::Email(email) = &channel.form {
                email.signer(&channel.config)?;
            }
        }
        self.open_journal()?;
        Ok(())
    }

    /// The same house for one poll: whatever is fetched of one host has `host_pause` in between.
    #[must_use]
    pub fn at_pace(&self) -> Self {
        let pace = Arc::new(Pace::new(self.config.network.pauses()));
        Self {
            client: self.client.at_pace(&pace),
            outside: self.outside.at_pace(&pace),
            ..self.clone()
        }
    }
}

/// How we introduce ourselves to the servers we fetch from.
fn user_agent(config: &Config) -> String {
    format!(
        "Courant/{} (+{})",
        env!("CARGO_PKG_VERSION"),
        config.server.base_url
    )
}
