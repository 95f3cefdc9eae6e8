//! The publication's pages and the headers they are served with.

use super::{NAME, Site, Standing, TAGLINE, escape, feed};
use crate::demo::content::{PICTURES, Version};
use crate::domain::{UnixMillis, direction_of};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use std::fmt::Write as _;
use std::sync::Arc;

/// Pages that articles link to, so that no link of the sample leads nowhere.
const DESKS: [&str; 11] = [
    "about",
    "archive",
    "books",
    "corrections",
    "kilns",
    "letters",
    "mangoes",
    "rain-club",
    "river-levels",
    "scores",
    "trees",
];

pub fn router(site: Arc<Site>) -> axum::Router {
    axum::Router::new()
        .route("/", get(front))
        .route("/feed/", get(english_feed))
        .route("/feed", get(|| async { Redirect::permanent("/feed/") }))
        .route("/ur/", get(urdu_front))
        .route("/ur/feed/", get(urdu_feed))
        .route("/pictures/{file}", get(picture))
        .route("/{desk}/", get(desk))
        .route("/{year}/{month}/{slug}/", get(article))
        .with_state(site)
}

#[derive(serde::Deserialize)]
struct FrontQuery {
    /// WordPress's short address: `/?p=5`.
    p: Option<usize>,
}

async fn front(State(site): State<Arc<Site>>, Query(query): Query<FrontQuery>) -> Response {
    let Some(id) = query.p else {
        return Html(front_page(&site, "en-GB")).into_response();
    };
    let (published, _) = site.newest(None);
    match published.iter().find(|s| site.articles[s.index].id == id) {
        Some(standing) => Redirect::permanent(&site.url_of(*standing)).into_response(),
        None => not_found(),
    }
}

async fn urdu_front(State(site): State<Arc<Site>>) -> Html<String> {
    Html(front_page(&site, "ur"))
}

async fn english_feed(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    serve_feed(&site, "en-GB", &headers)
}

async fn urdu_feed(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    serve_feed(&site, "ur", &headers)
}

/// A feed, or `304` to whoever has it already (RFC 9110 §13.2.2: the tag decides where both
/// validators come).
fn serve_feed(site: &Site, language: &str, headers: &HeaderMap) -> Response {
    let rss = feed::rss(site, language);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, rss.as_bytes());
    let tag = format!(
        "\"{}\"",
        data_encoding::HEXLOWER.encode(&digest.as_ref()[..16])
    );
    let modified = http_date(site.newest(Some(language)).1);
    let asked = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let known = match asked(header::IF_NONE_MATCH) {
        Some(tags) => tags
            .split(',')
            .any(|t| t.trim().trim_start_matches("W/") == tag),
        None => asked(header::IF_MODIFIED_SINCE) == Some(modified.as_str()),
    };
    let validators = [(header::ETAG, tag), (header::LAST_MODIFIED, modified)];
    if known {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/rss+xml; charset=UTF-8")];
    (validators, kind, rss).into_response()
}

async fn picture(Path(file): Path<String>) -> Response {
    let name = file.strip_suffix(".png");
    match PICTURES.iter().find(|(known, _)| Some(*known) == name) {
        Some((_, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, "image/png"),
                (header::CACHE_CONTROL, "public, max-age=86400"),
            ];
            (headers, *bytes).into_response()
        }
        None => not_found(),
    }
}

