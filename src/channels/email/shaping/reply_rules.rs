//! The operator's rules about what a relay says.

use std::time::Duration;

use crate::config::{Remedy, ReplyRule};

/// The rules of one relay.
#[derive(Debug, Clone, Default)]
pub struct ReplyRules(Vec<ReplyRule>);

impl ReplyRules {
    /// Rules in the order in which they are asked.
    #[must_use]
    pub fn new(rules: &[ReplyRule]) -> Self {
        Self(rules.to_vec())
    }

    /// What the first rule that knows this reply (as logs show it) does, and for how long;
    /// nothing when none does.
    #[must_use]
    pub fn remedies(&self, reply: &str) -> &[(Remedy, Duration)] {
        let rule = self.0.iter().find(|rule| rule.reply.is_match(reply));
        rule.map_or(&[], |rule| &rule.remedies)
    }
}
