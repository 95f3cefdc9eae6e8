//! The catcher's pages: a list of what came in, and each message as readers, machines and
//! the network see it.

use super::{Catcher, CaughtMail, Letter};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use quick_xml::escape::escape;
use std::fmt::Write as _;

pub fn router(catcher: Catcher) -> axum::Router {
    axum::Router::new()
        .route("/mail", get(list))
        .route("/mail/{number}", get(one))
        .route("/mail/{number}/html", get(html_part))
        .route("/mail/{number}/source", get(source))
        .with_state(catcher)
}

/// Nothing of ours needs scripts, frames from elsewhere, or forms.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'";
/// A message may show pictures and open its links in new windows, and nothing else.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     img-src http: https: data:; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(serde::Deserialize)]
struct ListQuery {
    /// Present: the page does not refresh itself.
    still: Option<String>,
}

async fn list(State(catcher): State<Catcher>, Query(query): Query<ListQuery>) -> Response {
    let mails = catcher.mails();
    let (head, switch) = if query.still.is_some() {
        ("", "<a href=\"/mail\">Refresh by itself</a>")
    } else {
        (
            "<meta http-equiv=\"refresh\" content=\"5\">",
            "<a href=\"/mail?still\">Stop refreshing</a>",
        )
    };
    let mut body = format!(
        "<header><h1>Caught mail</h1><p>{} · {switch}</p></header>",
        counted(catcher.caught(), mails.len())
    );
    if mails.is_empty() {
        body.push_str(
            "<p class=\"empty\">Nothing yet. Mail appears here when an issue goes out.</p>",
        );
    } else {
        body.push_str(
            "<table><caption class=\"away\">Messages, newest first</caption><thead><tr>\
             <th scope=\"col\">To</th><th scope=\"col\">Subject</th>\
             <th scope=\"col\" class=\"when\">Time (UTC)</th></tr></thead><tbody>",
        );
        for mail in &mails {
            row(&mut body, mail);
        }
        body.push_str("</tbody></table>");
    }
    page("Caught mail", head, &body)
}

fn counted(caught: u64, kept: usize) -> String {
    let messages = if caught == 1 { "message" } else { "messages" };
    match usize::try_from(caught) {
        Ok(all) if all > kept => format!("{caught} {messages}, the newest {kept} kept"),
        _ => format!("{caught} {messages}"),
    }
}

fn row(body: &mut String, mail: &CaughtMail) {
    let _ = write!(
        body,
        "<tr><td><bdi>{}</bdi></td><td><a href=\"/mail/{}\"><bdi>{}</bdi></a></td>\
         <td class=\"when\"><time datetime=\"{}\">{}</time></td></tr>",
        escape(mail.to.join(", ")),
        mail.number,
        escape(subject(&mail.subject)),
        mail.at,
        mail.at.timestamp().strftime("%H:%M:%S"),
    );
}

fn subject(subject: &str) -> &str {
    if subject.is_empty() {
        "(no subject)"
    } else {
        subject
    }
}

async fn one(State(catcher): State<Catcher>, Path(number): Path<u64>) -> Response {
    let Some(mail) = catcher.mail(number) else {
        return not_kept();
    };
    let letter = mail.letter();
    let title = subject(&letter.subject);
    let mut body = format!(
        "<nav aria-label=\"Messages\"><a href=\"/mail\">All mail</a>{}{}</nav>\
         <header><h1 dir=\"auto\">{}</h1><dl>\
         <dt>From</dt><dd><bdi>{}</bdi></dd><dt>To</dt><dd><bdi>{}</bdi></dd>\
         <dt>Caught</dt><dd><time datetime=\"{}\">{}</time>, {} bytes</dd></dl></header>",
        neighbour(&catcher, number.checked_sub(1), "Older"),
        neighbour(&catcher, number.checked_add(1), "Newer"),
        escape(title),
        escape(&letter.from),
        escape(&letter.to),
        mail.at,
        mail.at.timestamp().strftime("%-d %B %Y, %H:%M:%S UTC"),
        mail.bytes.len(),
    );
    parts(&mut body, &mail, &letter);
    page(title, "", &body)
}

fn neighbour(catcher: &Catcher, number: Option<u64>, label: &str) -> String {
    number
        .and_then(|number| catcher.mail(number))
        .map_or_else(String::new, |mail| {
            format!(" <a href=\"/mail/{}\">{label}</a>", mail.number)
        })
}

