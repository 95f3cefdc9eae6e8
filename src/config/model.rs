//! The checked configuration, as the rest of the program sees it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::relay::RelayConfig;
use super::{Rate, Secret, SecretError, Settings};
use crate::domain::UncertainPolicy;
use crate::schedule::Schedule;

/// Everything an operator has decided.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file or directory it was read from.
    pub path: PathBuf,
    /// The directory that relative paths are relative to.
    pub base_dir: PathBuf,
    /// `[site]`: the publication.
    pub site: Site,
    /// `[server]`: our own addresses.
    pub server: Server,
    /// `[database]`: where everything that happened is kept.
    pub database: Database,
    /// `[defaults]` of the sources.
    pub defaults: Defaults,
    /// `[delivery]`: how mail is sent, whatever the relay.
    pub delivery: DeliveryConfig,
    /// `[signup]`: how many may sign up.
    pub signup: SignupConfig,
    /// `[network]`: what fetching may reach.
    pub network: Network,
    /// `[templates] dir`: the operator's own templates, which come before the built-in ones.
    pub templates: Option<PathBuf>,
    /// `[sources.ID]`.
    pub sources: BTreeMap<String, SourceConfig>,
    /// `[relays.ID]`.
    pub relays: BTreeMap<String, RelayConfig>,
    /// `[channels.ID]`.
    pub channels: BTreeMap<String, ChannelConfig>,
}

/// `[site]`: the publication whose articles these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its home page.
    pub url: Url,
    /// Its language, BCP 47; `en` unless set.
    pub language: String,
    /// Its time zone, IANA; `UTC` unless set.
    pub timezone: String,
    /// The publisher's postal address, for every newsletter's footer.
    pub postal_address: String,
}

/// `[server]`: where readers and operators reach us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where the public pages and feeds are served; `127.0.0.1:8080` unless set.
    pub listen: Listen,
    /// How the world reaches them; may have a path. Build links with [`Server::link`].
    pub base_url: Url,
    /// Where the operators' pages and API are served; `127.0.0.1:8081` unless set.
    pub admin_listen: Listen,
    /// Networks whose word counts about whom they forward for (`X-Forwarded-For`); this machine
    /// unless set. Who comes by a Unix socket is believed in any case.
    pub trusted_proxies: Vec<IpNet>,
}

impl Server {
    /// The public address of a path below the base URL: `link("feeds/brief.rss")`.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        let base = self.base_url.as_str().trim_end_matches('/');
        format!("{base}/{}", path.trim_start_matches('/'))
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// `HOST:PORT`.
    Tcp(String),
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `systemd`: a socket handed over at start (socket activation).
    Systemd,
}

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub(super) url: Secret,
    pub(super) base_dir: PathBuf,
}

impl Database {
    /// The database's URL, `sqlite:/absolute/path` or `postgres://…`. It may hold a password:
    /// do not show it.
    ///
    /// # Errors
    /// When the URL is kept as a secret that cannot be read.
    pub fn url(&self) -> Result<String, SecretError> {
        let url = self.url.resolve()?;
        Ok(match url.strip_prefix("sqlite:") {
            Some(path) if !path.contains(":memory:") => {
                let path = path.strip_prefix("//").unwrap_or(path);
                format!("sqlite:{}", self.base_dir.join(path).display())
            }
            _ => url,
        })
    }
}

/// `[defaults]`: what holds for every source that does not say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// How long after it was first seen an article becomes eligible; 10 minutes unless set.
    pub hold: Duration,
    /// More new articles than this in one poll are held for an operator; 25 unless set.
    pub flood: u32,
    /// How long an article that looks like another one is held; 6 hours unless set.
    pub suspect_hold: Duration,
    /// Words by which a source marks a correction in a title or first paragraph.
    pub corrections: Vec<String>,
}

/// `[delivery]`: what holds for all mail, whichever relay and issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryConfig {
    /// The most messages over time, of all daemons together.
    pub rate: Option<Rate>,
    /// The directory where a daemon notes what is on the wire; ask
    /// [`Config::journal_directory`].
    pub journal: Option<PathBuf>,
    /// How long the deliveries of finished issues are kept; 90 days unless set.
    pub keep: Duration,
}

impl Config {
    /// Where a daemon notes what is on the wire: what the configuration says, else beside the
    /// SQLite file, else in systemd's `STATE_DIRECTORY` (handed in), else beside the
    /// configuration.
    ///
    /// # Errors
    /// When the database's URL is kept as a secret that cannot be read.
    pub fn journal_directory(&self, state: Option<&OsStr>) -> Result<PathBuf, SecretError> {
        if let Some(journal) = &self.delivery.journal {
            return Ok(journal.clone());
        }
        let url = self.database.url()?;
        let file = url.strip_prefix("sqlite:");
        let file = file.map(|path| path.split('?').next().unwrap_or(path));
        let beside_file = file
            .filter(|path| !path.contains(":memory:"))
            .and_then(|path| Path::new(path).parent());
        // systemd joins several directories with colons.
        let state = state.and_then(|dirs| std::env::split_paths(dirs).next());
        let state = state.filter(|dir| dir.is_absolute());
        Ok(beside_file
            .map(Path::to_owned)
            .or(state)
            .unwrap_or_else(|| self.base_dir.clone()))
    }
}

/// `[signup]`: how many may sign up by themselves, of all daemons together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignupConfig {
    /// The most confirmation mails over time; `60/m` unless set.
    pub rate: Rate,
    /// The most sign-ups over time from one network (IPv4 /24, IPv6 /64); `30/h` unless set.
    pub per_network: Rate,
}

