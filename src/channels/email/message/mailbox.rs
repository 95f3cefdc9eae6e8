//! A name with its address, as people write it: `Ravi Dispatch <brief@news.example.org>`.

use crate::domain::{AddressError, EmailAddress, HeaderText};

/// Why a text is not a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// The address in it is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Text after the address, or a second address.
    #[error("`{0}` should be one address, like Name <name@example.org>")]
    Shape(String),
}

/// A person or a publication with its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name people see; may be empty.
    pub name: HeaderText,
    /// The address.
    pub address: EmailAddress,
}

impl Mailbox {
    /// Reads `name@example.org`, `Name <name@example.org>` or `"Name, Inc." <name@example.org>`.
    /// A name needs no quotes, whatever stands in it: the last `<` begins the address.
    ///
    /// # Errors
    /// A [`MailboxError`] that quotes what was there and says what it should look like.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let text = text.trim();
        let Some((name, address)) = text.rsplit_once('<') else {
            return Ok(Self {
                name: HeaderText::default(),
                address: EmailAddress::parse(text)?,
            });
        };
        let shape = || MailboxError::Shape(text.chars().take(120).collect());
        let address = address.strip_suffix('>').ok_or_else(shape)?;
        // `A <a@example.org>, B <b@example.org>`: two senders are not one.
        if name.contains('<') {
            return Err(shape());
        }
        Ok(Self {
            name: HeaderText::clean(&unquoted(name.trim())),
            address: EmailAddress::parse(address)?,
        })
    }
}

/// The name without the quotes and backslashes of a quoted string (RFC 5322 §3.2.4).
fn unquoted(name: &str) -> String {
    let inner = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return name.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_read_as_people_write_them() {
        for (text, name, address) in [
            ("a@example.org", "", "a@example.org"),
            (
                " Ravi Dispatch <brief@Example.org> ",
                "Ravi Dispatch",
                "brief@example.org",
            ),
            (
                "\"Ravi, Inc. \\\"R\\\"\" <a@example.org>",
                "Ravi, Inc. \"R\"",
                "a@example.org",
            ),
            ("Ravi, Inc. <a@example.org>", "Ravi, Inc.", "a@example.org"),
            ("راوی <a@example.org>", "راوی", "a@example.org"),
            ("<a@example.org>", "", "a@example.org"),
        ] {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!(mailbox.name.as_str(), name, "{text}");
            assert_eq!(mailbox.address.as_str(), address, "{text}");
        }
    }

    #[test]
    fn what_is_no_single_mailbox_is_refused() {
        for text in [
            "",
            "Ravi",
            "Ravi <>",
            "Ravi <a@example.org",
            "Ravi <a@example.org> x",
            "A <a@example.org>, B <b@example.org>",
            "a@example.org, b@example.org",
        ] {
            assert!(Mailbox::parse(text).is_err(), "{text:?} was taken");
        }
    }
}
