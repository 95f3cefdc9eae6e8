//! The lead picture and the same one in the text.

use url::Url;

use super::pictures::stem;
use crate::domain::Image;
use crate::html::tokens::{Piece, walk};
use crate::html::{escape_text, first_image};

/// Places of one picture in a text that get another address, which may be a hundred times as long.
const MOST_PLACES: usize = 100;

/// The text and its lead picture. Where the text has the lead picture in another size, both
/// get one address, so that whoever shows the one does not show the other as well.
pub(super) fn lead_picture(
    html: String,
    told: Option<Image>,
    pictures: &[Image],
    url: &Url,
) -> (String, Option<Image>) {
    let Some(mut lead) = told else {
        let first = first_image(&html, Some(url));
        return (html, first);
    };
    let own = stem(&lead.url);
    let described = |picture: &&Image| stem(&picture.url) == own && !picture.alt.is_empty();
    if lead.alt.is_empty()
        && let Some(same) = pictures.iter().find(described)
    {
        lead.alt.clone_from(&same.alt);
    }
    let Some(in_text) = same_in(&html, &own).filter(|src| *src != lead.url) else {
        return (html, Some(lead));
    };
    let (from, to) = (escape_text(&in_text), escape_text(&lead.url));
    let html = html.replacen(&format!("\"{from}\""), &format!("\"{to}\""), MOST_PLACES);
    (html, Some(lead))
}

/// The address under which the text has a picture.
fn same_in(html: &str, own: &str) -> Option<String> {
    let mut found = None;
    walk(html, |piece| {
        if let Piece::Open(element) = piece
            && element.name() == "img"
            && found.is_none()
        {
            let src = element.attribute("src").unwrap_or("");
            found = (stem(src) == own).then(|| src.to_owned());
        }
    });
    found
}
