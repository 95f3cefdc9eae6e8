//! E-mail: from a rendered issue to a relay's final reply.
//!
//! [`settings`] are a channel's own keys, [`message`] makes the bytes of mails, and
//! [`smtp`] carries them over one connection and says what became of them. Nothing here
//! knows the outbox: which mail goes when, over which relay and how fast is the pipeline's.

pub mod message;
pub mod relays;
pub mod settings;
pub mod smtp;

pub use message::{
    Escaping, Filling, Letter, ListHeaders, MailError, Mailbox, Pattern, Personal, Shared,
};
pub use relays::{Place, RelayStatus, Relays};
