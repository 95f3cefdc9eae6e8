//! Logs: text for people at a terminal, JSON lines for everything else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Starts logging to standard error. `COURANT_LOG` (`info,courant::pipeline=debug`) wins over
/// `verbosity` (0 `quiet`, 1 info, 2 debug, 3 trace); `COURANT_LOG_FORMAT` is `text` or
/// `json`. Calling it again changes nothing.
pub fn start(verbosity: u8, quiet: &str) {
    let level = match verbosity {
        0 => quiet,
        1 => "info",
        2 => "info,courant=debug",
        _ => "debug,courant=trace",
    };
    let filter = EnvFilter::try_from_env("COURANT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let terminal = std::io::stderr().is_terminal();
    let json = match std::env::var("COURANT_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("text") => false,
        _ => !terminal,
    };
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal);
    // An error means that a subscriber is there already, as in tests.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
}
