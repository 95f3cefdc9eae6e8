//! The guarded HTTP client for everything fetched.
