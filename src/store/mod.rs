//! The database: SQLite or PostgreSQL, one SQL text.
