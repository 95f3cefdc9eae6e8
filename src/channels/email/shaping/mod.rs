//! How much mail goes where: the pure rules of rates, connections, pauses and fair shares.
//!
//! Nothing here waits, asks a clock or knows the outbox: `now` is handed in, and what comes
//! back is a number, an instant or a yes. The pipeline asks in this order: is the issue well
//! ([`IssueHealth`]) and whose turn is it ([`Shares`]); which relay ([`Weights`], over those
//! whose [`Breaker`] is closed and whose [`DayCap`] has room); when ([`Slots`], lent by the
//! database to each daemon, at a pace that [`Throttle`] learns); over how many connections
//! ([`Window`]). A reply in certain words changes these for a while ([`ReplyRules`]).

mod breaker;
mod day_cap;
mod domains;
mod issue_health;
mod reply_rules;
mod shares;
mod slots;
mod throttle;
mod weights;
mod window;

pub use breaker::{Breaker, LONGEST_PAUSE, MayTry};
pub use day_cap::{Day, DayCap};
pub use domains::{DomainGroup, Domains};
pub use issue_health::{Alarm, IssueHealth};
pub use reply_rules::ReplyRules;
pub use shares::{Ready, Shares};
pub use slots::{Loan, Slots};
pub use throttle::Throttle;
pub use weights::Weights;
pub use window::Window;
