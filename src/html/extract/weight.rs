//! How much of a page's running text an element holds.

use std::collections::HashMap;

use dom_query::{Document, NodeId, NodeRef};

use crate::html::tokens::is_block;

/// Fewer letters outside links are a label, not a paragraph.
const PARAGRAPH: u32 = 40;

/// Letters of paragraphs below each element.
pub(super) struct Weights {
    of: HashMap<NodeId, u32>,
    of_class: HashMap<String, u32>,
    total: u32,
}

impl Weights {
    /// Weighs a document.
    pub(super) fn of(document: &Document) -> Self {
        let root = document.root();
        let mut owners: HashMap<NodeId, u32> = HashMap::new();
        for node in root.descendants_it().filter(NodeRef::is_text) {
            if let Some(owner) = owner(&node) {
                let letters = node.text().chars().filter(|c| c.is_alphanumeric()).count();
                *owners.entry(owner).or_default() += u32::try_from(letters).unwrap_or(u32::MAX);
            }
        }
        let mut weights = Self {
            of: HashMap::new(),
            of_class: HashMap::new(),
            total: 0,
        };
        // A poem or a few short lines are a text too, where there is no other.
        let has_paragraph = owners.values().any(|letters| *letters >= PARAGRAPH);
        let least = if has_paragraph { PARAGRAPH } else { 1 };
        for (owner, letters) in owners {
            if letters < least {
                continue;
            }
            weights.total += letters;
            let owner = NodeRef::new(owner, &document.tree);
            for node in std::iter::once(owner).chain(owner.ancestors_it(None)) {
                *weights.of.entry(node.id).or_default() += letters;
            }
        }
        weights.weigh_classes(&root);
        weights
    }

    /// Elements of one class are alike: what they hold together counts for each.
    fn weigh_classes(&mut self, root: &NodeRef<'_>) {
        for node in root.descendants_it().filter(NodeRef::is_element) {
            let weight = self.weight(&node);
            if weight > 0
                && let Some(class) = node.class()
            {
                let of_class = self.of_class.entry(class.to_string()).or_default();
                *of_class = of_class.saturating_add(weight);
            }
        }
    }

    /// What an element holds.
    pub(super) fn weight(&self, node: &NodeRef<'_>) -> u32 {
        self.of.get(&node.id).copied().unwrap_or(0)
    }

    /// The share of the page's text that an element holds, or all of its class together.
    pub(super) fn share(&self, node: &NodeRef<'_>) -> f32 {
        let class = node.class().map(|class| class.to_string());
        let alike = class.and_then(|class| self.of_class.get(&class).copied());
        let weight = self.weight(node).max(alike.unwrap_or(0));
        weight as f32 / self.total.max(1) as f32
    }

    /// The whole page's.
    pub(super) fn total(&self) -> u32 {
        self.total
    }
}

/// The block that a text outside links belongs to.
fn owner(text: &NodeRef<'_>) -> Option<NodeId> {
    for node in text.ancestors_it(None) {
        let Some(name) = node.qual_name_ref() else {
            continue;
        };
        let name: &str = &name.local;
        if name == "a" || name == "button" {
            return None;
        }
        if is_block(name) {
            return Some(node.id);
        }
    }
    None
}

/// The share of an element's letters that stand in links, and the number of its links.
pub(super) fn links(node: &NodeRef<'_>) -> (f32, usize) {
    let letters = |node: &NodeRef<'_>| node.text().chars().filter(|c| c.is_alphanumeric()).count();
    let (mut linked, mut number) = (0, 0);
    for link in node.descendants_it().filter(|n| n.has_name("a")) {
        linked += letters(&link);
        number += 1;
    }
    (linked as f32 / letters(node).max(1) as f32, number)
}
