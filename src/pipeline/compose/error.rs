//! Why a mail could not be made.

use crate::channels::email::MailError;
use crate::store::StoreError;
use crate::templates::TemplateError;

/// Why a mail could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A template failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The mail itself.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The CSS of the template.
    #[error("the styles of template `{0}` could not be inlined: {1}")]
    Css(String, String),
    /// The template had the variable and lost the address on the way (through a filter, say).
    #[error(
        "template `{0}` came out without the reader's own link: write {{{{ links.{1} }}}} where every mail has it, without a filter"
    )]
    NoLink(String, &'static str),
    /// The address in the database is none (any more).
    #[error("the reader's address cannot be mailed: {0}")]
    Address(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
