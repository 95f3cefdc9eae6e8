//! When a channel fires: cron on civil time.
