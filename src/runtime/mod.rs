//! The daemon: the stages as supervised loops, the listeners, signals and systemd.

mod live;
mod loops;
mod open;
mod signals;
mod supervisor;
mod systemd;
pub mod telemetry;

pub use live::{Beats, Live};
pub use loops::{Daemon, DaemonError};
pub use open::{check_kinds, load_config, open_app, owner};
pub use supervisor::{OnExit, Shutdown, Supervisor};
