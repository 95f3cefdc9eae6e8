//! A name and password for one host, and who gets to see them.

use data_encoding::BASE64;
use url::Url;

/// Basic authentication (RFC 7617) for the host of one address. Never shown, and sent to no
/// other host, scheme or port, wherever redirects lead.
#[derive(Clone)]
pub struct Login {
    header: String,
    origin: url::Origin,
}

impl Login {
    /// The login `user`, `password` for the host of `url`.
    #[must_use]
    pub fn new(url: &Url, user: &str, password: &str) -> Self {
        let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
        Self {
            header: format!("Basic {pair}"),
            origin: url.origin(),
        }
    }

    /// The `Authorization` header, when `url` is of the host it is for.
    pub(super) fn for_url(&self, url: &Url) -> Option<&str> {
        (url.origin() == self.origin).then_some(self.header.as_str())
    }

    /// Whether it is for the host of `url`.
    #[must_use]
    pub fn is_for(&self, url: &Url) -> bool {
        self.for_url(url).is_some()
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({})", self.origin.ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_for_one_scheme_host_and_port_and_is_not_shown() {
        let url = |text: &str| Url::parse(text).unwrap();
        let login = Login::new(&url("https://e.org/blog/"), "ada", "s3cret word");
        assert_eq!(
            login.for_url(&url("https://e.org/wp-json/")),
            Some("Basic YWRhOnMzY3JldCB3b3Jk")
        );
        for other in [
            "http://e.org/",
            "https://www.e.org/",
            "https://e.org:8443/",
            "https://e.org.evil.example/",
        ] {
            assert!(!login.is_for(&url(other)), "{other}");
        }
        assert_eq!(format!("{login:?}"), "Login(https://e.org)");
    }
}
