//! Secrets: where they are kept, and how not to show them.
//!
//! A secret is read when it is needed, not when the configuration is loaded: so `courant check`
//! works for a person who may not read it, and a changed file counts at the next use.

use std::fmt;
use std::path::PathBuf;

/// A password, token or key, or where to find it. Never shown, whatever prints it.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// Written in the configuration itself.
    Inline(String),
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// A systemd credential (`LoadCredential=`), a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not there, or not text.
    #[error("the environment variable `{0}` is not set: set it for the daemon, or name another")]
    Variable(String),
    /// The file cannot be read.
    #[error("the secret file {} cannot be read ({source}): see that it exists and that the daemon may read it", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not started by systemd with credentials.
    #[error(
        "the credential `{0}` is not there, as $CREDENTIALS_DIRECTORY is not set: add \
         `LoadCredential={0}:/path/to/it` to the systemd unit, or use {{ file = \"…\" }}"
    )]
    NoCredentials(String),
    /// The credential's file cannot be read.
    #[error(
        "the credential `{name}` cannot be read ({source}): add `LoadCredential={name}:/path/to/it` to the systemd unit"
    )]
    Credential {
        /// Which credential.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{0} is empty")]
    Empty(String),
}

impl Secret {
    /// Reads the secret. One newline at its end, as editors leave it, is not part of it.
    ///
    /// # Errors
    /// When it is not where the configuration says, or is empty.
    pub fn resolve(&self) -> Result<String, SecretError> {
        self.resolve_from(&|name| std::env::var(name).ok())
    }

    fn resolve_from(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<String, SecretError> {
        let mut text = match self {
            Self::Inline(text) => text.clone(),
            Self::Env(name) => env(name).ok_or_else(|| SecretError::Variable(name.clone()))?,
            Self::File(path) => {
                warn_if_anybody_may_read(path);
                std::fs::read_to_string(path).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?
            }
            Self::Credential(name) => {
                let directory = env("CREDENTIALS_DIRECTORY")
                    .ok_or_else(|| SecretError::NoCredentials(name.clone()))?;
                let path = PathBuf::from(directory).join(name);
                std::fs::read_to_string(path).map_err(|source| SecretError::Credential {
                    name: name.clone(),
                    source,
                })?
            }
        };
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        if text.is_empty() {
            return Err(SecretError::Empty(self.to_string()));
        }
        Ok(text)
    }
}

fn warn_if_anybody_may_read(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(about) = std::fs::metadata(path) else {
        return;
    };
    if about.permissions().mode() & 0o004 != 0 {
        let path = path.display();
        tracing::warn!("everybody on this machine may read the secret file {path}: chmod 640 it");
    }
}

/// Where it is kept, not what it says.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("the secret in the configuration"),
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(name) => write!(f, "the credential `{name}`"),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl<'de> serde::de::Visitor<'de> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a string, { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::Inline(text.to_owned()))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(field_identifier, rename_all = "lowercase")]
        enum Place {
            Env,
            File,
            Credential,
        }
        let expected = serde::de::Error::invalid_length(0, &self);
        let secret = match map.next_key::<Place>()? {
            Some(Place::Env) => Secret::Env(map.next_value()?),
            Some(Place::File) => Secret::File(map.next_value()?),
            Some(Place::Credential) => {
                let name: String = map.next_value()?;
                if name.contains('/') || name.starts_with('.') {
                    return Err(serde::de::Error::custom(format!(
                        "`{name}` is not a credential's name, as systemd's `LoadCredential=` \
                         gives it; for a path write {{ file = \"{name}\" }}"
                    )));
                }
                Secret::Credential(name)
            }
            None => return Err(expected),
        };
        match map.next_key::<Place>()? {
            None => Ok(secret),
            Some(_) => Err(serde::de::Error::custom(
                "a secret is in one place only: keep one of `env`, `file` and `credential`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &Secret, directory: &std::path::Path) -> Result<String, String> {
        let directory = directory.display().to_string();
        let env = |name: &str| match name {
            "CREDENTIALS_DIRECTORY" => Some(directory.clone()),
            "RELAY_PASSWORD" => Some("from env".to_owned()),
            _ => None,
        };
        secret.resolve_from(&env).map_err(|e| e.to_string())
    }

    #[test]
    fn a_secret_is_read_from_where_it_is_kept_without_its_last_newline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay-main");
        std::fs::write(&path, "s3cret \r\n").unwrap();
        assert_eq!(
            read(&Secret::File(path), dir.path()),
            Ok("s3cret ".to_owned())
        );
        let credential = Secret::Credential("relay-main".to_owned());
        assert_eq!(read(&credential, dir.path()), Ok("s3cret ".to_owned()));
        let env = Secret::Env("RELAY_PASSWORD".to_owned());
        assert_eq!(read(&env, dir.path()), Ok("from env".to_owned()));
    }

    #[test]
    fn a_missing_secret_is_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let refuse = |secret: Secret| read(&secret, dir.path()).unwrap_err();
        assert!(
            refuse(Secret::Env("NOPE".to_owned()))
                .starts_with("the environment variable `NOPE` is not set: set it for the daemon")
        );
        assert!(refuse(Secret::Credential("x".to_owned())).contains("LoadCredential=x:/path"));
        assert!(refuse(Secret::File("/no/such".into())).contains("/no/such cannot be read"));
        assert!(refuse(Secret::Inline(String::new())).ends_with("is empty"));
        let without = Secret::Credential("x".to_owned()).resolve_from(&|_| None);
        assert!(
            without
                .unwrap_err()
                .to_string()
                .contains("$CREDENTIALS_DIRECTORY is not set")
        );
    }

    #[test]
    fn nothing_that_prints_a_secret_shows_it() {
        let secret = Secret::Inline("s3cret".to_owned());
        let shown = format!("{secret} {secret:?} {secret:#?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
