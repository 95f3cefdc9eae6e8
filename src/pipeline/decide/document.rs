//! A document as a whole: whether its names can be trusted, and which of them tell anything.

use std::collections::{HashMap, HashSet};

use super::Prepared;
use crate::domain::{ArticleId, IdentityKey, KeyKind, without_referrer};
use crate::store::KnownArticle;

/// With fewer known addresses in a document, other guids are single cases.
const LEAST_KNOWN: usize = 3;

/// Whether the guids of a document are other ones than before for more than half of the articles
/// whose addresses are known: how many, and of how many. The addresses are to be trusted then.
pub(in super::super) fn guid_storm(
    entries: &[Prepared],
    known: &[Option<KnownArticle>],
) -> Option<(usize, usize)> {
    let (mut strange, mut of) = (0, 0);
    for (entry, known) in entries.iter().zip(known) {
        let Some(known) = known.as_ref().filter(|known| known.at_address.is_some()) else {
            continue;
        };
        if entry.keys.iter().any(is_id) {
            of += 1;
            strange += usize::from(!known.by_id || known.at_address != Some(known.id));
        }
    }
    (of >= LEAST_KNOWN && strange * 2 > of).then_some((strange, of))
}

/// Takes the addresses away that several articles share (all items of some feeds lead to one
/// page), and by which nothing tells them apart: other guids and other titles do.
pub(in super::super) fn tell_addresses_apart(entries: &mut [Prepared]) {
    let mut sharing: HashMap<IdentityKey, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for key in entry.keys.iter().filter(|key| key.kind.is_address()) {
            sharing.entry(key.clone()).or_default().push(at);
        }
    }
    let id = |at: usize| entries[at].keys.iter().find(|key| is_id(key));
    sharing.retain(|_, places| {
        let first = places[0];
        let differ = |at: &usize| {
            id(*at) != id(first) && entries[*at].revision.title != entries[first].revision.title
        };
        places.iter().any(differ) && places.iter().all(|at| id(*at).is_some())
    });
    for entry in entries {
        entry.keys.retain(|key| !sharing.contains_key(key));
    }
}

/// Whether a key names the article itself and not its page.
fn is_id(key: &IdentityKey) -> bool {
    !key.kind.is_weak() && !key.kind.is_address()
}

/// Leaves an entry the names made of its address, where it has one, and the weak ones.
pub(in super::super) fn by_address(keys: &mut Vec<IdentityKey>) {
    if keys.iter().any(|key| key.kind.is_address()) {
        keys.retain(|key| key.kind.is_address() || key.kind.is_weak());
    }
}

/// What a poll in which the guids turned out to be wrong says of its entries: `by_link` is what
/// the addresses lead to, `before` what all names led to. An entry whose address is new is the
/// article that its guid names, unless that one stands elsewhere in the document: nothing is
/// mailed again because of guids that change places.
pub(in super::super) fn after_storm(
    by_link: Vec<Option<KnownArticle>>,
    before: Vec<Option<KnownArticle>>,
) -> Vec<Option<KnownArticle>> {
    let listed: HashSet<ArticleId> = by_link.iter().flatten().map(|known| known.id).collect();
    let of_guid = |known: Option<KnownArticle>| known.filter(|k| !listed.contains(&k.id));
    by_link
        .into_iter()
        .zip(before)
        .map(|(link, guid)| link.or_else(|| of_guid(guid)))
        .collect()
}

/// Takes `ref=HOST` out of the names of addresses.
pub(in super::super) fn without_referrers(keys: &mut [IdentityKey], hosts: &[&str]) {
    for key in keys {
        let is_normal = key.kind.is_address() || key.kind == KeyKind::GuidNormalised;
        if is_normal && let Some(value) = without_referrer(&key.value, hosts) {
            *key = IdentityKey::new(key.kind, &value);
        }
    }
}

/// Takes the weak keys away that several entries of a document share, for what they have in
/// common is no sign of anything ("Read more on our site"). Entries with the same title and text
/// are twins: answers for each entry whether one before it is its twin.
pub(in super::super) fn tell_likenesses_apart(entries: &mut [Prepared]) -> Vec<bool> {
    let mut sharing: HashMap<IdentityKey, Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        for key in entry.keys.iter().filter(|key| key.kind.is_weak()) {
            sharing.entry(key.clone()).or_default().push(at);
        }
    }
    sharing.retain(|_, places| places.len() > 1);
    let mut twins = vec![false; entries.len()];
    let mut telling: HashSet<IdentityKey> = HashSet::new();
    for (key, places) in &sharing {
        let title = |at: &usize| &entries[*at].revision.title;
        let is_same = places.iter().all(|at| title(at) == title(&places[0]));
        if key.kind == KeyKind::Content && is_same {
            places[1..].iter().for_each(|at| twins[*at] = true);
            telling.insert(key.clone());
        }
    }
    for entry in entries {
        let is_twin = entry.keys.iter().any(|key| telling.contains(key));
        entry.keys.retain(|key| {
            // Twins keep their headline: whatever else has it, they are alike.
            !sharing.contains_key(key) || telling.contains(key) || is_twin
        });
    }
    twins
}

