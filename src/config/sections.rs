//! The document table by table: `[site]`, each `[sources.ID]`, each `[channels.ID]` …

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::node::{Entries, Node};
use super::problem::nearest;
use super::settings::Settings;
use super::text::Text;
use super::{Config, Problem, Site, channel, checks, relay, tables};

/// The tables that a configuration may have.
const TABLES: [&str; 11] = [
    "site",
    "server",
    "database",
    "defaults",
    "delivery",
    "signup",
    "network",
    "templates",
    "sources",
    "relays",
    "channels",
];

/// The document, joined from all files.
pub(super) struct Sections {
    root: Entries,
    text: Arc<Text>,
    base_dir: Arc<Path>,
}

impl Sections {
    pub fn new(root: Entries, text: Text, base_dir: &Arc<Path>) -> Self {
        Self {
            root,
            text: Arc::new(text),
            base_dir: Arc::clone(base_dir),
        }
    }

    /// The configuration as far as it can be made out, with defaults in the place of what is
    /// wrong; what is wrong is added to `problems`.
    pub fn config(&self, path: &Path, problems: &mut Vec<Problem>) -> Config {
        problems.extend(self.unknown_tables());
        let site = self.site(problems);
        let defaults = tables::defaults(&self.table("defaults", problems), problems);
        let mut sources = BTreeMap::new();
        for (id, table) in self.tables("sources", problems) {
            sources.extend(tables::source(&id, table, &site, &defaults, problems).map(|s| (id, s)));
        }
        let mut relays = BTreeMap::new();
        for (id, table) in self.tables("relays", problems) {
            relays.extend(relay::relay(&id, &table, problems).map(|r| (id, r)));
        }
        let mut channels = BTreeMap::new();
        for (id, table) in self.tables("channels", problems) {
            channels.extend(channel::channel(&id, table, &site, problems).map(|c| (id, c)));
        }
        let config = Config {
            path: path.to_owned(),
            base_dir: self.base_dir.to_path_buf(),
            server: tables::server(&self.table("server", problems), problems),
            database: tables::database(&self.table("database", problems), problems),
            delivery: tables::delivery(&self.table("delivery", problems), problems),
            signup: tables::signup(&self.table("signup", problems), problems),
            network: tables::network(&self.table("network", problems), problems),
            templates: tables::templates(&self.table("templates", problems), problems),
            site,
            defaults,
            sources,
            relays,
            channels,
        };
        // A reference to something that could not be read is no second problem.
        let known = |name: &str| self.names(name);
        checks::references(&config, &known("sources"), &known("relays"), problems);
        checks::directories(&config, problems);
        config
    }

    fn site(&self, problems: &mut Vec<Problem>) -> Site {
        let table = self.table("site", problems);
        let mut found = Vec::new();
        let site = tables::site(&table, &mut found);
        match self.root.get("site").map(Spanned::get_ref) {
            Some(Node::Table(_)) => problems.append(&mut found),
            // It is no table, which is a problem noted already.
            Some(_) => {}
            None if self.root.keys().any(|key| is_meant(key.get_ref(), "site")) => {}
            None => {
                let help = "begin with [site] and its `name`, `url` and `postal_address`";
                let message = "there is no table [site]";
                problems.push(self.text.problem(0..0, message, Some(help.to_owned())));
            }
        }
        site
    }

    fn unknown_tables(&self) -> Vec<Problem> {
        let unknown = self
            .root
            .keys()
            .filter(|key| !TABLES.contains(&key.get_ref().as_str()));
        unknown
            .map(|key| {
                let help = match nearest(key.get_ref(), TABLES) {
                    Some(table) => format!("did you mean [{table}]?"),
                    None => format!("the tables are [{}]", TABLES.join("], [")),
                };
                let message = format!("there is no table [{}]", key.get_ref());
                self.text.problem(key.span(), message, Some(help))
            })
            .collect()
    }

    /// The names of `[sources.…]` and its like, also of those with problems.
    fn names(&self, name: &str) -> Vec<String> {
        let table = self.root.get(name).and_then(|t| t.get_ref().as_table());
        let keys = table.into_iter().flat_map(|table| table.keys());
        keys.map(|key| key.get_ref().clone()).collect()
    }

    /// A table of the document, empty when it is not there.
    fn table(&self, name: &str, problems: &mut Vec<Problem>) -> Settings {
        let (head, entries) = match self.root.get_key_value(name) {
            None => (0..0, Entries::new()),
            Some((key, value)) => match value.get_ref() {
                Node::Table(entries) => (value.span(), entries.clone()),
                _ => {
                    problems.push(self.not_a_table(key, name));
                    (key.span(), Entries::new())
                }
            },
        };
        self.settings(format!("[{name}]"), head, entries)
    }

    /// The tables of a family, by id; ids that are none are problems.
    fn tables(&self, family: &str, problems: &mut Vec<Problem>) -> Vec<(String, Settings)> {
        let Some((key, value)) = self.root.get_key_value(family) else {
            return Vec::new();
        };
        let Node::Table(members) = value.get_ref() else {
            problems.push(self.not_a_table(key, &format!("{family}.ID")));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (id, value) in members {
            if !is_id(id.get_ref()) {
                let message = format!("`{}` cannot be a name in [{family}]", id.get_ref());
                let help = "names are of a-z, 0-9, `-` and `_`, begin with a letter or digit, and \
                            have at most 64 characters"
                    .to_owned();
                problems.push(self.text.problem(id.span(), message, Some(help)));
            }
            let name = format!("{family}.{}", id.get_ref());
            match value.get_ref() {
                Node::Table(entries) => {
                    let table = self.settings(format!("[{name}]"), value.span(), entries.clone());
                    tables.push((id.get_ref().clone(), table));
                }
                _ => problems.push(self.not_a_table(id, &name)),
            }
        }
        tables
    }

    fn not_a_table(&self, key: &Spanned<String>, name: &str) -> Problem {
        let message = format!("`{}` must be a table", key.get_ref());
        let help = Some(format!(
            "write [{name}] on a line of its own, its keys below"
        ));
        self.text.problem(key.span(), message, help)
    }

    fn settings(&self, name: String, head: Range<usize>, entries: Entries) -> Settings {
        let (text, base_dir) = (Arc::clone(&self.text), Arc::clone(&self.base_dir));
        Settings::new(name, head, entries, text, base_dir)
    }
}

/// Whether an unknown table's name is a mistyped `table`.
fn is_meant(name: &str, table: &str) -> bool {
    !TABLES.contains(&name) && nearest(name, TABLES) == Some(table)
}

/// `[a-z0-9][a-z0-9_-]*`, at most 64 characters: what is safe in addresses, paths and labels.
pub(super) fn is_id(id: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    id.len() <= 64
        && id.bytes().next().is_some_and(is_plain)
        && id.bytes().all(|b| is_plain(b) || b == b'-' || b == b'_')
}
