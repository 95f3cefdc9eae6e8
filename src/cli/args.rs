//! The command line as people type it.

mod keys;
mod sources;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use keys::{DkimArgs, KeyAlgorithm};
pub use sources::DiscoverArgs;

/// Newsletters, feeds and social posts from the articles you publish.
#[derive(Debug, Parser)]
#[command(
    name = "courant",
    version,
    about,
    long_about = "Courant watches your publication's feeds and carries each new article to its readers:\n\
                  e-mail alerts and digests, RSS/Atom/JSON feeds, and posts for social networks.\n\n\
                  Begin with `courant demo`, which shows all of it on this machine, then `courant init`.",
    after_help = "Exit status: 0 done; 1 what was asked for failed; 2 usage or configuration error.",
    propagate_version = true
)]
pub struct Cli {
    /// Configuration file, or a directory of *.toml files
    /// [default: ./courant.toml, then /etc/courant/courant.toml]
    #[arg(
        short,
        long,
        global = true,
        env = "COURANT_CONFIG",
        value_name = "FILE|DIR"
    )]
    pub config: Option<PathBuf>,
    /// Print one JSON document on standard output instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; repeat for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole system on this machine, with no network and nothing to set up
    Demo(DemoArgs),
    /// Write a small commented courant.toml to begin with
    Init(InitArgs),
    /// Check the configuration and every template, and print what each channel will do
    Check,
    /// Run the daemon: watch, publish, send, serve
    Run,
    /// Look at the sources once, now, and print what is new
    Poll(PollArgs),
    /// Show the issue that would go out now; nothing is sent or recorded
    Preview(PreviewArgs),
    /// Make an issue now
    Publish(PublishArgs),
    /// The issues and their deliveries
    Issues(IssuesArgs),
    /// The articles that came in, and where they went
    Articles(ArticlesArgs),
    /// The audience: add, import, look up, end, erase
    Subscribers(SubscribersArgs),
    /// Look at what a site offers as a source, and print it as configuration
    Discover(DiscoverArgs),
    /// Sources, channels with their next run, the queue, relays
    Status,
    /// Write the archive and the feeds as a static site
    Export(ExportArgs),
    /// Make a consistent copy of the database while the daemon runs
    Backup(BackupArgs),
    /// Make a key that signs mail (DKIM), and print the DNS record to publish
    Dkim(DkimArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Run one full cycle, write the products under the directory, print a summary, exit
    #[arg(long)]
    pub once: bool,
    /// Work here and keep it [default: a temporary directory]
    #[arg(long, value_name = "D")]
    pub dir: Option<PathBuf>,
    /// Where the pages are served
    #[arg(long, value_name = "A", default_value = "127.0.0.1:8080")]
    pub listen: String,
}

/// `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where courant.toml goes
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The publication's name
    #[arg(long)]
    pub name: Option<String>,
    /// The publication's address, e.g. https://news.example.org
    #[arg(long)]
    pub url: Option<String>,
    /// The feed to watch [default: the address with /feed/]
    #[arg(long)]
    pub feed: Option<String>,
    /// The sender of newsletters, e.g. news@example.org
    #[arg(long)]
    pub from: Option<String>,
    /// Language of the publication, e.g. en or ur
    #[arg(long)]
    pub language: Option<String>,
    /// Time zone, e.g. Asia/Karachi
    #[arg(long)]
    pub timezone: Option<String>,
    /// Postal address for the newsletters' footer
    #[arg(long)]
    pub postal_address: Option<String>,
}

/// `poll`.
#[derive(Debug, Args)]
pub struct PollArgs {
    /// The sources to look at [default: all]
    pub sources: Vec<String>,
}

/// The forms of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PreviewForm {
    /// The HTML part of the mail
    Html,
    /// The text part of the mail, or the text of the post
    Text,
    /// The whole mail as it would travel
    Eml,
    /// The payload of a post, or the JSON Feed
    Json,
    /// RSS 2.0
    Rss,
    /// Atom 1.0
    Atom,
}

/// `preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The channel
    pub channel: String,
    /// The form [default: text for mail and posts, rss for feeds]
    #[arg(long = "as", value_enum)]
    pub form: Option<PreviewForm>,
    /// As this subscriber would get it
    #[arg(long, value_name = "ADDR")]
    pub subscriber: Option<String>,
}

/// `publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The channel
    pub channel: String,
    /// Say what would go out and to how many; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Send it to these addresses alone; no issue is recorded
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    pub test: Vec<String>,
    /// With --test: also when there is nothing new (the newest articles are taken)
    #[arg(long)]
    pub empty: bool,
}

