//! Where a relay is, how to speak with it, and how long to wait for it.

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::CertificateDer;

use super::tls;
use crate::config::{RelayConfig, RelayScheme, RelayTls, SecretError};

/// Which of the two protocols a relay speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321.
    Smtp,
    /// RFC 2033: `LHLO`, and a final answer for each recipient.
    Lmtp,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps`, RFC 8314).
    Implicit,
    /// STARTTLS, and nothing is sent without it.
    Required,
    /// STARTTLS where offered, with any certificate; plain where it fails. It keeps a silent
    /// listener out, nobody more, so it is never used for a relay with a password.
    Opportunistic,
    /// Plain.
    Off,
}

/// How long each part of a conversation may take. All of them are waited out in full only by
/// a relay that has died; RFC 5321 §4.5.3.2 asks for the long ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup and connecting, all addresses together.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// Each answer to EHLO, STARTTLS and AUTH.
    pub hello: Duration,
    /// The answers to MAIL and RCPT.
    pub command: Duration,
    /// The answer to DATA.
    pub data: Duration,
    /// Each step forward while the message is written.
    pub block: Duration,
    /// The answer to the final dot. Long: giving up here means that somebody may get the
    /// message twice.
    pub dot: Duration,
    /// Added to `dot` for each 50 KB, since relays look through a message before they answer.
    pub dot_per_50kb: Duration,
    /// The answer to RSET.
    pub reset: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            connect: s(30),
            tls: s(30),
            greeting: s(60),
            hello: s(60),
            command: s(60),
            data: s(120),
            block: s(180),
            dot: s(600),
            dot_per_50kb: s(1),
            reset: s(5),
        }
    }
}

impl Timeouts {
    /// The same deadline everywhere.
    #[must_use]
    pub fn all(each: Duration) -> Self {
        Self {
            connect: each,
            tls: each,
            greeting: each,
            hello: each,
            command: each,
            data: each,
            block: each,
            dot: each,
            dot_per_50kb: Duration::ZERO,
            reset: each,
        }
    }

    /// The deadline of the final answer for a message of `bytes`.
    pub(super) fn final_answer(&self, bytes: usize) -> Duration {
        let blocks = u32::try_from(bytes / 50_000).unwrap_or(u32::MAX);
        self.dot + self.dot_per_50kb.saturating_mul(blocks)
    }
}

/// How much one connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages it carries. Many relays hang up after a hundred or more, and one that spreads
    /// its load gets to spread it.
    pub max_messages: u32,
    /// How old it may become, as Postfix has it (`smtp_connection_reuse_time_limit`).
    pub max_age: Duration,
    /// How long it may be idle: less than the 30 s after which the strictest relays hang up.
    pub idle_close: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_messages: 100,
            max_age: Duration::from_secs(300),
            idle_close: Duration::from_secs(20),
        }
    }
}

/// One relay as a connection sees it. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) protocol: Protocol,
    pub(super) security: Security,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) hello: ClientId,
    pub(super) credentials: Option<Credentials>,
    pub(super) timeouts: Timeouts,
    pub(super) limits: Limits,
    pub(super) tls: Arc<tls::Client>,
}

impl Endpoint {
    /// A relay without credentials, that trusts no certificate yet. `hello` is the name this
    /// daemon gives itself in EHLO: a host name, or an IP address.
    #[must_use]
    pub fn new(
        protocol: Protocol,
        security: Security,
        host: impl Into<String>,
        port: u16,
        hello: &str,
    ) -> Self {
        Self {
            protocol,
            security,
            host: host.into(),
            port,
            hello: client_id(hello),
            credentials: None,
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            tls: Arc::new(tls::Client::new(rustls::RootCertStore::empty())),
        }
    }

    /// A relay as the configuration has it, trusting the authorities of this machine.
    ///
    /// # Errors
    /// When its password is not where the configuration says.
    pub fn from_config(relay: &RelayConfig, hello: &str) -> Result<Self, SecretError> {
        let url = &relay.url;
        let protocol = match url.scheme {
            RelayScheme::Smtp | RelayScheme::Smtps => Protocol::Smtp,
            RelayScheme::Lmtp => Protocol::Lmtp,
        };
        let security = match (url.scheme, url.tls) {
            (RelayScheme::Smtps, _) => Security::Implicit,
            (_, RelayTls::Required) => Security::Required,
            (_, RelayTls::Opportunistic) => Security::Opportunistic,
            (_, RelayTls::Off) => Security::Off,
        };
        let mut endpoint = Self::new(protocol, security, &url.host, url.port, hello);
        if let (Some(user), Some(password)) = (&url.user, &relay.password) {
            endpoint = endpoint.with_login(user, &password.resolve()?);
        }
        // Only these two look at who signed a certificate.
        Ok(match endpoint.security {
            Security::Implicit | Security::Required => endpoint.trusting_this_machine(),
            Security::Opportunistic | Security::Off => endpoint,
        })
    }

    /// The same relay, with a login. Opportunistic TLS becomes required TLS: a password does
    /// not go over a connection that anyone on the way could have made plain.
    #[must_use]
    pub fn with_login(mut self, user: &str, password: &str) -> Self {
        if self.security == Security::Opportunistic {
            self.security = Security::Required;
        }
        self.credentials = Some(Credentials::new(user.to_owned(), password.to_owned()));
        self
    }

    /// The same relay, with other deadlines.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same relay, with other limits for each connection.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same relay, trusting the certificate authorities of this machine.
    #[must_use]
    pub fn trusting_this_machine(mut self) -> Self {
        self.tls = Arc::new(tls::Client::new(tls::system_roots()));
        self
    }

    /// The same relay, trusting `root` as well: a private authority, or a test's.
    #[must_use]
    pub fn trusting(mut self, root: CertificateDer<'static>) -> Self {
        self.tls = Arc::new(self.tls.with(root));
        self
    }

    /// `host:port`, for people.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Says where, never the login.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("protocol", &self.protocol)
            .field("security", &self.security)
            .field("address", &self.address())
            .field("login", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}

/// RFC 5321 §4.1.3: an IP address stands in brackets, which lettre adds.
fn client_id(hello: &str) -> ClientId {
    let bare = hello.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return ClientId::Ipv4(address);
    }
    if let Ok(address) = bare.parse() {
        return ClientId::Ipv6(address);
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if hello.is_empty() || !hello.chars().all(is_name) {
        return ClientId::Domain("localhost".to_owned());
    }
    ClientId::Domain(hello.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_is_a_name_or_an_address_literal() {
        for (hello, said) in [
            ("letters.example.org", "letters.example.org"),
            ("127.0.0.1", "[127.0.0.1]"),
            ("[::1]", "[IPv6:::1]"),
            ("a b\r\nQUIT", "localhost"),
            ("", "localhost"),
        ] {
            assert_eq!(client_id(hello).to_string(), said);
        }
    }

    fn configured(keys: &str) -> Result<Endpoint, SecretError> {
        let text = format!(
            "[site]\nname = \"N\"\nurl = \"https://example.org\"\npostal_address = \"1 Road\"\n\
             [relays.main]\n{keys}\n"
        );
        let path = std::path::Path::new("courant.toml");
        let config = crate::config::from_text(path, &text, |_| Vec::new()).unwrap();
        Endpoint::from_config(&config.relays["main"], "letters.example.org")
    }

    #[test]
    fn a_relays_url_says_how_it_is_spoken_to() {
        for (keys, security, address) in [
            (
                "url = \"smtp://mail.example.org\"",
                Security::Opportunistic,
                "mail.example.org:25",
            ),
            (
                "url = \"smtp://mail.example.org?tls=off\"",
                Security::Off,
                "mail.example.org:25",
            ),
            (
                "url = \"smtp://ada@mail.example.org\"\npassword = \"x\"",
                Security::Required,
                "mail.example.org:587",
            ),
            (
                "url = \"smtps://ada@[::1]\"\npassword = \"x\"",
                Security::Implicit,
                "[::1]:465",
            ),
        ] {
            let relay = configured(keys).unwrap();
            assert_eq!(
                (relay.security, relay.address()),
                (security, address.to_owned())
            );
            assert_eq!(relay.credentials.is_some(), keys.contains("password"));
        }
        let lmtp = configured("url = \"lmtp://127.0.0.1?tls=off\"").unwrap();
        assert_eq!(lmtp.protocol, Protocol::Lmtp);
        let lost = "url = \"smtp://ada@mail.example.org\"\npassword = { file = \"/nowhere\" }";
        assert!(configured(lost).is_err());
    }

    #[test]
    fn a_password_makes_tls_required_and_is_never_shown() {
        let relay = Endpoint::new(
            Protocol::Smtp,
            Security::Opportunistic,
            "mail.example.org",
            587,
            "here.example.org",
        );
        let relay = relay.with_login("ada", "s3cret");
        assert_eq!(relay.security, Security::Required);
        assert!(!format!("{relay:?}").contains("s3cret"));
    }

    #[test]
    fn a_large_message_may_take_longer_to_be_answered() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.final_answer(22_000), Duration::from_secs(600));
        assert_eq!(timeouts.final_answer(1_000_000), Duration::from_secs(620));
    }
}
