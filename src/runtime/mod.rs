//! The daemon: App, supervisor, signals, systemd, telemetry.
