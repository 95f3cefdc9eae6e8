//! Social networks and messengers: the exact requests of a post.
