//! Where templates come from: the program itself, and the operator's directory over it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::Environment;

use super::strings::Strings;
use super::{TemplateError, builtin};

/// The prefix under which a built-in stays reachable when a file has taken its name.
pub(super) const ORIGINALS: &str = "builtin/";

/// A template or strings file larger than this is not one.
const FILE_LIMIT: u64 = 1 << 20;

/// Directories below the operator's that are looked into.
const DEPTH: usize = 6;

/// Compiles the built-ins under their names and under `builtin/`.
pub(super) fn built_in(env: &mut Environment<'static>) -> Result<(), TemplateError> {
    for (name, source) in builtin::TEMPLATES {
        env.add_template(name, source)
            .and_then(|()| env.add_template_owned(format!("{ORIGINALS}{name}"), *source))
            .map_err(|e| TemplateError::compile(&e, name, None))?;
    }
    Ok(())
}

/// An override of `email/digest.html` that extends `email/digest.html` means the original:
/// anything else would only run in a circle.
pub(super) fn join<'s>(name: &'s str, parent: &'s str) -> Cow<'s, str> {
    if name == parent && builtin::TEMPLATES.iter().any(|(known, _)| *known == name) {
        Cow::Owned(format!("{ORIGINALS}{name}"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Compiles every `.html`, `.txt`, `.json` and `.css` file below `dir` and reads `strings/*.toml`.
/// Returns the files by template name.
pub(super) fn directory(
    dir: &Path,
    env: &mut Environment<'static>,
    strings: &mut Strings,
) -> Result<BTreeMap<String, PathBuf>, TemplateError> {
    let mut found = BTreeMap::new();
    collect(dir, "", DEPTH, &mut found)?;
    let mut files = BTreeMap::new();
    for (name, path) in found {
        let text = read(&path)?;
        if let Some(language) = strings_language(&name) {
            strings.add(language, &text, &path)?;
        } else {
            env.add_template_owned(name.clone(), text)
                .map_err(|e| TemplateError::compile(&e, &name, Some(&path)))?;
            files.insert(name, path);
        }
    }
    Ok(files)
}

/// `ur` of `strings/ur.toml`.
fn strings_language(name: &str) -> Option<&str> {
    name.strip_prefix("strings/")?.strip_suffix(".toml")
}

/// Walks a directory; names are paths below the top with `/` on every system.
fn collect(
    dir: &Path,
    prefix: &str,
    depth: usize,
    found: &mut BTreeMap<String, PathBuf>,
) -> Result<(), TemplateError> {
    let unreadable = |e: std::io::Error| {
        TemplateError::file(
            dir,
            &format!("the directory cannot be read: {e}"),
            "create it, correct `dir` under `[templates]`, or let the daemon's user read it",
        )
    };
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let Ok(file_name) = entry.file_name().into_string() else {
            continue;
        };
        // Editors leave `.digest.html.swp` and `#digest.html#` behind.
        if file_name.starts_with(['.', '#']) {
            continue;
        }
        let path = entry.path();
        let name = format!("{prefix}{file_name}");
        if path.is_dir() {
            if depth > 0 {
                collect(&path, &format!("{name}/"), depth - 1, found)?;
            }
        } else if is_template(&name) || strings_language(&name).is_some() {
            found.insert(name, path);
        }
    }
    Ok(())
}

fn is_template(name: &str) -> bool {
    Path::new(name)
        .extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| matches!(ending, "html" | "txt" | "json" | "css"))
}

fn read(path: &Path) -> Result<String, TemplateError> {
    let size = std::fs::metadata(path).map(|m| m.len());
    if size.is_ok_and(|size| size > FILE_LIMIT) {
        let help = "a template has at most 1 MiB; move pictures and other data out of it";
        return Err(TemplateError::file(path, "the file is too large", help));
    }
    std::fs::read_to_string(path).map_err(|e| {
        TemplateError::file(
            path,
            &format!("the file cannot be read: {e}"),
            "templates are UTF-8 text that the daemon's user may read",
        )
    })
}
