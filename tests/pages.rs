//! Articles read out of pages in the markup of the themes and systems that news sites run:
//! every block of the text is kept and no word of the furniture, in English and in Urdu.

#![allow(
    clippy::unwrap_used,
    reason = "a page that cannot be read has failed, and says where"
)]

#[path = "pages/hostile.rs"]
mod hostile;
#[path = "pages/press.rs"]
mod press;
#[path = "pages/scores.rs"]
mod scores;
#[path = "pages/themes/mod.rs"]
mod themes;
