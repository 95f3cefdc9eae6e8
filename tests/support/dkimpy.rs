//! Signatures as a stranger sees them: dkimpy shares nothing with us but the standards.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

/// Debian's Python, which has dkimpy (and PyNaCl, without which it knows no Ed25519).
const PYTHON: &str = "/usr/bin/python3";
/// Of each mail, for each signature from the top, its algorithm if it holds, and `broken` if not.
const VERIFY: &str = r#"
import base64, dkim, json, re, sys
asked = json.load(sys.stdin)
records = {name + ".": text.encode() for name, text in asked["records"].items()}
def txt(name, timeout=5):
    return records.get(name.decode())
def verdict(mail, number, value):
    try:
        holds = dkim.DKIM(mail).verify(idx=number, dnsfunc=txt)
    except dkim.DKIMException:
        holds = False
    return re.search(rb"\ba=([a-z0-9-]+)", value)[1].decode() if holds else "broken"
def verdicts(mail):
    headers = dkim.DKIM(mail).headers
    values = [value for name, value in headers if name.lower() == b"dkim-signature"]
    return [verdict(mail, number, value) for number, value in enumerate(values)]
print(json.dumps([verdicts(base64.b64decode(mail)) for mail in asked["mails"]]))
"#;

/// What dkimpy says of each mail's signatures, where DNS has these records.
pub fn verdicts<'a>(
    mails: impl Iterator<Item = &'a [u8]>,
    records: &BTreeMap<String, String>,
) -> Vec<Vec<String>> {
    let encoded = mails.map(|mail| data_encoding::BASE64.encode(mail));
    let asked = json!({ "mails": encoded.collect::<Vec<_>>(), "records": records });
    let mut python = Command::new(PYTHON)
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3 with python3-dkim");
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(asked.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "./test installs python3-dkim");
    serde_json::from_slice(&output.stdout).unwrap()
}
