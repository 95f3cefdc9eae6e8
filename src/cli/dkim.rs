//! `dkim`: a key that signs mail, the DNS record that publishes it, and the line that uses it.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::channels::email::dkim::{Algorithm, PrivateKey, SigningKey, is_selector};
use crate::domain::EmailAddress;
use crate::pipeline::app::{self, Form};
use crate::runtime::load_config;
use crate::templates::Templates;

use super::Usage;
use super::args::{DkimArgs, KeyAlgorithm};
use super::output::Output;

/// The key's name in the DNS where nobody gives one.
const SELECTOR: &str = "s1";
/// A string of a TXT record holds so many octets; a longer text is several (RFC 1035 §3.3.14).
const STRING: usize = 255;

/// A domain with the keys made for it.
#[derive(Debug, Serialize)]
struct Made {
    domain: String,
    keys: Vec<MadeKey>,
    /// The line for the channels whose sender is of the domain.
    toml: String,
}

/// A key that was made.
#[derive(Debug, Serialize)]
struct MadeKey {
    algorithm: String,
    selector: String,
    file: PathBuf,
    /// The name of its TXT record.
    name: String,
    /// The text of the record.
    record: String,
    /// The same as the strings that it is published in.
    strings: Vec<String>,
    /// The same as a line of a zone file.
    zone: String,
}

/// Makes the keys; never overwrites one.
///
/// # Errors
/// A domain or selector that is none, a key that is there already, a directory that cannot be
/// written to.
pub fn run(config: anyhow::Result<PathBuf>, args: &DkimArgs, out: Output) -> anyhow::Result<()> {
    let base = config
        .as_deref()
        .map_or(Path::new("."), directory_of)
        .to_owned();
    let domains = match &args.domain {
        Some(text) => vec![domain(text)?],
        None => senders(&config?)?,
    };
    if let Some(selector) = args.selector.as_deref().filter(|s| !is_selector(s)) {
        bail!(Usage(format!(
            "`{selector}` cannot be a selector: it is a name in the DNS, of letters, digits and `-`"
        )));
    }
    let dir = args.out.clone().unwrap_or_else(|| base.clone());
    let wanted = wanted(args);
    let file = |domain: &str, selector: &str| dir.join(format!("dkim-{domain}-{selector}.pem"));
    for domain in &domains {
        for (_, selector) in &wanted {
            let file = file(domain, selector);
            if file.exists() {
                bail!(Usage(format!(
                    "{} is there already, and is left as it is: make a new key under another \
                     name with `--selector`",
                    file.display()
                )));
            }
        }
    }
    let mut made = Vec::new();
    for domain in domains {
        let keys: anyhow::Result<Vec<MadeKey>> = wanted
            .iter()
            .map(|(algorithm, selector)| {
                make(*algorithm, &domain, selector, file(&domain, selector))
            })
            .collect();
        let keys = keys?;
        let toml = toml(&domain, &keys, &base);
        made.push(Made { domain, keys, toml });
    }
    let document = serde_json::json!({ "domains": made });
    out.answer(&document, || {
        made.iter().map(text).collect::<Vec<_>>().join("\n")
    })
}

/// The keys to make, with their selectors.
fn wanted(args: &DkimArgs) -> Vec<(Algorithm, String)> {
    let selector = args.selector.as_deref().unwrap_or(SELECTOR).to_owned();
    // The usual name is RSA's, so that the two can be made one after the other.
    let beside = match (&args.selector, args.algorithm) {
        (Some(given), KeyAlgorithm::Ed25519) => given.clone(),
        _ => format!("{selector}-{}", Algorithm::Ed25519),
    };
    match args.algorithm {
        KeyAlgorithm::Rsa => vec![(Algorithm::Rsa, selector)],
        KeyAlgorithm::Ed25519 => vec![(Algorithm::Ed25519, beside)],
        KeyAlgorithm::Both => vec![(Algorithm::Rsa, selector), (Algorithm::Ed25519, beside)],
    }
}

