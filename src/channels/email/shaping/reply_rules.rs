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

#[cfg(test)]
mod tests {
    use regex::RegexBuilder;

    use super::*;

    fn rule(reply: &str, minutes: u64) -> ReplyRule {
        let reply = RegexBuilder::new(reply).case_insensitive(true).build();
        ReplyRule {
            reply: reply.unwrap(),
            remedies: vec![(Remedy::Suspend, Duration::from_secs(minutes * 60))],
        }
    }

    #[test]
    fn the_first_rule_that_knows_a_reply_holds() {
        let rules = ReplyRules::new(&[rule(r"\[TSS04\]", 120), rule("^4..", 5)]);
        let minutes = |reply| rules.remedies(reply).first().map(|r| r.1.as_secs() / 60);
        assert_eq!(minutes("421 4.7.0 [tss04] Messages deferred"), Some(120));
        assert_eq!(minutes("450 4.2.0 later"), Some(5));
        assert_eq!(minutes("550 5.1.1 No such user"), None);
        assert_eq!(ReplyRules::default().remedies("421"), []);
    }
}
