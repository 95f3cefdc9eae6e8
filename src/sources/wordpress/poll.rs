//! One poll by the REST interface: the newest, the last changed, the missing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use url::Url;

use super::post::Post;
use super::rest::{self, Posts, Rest, Trouble, asked_for};
use super::state::{State, Walk};
use super::{DAY, Wordpress};
use crate::domain::{UnixMillis, wordpress_key};
use crate::net::{Client, Login};
use crate::sources::{PollError, Polled, Withdrawal};

const HOUR: i64 = 3_600_000;
/// Posts on one page of a list.
const PER_PAGE: &str = "20";
/// Pages of each list in one poll.
const MOST_PAGES: u32 = 10;
/// Pages of the newest posts in the first poll.
const FIRST_PAGES: u32 = 5;
/// Sites of different zones may compare with their own clock, so a window begins so much earlier.
const OVERLAP: i64 = DAY;
/// How far the list of the last changed is read beyond what was seen: equal times, clocks.
const MARGIN: i64 = 2 * HOUR;
/// After so long no further page is read in a poll.
const LONGEST: Duration = Duration::from_secs(90);
/// Posts asked for by their ids in one poll.
const MOST_ASKED: usize = 50;
/// Lost posts looked at one by one in one poll.
const MOST_CONFIRMED: usize = 5;

/// A poll in the making.
pub(super) struct Poll {
    pub(super) state: State,
    pub(super) polled: Polled,
    pub(super) seen: HashSet<u64>,
    pub(super) now: UnixMillis,
    pub(super) full: bool,
    pub(super) started: Instant,
}

impl Poll {
    /// Takes one page of posts.
    fn take(&mut self, posts: Vec<Post>, home: &Url) {
        for post in posts {
            if !self.seen.insert(post.id) {
                continue;
            }
            if let Some(at) = post.modified {
                self.state.modified = self.state.modified.max(at.0.min(self.now.0 + DAY));
            }
            let is_news_to_come = post.is_scheduled && post.published.is_some_and(|p| p > self.now);
            if post.is_public {
                if let Some(at) = post.published {
                    self.state.published = self.state.published.max(at.0.min(self.now.0));
                }
                if self.state.is_old(post.id, post.published) {
                    continue;
                }
                self.state.saw(post.id);
                self.polled.entries.push(post.entry);
            } else if is_news_to_come && !self.state.known.contains(&post.id) {
                // It comes with its date when it is published; until then it is nobody's.
            } else if self.state.lost(post.id, self.now) {
                let keys = post.entry.keys;
                let why = format!("post {} of {home}: {}", post.id, post.why);
                self.polled.withdrawn.push(Withdrawal { keys, why });
            }
        }
    }

    /// Whether it has taken so long that its turn may end.
    fn is_late(&self) -> bool {
        self.started.elapsed() > LONGEST
    }

    fn count(&mut self, page: &Posts) {
        self.polled.bytes += page.bytes;
        self.polled.status = page.status;
        self.polled.retry_after = self.polled.retry_after.max(page.retry_after);
        self.polled.hints.pause = self.polled.hints.pause.max(page.hints.pause);
    }
}

impl Wordpress {
    fn login(&self) -> Result<Option<Login>, Trouble> {
        let Some((user, password)) = &self.login else {
            return Ok(None);
        };
        let password = password
            .resolve()
            .map_err(|error| Trouble::Poll(PollError::new(format!("{}: {error}", self.home))))?;
        Ok(Some(Login::new(&self.home, user, &password)))
    }

