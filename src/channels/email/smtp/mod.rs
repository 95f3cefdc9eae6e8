//! SMTP and LMTP: one connection to one relay, and an honest word about each message.
//!
//! [`Connection::open`] greets, encrypts and logs in; [`Connection::send`] carries one message
//! to one reader and returns a [`Verdict`]. Promises (RFC 5321, RFC 1047):
//!
//! * `Accepted` means that the message's own final reply was 250; nothing else counts.
//! * Whatever happens after the final dot and before its answer is `Unknown`; whatever
//!   happens before the dot is not, because the relay cannot have the message.
//! * Every wait has a deadline. A `send` that is dropped half-way leaves a connection that
//!   refuses to be used again.
//! * An answer out of step closes the connection: a later answer would be taken for another
//!   message's.
//!
//! lettre gives the commands, the reply parser, the addresses and the authentication
//! mechanisms. The conversation itself is ours: lettre's takes any 2yz or 3yz for a yes, has
//! no deadline after connecting, hides PIPELINING and SIZE, keeps plain bytes read before
//! STARTTLS for the encrypted session, and closes the connection on each refused recipient.

mod connection;
mod endpoint;
mod greet;
mod reply;
mod tls;
mod verdict;
mod wire;

pub use connection::{Connection, IDLE_CLOSE, MAX_AGE, MAX_MESSAGES};
pub use endpoint::{Endpoint, Protocol, Security, Timeouts};
pub use reply::{Enhanced, Reply};
pub use verdict::{IssueTrouble, OpenError, RelayTrouble, Verdict};
