//! The REST interface of a WordPress site: where it is, and one page of posts at a time.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::post::{Post, post};
use crate::domain::UnixMillis;
use crate::html;
use crate::net::{Client, Conditions, FetchError, Fetched, Limits, Login};
use crate::sources::feed::hints_of;
use crate::sources::{Hints, PollError, links};

/// What is asked of a post, so that an answer has no more than that.
const FIELDS: &str = "id,date_gmt,modified_gmt,guid,slug,status,link,title,content,excerpt,author,\
    categories,tags,featured_media,yoast_head_json,lang,wpml_language,wpml_current_locale,_links,_embedded";
const EMBED: &str = "author,wp:term,wp:featuredmedia";
/// The relation that leads to the interface.
pub(in crate::sources) const RELATION: &str = "https://api.w.org/";

/// Why the interface gave no posts.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is closed, or not there: the site's feed may do.
    Blocked(String),
    /// The site itself is in trouble.
    Poll(PollError),
}

/// One page of a list of posts.
#[derive(Debug, Default)]
pub(super) struct Posts {
    pub(super) posts: Vec<Post>,
    /// `X-WP-Total`: posts in the whole list.
    pub(super) total: Option<u64>,
    /// Whether there is another page.
    pub(super) has_more: bool,
    pub(super) bytes: usize,
    pub(super) status: u16,
    /// How long the answer asks us to stay away.
    pub(super) retry_after: Option<Duration>,
    /// How long it stays as it is.
    pub(super) hints: Hints,
}

/// The interface of one site.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    pub(super) client: &'a Client,
    pub(super) login: Option<&'a Login>,
    pub(super) home: &'a Url,
    /// The kind of posts, as it stands in addresses: `posts`.
    pub(super) kind: &'a str,
    /// Only this language (Polylang, WPML).
    pub(super) language: Option<&'a str>,
    pub(super) root: Url,
}