    /// By the REST interface.
    pub(super) async fn by_rest(
        &self,
        poll: Poll,
        is_first: bool,
        client: &Client,
    ) -> Result<Poll, Trouble> {
        let login = self.login()?;
        let mut rest = Rest {
            client,
            login: login.as_ref(),
            home: &self.home,
            kind: &self.kind,
            language: self.language.as_deref(),
            root: self.home.clone(),
        };
        let known_root = poll
            .state
            .root
            .as_deref()
            .and_then(|root| Url::parse(root).ok());
        let roots = match known_root {
            Some(root) => vec![root],
            None => rest::roots(client, &self.home)
                .await
                .map_err(|error| Trouble::Poll(error.into()))?,
        };
        let (first, refused) = find(&mut rest, roots).await?;
        let mut poll = poll;
        if let Some(why) = refused {
            poll.polled.notes.push(format!(
                "the login is refused ({why}); only what everybody may read is read: see that \
                 `user` and `application_password` are right and that the user may edit others' posts"
            ));
        } else if login
            .as_ref()
            .is_some_and(|login| !login.is_for(&rest.root))
        {
            poll.polled.notes.push(format!(
                "the login is not sent, because the REST interface is at {}, which is not the \
                 host of `url`",
                rest.root.origin().ascii_serialization()
            ));
        }
        poll.state.root = Some(rest.root.to_string());
        self.newest(&rest, &mut poll, first, is_first).await?;
        if is_first {
            poll.state.began = poll.now.0;
            poll.state.horizon = poll.seen.iter().copied().max().unwrap_or(0);
        } else {
            self.changed(&rest, &mut poll).await?;
        }
        self.missing(&rest, &mut poll).await?;
        Ok(poll)
    }

    /// The newest by date, from the first page that was read in finding the interface.
    async fn newest(
        &self,
        rest: &Rest<'_>,
        poll: &mut Poll,
        mut page: Posts,
        is_first: bool,
    ) -> Result<(), Trouble> {
        let until = poll.state.published - MARGIN;
        let most = if is_first { FIRST_PAGES } else { MOST_PAGES };
        for number in 2.. {
            poll.count(&page);
            let oldest = page.posts.iter().filter_map(|p| p.published).min();
            let is_read = oldest.is_none_or(|at| at.0 < until) && !is_first;
            let is_last = !page.has_more || page.posts.is_empty();
            poll.take(page.posts, &self.home);
            if is_read || is_last || number > most || poll.is_late() {
                break;
            }
            page = match rest.posts(&newest_page(&number.to_string())).await {
                // The list has become shorter than it was.
                Err(Trouble::Blocked(_)) => break,
                page => page?,
            };
        }
        Ok(())
    }

    /// What has changed since the last poll, the last changed first. What is too much for one
    /// poll is read on in the next.
    async fn changed(&self, rest: &Rest<'_>, poll: &mut Poll) -> Result<(), Trouble> {
        let reach = if poll.full { 9 * DAY } else { OVERLAP };
        let newest = match poll.state.modified {
            // Only the site's feed has been read so far.
            0 => poll.state.began,
            modified => modified,
        };
        let before = poll.state.walk.take();
        let after = before.as_ref().map_or(newest - reach, |w| w.after);
        let top = before.as_ref().map_or(newest, |w| w.top);
        let mut back = before.as_ref().map(|w| w.page.saturating_sub(1));
        let mut number = 1;
        for read in 1.. {
            let Some(page) = changed_page(rest, poll, after, number).await? else {
                break;
            };
            let oldest = page.posts.iter().filter_map(|p| p.modified).min();
            // One page more than needed, for clocks and for changes of one second.
            let is_seen = oldest
                .is_none_or(|at| at.0 < top - MARGIN || at.0 < top && (read > 1 || back.is_some()));
            let is_last = !page.has_more || page.posts.is_empty();
            poll.take(page.posts, &self.home);
            number += 1;
            if is_last || is_seen && before.is_none() && !poll.full {
                break;
            }
            if is_seen && let Some(page) = back.take() {
                // What is new has been read; the rest of the walk is further back.
                number = number.max(page);
            }
            if read >= MOST_PAGES || poll.is_late() {
                let top = newest.max(poll.state.modified);
                poll.state.walk = Some(Walk {
                    after,
                    page: number,
                    top,
                });
                poll.polled.notes.push(
                    "very many posts have changed; the rest is read in the next polls".to_owned(),
                );
                break;
            }
        }
        Ok(())
    }

