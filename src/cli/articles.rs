//! `articles`: what came in, and why it went or did not go to each channel.

use anyhow::bail;

use crate::domain::{Article, ArticleId, ArticleState, RevisionClass, UnixMillis};
use crate::pipeline::explain::{self, Account};
use crate::pipeline::{App, release};
use crate::store::ArticleFilter;

use super::args::{ArticlesArgs, ArticlesCommand};
use super::output::{Output, in_brief, moment, table};

/// How to go on with articles that are held.
pub const HELD: &str = "`courant articles list --state held` names them, `courant articles \
                        release ID` (or `release held`) lets them go, `ignore ID` drops one";

/// Runs `articles …`.
///
/// # Errors
/// An article that there is not, or that is not in a state the command applies to.
pub async fn run(app: &App, args: ArticlesArgs, out: Output) -> anyhow::Result<()> {
    let default = ArticlesCommand::List {
        state: None,
        source: None,
        limit: 100,
    };
    match args.command.unwrap_or(default) {
        ArticlesCommand::List {
            state,
            source,
            limit,
        } => {
            let filter = ArticleFilter {
                source,
                state,
                before: None,
            };
            list(app, &filter, limit, out).await
        }
        ArticlesCommand::Show { id } => show(app, ArticleId(id), out).await,
        ArticlesCommand::Hold { id } => {
            let from = [ArticleState::Waiting, ArticleState::Held];
            set(app, id, &from, ArticleState::Held, "held", out).await
        }
        ArticlesCommand::Ignore { id } => {
            let from = [ArticleState::Waiting, ArticleState::Held];
            set(app, id, &from, ArticleState::Ignored, "ignored", out).await
        }
        ArticlesCommand::Release { id } => let_go(app, &id, out).await,
    }
}

async fn find(app: &App, id: ArticleId) -> anyhow::Result<Article> {
    match app.db.article(id).await? {
        Some(article) => Ok(article),
        None => bail!("{}", unknown(id)),
    }
}

fn unknown(id: ArticleId) -> String {
    format!("there is no article {id}; `courant articles` lists them")
}

async fn list(app: &App, filter: &ArticleFilter, limit: usize, out: Output) -> anyhow::Result<()> {
    let articles = app.db.articles(filter, limit).await?;
    if let Some(source) = &filter.source
        && articles.is_empty()
        && !app.config.sources.contains_key(source)
    {
        bail!("there is no source `{source}`, and no article of one; `courant status` lists them");
    }
    out.answer(&articles, || {
        let rows: Vec<Vec<String>> = articles
            .iter()
            .map(|a| {
                vec![
                    a.id.to_string(),
                    a.source.clone(),
                    a.state.to_string(),
                    moment(a.first_seen),
                    in_brief(&a.revision.title),
                ]
            })
            .collect();
        if rows.is_empty() {
            return "no such article; `courant poll` looks at the sources now".to_owned();
        }
        table(
            &["ID", "SOURCE", "STATE", "FIRST SEEN (UTC)", "TITLE"],
            &rows,
        )
    })
}

async fn show(app: &App, id: ArticleId, out: Output) -> anyhow::Result<()> {
    let Some(account) = explain::account(app, id, UnixMillis::now()).await? else {
        bail!("{}", unknown(id));
    };
    out.answer(&account, || told(&account))
}

/// An account for people: what it is, where it stands, each channel, then revisions and names.
fn told(account: &Account) -> String {
    let (article, r) = (&account.article, &account.article.revision);
    let topics = match r.topics.join(", ") {
        none if none.is_empty() => none,
        topics => format!("  topics: {topics}\n"),
    };
    let mut text = format!(
        "article {}: {}\n  {}\n  {} from {}, revision {}, {} words, {}\n{}  {}\n\n",
        article.id,
        r.title,
        r.url,
        article.state,
        article.source,
        r.number,
        r.words,
        r.language,
        topics,
        account.standing,
    );
    for answer in &account.channels {
        text.push_str(&format!("  {}: {}\n", answer.channel, answer.why));
    }
    text.push_str("\nrevisions\n");
    let mut before = 0;
    for line in &account.revisions {
        if line.number > before + 1 {
            text.push_str(&format!(
                "  {} that are not kept\n",
                line.number - before - 1
            ));
        }
        before = line.number;
        let class = line.class.map_or("first seen", RevisionClass::as_str);
        text.push_str(&format!(
            "  {} {} {class}: {}\n",
            line.number,
            moment(line.seen_at),
            in_brief(&line.title)
        ));
    }
    text.push_str("\nknown by\n");
    for name in &account.keys {
        let weak = if name.weak { " (alike only)" } else { "" };
        text.push_str(&format!("  {}{weak}: {}\n", name.kind, name.value));
    }
    text
}

async fn set(
    app: &App,
    id: i64,
    from: &[ArticleState],
    to: ArticleState,
    done: &str,
    out: Output,
) -> anyhow::Result<()> {
    let article = find(app, ArticleId(id)).await?;
    let reason = format!("{done} by an operator");
    if !app
        .db
        .set_article_state(ArticleId(id), from, to, &reason, None)
        .await?
    {
        bail!("{}", too_late(&article, done));
    }
    out.answer(&serde_json::json!({ "article": id, "state": to }), || {
        format!("article {id} is {done}")
    })
}

/// Why an article cannot be `held` or `ignored`.
fn too_late(article: &Article, done: &str) -> String {
    let id = article.id;
    match article.state {
        ArticleState::Baseline => format!(
            "article {id} was there at the first poll and goes out only if you release it, so it \
             need not be {done}"
        ),
        ArticleState::Released => format!(
            "article {id} is released, so it cannot be {done} any more; `courant issues` says \
             what it is in, and can pause or cancel that"
        ),
        state => format!("article {id} is {state} already"),
    }
}

/// One article, or all that are held.
async fn let_go(app: &App, which: &str, out: Output) -> anyhow::Result<()> {
    let articles = if which == "held" {
        let filter = ArticleFilter {
            state: Some(ArticleState::Held),
            ..ArticleFilter::default()
        };
        let mut held = app.db.articles(&filter, 100_000).await?;
        held.reverse();
        held
    } else {
        let id = which
            .parse()
            .map_err(|_| super::Usage(format!("`{which}` is no article's id, and not `held`")))?;
        vec![find(app, ArticleId(id)).await?]
    };
    let now = UnixMillis::now();
    let (mut released, mut waiting) = (Vec::new(), Vec::new());
    for article in articles {
        if which == "held" && article.revision.published > now {
            if release::keep_embargo(app, &article).await? {
                waiting.push(article.id);
            }
            continue;
        }
        match article.state {
            ArticleState::Held | ArticleState::Waiting => {}
            ArticleState::Baseline => make_news(app, article.id).await?,
            state => bail!(
                "article {} is {state}, so there is nothing to release",
                article.id
            ),
        }
        release::release(app, &article, now).await?;
        released.push(article.id);
    }
    let document = serde_json::json!({ "released": released, "waiting": waiting });
    out.answer(&document, || {
        let mut text = format!("{} released", released.len());
        if !waiting.is_empty() {
            text.push_str(&format!(", {} wait for their dates", waiting.len()));
        }
        text
    })
}

/// An article of a first poll becomes one that can be released.
async fn make_news(app: &App, id: ArticleId) -> anyhow::Result<()> {
    let reason = "released by an operator";
    let from = [ArticleState::Baseline];
    app.db
        .set_article_state(id, &from, ArticleState::Held, reason, None)
        .await?;
    Ok(())
}
