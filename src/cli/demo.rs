//! `demo`: the sample publication as source, the mail catcher as relay, and the real thing in
//! between.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::demo::catcher::Catcher;
use crate::demo::publication::Publication;
use crate::domain::{EmailAddress, UnixMillis};
use crate::pipeline::app::Form;
use crate::pipeline::audience::{self, ImportOptions, SubscriberFields};
use crate::pipeline::{App, dispatch, ingest, plan, release, signup};
use crate::runtime::{Daemon, load_config, open_app, owner};

use super::args::DemoArgs;
use super::output::{Output, print};

const CONFIG: &str = include_str!("../../config/demo.toml");
/// Between two articles of a demo that goes on.
const PACE: Duration = Duration::from_secs(20);

/// Readers of the sample publication: address, name, channel, schedule, zone.
const READERS: [(&str, &str, &str, &str, &str); 5] = [
    (
        "ayesha@readers.example",
        "Ayesha Khan",
        "brief",
        "daily",
        "Asia/Karachi",
    ),
    (
        "tom@readers.example",
        "Tom Fletcher",
        "brief",
        "daily",
        "Europe/London",
    ),
    (
        "noor@readers.example",
        "Noor Iqbal",
        "brief",
        "instant",
        "Asia/Karachi",
    ),
    (
        "bilal@readers.example",
        "بلال احمد",
        "subh",
        "daily",
        "Asia/Karachi",
    ),
    (
        "sana@readers.example",
        "ثنا ملک",
        "subh",
        "instant",
        "Asia/Karachi",
    ),
];

/// Who has just signed up and is asked to confirm.
const GUEST: (&str, &str, &str, &str, &str) = (
    "hira@readers.example",
    "Hira Baloch",
    "brief",
    "daily",
    "Asia/Karachi",
);

/// Runs the demo.
///
/// # Errors
/// Addresses that are taken, a directory that cannot be written to.
pub async fn run(args: DemoArgs, out: Output) -> anyhow::Result<()> {
    let dir = directory(args.dir.clone())?;
    let listen: SocketAddr = args.listen.parse().map_err(|_| {
        super::Usage(format!(
            "`{}` is no address; it should look like 127.0.0.1:8080",
            args.listen
        ))
    })?;
    let stage = Stage::set(&dir, listen, args.once).await?;
    for reader in READERS {
        subscribe(&stage.app, reader, false).await?;
    }
    subscribe(&stage.app, GUEST, true).await?;
    if args.once {
        once(stage, &dir, out).await
    } else {
        go_on(stage, &dir).await
    }
}

/// What the demo plays on.
struct Stage {
    app: App,
    publication: Publication,
    catcher: Catcher,
    addresses: Addresses,
}

struct Addresses {
    public: SocketAddr,
    admin: SocketAddr,
    mail: SocketAddr,
    publication: SocketAddr,
}

impl Stage {
    /// Starts the publication and the catcher, writes the configuration, opens the house.
    async fn set(dir: &Path, listen: SocketAddr, once: bool) -> anyhow::Result<Self> {
        let beside = |step: u16| {
            // One cycle needs no address that a person types.
            let port = if once || listen.port() == 0 {
                0
            } else {
                listen.port().saturating_add(step)
            };
            SocketAddr::new(listen.ip(), port)
        };
        let smtp = bind(beside(4)).await?;
        let mail_pages = bind(beside(2)).await?;
        let site = bind(beside(3)).await?;
        let addresses = Addresses {
            public: listen,
            admin: beside(1),
            mail: mail_pages.local_addr()?,
            publication: site.local_addr()?,
        };
        let publication = Publication::new(
            &format!("http://{}", addresses.publication),
            UnixMillis::now(),
        );
        let catcher = Catcher::new();
        tokio::spawn(publication.clone().serve(site));
        let relay = smtp.local_addr()?;
        tokio::spawn(catcher.clone().serve(smtp));
        let pages = catcher.router();
        tokio::spawn(async move { axum::serve(mail_pages, pages).await });
        let path = dir.join("courant.toml");
        std::fs::write(&path, configuration(&addresses, relay))
            .with_context(|| format!("{} could not be written", path.display()))?;
        let app = open_app(load_config(&path)?, owner("run")).await?;
        Ok(Self {
            app,
            publication,
            catcher,
            addresses,
        })
    }
}

/// The configuration with the addresses of this run.
fn configuration(addresses: &Addresses, relay: SocketAddr) -> String {
    // A digest a minute: nobody watches a demo until tomorrow at seven.
    [
        (
            "{publication}",
            format!("http://{}/", addresses.publication),
        ),
        ("{listen}", addresses.public.to_string()),
        ("{admin}", addresses.admin.to_string()),
        ("{catcher}", relay.to_string()),
        ("{digest}", "* * * * *".to_owned()),
    ]
    .into_iter()
    .fold(CONFIG.to_owned(), |text, (name, value)| {
        text.replace(name, &value)
    })
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "{address} is taken; choose other addresses with --listen, e.g. --listen 127.0.0.1:9080"
        )
    })
}