/// What paths in a configuration are relative to.
fn directory_of(config: &Path) -> &Path {
    let parent = config.parent().filter(|dir| !dir.as_os_str().is_empty());
    if config.is_dir() {
        config
    } else {
        parent.unwrap_or(Path::new("."))
    }
}

fn domain(text: &str) -> anyhow::Result<String> {
    match EmailAddress::parse(&format!("a@{text}")) {
        Ok(address) if !text.contains('@') => Ok(address.domain().to_owned()),
        _ => bail!(Usage(format!(
            "`{text}` is not a domain; it should look like news.example.org"
        ))),
    }
}

/// The domains of the e-mail channels' senders.
fn senders(path: &Path) -> anyhow::Result<Vec<String>> {
    let config = load_config(path)?;
    let opened = app::open(&config, &Templates::load(config.templates.as_deref())?);
    let domains: BTreeSet<String> = opened
        .channels
        .values()
        .filter_map(|channel| match &channel.form {
            Form::Email(email) => Some(email.settings.from.address.domain().to_owned()),
            _ => None,
        })
        .collect();
    if domains.is_empty() {
        bail!(Usage(format!(
            "{} has no e-mail channel: name the domain, as `courant dkim news.example.org`",
            path.display()
        )));
    }
    Ok(domains.into_iter().collect())
}

fn make(
    algorithm: Algorithm,
    domain: &str,
    selector: &str,
    file: PathBuf,
) -> anyhow::Result<MadeKey> {
    let key = SigningKey {
        domain: domain.to_owned(),
        selector: selector.to_owned(),
        key: PrivateKey::generate(algorithm)?,
    };
    let (name, record) = (key.record_name(), key.key.record()?);
    write_secret(&file, &key.key.to_pem()?)?;
    let strings: Vec<String> = record
        .as_bytes()
        .chunks(STRING)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    Ok(MadeKey {
        algorithm: algorithm.to_string(),
        selector: key.selector,
        zone: format!("{name}. IN TXT ( {} )", quoted(&strings)),
        file,
        name,
        record,
        strings,
    })
}

/// A new file for its owner alone.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let told = || format!("{} could not be written", path.display());
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(told)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)
}

fn quoted(strings: &[String]) -> String {
    let quoted: Vec<String> = strings.iter().map(|part| format!("\"{part}\"")).collect();
    quoted.join(" ")
}

/// The channel's line; files in the configuration's directory are named relative to it.
fn toml(domain: &str, keys: &[MadeKey], base: &Path) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let keys: Vec<String> = keys
        .iter()
        .map(|key| {
            let file = absolute(&key.file);
            let file = file.strip_prefix(absolute(base)).unwrap_or(&file);
            // JSON's escapes are all TOML basic-string escapes.
            let file = serde_json::Value::from(file.to_string_lossy());
            format!(
                "{{ domain = \"{domain}\", selector = \"{}\", key = {{ file = {file} }} }}",
                key.selector
            )
        })
        .collect();
    format!("dkim = [{}]", keys.join(", "))
}

fn text(made: &Made) -> String {
    let mut text = String::new();
    for key in &made.keys {
        text.push_str(&format!(
            "{} is a new key ({}). It is secret: nobody but the daemon needs to read it.\n\
             Publish in the DNS a TXT record named\n  {}\nwith this text, as one\n  {}\n\
             or, where it must be split, as this line of a zone file\n  {}\n\n",
            key.file.display(),
            key.algorithm,
            key.name,
            key.record,
            key.zone,
        ));
    }
    text.push_str(&format!(
        "When the DNS shows it, add to each channel whose sender is at {}\n  {}\n",
        made.domain, made.toml
    ));
    text.push_str(match &made.keys[..] {
        [one] if one.algorithm == "rsa" => {
            "Some mailboxes read Ed25519 too: `--algorithm ed25519` makes a second key beside it.\n"
        }
        [_] => "Not every mailbox reads Ed25519: sign with an RSA key as well.\n",
        _ => "",
    });
    text
}