    /// Posts that were public and are in no list: those that are taken back already are looked
    /// for again, and without a login those whose end no list tells.
    async fn missing(&self, rest: &Rest<'_>, poll: &mut Poll) -> Result<(), Trouble> {
        let unseen = |id: &u64| !poll.seen.contains(id);
        let known = poll.state.known.iter().rev().copied();
        let known = known.filter(|_| rest.login.is_none());
        let known: Vec<u64> = known.filter(unseen).take(MOST_ASKED).collect();
        let again = poll.state.withdrawn.keys().copied();
        let again: Vec<u64> = again.filter(unseen).take(MOST_ASKED).collect();
        let asked: Vec<u64> = again.iter().chain(&known).copied().collect();
        if asked.is_empty() {
            return Ok(());
        }
        let there: HashSet<u64> = match rest.still_there(&asked).await {
            Ok(there) => there.into_iter().collect(),
            // Nothing is known of them then.
            Err(Trouble::Blocked(_)) => return Ok(()),
            Err(trouble) => return Err(trouble),
        };
        // Those that are there go to the front, so that others have their turn next time.
        let stay = again.iter().chain(known.iter().rev());
        let stay: Vec<u64> = stay.filter(|id| there.contains(id)).copied().collect();
        for id in &stay {
            poll.state.withdrawn.remove(id);
        }
        poll.state.known.retain(|id| !stay.contains(id));
        poll.state.known.splice(0..0, stay);
        for id in again.into_iter().filter(|id| !there.contains(id)) {
            self.lose(id, poll);
        }
        // A list may leave out what is there; each is looked at by itself before it is missed.
        let lost = known.into_iter().filter(|id| !there.contains(id));
        for id in lost.take(MOST_CONFIRMED) {
            if poll.is_late() {
                break;
            }
            if rest.is_gone(id).await {
                self.lose(id, poll);
            } else {
                poll.state.known.retain(|known| *known != id);
                poll.state.known.insert(0, id);
            }
        }
        Ok(())
    }

    fn lose(&self, id: u64, poll: &mut Poll) {
        if poll.state.lost(id, poll.now) {
            poll.polled.withdrawn.push(Withdrawal {
                keys: wordpress_key(&self.home, id).into_iter().collect(),
                why: format!("post {id} of {} is not there any more", self.home),
            });
        }
    }
}

/// One page of the posts that have changed after an instant; `None` when there is none.
async fn changed_page(
    rest: &Rest<'_>,
    poll: &mut Poll,
    after: i64,
    number: u32,
) -> Result<Option<Posts>, Trouble> {
    let (since, text) = (asked_for(after), number.to_string());
    let asked = [
        ("orderby", "modified"),
        ("order", "desc"),
        ("modified_after", since.as_str()),
        ("per_page", PER_PAGE),
        ("page", text.as_str()),
    ];
    match rest.posts(&asked).await {
        Ok(page) => {
            poll.count(&page);
            Ok(Some(page))
        }
        Err(Trouble::Blocked(why)) => {
            // A later page is not there when the list has become shorter than it was.
            if number == 1 {
                let note = format!("the list of changed posts is closed: {why}");
                poll.polled.notes.push(note);
            }
            Ok(None)
        }
        Err(trouble) => Err(trouble),
    }
}

fn newest_page(number: &str) -> [(&str, &str); 4] {
    [
        ("orderby", "date"),
        ("order", "desc"),
        ("per_page", PER_PAGE),
        ("page", number),
    ]
}

/// Finds the interface among `roots` by its newest posts. A login that it refuses is left out
/// then, with why.
pub(super) async fn find(
    rest: &mut Rest<'_>,
    roots: Vec<Url>,
) -> Result<(Posts, Option<String>), Trouble> {
    let mut closed = None;
    for root in roots {
        rest.root = root;
        match rest.posts(&newest_page("1")).await {
            Ok(page) => return Ok((page, None)),
            Err(Trouble::Blocked(why)) => {
                if rest.login.take().is_some()
                    && let Ok(page) = rest.posts(&newest_page("1")).await
                {
                    return Ok((page, Some(why)));
                }
                closed.get_or_insert(why);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    let why = closed.unwrap_or_else(|| "it was not found".to_owned());
    Err(Trouble::Blocked(why))
}
