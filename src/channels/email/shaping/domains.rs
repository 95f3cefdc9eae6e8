//! Recipient domains that are one mailbox provider and share its limits.

use std::collections::{BTreeMap, HashMap};

use crate::config::{DomainLimits, Rate};

/// A group of recipient domains with limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainGroup {
    /// The domain that names it.
    pub name: String,
    /// The most messages over time.
    pub rate: Option<Rate>,
    /// The most connections at a time that carry its mail.
    pub connections: Option<u32>,
}

/// The groups of one relay. A domain in none of them is on its own and has no limit.
#[derive(Debug, Clone, Default)]
pub struct Domains {
    groups: Vec<DomainGroup>,
    group_of: HashMap<String, usize>,
}

impl Domains {
    /// The groups of the configuration.
    #[must_use]
    pub fn new(limits: &BTreeMap<String, DomainLimits>) -> Self {
        let mut domains = Self::default();
        for (at, (name, limits)) in limits.iter().enumerate() {
            domains.groups.push(DomainGroup {
                name: name.clone(),
                rate: limits.rate,
                connections: limits.connections,
            });
            for domain in std::iter::once(name).chain(&limits.also) {
                domains.group_of.insert(domain.clone(), at);
            }
        }
        domains
    }

    /// The place in [`groups`](Self::groups) of a recipient's domain, which is lower case and
    /// ASCII as [`EmailAddress::domain`](crate::domain::EmailAddress::domain) gives it.
    #[must_use]
    pub fn group_of(&self, domain: &str) -> Option<usize> {
        self.group_of.get(domain).copied()
    }

    /// All groups.
    #[must_use]
    pub fn groups(&self) -> &[DomainGroup] {
        &self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_one_provider_share_its_limits_and_others_have_none() {
        let google = DomainLimits {
            rate: "20/s".parse().ok(),
            connections: Some(2),
            also: vec!["googlemail.com".to_owned()],
        };
        let limits = [
            ("gmail.com".to_owned(), google),
            ("gmx.net".to_owned(), DomainLimits::default()),
        ];
        let domains = Domains::new(&BTreeMap::from(limits));
        let group = domains.group_of("gmail.com").unwrap();
        assert_eq!(domains.group_of("googlemail.com"), Some(group));
        assert_ne!(domains.group_of("gmx.net"), Some(group));
        assert_eq!(domains.group_of("news.gmail.com"), None);
        let group = &domains.groups()[group];
        assert_eq!(
            (group.name.as_str(), group.connections),
            ("gmail.com", Some(2))
        );
        assert_eq!(group.rate.map(|rate| rate.count), Some(20));
    }
}