/// Where a site's interface may be, the best first: where its home page says (in a header or
/// in its head), else in the usual places.
pub(super) async fn roots(client: &Client, home: &Url) -> Result<Vec<Url>, FetchError> {
    let mut roots = match client.get(home, &page(), &page_limits()).await {
        Ok(fetched) => named_by(&fetched),
        // A site that shows its home page to nobody may still answer there.
        Err(FetchError::Status { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    roots.extend(home.join("wp-json/").ok());
    let mut by_query = home.clone();
    by_query.set_query(Some("rest_route=/"));
    roots.push(by_query);
    let mut seen = std::collections::HashSet::new();
    roots.retain(|root| seen.insert(root.clone()));
    Ok(roots)
}

/// Where a page says that its site's interface is.
pub(in crate::sources) fn named_by(fetched: &Fetched) -> Vec<Url> {
    let base = &fetched.final_url;
    let mut roots: Vec<Url> = links::links(&fetched.headers, base)
        .into_iter()
        .filter(|link| link.is(RELATION))
        .map(|link| link.url)
        .collect();
    if roots.is_empty() {
        let head = html::head(&String::from_utf8_lossy(&fetched.body), base);
        let named = head.links.into_iter().filter(|link| link.is(RELATION));
        roots.extend(named.map(|link| link.url));
    }
    roots.truncate(2);
    roots
}

fn page() -> Conditions {
    Conditions {
        accept: Some("text/html, application/xhtml+xml;q=0.9, */*;q=0.5"),
        ..Conditions::default()
    }
}

/// Limits of a web page that is read for its head.
pub(in crate::sources) fn page_limits() -> Limits {
    Limits {
        bytes: 3 * 1024 * 1024,
        time: Duration::from_secs(30),
        redirects: 5,
    }
}

/// The address of a list below the interface's root, in either of its forms.
fn list(root: &Url, kind: &str) -> Url {
    let mut url = root.clone();
    let by_query = root.query_pairs().any(|(name, _)| name == "rest_route");
    if by_query {
        let route = format!("/wp/v2/{kind}");
        url.query_pairs_mut()
            .clear()
            .append_pair("rest_route", &route);
    } else {
        let path = format!("{}/wp/v2/{kind}", root.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url
}

impl Rest<'_> {
    /// One page of posts, with these questions besides the usual ones.
    pub(super) async fn posts(&self, asked: &[(&str, &str)]) -> Result<Posts, Trouble> {
        let fetched = self.get(asked).await?;
        let header = |name: &str| {
            let value = fetched.headers.get(name)?.to_str().ok()?;
            value.trim().parse::<u64>().ok()
        };
        let page: u64 = asked
            .iter()
            .find(|(name, _)| *name == "page")
            .and_then(|(_, page)| page.parse().ok())
            .unwrap_or(1);
        let has_next = links::links(&fetched.headers, &fetched.final_url)
            .iter()
            .any(|link| link.is("next"));
        let mut posts = Posts {
            total: header("x-wp-total"),
            has_more: header("x-wp-totalpages").map_or(has_next, |pages| page < pages),
            bytes: fetched.body.len(),
            status: fetched.status,
            retry_after: fetched.retry_after,
            hints: hints_of(&fetched),
            posts: Vec::new(),
        };
        let home = self.home.clone();
        let at = fetched.final_url.clone();
        let body = fetched.body;
        let read = move || -> Result<Vec<Post>, ()> {
            let value: Value = serde_json::from_slice(&body).map_err(|_| ())?;
            let values = value.as_array().ok_or(())?;
            Ok(values
                .iter()
                .filter_map(|value| post(value, &home))
                .collect())
        };
        posts.posts = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(read)) => read,
            Ok(Err(())) => {
                let why = format!(
                    "{}{} answers no posts",
                    at.origin().ascii_serialization(),
                    at.path()
                );
                return Err(Trouble::Blocked(why));
            }
            Err(_) => {
                return Err(Trouble::Poll(PollError::new(format!(
                    "{}: the posts could not be read: their reader broke down",
                    self.home
                ))));
            }
        };
        Ok(posts)
    }

    async fn get(&self, asked: &[(&str, &str)]) -> Result<Fetched, Trouble> {
        let mut url = list(&self.root, self.kind);
        {
            let mut pairs = url.query_pairs_mut();
            let usual = [("_embed", EMBED), ("_fields", FIELDS)];
            let mine = |name: &str| asked.iter().any(|(own, _)| *own == name);
            pairs.extend_pairs(usual.iter().filter(|(name, _)| !mine(name)));
            pairs.extend_pairs(asked.iter().filter(|(_, value)| !value.is_empty()));
            if let Some(language) = self.language {
                pairs.append_pair("lang", language);
            }
            if self.login.is_some() {
                pairs.append_pair("status", "publish,future,private,draft,pending,trash");
            }
        }
        let conditions = Conditions {
            accept: Some("application/json"),
            ..Conditions::default()
        };
        let limits = Limits::default();
        let got = self.client.get_as(self.login, &url, &conditions, &limits);
        got.await.map_err(|error| match error.status() {
            Some(400 | 401 | 403 | 404 | 405 | 406 | 410 | 451) => {
                Trouble::Blocked(error.to_string())
            }
            _ => match error {
                // Plug-ins send those who ask without a login to the home page, in circles.
                FetchError::Redirects { .. } | FetchError::Location { .. } => {
                    Trouble::Blocked(error.to_string())
                }
                error => Trouble::Poll(error.into()),
            },
        })
    }

    /// Which of these posts are public still.
    pub(super) async fn still_there(&self, ids: &[u64]) -> Result<Vec<u64>, Trouble> {
        let include: Vec<String> = ids.iter().map(u64::to_string).collect();
        let asked = [
            ("include", include.join(",")),
            ("per_page", "100".to_owned()),
            ("_fields", "id,status,content.protected".to_owned()),
            ("_embed", String::new()),
        ];
        let asked: Vec<(&str, &str)> = asked.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let found = self.posts(&asked).await?;
        Ok(found
            .posts
            .into_iter()
            .filter(|p| p.is_public)
            .map(|p| p.id)
            .collect())
    }

    /// Whether a post that was public answers as one that is gone or closed.
    pub(super) async fn is_gone(&self, id: u64) -> bool {
        let mut url = list(&self.root, &format!("{}/{id}", self.kind));
        url.query_pairs_mut().append_pair("_fields", "id,status");
        let got = self
            .client
            .get_as(self.login, &url, &Conditions::default(), &Limits::default())
            .await;
        matches!(got, Err(error) if matches!(error.status(), Some(401 | 403 | 404 | 410)))
    }
}

/// An instant as the interface wants to be asked: in UTC, without an offset.
pub(super) fn asked_for(at: i64) -> String {
    let at = UnixMillis(at.max(0)).timestamp();
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_its_address_in_both_forms() {
        let at = |root: &str| list(&Url::parse(root).unwrap(), "posts").to_string();
        assert_eq!(
            at("https://e.org/wp-json/"),
            "https://e.org/wp-json/wp/v2/posts"
        );
        assert_eq!(
            at("https://e.org/blog/wp-json"),
            "https://e.org/blog/wp-json/wp/v2/posts"
        );
        assert_eq!(
            at("https://e.org/?rest_route=/"),
            "https://e.org/?rest_route=%2Fwp%2Fv2%2Fposts"
        );
        assert_eq!(asked_for(1_790_000_000_123), "2026-09-21T14:13:20");
    }
}
