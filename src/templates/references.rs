//! What a template looks at, found without running it.

use std::collections::BTreeSet;

use minijinja::Environment;

/// See [`super::Templates::mentions`].
pub(super) fn template_mentions(env: &Environment<'_>, name: &str, variable: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut queue = vec![name.to_owned()];
    while let Some(name) = queue.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Ok(template) = env.get_template(&name) else {
            continue;
        };
        if looks_at(&template.undeclared_variables(true), variable) {
            return true;
        }
        let Some(others) = referred(template.source()) else {
            return true;
        };
        queue.extend(
            others
                .into_iter()
                .map(|other| super::load::join(&other, &name).into_owned()),
        );
    }
    false
}

/// Whether one of the names is `variable`, a part of it, or a whole it is part of.
fn looks_at(names: &std::collections::HashSet<String>, variable: &str) -> bool {
    let within = |part: &str, whole: &str| {
        part.strip_prefix(whole)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    names
        .iter()
        .any(|name| within(name, variable) || within(variable, name))
}

/// The templates a source extends, includes or imports; `None` when a name is computed.
fn referred(source: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for tag in source.split("{%").skip(1) {
        let tag = tag.split("%}").next().unwrap_or_default();
        let tag = tag.trim_start_matches(['-', '+']).trim_start();
        let word = tag.split_whitespace().next().unwrap_or_default();
        if !matches!(word, "extends" | "include" | "import" | "from") {
            continue;
        }
        let literals = literals(tag);
        if literals.is_empty() {
            return None;
        }
        names.extend(literals);
    }
    Some(names)
}

/// The quoted strings of a tag.
fn literals(tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = rest.as_bytes()[start] as char;
        let Some(length) = rest[start + 1..].find(quote) else {
            break;
        };
        found.push(rest[start + 1..start + 1 + length].to_owned());
        rest = &rest[start + 2 + length..];
    }
    found
}
