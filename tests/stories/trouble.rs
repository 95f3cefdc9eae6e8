//! When things go wrong.
