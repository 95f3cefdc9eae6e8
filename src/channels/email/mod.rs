//! E-mail: from a rendered issue to a relay's final reply.
//!
//! [`settings`] are a channel's own keys, [`message`] makes the bytes of mails, [`dkim`]
//! signs them, and [`smtp`] carries them over one connection and says what became of them.
//! [`shaping`] has the rules of rates and pauses, and [`relays`] holds what is known of each
//! relay. Nothing here knows the outbox: which mail goes when is the
//! pipeline's.

pub mod dkim;
pub mod message;
pub mod relays;
pub mod settings;
pub mod shaping;
pub mod smtp;

pub use message::{
    Escaping, Filling, Letter, ListHeaders, MailError, Mailbox, Pattern, Personal, Shared,
};
pub use relays::{RelayStatus, Relays};
