//! SMTP and LMTP: one connection to one relay, and an honest word about each message.
//!
//! [`Connection::open`] greets, encrypts and logs in; [`Connection::carry`] takes [`Parcel`]s
//! from a [`Feed`], each one message to one reader, and gives a [`Verdict`] for each. Promises
//! (RFC 5321, RFC 1047):
//!
//! * `Accepted` means that the message's own final reply was 250; nothing else counts.
//! * Whatever happens after the final dot and before its answer is `Unknown`; whatever
//!   happens before the dot is not, because the relay cannot have the message.
//! * Every wait has a deadline. A `carry` that is dropped half-way leaves a connection that
//!   refuses to be used again.
//! * An answer out of step closes the connection: a later answer would be taken for another
//!   message's.
//! * Where the relay offers PIPELINING, a message costs one round trip: its commands leave
//!   with the end of the message before (RFC 2920), and each answer stays its own's.
//!
//! lettre gives the commands, the addresses and the authentication mechanisms. The
//! conversation itself is ours: lettre's takes any 2yz or 3yz for a yes, has
//! no deadline after connecting, hides PIPELINING and SIZE, keeps plain bytes read before
//! STARTTLS for the encrypted session, and closes the connection on each refused recipient.

mod connection;
mod endpoint;
mod greet;
mod parcel;
mod reply;
mod tls;
mod transaction;
mod verdict;
mod wire;

pub use connection::Connection;
pub use endpoint::{Endpoint, Limits, Protocol, Security, Timeouts};
pub use parcel::{Feed, Parcel};
pub use reply::{Enhanced, Reply};
pub use verdict::{IssueTrouble, OpenError, RelayTrouble, Verdict};
