//! The configuration file: typed, with every error at its place.
