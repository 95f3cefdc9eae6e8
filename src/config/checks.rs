//! What can only be seen with the whole configuration in view.

use std::path::Path;

use super::problem::nearest;
use super::settings::Settings;
use super::{Config, Problem};

/// References to sources and relays that are not there.
pub(super) fn references(
    config: &Config,
    sources: &[String],
    relays: &[String],
    problems: &mut Vec<Problem>,
) {
    for channel in config.channels.values() {
        let settings = &channel.settings;
        let wanted = settings.strings("sources");
        problems.extend(unknown(settings, "sources", "source", &wanted, sources));
        let wanted = settings.strings("relays");
        problems.extend(unknown(settings, "relays", "relay", &wanted, relays));
    }
}

fn unknown(
    settings: &Settings,
    family: &str,
    what: &str,
    wanted: &[String],
    known: &[String],
) -> Vec<Problem> {
    let unknown = wanted.iter().filter(|name| !known.contains(name));
    unknown
        .map(|name| {
            let message = format!("there is no {what} `{name}`");
            let help = match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => format!("add a table [{family}.{name}]"),
                None => format!(
                    "add a table [{family}.{name}], or name one of: {}",
                    known.join(", ")
                ),
            };
            settings.problem_at(family, name, message, Some(help))
        })
        .collect()
}

/// Directories that are written to and must not be those that are read.
pub(super) fn directories(config: &Config, problems: &mut Vec<Problem>) {
    for channel in config.channels.values() {
        let settings = &channel.settings;
        for key in ["payloads", "export"] {
            let Some(written) = settings.text(key).map(|path| settings.path(path)) else {
                continue;
            };
            let is_read = |read: &Option<&Path>| read.is_some_and(|read| written.starts_with(read));
            if is_read(&config.templates.as_deref()) {
                let message = format!("`{key}` lies in the directory of the templates");
                let help = "give what Courant writes a directory of its own".to_owned();
                problems.push(settings.problem(key, message, Some(help)));
            } else if written.is_file() {
                let message = format!(
                    "`{key}` is a directory, but {} is a file",
                    written.display()
                );
                problems.push(settings.problem(key, message, None));
            }
        }
    }
}
