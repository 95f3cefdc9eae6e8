//! `articles`: what came in, and why it went or did not go to each channel.

use anyhow::bail;

use crate::domain::{Article, ArticleId, ArticleState, UnixMillis};
use crate::pipeline::{App, release};
use crate::store::ArticleFilter;

use super::args::{ArticlesArgs, ArticlesCommand};
use super::output::{Output, in_brief, moment, table};

/// Runs `articles …`.
///
/// # Errors
/// An article that there is not, or that is not in a state the command applies to.
pub async fn run(app: &App, args: ArticlesArgs, out: Output) -> anyhow::Result<()> {
    match args
        .command
        .unwrap_or(ArticlesCommand::List { state: None })
    {
        ArticlesCommand::List { state } => list(app, state, out).await,
        ArticlesCommand::Show { id } => show(app, ArticleId(id), out).await,
        ArticlesCommand::Hold { id } => {
            set(
                app,
                id,
                &[ArticleState::Waiting],
                ArticleState::Held,
                "held",
                out,
            )
            .await
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
        None => bail!("there is no article {id}; `courant articles` lists them"),
    }
}

async fn list(app: &App, state: Option<ArticleState>, out: Output) -> anyhow::Result<()> {
    let filter = ArticleFilter {
        state,
        ..ArticleFilter::default()
    };
    let articles = app.db.articles(&filter, 100).await?;
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
            return "no article; `courant poll` looks at the sources now".to_owned();
        }
        table(
            &["ID", "SOURCE", "STATE", "FIRST SEEN (UTC)", "TITLE"],
            &rows,
        )
    })
}

async fn show(app: &App, id: ArticleId, out: Output) -> anyhow::Result<()> {
    let article = find(app, id).await?;
    let entered = app.db.ledger_of(id).await?;
    let reason = app.db.article_reason(id).await?;
    let mut channels = Vec::new();
    for (name, channel) in app.channels.iter() {
        let row = entered.iter().find(|(c, ..)| c == name);
        let why = match (row, channel.select.takes(&article)) {
            (Some((_, number, at)), _) => format!("number {number} of its ledger since {at}"),
            (None, Ok(false)) => "its selection does not take it".to_owned(),
            (None, Err(error)) => format!("its `where` fails on it: {error}"),
            (None, Ok(true)) => match article.state {
                ArticleState::Waiting => {
                    format!("enters when the hold ends, {}", article.eligible_at)
                }
                ArticleState::Released => {
                    "the channel was not there when it was released".to_owned()
                }
                state => format!("the article is {state}: {reason}"),
            },
        };
        channels.push((name.clone(), why));
    }
    let document =
        serde_json::json!({ "article": article, "reason": reason, "channels": channels });
    out.answer(&document, || {
        let r = &article.revision;
        let mut text = format!(
            "article {id}: {}\n  {}\n  {} from {}, revision {}, {} words, {}\n  topics: {}\n\n",
            r.title,
            r.url,
            article.state,
            article.source,
            r.number,
            r.words,
            r.language,
            r.topics.join(", ")
        );
        for (name, why) in &channels {
            text.push_str(&format!("  {name}: {why}\n"));
        }
        text
    })
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
        bail!(
            "article {id} is {}, so it cannot be {done} any more",
            article.state
        );
    }
    out.answer(&serde_json::json!({ "article": id, "state": to }), || {
        format!("article {id} is {done}")
    })
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
    let mut released = Vec::new();
    for article in articles {
        if !matches!(article.state, ArticleState::Held | ArticleState::Waiting) {
            bail!(
                "article {} is {}, so there is nothing to release",
                article.id,
                article.state
            );
        }
        release::release(app, &article, UnixMillis::now()).await?;
        released.push(article.id);
    }
    out.answer(&serde_json::json!({ "released": released }), || {
        format!("{} released", released.len())
    })
}