fn parts(body: &mut String, mail: &CaughtMail, letter: &Letter) {
    if letter.html.is_some() {
        let _ = write!(
            body,
            "<section><h2>HTML <a class=\"alone\" href=\"/mail/{number}/html\">open alone</a></h2>\
             <iframe src=\"/mail/{number}/html\" title=\"The message’s HTML part\" \
             sandbox=\"allow-popups allow-popups-to-escape-sandbox\"></iframe></section>",
            number = mail.number
        );
    }
    if let Some(text) = &letter.text {
        let _ = write!(
            body,
            "<section><h2>Text</h2><pre dir=\"auto\">{}</pre></section>",
            escape(text)
        );
    }
    body.push_str("<section><h2>Headers</h2><table class=\"headers\"><tbody>");
    for (name, value) in &letter.headers {
        let _ = write!(
            body,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(name),
            escape(value)
        );
    }
    let _ = write!(
        body,
        "<tr><th scope=\"row\">Envelope</th><td>&lt;{}&gt; to {}</td></tr></tbody></table>\
         <p><a href=\"/mail/{}/source\">Source of the whole message</a></p></section>",
        escape(&mail.from),
        escape(mail.to.join(", ")),
        mail.number
    );
}

async fn html_part(State(catcher): State<Catcher>, Path(number): Path<u64>) -> Response {
    let html = catcher.mail(number).and_then(|mail| mail.letter().html);
    let Some(html) = html else {
        return not_kept();
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(links_in_new_windows(&html))).into_response()
}

/// A link followed inside the frame would be lost in it.
fn links_in_new_windows(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let head = html
        .to_ascii_lowercase()
        .find("<head")
        .and_then(|at| Some(at + html[at..].find('>')? + 1));
    match head {
        Some(at) => [&html[..at], BASE, &html[at..]].concat(),
        None => html.to_owned(),
    }
}

async fn source(State(catcher): State<Catcher>, Path(number): Path<u64>) -> Response {
    let Some(mail) = catcher.mail(number) else {
        return not_kept();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, mail.bytes.clone()).into_response()
}

fn not_kept() -> Response {
    let body = "<h1>No such message</h1><p>It was never caught, or is no longer kept. \
                <a href=\"/mail\">All mail</a></p>";
    (StatusCode::NOT_FOUND, page("No such message", "", body)).into_response()
}

fn page(title: &str, head: &str, body: &str) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{head}\
         <title>{} – Courant demo</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>\n",
        escape(title)
    );
    (headers, Html(html)).into_response()
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2024;--paper:#f7f7f5;--card:#fff;--soft:#5d6670;--line:#dcdfe3;--link:#0b5cad}\
@media(prefers-color-scheme:dark){:root{--ink:#e7eaed;--paper:#14171a;--card:#1c2024;--soft:#a2abb4;--line:#343a41;--link:#7db8f5}}\
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);\
font:16px/1.5 system-ui,'Noto Sans','Noto Sans Arabic',sans-serif}\
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}\
header{display:flex;flex-wrap:wrap;gap:.2rem 1.5rem;align-items:baseline;justify-content:space-between;margin-bottom:1rem}\
h1{font-size:1.5rem;line-height:1.6;margin:0}header h1[dir]{flex:1 1 100%}h2{font-size:1rem;margin:2rem 0 .5rem;color:var(--soft)}\
header p{margin:0;color:var(--soft)}a{color:var(--link)}a:focus-visible{outline:3px solid var(--link);outline-offset:2px}\
nav{margin-bottom:1rem}nav a,.alone{display:inline-block;padding:.2rem .7rem;border:1px solid var(--line);\
border-radius:1rem;text-decoration:none;background:var(--card);font-weight:normal}.alone{font-size:.85rem;margin-inline-start:.5rem}\
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:8px}\
th,td{padding:.55rem .8rem;text-align:start;border-bottom:1px solid var(--line);overflow-wrap:anywhere;vertical-align:top}\
thead th{color:var(--soft);font-size:.85rem}tbody tr:last-child>*{border-bottom:0}\
.when{white-space:nowrap;text-align:end;color:var(--soft);font-variant-numeric:tabular-nums}\
.headers{font:13px/1.5 ui-monospace,'Noto Sans Mono',monospace}.headers th{white-space:nowrap;color:var(--soft);font-weight:normal}\
.empty{padding:3rem 1rem;text-align:center;background:var(--card);border:1px dashed var(--line);border-radius:8px}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem 1rem;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
iframe{width:100%;height:75vh;min-height:24rem;border:1px solid var(--line);border-radius:8px;background:Canvas;resize:vertical}\
pre{margin:0;padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap;\
overflow-wrap:anywhere;font:14px/1.6 ui-monospace,'Noto Sans Mono','Noto Sans Arabic',monospace}\
.away{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\
@media(max-width:40rem){th,td{padding:.45rem .5rem}.headers th{white-space:normal}}";
