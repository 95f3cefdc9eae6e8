//! When readers get it: cadences, zones, downtime, two daemons.
