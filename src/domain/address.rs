//! E-mail addresses and header text, checked once at the door.

/// Why a text is not an address we would mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("there is no address")]
    Empty,
    /// Not `local@domain`.
    #[error("`{0}` is not an e-mail address; it should look like name@example.org")]
    Syntax(String),
    /// RFC 5321 §4.5.3.1.3: a path has at most 256 octets with its brackets.
    #[error("`{0}…` is too long for an e-mail address (254 characters at most)")]
    TooLong(String),
    /// A name without a dot or an address literal, which no newsletter reader has.
    #[error("`{0}` has no public domain; it should look like name@example.org")]
    Domain(String),
}

/// An e-mail address that can be mailed: valid syntax, a domain with a dot, no leading `-`
/// (which a sendmail-like program would read as an option), ASCII domain (A-labels).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address as people write it: surrounding white space goes, the domain becomes
    /// lower case and A-labels, the local part stays as it is.
    ///
    /// # Errors
    /// An [`AddressError`] that quotes the text and says what it should look like.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let syntax = || AddressError::Syntax(text.chars().take(80).collect());
        if text.len() > 1000 || text.chars().any(char::is_control) {
            return Err(syntax());
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(syntax)?;
        if local.is_empty() || local.len() > 64 || local.starts_with('-') {
            return Err(syntax());
        }
        let no_domain = || AddressError::Domain(text.chars().take(80).collect());
        let domain = match url::Host::parse(domain) {
            Ok(url::Host::Domain(name)) if name.contains('.') && !name.ends_with('.') => name,
            Ok(_) => return Err(no_domain()),
            Err(_) => return Err(syntax()),
        };
        let address = format!("{local}@{domain}");
        if address.len() > 254 {
            return Err(AddressError::TooLong(address.chars().take(40).collect()));
        }
        // lettre is the judge of the local part: what passes here is what it will send to.
        match address.parse::<lettre::Address>() {
            Ok(_) => Ok(Self(address)),
            Err(_) => Err(syntax()),
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, in lower case and ASCII.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two spellings of one mailbox share: the key of subscribers and suppressions.
    /// Local parts are case-sensitive by the letter (RFC 5321 §2.3.11) and nowhere in life.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The address for logs: enough to recognise, not to mail.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

impl std::fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Words of others for logs: each address in them as by [`EmailAddress::masked`].
#[must_use]
pub fn mask_addresses(text: &str) -> String {
    let is_outside = |c: char| c.is_whitespace() || "<>()[],;:\"'`".contains(c);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let local = before.rsplit(is_outside).next().unwrap_or_default();
        masked.push_str(before.strip_suffix(local).unwrap_or_default());
        masked.extend(local.chars().next());
        masked.push_str("***@");
        rest = after;
    }
    masked + rest
}

/// Text that may stand in a mail header or a one-line field: no line breaks, no controls, no
/// bidirectional overrides, at most 500 characters. lettre panics on a carriage return in a
/// display name, so nothing reaches it that is not this.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
#[serde(transparent)]
pub struct HeaderText(String);

impl HeaderText {
    /// Makes header text of anything: white space of every kind becomes one space, what may
    /// not stand there goes, the rest stays.
    #[must_use]
    pub fn clean(text: &str) -> Self {
        let mut out = String::with_capacity(text.len().min(512));
        let mut space = false;
        for c in text.chars() {
            if c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}') {
                space = true;
            } else if c.is_control() || is_bidi_override(c) || c == '\u{feff}' {
            } else {
                if space && !out.is_empty() {
                    out.push(' ');
                }
                space = false;
                out.push(c);
            }
        }
        if let Some((cut, _)) = out.char_indices().nth(500) {
            out.truncate(cut);
            // The cut may have left the space before a word that is gone.
            out.truncate(out.trim_end().len());
        }
        Self(out)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for HeaderText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// LRE, RLE, PDF, LRO, RLO and the isolates: in a subject they can make one thing look like
/// another (CVE-2021-42574). Plain Urdu or Arabic needs none of them.
fn is_bidi_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_people_write_are_taken() {
        for (text, address) in [
            (" Ada@Example.ORG ", "Ada@example.org"),
            (
                "o'neil+news@mail.example.org",
                "o'neil+news@mail.example.org",
            ),
            ("x@bücher.example", "x@xn--bcher-kva.example"),
        ] {
            assert_eq!(EmailAddress::parse(text).unwrap().as_str(), address);
        }
        assert_eq!(
            EmailAddress::parse("Ada@Example.org").unwrap().key(),
            "ada@example.org"
        );
    }

    #[test]
    fn addresses_in_the_words_of_a_relay_are_masked() {
        for (words, shown) in [
            (
                "550 5.1.1 <ada@x.example>: unknown",
                "550 5.1.1 <a***@x.example>: unknown",
            ),
            (
                "to=ada+news@x.example, b@y.example no",
                "t***@x.example, b***@y.example no",
            ),
            ("450 [1.2.3.4] @ all", "450 [1.2.3.4] ***@ all"),
            ("250 اردو@x.example", "250 ا***@x.example"),
            ("451 later", "451 later"),
        ] {
            assert_eq!(mask_addresses(words), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for text in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "a b@example.org",
            "a@b@example.org",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "-oQ/tmp@example.org",
            "a@example.org\r\nBcc: b@example.org",
            "a@exa mple.org",
            "ada@example.org.",
            "a..b@example.org",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?} was taken");
        }
        let long = format!("{}@example.org", "a".repeat(300));
        assert!(EmailAddress::parse(&long).is_err());
    }

    #[test]
    fn header_text_is_one_line_without_tricks() {
        assert_eq!(
            HeaderText::clean(" Eve\r\nBcc: x\t\u{0}y ").as_str(),
            "Eve Bcc: x y"
        );
        assert_eq!(HeaderText::clean("a\u{202e}b").as_str(), "ab");
        assert_eq!(HeaderText::clean("اردو خبریں").as_str(), "اردو خبریں");
        assert_eq!(
            HeaderText::clean(&"ب".repeat(900)).as_str().chars().count(),
            500
        );
        let cut_at_a_space = format!("{} b", "a".repeat(499));
        assert_eq!(HeaderText::clean(&cut_at_a_space).as_str(), "a".repeat(499));
    }
}
