//! The feeds as files, for a web server of one's own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{FeedDoc, Format};
use crate::channels::write_atomically;

/// A feed file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the feed could not be written to {}; check that the directory exists or can be made, and that there is room", path.display())]
pub struct ExportError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Writes `doc` as `NAME.rss`, `NAME.atom` and `NAME.json` into `dir`, which is made when it is
/// not there. A file whose bytes would stay the same is left alone, so that a web server's
/// `Last-Modified` keeps its meaning. Returns the paths of the three.
///
/// Each file appears whole or not at all: readers in between see the old one. Blocks on the
/// disk; call it where that is allowed.
///
/// # Errors
/// [`ExportError`] for the first file or directory that could not be written.
pub fn export(dir: &Path, name: &str, doc: &FeedDoc) -> Result<Vec<PathBuf>, ExportError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError { path, source }
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    let mut paths = Vec::with_capacity(Format::ALL.len());
    for format in Format::ALL {
        let path = dir.join(format!("{name}.{}", format.extension()));
        let bytes = format.write(doc);
        if fs::read(&path).ok().as_deref() != Some(&bytes) {
            write_atomically(&path, &bytes).map_err(at(&path))?;
        }
        paths.push(path);
    }
    // The renames themselves are durable once the directory is.
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(at(dir))?;
    Ok(paths)
}
