//! The command line of `discover`.

use clap::Args;

/// `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// The site's home page, a section of it, a feed or a sitemap
    pub url: String,
}
