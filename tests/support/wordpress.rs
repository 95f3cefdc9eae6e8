//! A WordPress site as its outside sees it: REST interface with paging and windows, feed,
//! home page, and the ways in which sites close the interface. Real HTTP on 127.0.0.1.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use courant::domain::UnixMillis;
use serde_json::{Value, json};

/// A post of the site.
#[derive(Debug, Clone)]
pub struct WpPost {
    pub id: u64,
    pub status: &'static str,
    pub title: String,
    pub body: String,
    pub date: UnixMillis,
    pub modified: UnixMillis,
    pub is_protected: bool,
}

/// What the interface answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Door {
    #[default]
    Open,
    /// A plug-in refuses with this status.
    Closed(u16),
    /// A plug-in sends everybody the home page.
    Page,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub query: HashMap<String, String>,
    pub authorization: Option<String>,
}

#[derive(Debug, Default)]
struct Desk {
    posts: Vec<WpPost>,
    door: Door,
    asked: Vec<Asked>,
    /// Where the list redirects to.
    redirect: Option<String>,
    /// What its answers say of asking again: `Retry-After`, `Cache-Control`.
    again: Option<[&'static str; 2]>,
}

/// The running site; it stops when dropped.
pub struct WpSite {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
    task: tokio::task::JoinHandle<()>,
}

type Shared = Arc<Mutex<Desk>>;

/// The only login: `ada`, `s3cret word`.
pub const LOGIN: &str = "Basic YWRhOnMzY3JldCB3b3Jk";

impl WpSite {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let desk: Shared = Arc::default();
        let router = Router::new()
            .route("/", get(home))
            .route("/wp-json/wp/v2/posts", get(list))
            .route("/wp-json/wp/v2/posts/{id}", get(one))
            .route("/feed/", get(feed))
            .with_state(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, task }
    }

    /// Publishes post `id` at `date`.
    pub fn publish(&self, id: u64, date: UnixMillis) {
        let post = WpPost {
            id,
            status: "publish",
            title: format!("Story {id}"),
            body: format!("<p>What happened in story {id}, told in a few plain words.</p>"),
            date,
            modified: date,
            is_protected: false,
        };
        self.desk.lock().unwrap().posts.push(post);
    }

    pub fn edit(&self, id: u64, change: impl Fn(&mut WpPost)) {
        let mut desk = self.desk.lock().unwrap();
        change(desk.posts.iter_mut().find(|p| p.id == id).expect("a post"));
    }

    pub fn delete(&self, id: u64) {
        self.desk.lock().unwrap().posts.retain(|p| p.id != id);
    }

    pub fn door(&self, door: Door) {
        self.desk.lock().unwrap().door = door;
    }

    pub fn redirect(&self, to: Option<String>) {
        self.desk.lock().unwrap().redirect = to;
    }

    pub fn ask_again(&self, retry_after: &'static str, cache_control: &'static str) {
        self.desk.lock().unwrap().again = Some([retry_after, cache_control]);
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.desk.lock().unwrap().asked)
    }
}