/// The directory asked for, or a new temporary one.
fn directory(asked: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let dir = match asked {
        Some(dir) => dir,
        None => std::env::temp_dir().join(format!("courant-demo-{}", std::process::id())),
    };
    if dir.join("courant.toml").exists() || dir.join("courant.db").exists() {
        bail!(super::Usage(format!(
            "{} has a courant.toml or a courant.db already; the demo begins in an empty directory",
            dir.display()
        )));
    }
    std::fs::create_dir_all(&dir)
        .with_context(|| format!("{} could not be made", dir.display()))?;
    Ok(std::path::absolute(dir)?)
}

async fn subscribe(
    app: &App,
    (address, name, channel, schedule, zone): (&str, &str, &str, &str, &str),
    pending: bool,
) -> anyhow::Result<()> {
    let options = ImportOptions {
        channels: vec![channel.to_owned()],
        pending,
        ..ImportOptions::default()
    };
    let fields = SubscriberFields {
        address: EmailAddress::parse(address)?,
        name,
        language: None,
        timezone: Some(zone),
        schedule: Some(schedule),
        topics: Vec::new(),
    };
    let reader = audience::subscriber(app, fields, &options).map_err(anyhow::Error::msg)?;
    app.db
        .import_subscribers(&[reader], UnixMillis::now())
        .await?;
    Ok(())
}

/// One full cycle: what is there, then news and a correction, then every product as a file.
async fn once(stage: Stage, dir: &Path, out: Output) -> anyhow::Result<()> {
    let Stage {
        app,
        publication,
        catcher,
        ..
    } = &stage;
    let mut articles = cycle(app).await?;
    while publication.publish_next(UnixMillis::now()).is_some() {}
    let corrected = publication.correct(UnixMillis::now());
    articles += cycle(app).await?;
    let mails = catcher.write_files(&dir.join("mail"))?;
    let files = crate::web::export(app, dir).await?;
    let posts = app.db.payloads(None, None, 10_000).await?.len();
    let feeds = app
        .channels
        .values()
        .filter(|c| matches!(c.form, Form::Feed(_)))
        .count()
        * 3;
    let pages = files - feeds;
    let document = serde_json::json!({
        "dir": dir, "articles": articles, "corrected": corrected.is_some(),
        "mails": mails.len(), "posts": posts, "feeds": feeds, "pages": pages,
    });
    out.answer(&document, || {
        let corrected = if corrected.is_some() {
            ", one was corrected"
        } else {
            ""
        };
        format!(
            "{articles} articles came in{corrected}, and became\n\
             {mails:6} mails   {dir}/mail/\n\
             {feeds:6} feeds   {dir}/feeds/\n\
             {posts:6} posts   {dir}/posts/\n\
             {pages:6} pages   {dir}/archive/\n\
             The database and the configuration are in {dir} too.",
            mails = mails.len(),
            dir = dir.display(),
        )
    })
}

/// Look at the sources, publish what is due and every channel's digest, send all of it.
async fn cycle(app: &App) -> anyhow::Result<usize> {
    let now = UnixMillis::now();
    let names: Vec<String> = app.sources.keys().cloned().collect();
    let reports = ingest::poll(app, Some(&names), now).await?;
    if let Some(error) = reports.iter().find_map(|r| r.error.as_ref()) {
        bail!("the sample publication could not be read: {error}");
    }
    release::release_due(app, now).await?;
    signup::admit(app, now).await?;
    plan::plan(app, now).await?;
    for channel in app.channels.values() {
        plan::publish_now(app, channel, UnixMillis::now())
            .await?
            .ok();
    }
    dispatch::drain(app, |_| {}).await?;
    Ok(reports.iter().map(|r| r.new).sum())
}

/// The daemon on the sample publication, which goes on publishing.
async fn go_on(stage: Stage, dir: &Path) -> anyhow::Result<()> {
    let Stage {
        app,
        publication,
        addresses,
        ..
    } = stage;
    let daemon = Daemon::bind(app).await?;
    print(&format!(
        "Courant's demo is running; everything is on this machine. Open\n\n  \
           http://{}/mail       the mail that readers got (a digest every minute, alerts at once)\n  \
           http://{}/           the readers' pages: newsletters, feeds, archive\n  \
           http://{1}/subscribe  sign up with any address; the link to confirm is in the mail above\n  \
           http://{}/           the operators' pages\n  \
           http://{}/           the sample publication\n\n\
         An article appears every {} seconds. Files: {}. Stop with Ctrl-C.\n",
        addresses.mail,
        addresses.public,
        addresses.admin,
        addresses.publication,
        PACE.as_secs(),
        dir.display(),
    ))?;
    let stop = CancellationToken::new();
    let newsroom = tokio::spawn(async move {
        loop {
            tokio::time::sleep(PACE).await;
            let now = UnixMillis::now();
            let Some(news) = publication
                .publish_next(now)
                .or_else(|| publication.correct(now))
            else {
                eprintln!(
                    "the sample publication has no more articles; start the demo anew for more"
                );
                return;
            };
            eprintln!("published: {} {}", news.title, news.url);
        }
    });
    let result = daemon.run(stop).await;
    newsroom.abort();
    result
}