/// `issues`.
#[derive(Debug, Args)]
pub struct IssuesArgs {
    /// What to do with them [default: list]
    #[command(subcommand)]
    pub command: Option<IssuesCommand>,
}

/// What to do with issues.
#[derive(Debug, Subcommand)]
pub enum IssuesCommand {
    /// The newest issues with their counts
    List,
    /// One issue: articles, counts, and why deliveries failed
    Show {
        /// The issue's id
        id: i64,
    },
    /// Let an issue that waits for approval go out
    Approve {
        /// The issue's id
        id: i64,
    },
    /// Stop sending for now
    Pause {
        /// The issue's id
        id: i64,
    },
    /// Go on sending
    Resume {
        /// The issue's id
        id: i64,
    },
    /// End it; what was not sent never will be
    Cancel {
        /// The issue's id
        id: i64,
    },
    /// Try deliveries again that ended without success
    Retry {
        /// The issue's id
        id: i64,
        /// Which of them
        #[arg(long, value_enum, default_value = "failed")]
        state: RetryState,
    },
}

/// The states a retry can start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RetryState {
    /// Given up
    Failed,
    /// Handed over without an answer
    Uncertain,
}

/// `articles`.
#[derive(Debug, Args)]
pub struct ArticlesArgs {
    /// What to do with them [default: list]
    #[command(subcommand)]
    pub command: Option<ArticlesCommand>,
}

/// What to do with articles.
#[derive(Debug, Subcommand)]
pub enum ArticlesCommand {
    /// The newest articles and where they stand
    List {
        /// Only those in this state (baseline, waiting, held, released, ignored, retracted)
        #[arg(long)]
        state: Option<crate::domain::ArticleState>,
        /// Only those of this source
        #[arg(long, value_name = "ID")]
        source: Option<String>,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// One article: where it went and why, or why not; its revisions and its names
    Show {
        /// The article's id
        id: i64,
    },
    /// Keep an article back until you release it
    Hold {
        /// The article's id
        id: i64,
    },
    /// Let an article go to the channels that take it, now
    Release {
        /// The article's id; `held` for all that are held. One of a first poll becomes news.
        id: String,
    },
    /// Never send it
    Ignore {
        /// The article's id
        id: i64,
    },
}

/// `subscribers`.
#[derive(Debug, Args)]
pub struct SubscribersArgs {
    /// What to do
    #[command(subcommand)]
    pub command: SubscribersCommand,
}

/// Options of `add` and `import`.
#[derive(Debug, Args)]
pub struct Into {
    /// The e-mail channel; may be repeated
    #[arg(long = "channel", value_name = "ID", required = true)]
    pub channels: Vec<String>,
    /// They have not confirmed anywhere: a mail asks them to, and nothing else is sent before they do
    #[arg(long)]
    pub pending: bool,
}

/// What to do with subscribers.
#[derive(Debug, Subcommand)]
pub enum SubscribersCommand {
    /// Import a CSV file with the head email,name,language,timezone,schedule,topics (only email is needed)
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// Where to
        #[command(flatten)]
        into: Into,
        /// Give a verdict per row and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Where rows that were not taken go [default: FILE.rejects.csv]
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
    },
    /// Print the audience as CSV
    Export {
        /// Only this channel
        #[arg(long, value_name = "ID")]
        channel: Option<String>,
    },
    /// Add one person, or change how they are subscribed
    Add {
        /// The address
        address: String,
        /// Where to
        #[command(flatten)]
        into: Into,
        /// Their name
        #[arg(long, default_value = "")]
        name: String,
        /// Their language, e.g. ur
        #[arg(long)]
        language: Option<String>,
        /// Their time zone, e.g. Europe/London
        #[arg(long)]
        timezone: Option<String>,
        /// The schedule they want, one of the channel's
        #[arg(long)]
        schedule: Option<String>,
        /// A topic they want; may be repeated; none means all
        #[arg(long = "topic", value_name = "TOPIC")]
        topics: Vec<String>,
    },
    /// Everything known about one person
    Show {
        /// The address
        address: String,
    },
    /// End their subscriptions
    Remove {
        /// The address
        address: String,
        /// Only this channel
        #[arg(long, value_name = "ID")]
        channel: Option<String>,
    },
    /// Delete everything about them (what must never be mailed stays known by its key)
    Erase {
        /// The address
        address: String,
    },
    /// Never mail this address again, whatever is imported later
    Suppress {
        /// The address
        address: String,
        /// Why, for the record
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The directory
    pub dir: PathBuf,
}

/// `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The copy; must not exist
    pub file: PathBuf,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