impl Drop for WpSite {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn note(desk: &mut Desk, path: &str, query: &HashMap<String, String>, headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map(|v| v.to_str().unwrap().to_owned());
    let is_editor = authorization.as_deref() == Some(LOGIN);
    desk.asked.push(Asked {
        path: path.to_owned(),
        query: query.clone(),
        authorization,
    });
    is_editor
}

const HOME: &str = "<!doctype html><html lang=en><head><title>The News</title>\
    <meta name=generator content='WordPress 6.9'>\
    <link rel=alternate type='application/rss+xml' title='Comments Feed' href='/comments/feed/'>\
    <link rel=alternate type='application/rss+xml' title='Feed' href='/feed/'></head><body>News</body></html>";

async fn home(
    State(desk): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    note(&mut desk.lock().unwrap(), "/", &query, &headers);
    (
        [(header::LINK, "</wp-json/>; rel=\"https://api.w.org/\"")],
        Html(HOME),
    )
        .into_response()
}

/// The answer of a closed door.
fn closed(door: Door) -> Option<Response> {
    match door {
        Door::Open => None,
        Door::Closed(status) => {
            let body = json!({"code": "rest_login_required", "message": "Only for members."});
            Some((StatusCode::from_u16(status).unwrap(), Json(body)).into_response())
        }
        Door::Page => Some(Html(HOME).into_response()),
    }
}

/// The posts that a query means, in its order.
fn asked_for(
    mut posts: Vec<WpPost>,
    statuses: &str,
    query: &HashMap<String, String>,
) -> Vec<WpPost> {
    posts.retain(|post| statuses.split(',').any(|status| status == post.status));
    if let Some(include) = query.get("include") {
        posts.retain(|post| include.split(',').any(|id| id == post.id.to_string()));
    }
    if let Some(after) = query.get("modified_after") {
        let after: UnixMillis = format!("{after}Z").parse().unwrap();
        posts.retain(|post| post.modified > after);
    }
    match query.get("orderby").map_or("date", String::as_str) {
        "modified" => posts.sort_by_key(|p| std::cmp::Reverse((p.modified, p.id))),
        _ => posts.sort_by_key(|p| std::cmp::Reverse((p.date, p.id))),
    }
    posts
}

async fn list(
    State(desk): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut desk = desk.lock().unwrap();
    let is_editor = note(&mut desk, "/wp-json/wp/v2/posts", &query, &headers);
    if let Some(to) = desk.redirect.clone() {
        return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    }
    if let Some(refusal) = closed(desk.door) {
        return refusal;
    }
    if headers.contains_key(header::AUTHORIZATION) && !is_editor {
        let body = json!({"code": "incorrect_password"});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let text = |name: &str, default: &str| {
        query
            .get(name)
            .cloned()
            .unwrap_or_else(|| default.to_owned())
    };
    let statuses = text("status", "publish");
    if statuses != "publish" && !is_editor {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"code": "rest_invalid_param"})),
        )
            .into_response();
    }
    let posts = asked_for(desk.posts.clone(), &statuses, &query);
    let per_page: usize = text("per_page", "10").parse().unwrap();
    let page: usize = text("page", "1").parse().unwrap();
    let (total, pages) = (posts.len(), posts.len().div_ceil(per_page));
    if page > 1 && page > pages {
        let body = json!({"code": "rest_post_invalid_page_number"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let shown = posts.iter().skip((page - 1) * per_page).take(per_page);
    let body: Vec<Value> = shown.map(document).collect();
    let headers = [
        ("x-wp-total", total.to_string()),
        ("x-wp-totalpages", pages.to_string()),
    ];
    let mut response = (headers, Json(body)).into_response();
    for (name, value) in [header::RETRY_AFTER, header::CACHE_CONTROL]
        .into_iter()
        .zip(desk.again.into_iter().flatten())
    {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn one(
    State(desk): State<Shared>,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut desk = desk.lock().unwrap();
    note(&mut desk, "/wp-json/wp/v2/posts/ID", &query, &headers);
    if let Some(refusal) = closed(desk.door) {
        return refusal;
    }
    match desk.posts.iter().find(|p| p.id == id) {
        Some(post) if post.status == "publish" => Json(document(post)).into_response(),
        Some(_) => StatusCode::UNAUTHORIZED.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn without_offset(at: UnixMillis) -> String {
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn document(post: &WpPost) -> Value {
    json!({
        "id": post.id, "status": post.status,
        "date_gmt": without_offset(post.date), "modified_gmt": without_offset(post.modified),
        // The site's own time, which nobody should take for UTC.
        "date": "1999-01-01T00:00:00",
        "guid": {"rendered": format!("http://old.example/?p={}", post.id)},
        "link": format!("https://news.example/story-{}/", post.id),
        "title": {"rendered": post.title},
        "content": {"rendered": if post.is_protected { "" } else { &post.body }, "protected": post.is_protected},
        "excerpt": {"rendered": "<p>Short</p>"},
        "_embedded": {"author": [{"name": "Ayesha Khan"}],
            "wp:term": [[{"taxonomy": "category", "name": "News &amp; Views"}]]},
    })
}

async fn feed(
    State(desk): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut desk = desk.lock().unwrap();
    note(&mut desk, "/feed/", &query, &headers);
    let mut posts = desk.posts.clone();
    posts.retain(|p| p.status == "publish");
    posts.sort_by_key(|p| std::cmp::Reverse(p.date));
    let items: String = posts
        .iter()
        .take(10)
        .map(|p| {
            format!(
                "<item><title>{}</title><link>https://news.example/story-{}/</link>\
                 <guid isPermaLink=\"false\">http://old.example/?p={}</guid>\
                 <content:encoded><![CDATA[{}]]></content:encoded></item>",
                p.title, p.id, p.id, p.body
            )
        })
        .collect();
    let body = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\
         <channel><title>News</title><generator>https://wordpress.org/?v=6.9</generator>{items}</channel></rss>"
    );
    ([(header::CONTENT_TYPE, "application/rss+xml")], body).into_response()
}