async fn desk(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Response {
    if !DESKS.contains(&name.as_str()) {
        return not_found();
    }
    let heading = name.replace('-', " ");
    let body = format!(
        "<h1>{heading}</h1><p>{NAME} is the sample publication of <code>courant demo</code>. \
         Its articles are whole; this page is here so that their links lead somewhere.</p>\
         <p><a href=\"/\">To the front page</a></p>"
    );
    Html(layout(&site, &heading, "en-GB", "", &body)).into_response()
}

async fn article(
    State(site): State<Arc<Site>>,
    Path((_, _, slug)): Path<(String, String, String)>,
) -> Response {
    let (published, _) = site.newest(None);
    match published
        .iter()
        .find(|s| site.articles[s.index].slug == slug)
    {
        Some(standing) => Html(article_page(&site, *standing)).into_response(),
        None => not_found(),
    }
}

fn article_page(site: &Site, standing: Standing) -> String {
    let article = &site.articles[standing.index];
    let url = site.url_of(standing);
    let mut head = format!(
        "<link rel=\"canonical\" href=\"{url}\"><meta property=\"og:type\" content=\"article\">\
         <meta property=\"og:title\" content=\"{}\"><meta property=\"og:url\" content=\"{url}\">\
         <meta name=\"description\" content=\"{}\">\
         <meta property=\"article:published_time\" content=\"{}\">",
        escape(article.title),
        escape(article.summary),
        standing.dated,
        url = escape(&url),
    );
    if standing.version == Version::Corrected {
        let _ = write!(
            head,
            "<meta property=\"article:modified_time\" content=\"{}\">",
            standing.modified
        );
    }
    if let Some(picture) = article.picture {
        let _ = write!(
            head,
            "<meta property=\"og:image\" content=\"{}/pictures/{}.png\">\
             <meta property=\"og:image:alt\" content=\"{}\">",
            escape(&site.base),
            picture.name,
            escape(picture.alt)
        );
    }
    let body = format!(
        "<article><h1>{}</h1><p class=\"by\"><bdi>{}</bdi> · <time datetime=\"{}\">{}</time></p>{}</article>",
        escape(article.title),
        escape(&article.authors.join(", ")),
        standing.dated,
        day_of(standing.dated, article.language),
        site.body_of(standing)
    );
    layout(site, article.title, article.language, &head, &body)
}

fn front_page(site: &Site, language: &str) -> String {
    let (newest, _) = site.newest(Some(language));
    let mut body = format!("<h1>{TAGLINE}</h1><ul class=\"front\">");
    for standing in newest {
        let article = &site.articles[standing.index];
        let _ = write!(
            body,
            "<li><h2><a href=\"{}\">{}</a></h2><p>{}</p></li>",
            escape(&site.url_of(standing)),
            escape(article.title),
            escape(article.summary)
        );
    }
    body.push_str("</ul>");
    layout(site, TAGLINE, language, "", &body)
}

fn layout(site: &Site, title: &str, language: &str, head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\" dir=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} – {NAME}</title>{head}\
         <link rel=\"alternate\" type=\"application/rss+xml\" title=\"{NAME}\" href=\"{base}/feed/\">\
         <link rel=\"alternate\" type=\"application/rss+xml\" title=\"{NAME} (اردو)\" href=\"{base}/ur/feed/\">\
         <style>{STYLE}</style></head><body><header><a class=\"name\" href=\"/\">{NAME}</a> \
         <nav><a href=\"/\" lang=\"en\">English</a> <a href=\"/ur/\" lang=\"ur\">اردو</a></nav></header>\
         <main>{body}</main></body></html>\n",
        direction_of(language).as_str(),
        escape(title),
        base = escape(&site.base),
    )
}

/// `21 November 2026`, `21 نومبر 2026`.
fn day_of(at: UnixMillis, language: &str) -> String {
    const URDU_MONTHS: [&str; 12] = [
        "جنوری",
        "فروری",
        "مارچ",
        "اپریل",
        "مئی",
        "جون",
        "جولائی",
        "اگست",
        "ستمبر",
        "اکتوبر",
        "نومبر",
        "دسمبر",
    ];
    let day = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    if language != "ur" {
        return day.strftime("%-d %B %Y").to_string();
    }
    let month = usize::try_from(day.month()).unwrap_or(1);
    format!("{} {} {}", day.day(), URDU_MONTHS[month - 1], day.year())
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is no such page.\n").into_response()
}

fn http_date(at: UnixMillis) -> String {
    at.timestamp()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d1b18;--paper:#fffdf8;--soft:#6a6257;--line:#e3dccf;--link:#8a3420}\
@media(prefers-color-scheme:dark){:root{--ink:#ece7dd;--paper:#191714;--soft:#a79d8f;--line:#3a352e;--link:#f0a58c}}\
body{margin:0;background:var(--paper);color:var(--ink);font:18px/1.65 Georgia,'Noto Serif',serif}\
:lang(ur){font-family:'Noto Nastaliq Urdu','Jameel Noori Nastaleeq',serif;line-height:2.3}\
header,main{max-width:42rem;margin:auto;padding:1rem}\
header{display:flex;justify-content:space-between;border-bottom:3px double var(--line)}\
.name{font-weight:bold;font-size:1.4rem;color:var(--ink);text-decoration:none;font-family:Georgia,serif}\
a{color:var(--link)}h1{line-height:1.3;font-size:1.9rem}:lang(ur) h1,:lang(ur) h2{line-height:2}\
h2{font-size:1.25rem;line-height:1.4}.by,cite{color:var(--soft);font-style:normal}\
figure{margin:1.2rem 0}img{max-width:100%;height:auto;border-radius:6px}\
blockquote{margin:1.5rem 0;padding-inline-start:1rem;border-inline-start:4px solid var(--link)}\
table{border-collapse:collapse;width:100%}caption{text-align:start;color:var(--soft)}\
th,td{text-align:start;padding:.35rem .6rem;border-bottom:1px solid var(--line)}\
.front{list-style:none;padding:0}.front li{border-bottom:1px solid var(--line)}nav a{margin-inline-start:.8rem}";
