//! The files of a folder that may be pages: found by their names alone.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::place;

/// Files of one folder at most.
pub(super) const MOST_FILES: usize = 10_000;
/// Folders below each other at most.
const DEEPEST: usize = 32;
/// Entries of folders looked at, pages or not.
const MOST_NAMES: usize = 200_000;

/// Folders that hold no pages, by the customs of Jekyll and Hugo.
const PASSED_OVER: [&str; 9] = [
    "_drafts",
    "_includes",
    "_layouts",
    "_site",
    "_data",
    "_sass",
    "_plugins",
    "archetypes",
    "node_modules",
];

/// A file that may be a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// From the root, with `/` between its parts.
    pub(super) path: String,
    /// Where to read it.
    pub(super) file: PathBuf,
    /// When it was changed, in milliseconds since 1970.
    pub(super) changed: i64,
    pub(super) size: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// By path.
    pub(super) files: Vec<Found>,
    /// Folders that could not be read, as the beginning of paths: nothing in them has vanished.
    pub(super) unread: Vec<String>,
    pub(super) notes: Vec<String>,
    names: usize,
}

/// Lists the pages below `root`.
///
/// # Errors
/// The root cannot be read.
pub(super) fn list(root: &Path) -> io::Result<Listing> {
    let root = root.canonicalize()?;
    let mut listing = Listing::default();
    let mut folders = vec![(root.clone(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let below = match one(&root, &folder, &prefix, &mut listing) {
            Ok(below) => below,
            Err(error) if prefix.is_empty() => return Err(error),
            Err(error) => {
                listing
                    .notes
                    .push(format!("the folder {prefix} cannot be read: {error}"));
                listing.unread.push(prefix);
                continue;
            }
        };
        if depth == DEEPEST {
            continue;
        }
        for name in below {
            let prefix = format!("{prefix}{name}/");
            folders.push((folder.join(name), prefix, depth + 1));
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    if listing.files.len() > MOST_FILES || listing.names > MOST_NAMES {
        listing.notes.push(format!(
            "there are more than {MOST_FILES} pages or very many other files; the first pages in \
             the order of their paths are read; give each section a source of its own"
        ));
        let left = listing.files.split_off(listing.files.len().min(MOST_FILES));
        listing
            .unread
            .extend(left.into_iter().map(|found| found.path));
    }
    Ok(listing)
}

/// The pages of one folder, and its folders by name.
fn one(
    root: &Path,
    folder: &Path,
    prefix: &str,
    listing: &mut Listing,
) -> io::Result<BTreeSet<String>> {
    let mut below = BTreeSet::new();
    let mut here: Vec<Found> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        listing.names += 1;
        if listing.names > MOST_NAMES {
            break;
        }
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if is_passed_over(&name) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !PASSED_OVER.contains(&name.as_str()) {
                below.insert(name);
            }
            continue;
        }
        let path = format!("{prefix}{name}");
        if place::place(&path).is_none() {
            continue;
        }
        // A link to a file of the folder's own is that file; one that leads out is nothing.
        let file = match entry.path().canonicalize() {
            Ok(file) if file.starts_with(root) => file,
            _ => continue,
        };
        let Ok(about) = std::fs::metadata(&file) else {
            continue;
        };
        if about.is_file() {
            here.push(Found {
                path,
                file,
                changed: changed(&about),
                size: about.len(),
            });
        }
    }
    // What lies beside a bundle's own page belongs to it.
    let is_own = |found: &Found| found.path[prefix.len()..].starts_with("index.");
    if !prefix.is_empty() && here.iter().any(is_own) {
        here.retain(is_own);
    }
    listing.files.append(&mut here);
    Ok(below)
}

/// Names of editors' and programs' own files.
fn is_passed_over(name: &str) -> bool {
    const ENDINGS: [&str; 7] = ["~", ".swp", ".swx", ".tmp", ".part", ".bak", ".orig"];
    name.starts_with(['.', '#', '~']) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// When a file was changed, in milliseconds since 1970.
pub(super) fn changed(about: &std::fs::Metadata) -> i64 {
    let at = about.modified().unwrap_or(UNIX_EPOCH);
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_listed_and_nothing_else_nor_what_lies_outside() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("content");
        for path in [
            "a.md",
            "b/c.ur.md",
            "b/_index.md",
            "_posts/2026-01-01-x.md",
            "_drafts/y.md",
            ".git/z.md",
            "bundle/index.md",
            "bundle/part.md",
            "bundle/boat.jpg",
            "a.md~",
            ".a.md.swp",
            "#a.md#",
            "a.txt",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::fs::write(dir.path().join("secret.md"), "x").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret.md"), root.join("out.md")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("etc")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("loop")).unwrap();
        std::os::unix::fs::symlink("a.md", root.join("in.md")).unwrap();
        let listing = list(&root).unwrap();
        let paths: Vec<&str> = listing.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "_posts/2026-01-01-x.md",
                "a.md",
                "b/c.ur.md",
                "bundle/index.md",
                "in.md"
            ]
        );
        assert!(list(&dir.path().join("nowhere")).is_err());
    }
}