/// `[network]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Networks that fetching may reach although they are private or local.
    pub allow: Vec<IpNet>,
    /// The least pause between two requests to one host, where it is set; see [`Self::pauses`].
    pub host_pause: Option<Duration>,
    /// Hosts that are asked at the same time; 16 unless set.
    pub hosts: usize,
}

impl Network {
    /// The least pause between two requests to one host, and the networks whose addresses need
    /// none. Where nothing is set it is a second, and none for what the operator allowed by
    /// number: their own machines need not be spared as strangers'.
    #[must_use]
    pub fn pauses(&self) -> (Duration, &[IpNet]) {
        match self.host_pause {
            Some(pause) => (pause, &[]),
            None => (Duration::from_secs(1), &self.allow),
        }
    }
}

/// `[sources.ID]`.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// Its name in the configuration.
    pub id: String,
    /// `feed`, `wordpress`, `sitemap`, `folder` …
    pub kind: String,
    /// The longest pause between polls that its articles call for; 10 minutes unless set.
    pub every: Duration,
    /// Whether `every` is written; a source that has long been silent is asked less often else.
    pub every_is_set: bool,
    /// Whether the site is the operator's own, which need not be spared as a stranger's.
    pub own: bool,
    /// How long after it was first seen an article becomes eligible.
    pub hold: Duration,
    /// More new articles than this in one poll are held for an operator.
    pub flood: u32,
    /// How long an article that looks like another one is held.
    pub suspect_hold: Duration,
    /// What its articles are known by.
    pub identity: Identity,
    /// Whether an article that is dated ahead waits until then.
    pub embargo: bool,
    /// Words by which it marks a correction in a title or first paragraph.
    pub corrections: Vec<String>,
    /// Whether to read the articles' pages, where it is set.
    pub full_text: Option<FullText>,
    /// CSS selectors of the elements of its pages that hold the text.
    pub select: Vec<String>,
    /// CSS selectors of elements that are not text.
    pub strip: Vec<String>,
    /// How many articles of the first poll count as new; none unless set.
    pub backfill: u32,
    /// The language of articles that do not say theirs, BCP 47.
    pub language: Option<String>,
    /// Topics added to each article.
    pub topics: Vec<String>,
    /// Whether to subscribe with the hubs that it names (WebSub); so unless set.
    pub websub: bool,
    /// What a publishing system says when it asks for a poll.
    pub push_token: Option<Secret>,
    /// What a publishing system signs such a request with.
    pub push_secret: Option<Secret>,
    /// The site's language, BCP 47, which its addresses do not name.
    pub site_language: String,
    /// The site's time zone, IANA, for dates that name none.
    pub timezone: String,
    /// What only its kind understands.
    pub settings: Settings,
}

/// What the articles of a source are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// Every name counts, until the source's guids prove to be wrong; its addresses from then on.
    #[default]
    Auto,
    /// Every name counts, whatever the guids do.
    Guid,
    /// Only the articles' addresses count.
    Link,
}

/// When to read an article's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FullText {
    /// Take what the source gives.
    Never,
    /// When the source has only a summary.
    Auto,
    /// For every article.
    Always,
}

/// `[channels.ID]`: which articles, when, in what form, to whom.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// Its name in the configuration.
    pub id: String,
    /// `email`, `feed`, `mastodon` …
    pub kind: String,
    /// Its name for readers; its id unless set.
    pub title: String,
    /// A sentence about it for readers; may be empty.
    pub description: String,
    /// The sources it takes from; empty for all.
    pub sources: Vec<String>,
    /// The topics it takes.
    pub topics: TopicFilter,
    /// The languages it takes, BCP 47; empty for all.
    pub languages: Vec<String>,
    /// A template expression that must be true of an article (`where`).
    pub where_: Option<String>,
    /// When it publishes, by name. `schedule = …` stands here as `main`.
    pub schedules: BTreeMap<String, ChannelSchedule>,
    /// The name of the schedule of a subscriber who picked none; always one of `schedules`.
    pub default_schedule: String,
    /// The time zone of its schedules; the site's unless set.
    pub timezone: String,
    /// Whether schedules run on each subscriber's own clock.
    pub local_time: bool,
    /// What to do about runs that were missed.
    pub missed: Missed,
    /// The name or text of its template; its kind's default unless set.
    pub template: Option<String>,
    /// Whether an issue waits for an operator.
    pub approve: bool,
    /// Whether readers may sign up by themselves: so for e-mail unless set, for nothing else.
    pub signup: bool,
    /// How many articles an issue shows in full; the rest are headlines. 20 unless set.
    pub max_articles: u32,
    /// What to do about deliveries whose answer was lost.
    pub uncertain: UncertainPolicy,
    /// Whether posts really go out (social channels); `false` makes payloads only.
    pub publish: bool,
    /// The directory that each post's JSON is written to as well.
    pub payloads: Option<PathBuf>,
    /// What only its kind understands.
    pub settings: Settings,
}

/// When a channel publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelSchedule {
    /// An issue per article as it becomes eligible.
    Each,
    /// A digest at these times.
    Cron(Schedule),
}

/// What to do about runs that were missed while the daemon was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run serves everything that was missed.
    #[default]
    CatchUp,
    /// Wait for the next run.
    Skip,
}

/// Which topics a channel takes; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicFilter {
    /// An article has at least one of these; empty for no such demand.
    pub any: Vec<String>,
    /// An article has all of these.
    pub all: Vec<String>,
    /// An article has none of these.
    pub none: Vec<String>,
}
