//! A relay as one URL: `smtps://user@mail.example.org:465?tls=required`.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// Where a relay is and how to talk to it. The password is never part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayUrl {
    /// The protocol.
    pub scheme: RelayScheme,
    /// Whom to log in as, if at all.
    pub user: Option<String>,
    /// Its name or address (IPv6 without brackets).
    pub host: String,
    /// Its port: the given one, else 465 for smtps, 24 for lmtp, and for smtp 587 with a user
    /// (submission, RFC 6409) or 25 without.
    pub port: u16,
    /// What the connection asks of TLS: what the URL says, else required where there is
    /// something to log in with (and always for smtps), else opportunistic.
    pub tls: RelayTls,
    tls_was_asked_for: bool,
}

/// The protocol a relay speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayScheme {
    /// SMTP, with STARTTLS where TLS is used.
    Smtp,
    /// SMTP inside TLS from the first byte (RFC 8314).
    Smtps,
    /// LMTP (RFC 2033), to a local mail store.
    Lmtp,
}

/// What a relay's connection asks of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTls {
    /// No TLS with a valid certificate, no mail.
    Required,
    /// TLS where the relay offers it.
    Opportunistic,
    /// Never.
    Off,
}

impl RelayUrl {
    /// The URL of a relay that has a password: it is only given away inside TLS, unless the URL
    /// asks otherwise.
    #[must_use]
    pub fn with_password(mut self) -> Self {
        if !self.tls_was_asked_for {
            self.tls = RelayTls::Required;
        }
        self
    }
}

impl RelayScheme {
    /// The scheme as it stands in the URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Smtps => "smtps",
            Self::Lmtp => "lmtp",
        }
    }
}

/// `smtp://mail.example.org:587`, without user and TLS: the name of a relay in logs.
impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        let scheme = self.scheme.as_str();
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

impl FromStr for RelayUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| not_a_relay(text))?;
        let scheme = match url.scheme() {
            "smtp" => RelayScheme::Smtp,
            "smtps" => RelayScheme::Smtps,
            "lmtp" => RelayScheme::Lmtp,
            _ => return Err(not_a_relay(text)),
        };
        if url.password().is_some() {
            return Err(
                "a relay's URL holds no password, as URLs are shown in logs: write it as \
                 `password = { file = \"…\" }` beside the url"
                    .to_owned(),
            );
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            let scheme = scheme.as_str();
            return Err(format!(
                "`{text}` names no host: write it as `{scheme}://mail.example.org`"
            ));
        }
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!(
                "`{text}` has something after the host that a relay has no use for: write it as \
                 `{}://{host}`",
                scheme.as_str()
            ));
        }
        let user = (!url.username().is_empty()).then(|| percent_decode(url.username()));
        let tls_asked = tls_of(&url)?;
        let protects = user.is_some() || scheme == RelayScheme::Smtps;
        let tls = tls_asked.unwrap_or(if protects {
            RelayTls::Required
        } else {
            RelayTls::Opportunistic
        });
        if scheme == RelayScheme::Smtps && tls != RelayTls::Required {
            return Err(
                "smtps:// is TLS from the first byte: write `smtp://` to go without".to_owned(),
            );
        }
        let default_port = match scheme {
            RelayScheme::Smtp if user.is_some() => 587,
            RelayScheme::Smtp => 25,
            RelayScheme::Smtps => 465,
            RelayScheme::Lmtp => 24,
        };
        Ok(Self {
            scheme,
            user,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(default_port),
            tls,
            tls_was_asked_for: tls_asked.is_some(),
        })
    }
}
super::units::from_string!(RelayUrl, "a relay's URL in quotes", str::parse::<RelayUrl>);

fn tls_of(url: &Url) -> Result<Option<RelayTls>, String> {
    let mut tls = None;
    for (key, value) in url.query_pairs() {
        tls = match (&*key, &*value) {
            ("tls", "required") => Some(RelayTls::Required),
            ("tls", "opportunistic") => Some(RelayTls::Opportunistic),
            ("tls", "off") => Some(RelayTls::Off),
            ("tls", other) => {
                return Err(format!(
                    "`tls={other}` is not one of tls=required, tls=opportunistic and tls=off"
                ));
            }
            (other, _) => {
                return Err(format!("a relay's URL knows `tls=…`, but not `{other}`"));
            }
        };
    }
    Ok(tls)
}

fn not_a_relay(text: &str) -> String {
    // Whatever was written may hold a password.
    let shown = match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    };
    format!(
        "`{shown}` is not a relay: write it as `smtp://mail.example.org`, \
         `smtps://user@mail.example.org:465` or `lmtp://localhost:24`"
    )
}

/// `user%40example.org` as `user@example.org`.
fn percent_decode(text: &str) -> String {
    let pair = format!("u={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, user)| user.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relay(text: &str) -> RelayUrl {
        text.parse().unwrap()
    }

    #[test]
    fn ports_and_tls_follow_the_scheme_and_the_login() {
        let table = [
            ("smtp://mail.example.org", 25, RelayTls::Opportunistic),
            ("smtp://user@mail.example.org", 587, RelayTls::Required),
            ("smtps://mail.example.org", 465, RelayTls::Required),
            ("lmtp://localhost", 24, RelayTls::Opportunistic),
            ("smtp://127.0.0.1:2525?tls=off", 2525, RelayTls::Off),
            (
                "smtp://mail.example.org?tls=required",
                25,
                RelayTls::Required,
            ),
        ];
        for (text, port, tls) in table {
            let url = relay(text);
            assert_eq!((url.port, url.tls), (port, tls), "{text}");
        }
        let with_password = |text| relay(text).with_password().tls;
        assert_eq!(with_password("smtp://mail.example.org"), RelayTls::Required);
        assert_eq!(
            with_password("smtp://h?tls=opportunistic"),
            RelayTls::Opportunistic
        );
    }

    #[test]
    fn a_login_may_be_an_address_and_a_host_ipv6() {
        let url = relay("smtps://news%40example.org@[::1]:4650");
        assert_eq!(url.user.as_deref(), Some("news@example.org"));
        assert_eq!(
            (url.host.as_str(), url.to_string().as_str()),
            ("::1", "smtps://[::1]:4650")
        );
        assert_eq!(relay("smtp://a+b@h").user.as_deref(), Some("a+b"));
    }

    #[test]
    fn what_is_no_relay_is_refused_with_advice_and_without_the_password() {
        let refuse = |text: &str| text.parse::<RelayUrl>().unwrap_err();
        for text in [
            "smtp://user:hunter2@mail.example.org",
            "http://user:hunter2@mail",
        ] {
            assert!(!refuse(text).contains("hunter2"), "{text}");
        }
        assert!(refuse("smtp://u:p@h").contains("`password = { file = \"…\" }` beside the url"));
        assert!(refuse("mail.example.org").starts_with("`mail.example.org` is not a relay: write"));
        assert!(refuse("smtp://").contains("names no host"));
        assert!(refuse("smtp://h/inbox").contains("something after the host"));
        assert!(refuse("smtp://h?tls=maybe").starts_with("`tls=maybe` is not one of"));
        assert!(refuse("smtp://h?pool=3").contains("but not `pool`"));
        assert!(refuse("smtps://h?tls=off").contains("write `smtp://` to go without"));
    }
}