#[cfg(test)]
mod tests {
    use super::super::tests::{article, entry};
    use super::*;
    use crate::domain::{keys_of, likeness_of};

    fn with_text(number: usize, title: &str, text: &str) -> Prepared {
        let mut entry = entry(&format!("guid-{number}"), title);
        entry.keys.extend(likeness_of(title, text, "2026-01-05"));
        entry
    }

    fn weak(entry: &Prepared) -> Vec<KeyKind> {
        let keys = entry.keys.iter().map(|key| key.kind);
        keys.filter(|kind| kind.is_weak()).collect()
    }

    #[test]
    fn what_many_entries_share_is_no_sign_and_a_repetition_is_a_twin() {
        let (own, boilerplate) = ("own words ".repeat(30), "read more ".repeat(30));
        let mut entries = vec![
            with_text(1, "Floods", &own),
            with_text(2, "Floods", &own),
            with_text(3, "Cricket", &boilerplate),
            with_text(4, "Mangoes", &boilerplate),
            with_text(5, "Letters", "short"),
            with_text(6, "Letters", "shorter"),
        ];
        let twins = tell_likenesses_apart(&mut entries);
        assert_eq!(twins, [false, true, false, false, false, false]);
        let both = [KeyKind::Content, KeyKind::Headline];
        assert_eq!(weak(&entries[0]), both);
        assert_eq!(weak(&entries[1]), both);
        assert_eq!(weak(&entries[2]), [KeyKind::Headline]);
        assert_eq!(weak(&entries[4]), []);
        assert_eq!(weak(&entries[5]), []);
    }

    /// An entry with guid and address, and what the store knows: the article its guid leads to,
    /// and the one its address leads to.
    fn met(by_id: Option<i64>, at_address: Option<i64>) -> (Prepared, Option<KnownArticle>) {
        let mut entry = entry("g", "t");
        entry.keys = keys_of(Some("g"), Some("https://news.example/1"), "t", "");
        let known = by_id.or(at_address).map(|id| KnownArticle {
            by_id: by_id.is_some(),
            at_address: at_address.map(ArticleId),
            ..super::super::sorting::known(&article(id))
        });
        (entry, known)
    }

    fn storm(cases: &[(Option<i64>, Option<i64>)]) -> Option<(usize, usize)> {
        let (entries, known): (Vec<_>, Vec<_>) = cases.iter().map(|(g, l)| met(*g, *l)).unzip();
        guid_storm(&entries, &known)
    }

    #[test]
    fn more_than_half_other_guids_under_known_addresses_are_a_storm() {
        let (right, unknown, elsewhere) = ((Some(1), Some(1)), (None, Some(2)), (Some(3), Some(4)));
        assert_eq!(storm(&[right, unknown, elsewhere]), Some((2, 3)));
        assert_eq!(storm(&[right, right, unknown, elsewhere]), None);
        assert_eq!(storm(&[unknown, unknown]), None, "two are single cases");
        let (new, renamed) = ((None, None), (Some(5), None));
        assert_eq!(storm(&[new, new, renamed, renamed]), None);
    }

    #[test]
    fn in_a_storm_a_new_address_is_what_its_guid_names_unless_that_is_listed() {
        let known = |id: i64| met(Some(id), None).1;
        let by_link = vec![known(1), None, None, None];
        let before = vec![known(9), known(1), known(2), None];
        let ids: Vec<_> = after_storm(by_link, before)
            .into_iter()
            .map(|known| known.map(|k| k.id.0))
            .collect();
        assert_eq!(ids, [Some(1), None, Some(2), None]);
    }

    #[test]
    fn an_address_that_several_articles_share_names_none_of_them() {
        let at = |guid: &str, title: &str, link: &str| {
            let mut entry = entry(guid, title);
            entry.keys = keys_of(Some(guid), Some(link), title, "");
            entry
        };
        let (home, page) = ("https://news.example/", "https://news.example/1");
        let mut entries = vec![
            at("a", "Version 2", home),
            at("b", "Version 1", home),
            at("c", "Floods", page),
            at("d", "Floods", page),
        ];
        tell_addresses_apart(&mut entries);
        let addressed = entries
            .iter()
            .map(|e| e.keys.iter().any(|k| k.kind.is_address()));
        assert_eq!(addressed.collect::<Vec<_>>(), [false, false, true, true]);
    }

    #[test]
    fn only_an_entry_that_has_an_address_goes_by_it() {
        let mut keys = keys_of(Some("g"), Some("https://news.example/1"), "t", "");
        by_address(&mut keys);
        assert_eq!(
            keys.iter().map(|k| k.kind).collect::<Vec<_>>(),
            [KeyKind::Link]
        );
        let mut keys = keys_of(Some("g"), None, "t", "");
        by_address(&mut keys);
        assert_eq!(keys.len(), 1);
    }
}
