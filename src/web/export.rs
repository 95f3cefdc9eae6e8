//! The readers' pages as files: what the router answers, byte for byte, so that a static site
//! and the daemon never differ.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::routes::public_router;
use super::state::State;
use crate::channels::{feed, write_atomically};
use crate::config::{ChannelConfig, ChannelSchedule};
use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::store::StoreError;

/// Issues listed on one page of an archive; as many as the pages themselves list.
const PAGE: usize = 50;

/// Why the site could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A page that is not there or whose template fails; the log has the cause.
    #[error("the page {path} answered {status}")]
    Page {
        /// Its path.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// A file.
    #[error("{} could not be written: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Writes the home page, the feeds and the whole archive below `dir`; answers how many files
/// that were. Addresses in them are those of `[server] base_url`.
///
/// # Errors
/// The first page or file that could not be had.
pub async fn export(app: &App, dir: &Path) -> Result<usize, ExportError> {
    let (config, templates) = (app.config.clone(), app.templates.clone());
    let state = State::new(config, templates, app.db.clone(), UnixMillis::now()).await?;
    let site = Site {
        router: public_router(state),
        dir: dir.to_owned(),
    };
    let mut files = site.write("/", "index.html").await?;
    for channel in app.config.channels.values() {
        let id = &channel.id;
        if channel.kind == feed::KIND {
            for format in feed::Format::ALL {
                let path = format!("feeds/{id}.{}", format.extension());
                files += site.write(&format!("/{path}"), &path).await?;
            }
        } else if has_archive(channel) {
            files += archive(app, &site, id).await?;
        }
    }
    Ok(files)
}

/// Whether anybody reads a channel's archive: a newsletter's is read, and a digest post leads
/// to its issue's page; a post about one article leads to the article.
fn has_archive(channel: &ChannelConfig) -> bool {
    let mut schedules = channel.schedules.values();
    channel.kind == "email" || schedules.any(|s| matches!(s, ChannelSchedule::Cron(_)))
}

/// One channel's archive: its lists, and a page per issue.
async fn archive(app: &App, site: &Site, id: &str) -> Result<usize, ExportError> {
    let mut files = 0;
    let mut before = None;
    loop {
        let issues = app.db.archive(id, before, PAGE).await?;
        let Some(oldest) = issues.last().map(|issue| issue.number) else {
            break;
        };
        files += match before {
            None => {
                site.write(
                    &format!("/archive/{id}"),
                    &format!("archive/{id}/index.html"),
                )
                .await?
            }
            Some(number) => {
                let file = format!("archive/{id}/before-{number}/index.html");
                site.write(&format!("/archive/{id}?before={number}"), &file)
                    .await?
            }
        };
        for issue in &issues {
            let page = format!("archive/{id}/{}", issue.number);
            files += site
                .write(&format!("/{page}"), &format!("{page}/index.html"))
                .await?;
        }
        before = Some(oldest);
    }
    Ok(files)
}

struct Site {
    router: Router,
    dir: PathBuf,
}

impl Site {
    /// Writes what `path` answers into `file`; 1, the number of files written.
    async fn write(&self, path: &str, file: &str) -> Result<usize, ExportError> {
        let bytes = self.page(path).await?;
        // A static server has no queries: older lists are directories of their own.
        let bytes = if file.ends_with(".html") {
            String::from_utf8_lossy(&bytes)
                .replace("?before=", "/before-")
                .into_bytes()
        } else {
            bytes
        };
        let target = self.dir.join(file);
        write_atomically(&target, &bytes).map_err(|source| ExportError::File {
            path: target,
            source,
        })?;
        Ok(1)
    }

    async fn page(&self, path: &str) -> Result<Vec<u8>, ExportError> {
        let failed = |status| ExportError::Page {
            path: path.to_owned(),
            status,
        };
        let request = Request::get(path)
            .body(Body::empty())
            .map_err(|_| failed(400))?;
        let service = TowerToHyperService::new(self.router.clone());
        // The router itself cannot fail; its type says so.
        let response = match service.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if !response.status().is_success() {
            return Err(failed(response.status().as_u16()));
        }
        let body = to_bytes(response.into_body(), usize::MAX)
            .await
            .map_err(|_| failed(500))?;
        Ok(body.to_vec())
    }
}
