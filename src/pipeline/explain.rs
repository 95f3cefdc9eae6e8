//! Why an article went or did not go to each channel, in plain words.

use serde::Serialize;

use crate::domain::{Article, ArticleId, ArticleState, IdentityKey, UnixMillis};
use crate::store::{IssueLine, RevisionLine, Standing, StoreError};

use super::App;
use super::app::OpenChannel;

/// All that there is to say of an article.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The article with its newest revision.
    pub article: Article,
    /// Why it is held, waits, is ignored or retracted; empty when there is nothing to say.
    pub reason: String,
    /// Where it stands and what happens next, in one sentence.
    pub standing: String,
    /// When it leaves its hold by itself, where it is in one that ends so.
    pub held_until: Option<UnixMillis>,
    /// When it was released.
    pub released_at: Option<UnixMillis>,
    /// When it was retracted.
    pub retracted_at: Option<UnixMillis>,
    /// Every configured channel.
    pub channels: Vec<ChannelAnswer>,
    /// The names it is known by.
    pub keys: Vec<Name>,
    /// Its revisions that are kept.
    pub revisions: Vec<RevisionLine>,
}

/// What became of an article in a channel.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelAnswer {
    /// The channel.
    pub channel: String,
    /// Its number in the channel's ledger, where it is there.
    pub number: Option<i64>,
    /// The issues of the channel that it is in.
    pub issues: Vec<IssueLine>,
    /// In words.
    pub why: String,
}

/// One name of an article.
#[derive(Debug, Clone, Serialize)]
pub struct Name {
    /// What it was made of.
    pub kind: &'static str,
    /// The name.
    pub value: String,
    /// Whether it only makes another article look like this one.
    pub weak: bool,
}

impl From<IdentityKey> for Name {
    fn from(key: IdentityKey) -> Self {
        Self {
            kind: key.kind.as_str(),
            weak: key.kind.is_weak(),
            value: key.value,
        }
    }
}

/// What there is to say of article `id`; `None` when there is no such article.
///
/// # Errors
/// The store's.
pub async fn account(
    app: &App,
    id: ArticleId,
    now: UnixMillis,
) -> Result<Option<Account>, StoreError> {
    let Some(article) = app.db.article(id).await? else {
        return Ok(None);
    };
    let Some(standing) = app.db.standing(id).await? else {
        return Ok(None);
    };
    let entered = app.db.ledger_of(id).await?;
    let issues = app.db.issues_of(id).await?;
    let answer = |(name, channel): (&String, &OpenChannel)| {
        let row = entered.iter().find(|(of, ..)| of == name);
        let issues: Vec<IssueLine> = issues
            .iter()
            .filter(|line| line.channel == *name)
            .cloned()
            .collect();
        let why = match row {
            Some((_, number, at)) => in_ledger(&article, *number, *at, &issues),
            None => not_in_ledger(&article, &standing, channel, now),
        };
        ChannelAnswer {
            channel: name.clone(),
            number: row.map(|(_, number, _)| *number),
            issues,
            why,
        }
    };
    let channels = app.channels.iter().map(answer).collect();
    let keys = app.db.keys_of(id).await?;
    Ok(Some(Account {
        standing: stands(&article, &standing, now),
        held_until: standing.held_until,
        released_at: standing.released_at,
        retracted_at: standing.retracted_at,
        reason: standing.reason,
        channels,
        keys: keys.into_iter().map(Name::from).collect(),
        revisions: app.db.revisions_of(id).await?,
        article,
    }))
}

/// Where it stands, and what happens next.
fn stands(article: &Article, standing: &Standing, now: UnixMillis) -> String {
    let id = article.id;
    let reason = &standing.reason;
    let because = |text: String| {
        if reason.is_empty() {
            text
        } else {
            format!("{text}: {reason}")
        }
    };
    let mut text = match article.state {
        ArticleState::Baseline => format!(
            "known since the first poll of its source, and no news; `courant articles release \
             {id}` makes it news"
        ),
        ArticleState::Waiting if article.eligible_at > now => {
            because(format!("waits until {}", moment(article.eligible_at)))
        }
        ArticleState::Waiting => "is released at the next look".to_owned(),
        ArticleState::Held => match standing.held_until {
            Some(until) => because(format!(
                "held until {}, or until you release it (`courant articles release {id}`) \
                 or ignore it",
                moment(until)
            )),
            None => because(format!(
                "held until you release it (`courant articles release {id}`) or ignore it"
            )),
        },
        ArticleState::Released => match standing.released_at {
            Some(at) => format!("released at {}", moment(at)),
            None => "released".to_owned(),
        },
        ArticleState::Ignored => because("never goes out".to_owned()),
        ArticleState::Retracted => because(match standing.retracted_at {
            Some(at) => format!("retracted at {}", moment(at)),
            None => "retracted".to_owned(),
        }),
    };
    if let Some((since, why)) = &standing.doubted {
        text.push_str(&format!(
            "; its source has taken it back since {} ({why}), which is believed when it says so \
             again",
            moment(*since)
        ));
    }
    text
}

/// It entered the channel: what became of it there.
fn in_ledger(article: &Article, number: i64, at: UnixMillis, issues: &[IssueLine]) -> String {
    let mut text = format!("number {number} of its ledger since {}", moment(at));
    if issues.is_empty() {
        text.push_str(match article.state {
            ArticleState::Retracted => "; in no issue, and now in none to come",
            _ => "; in no issue yet",
        });
    }
    let told: Vec<String> = issues
        .iter()
        .map(|line| {
            format!(
                "{} of {} ({}, {})",
                line.issue,
                moment(line.created_at),
                line.schedule,
                line.state
            )
        })
        .collect();
    match told.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("; in issue {one}")),
        many => text.push_str(&format!("; in issues {}", many.join(", "))),
    }
    text
}

/// It did not enter the channel: why, or when it will.
fn not_in_ledger(
    article: &Article,
    standing: &Standing,
    channel: &OpenChannel,
    now: UnixMillis,
) -> String {
    match channel.select.refusal(article) {
        Ok(Some(refusal)) => return format!("its selection does not take it: {refusal}"),
        Err(error) => return format!("its `where` fails on it: {error}"),
        Ok(None) => {}
    }
    match article.state {
        ArticleState::Waiting if article.revision.published > now => format!(
            "enters at {}, when its source publishes it",
            moment(article.eligible_at)
        ),
        ArticleState::Waiting => {
            format!("enters when the hold ends, {}", moment(article.eligible_at))
        }
        ArticleState::Held => match standing.held_until {
            Some(until) => {
                let until = moment(until);
                format!("enters when it leaves its hold, {until} at the latest")
            }
            None => "enters when you release it".to_owned(),
        },
        ArticleState::Released => {
            let at = standing.released_at.map(|at| format!(" at {}", moment(at)));
            let at = at.unwrap_or_default();
            format!(
                "takes it now, but did not when it was released{at}: the channel was not there, \
                 or its selection was another one"
            )
        }
        ArticleState::Baseline => "no, it was there at the first poll of its source".to_owned(),
        ArticleState::Ignored => format!("no: {}", standing.reason),
        ArticleState::Retracted => format!("no, it was retracted first: {}", standing.reason),
    }
}

/// An instant in a sentence, to the second.
fn moment(at: UnixMillis) -> String {
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
