//! Articles and feeds as text.

use courant::domain::UnixMillis;

use crate::outlet::{Dice, Form, Guid, Habit, Outlet, Piece, WINDOW};

const ENGLISH: [&str; 24] = [
    "river", "council", "bridge", "farmers", "budget", "court", "school", "market", "hospital",
    "railway", "election", "harvest", "museum", "strike", "weather", "festival", "border",
    "energy", "water", "teachers", "minister", "valley", "harbour", "league",
];
const URDU: [&str; 12] = [
    "دریا",
    "عدالت",
    "اسکول",
    "بازار",
    "انتخابات",
    "موسم",
    "کسان",
    "بجٹ",
    "ریل",
    "ہسپتال",
    "پانی",
    "وزیر",
];

fn words(count: u64, is_urdu: bool, dice: &mut Dice) -> String {
    let list: &[&str] = if is_urdu { &URDU } else { &ENGLISH };
    let words = (0..count).map(|_| list[dice.below(list.len() as u64) as usize]);
    words.collect::<Vec<_>>().join(" ")
}

/// A new article.
pub fn piece(number: usize, now: UnixMillis, is_urdu: bool, dice: &mut Dice) -> Piece {
    let token = format!("A{number:04}");
    let paragraphs = 3 + dice.below(2);
    Piece {
        title: format!("{token} {}", words(5, is_urdu, dice)),
        slug: format!("{}-{number}", words(3, false, dice).replace(' ', "-")),
        paragraphs: (0..paragraphs)
            .map(|_| words(40, is_urdu, dice) + ".")
            .collect(),
        token,
        number,
        date: now,
        appeared: now,
    }
}

/// The id that the feed gives an article.
fn guid(outlet: &Outlet, piece: &Piece) -> Option<String> {
    let (scheme, name) = (outlet.scheme, &outlet.name);
    match outlet.guid {
        Guid::Address => Some(outlet.address(piece)),
        Guid::Number => Some(format!("{scheme}://{name}.example/?p={}", piece.number)),
        Guid::None => None,
        Guid::Fresh => Some(format!("urn:cms:{name}:{:08x}", piece.number * 2_654_435)),
        Guid::Same => Some(format!("{scheme}://{name}.example/feed-item")),
    }
}

fn link(outlet: &Outlet, piece: &Piece) -> String {
    let address = outlet.address(piece);
    match outlet.has(Habit::Tracks) {
        true => format!("{address}?utm_source=rss&utm_campaign={}", outlet.served),
        false => address,
    }
}

fn body(piece: &Piece) -> String {
    let paragraphs = piece.paragraphs.iter();
    paragraphs.map(|p| format!("<p>{p}</p>")).collect()
}

fn stamp(at: UnixMillis) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).expect("a date of this century")
}

/// The whole document.
pub fn feed(outlet: &Outlet) -> String {
    let pieces = &outlet.pieces[..WINDOW.min(outlet.pieces.len())];
    match outlet.form {
        Form::Rss => rss(outlet, pieces),
        Form::Atom => atom(outlet, pieces),
        Form::Json => json(outlet, pieces),
    }
}

fn rss(outlet: &Outlet, pieces: &[Piece]) -> String {
    let item = |piece: &Piece| {
        let guid = guid(outlet, piece).map_or(String::new(), |guid| {
            let is_address = guid.starts_with("http") && outlet.guid == Guid::Address;
            format!("<guid isPermaLink=\"{is_address}\">{guid}</guid>")
        });
        let date =
            jiff::fmt::rfc2822::to_string(&stamp(piece.date).to_zoned(jiff::tz::TimeZone::UTC));
        format!(
            "<item><title>{}</title><link>{}</link>{guid}<pubDate>{}</pubDate>\
             <content:encoded><![CDATA[{}]]></content:encoded></item>\n",
            piece.title,
            link(outlet, piece).replace('&', "&amp;"),
            date.expect("a date with a year of four digits"),
            body(piece)
        )
    };
    let items: String = pieces.iter().map(item).collect();
    format!(
        "<?xml version=\"1.0\"?>\n<rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel>\
         <title>{}</title><link>{}://{}.example/</link>\n{items}</channel></rss>",
        outlet.name, outlet.scheme, outlet.name
    )
}

fn atom(outlet: &Outlet, pieces: &[Piece]) -> String {
    let entry = |piece: &Piece| {
        let id = guid(outlet, piece).map_or(String::new(), |id| format!("<id>{id}</id>"));
        format!(
            "<entry><title>{}</title><link href=\"{}\"/>{id}<published>{}</published>\
             <content type=\"html\"><![CDATA[{}]]></content></entry>\n",
            piece.title,
            link(outlet, piece).replace('&', "&amp;"),
            stamp(piece.date),
            body(piece)
        )
    };
    let entries: String = pieces.iter().map(entry).collect();
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>{}</title>\n{entries}</feed>",
        outlet.name
    )
}

fn json(outlet: &Outlet, pieces: &[Piece]) -> String {
    let item = |piece: &Piece| {
        serde_json::json!({
            "id": guid(outlet, piece),
            "url": link(outlet, piece),
            "title": piece.title,
            "content_html": body(piece),
            "date_published": stamp(piece.date).to_string(),
        })
    };
    let items: Vec<_> = pieces.iter().map(item).collect();
    serde_json::json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "items": items,
    })
    .to_string()
}
