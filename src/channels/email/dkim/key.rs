//! A private key: made, read from PEM, and its public half as the DNS publishes it.

use std::fmt;

use aws_lc_rs::digest::Digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use data_encoding::BASE64;

use crate::config::SecretError;

/// What a key signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA (RFC 8301), which every mailbox verifies.
    Rsa,
    /// Ed25519 (RFC 8463), small and quick, which not every mailbox verifies.
    Ed25519,
}

/// As `k=` of the record and the beginning of `a=` have it.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        })
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Something else.
    #[error(
        "it is no private key in PEM form, which begins with `-----BEGIN PRIVATE KEY-----`; \
         `courant dkim` makes one"
    )]
    NotPem,
    /// The other half.
    #[error("it is a public key, which goes into the DNS; the private one is needed here")]
    Public,
    /// A passphrase is needed.
    #[error(
        "it is locked with a passphrase, which nobody is there to type: write it without one \
         with `openssl pkey -in locked.pem -out dkim.pem`"
    )]
    Locked,
    /// RFC 8301 §3.2 tells signers to use 2048 bits.
    #[error(
        "it is an RSA key shorter than 2048 bits, which mailboxes do not trust: make a longer \
         one with `courant dkim`"
    )]
    Short,
    /// Another kind of key, or a damaged one.
    #[error("it is no RSA or Ed25519 key, or is damaged; `courant dkim` makes one")]
    Unknown,
    /// No key came out.
    #[error("the key could not be made: the system's cryptography failed")]
    Failed,
}

impl KeyError {
    /// Whether the key may be right where the daemon reads it: it is a secret that depends on
    /// who asks.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Secret(SecretError::Variable(_) | SecretError::NoCredentials(_)) => true,
            Self::Secret(
                SecretError::File { source, .. } | SecretError::Credential { source, .. },
            ) => source.kind() == std::io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }
}

/// A private key.
pub struct PrivateKey(Pair);

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Makes a key: RSA of 2048 bits, or Ed25519.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Rsa => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            Algorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        pair.map(Self).map_err(|_| KeyError::Failed)
    }

    /// Reads PKCS#8 (`PRIVATE KEY`), or RSA in its older form (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// A [`KeyError`] that says what it is instead.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, text) = armoured(pem).ok_or(KeyError::NotPem)?;
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::Locked);
        }
        if label.ends_with("PUBLIC KEY") {
            return Err(KeyError::Public);
        }
        let text: String = text.split_ascii_whitespace().collect();
        let der = BASE64.decode(text.as_bytes());
        let der = der.map_err(|_| KeyError::Unknown)?;
        let pair = match label {
            "PRIVATE KEY" => match Ed25519KeyPair::from_pkcs8(&der) {
                Ok(pair) => Ok(Pair::Ed25519(pair)),
                Err(_) => RsaKeyPair::from_pkcs8(&der).map(Pair::Rsa),
            },
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map(Pair::Rsa),
            _ => return Err(KeyError::Unknown),
        };
        pair.map(Self).map_err(|error| refused(&error))
    }

    /// The key as PKCS#8 in PEM.
    ///
    /// # Errors
    /// When the cryptography cannot write it.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let der = match &self.0 {
            Pair::Rsa(pair) => pair.as_der().map(|der| der.as_ref().to_vec()),
            // Version 1, as other programs write it too.
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        let text = BASE64.encode(&der.map_err(|_| KeyError::Failed)?);
        let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, later) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = later;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(pem)
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Pair::Rsa(_) => Algorithm::Rsa,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The text of the TXT record that publishes the public half (RFC 6376 §3.6.1).
    ///
    /// # Errors
    /// When the cryptography cannot write it.
    pub fn record(&self) -> Result<String, KeyError> {
        let public = match &self.0 {
            Pair::Rsa(pair) => pair.public_key().as_der().map(|d| d.as_ref().to_vec()),
            // RFC 8463 §4.2: the bare 32 octets.
            Pair::Ed25519(pair) => Ok(pair.public_key().as_ref().to_vec()),
        };
        let public = BASE64.encode(&public.map_err(|_| KeyError::Failed)?);
        Ok(format!("v=DKIM1; k={}; p={public}", self.algorithm()))
    }

    /// The signature of what has this digest.
    pub(super) fn sign(&self, digest: &Digest) -> Result<Vec<u8>, Unspecified> {
        match &self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, digest, &mut signature)?;
                Ok(signature)
            }
            // RFC 8463 §3: the digest is what is signed, as any message.
            Pair::Ed25519(pair) => Ok(pair.try_sign(digest.as_ref())?.as_ref().to_vec()),
        }
    }
}

/// The label of the first PEM block, and what stands in it.
fn armoured(pem: &str) -> Option<(&str, &str)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (text, _) = rest.split_once("-----END ")?;
    Some((label, text))
}

fn refused(error: &KeyRejected) -> KeyError {
    // The reason can be told by its name only.
    if error.to_string() == "TooSmall" {
        KeyError::Short
    } else {
        KeyError::Unknown
    }
}

/// Never the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.algorithm())
    }
}
