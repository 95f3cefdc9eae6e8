//! The command line of `dkim`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `dkim`.
#[derive(Debug, Args)]
pub struct DkimArgs {
    /// The domain that signs [default: the domains of the e-mail channels' senders]
    pub domain: Option<String>,
    /// The key's name in the DNS [default: s1]; of two keys, Ed25519's ends in -ed25519
    #[arg(long, value_name = "S")]
    pub selector: Option<String>,
    /// What it signs with; not every mailbox reads Ed25519, so it is for use beside RSA
    #[arg(long, value_enum, default_value = "rsa")]
    pub algorithm: KeyAlgorithm,
    /// The directory for the key [default: the configuration's]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What `dkim` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits
    Rsa,
    /// Ed25519
    Ed25519,
    /// One of each
    Both,
}
