//! What the letters of a text say of its language: enough to see when a feed's word for it is
//! wrong, as where one feed with `<language>en</language>` has articles in two scripts.
//!
//! It decides the direction a text is set in, its font, and which channels take it; so only a
//! clear contradiction counts.

use super::clean::is_right_to_left;
use crate::domain::{Direction, base_language, direction_of};

/// Characters that are looked at.
const LOOKED_AT: usize = 4_000;
/// Fewer letters say nothing.
const FEWEST_LETTERS: usize = 8;

/// Languages that are written in Arabic letters, too, where their tag names no script.
const BOTH: [&str; 9] = ["az", "ha", "kk", "ku", "ms", "pa", "tk", "tt", "uz"];

/// Letters that one language has and those after it have not.
const TELLING: [(&str, &str); 6] = [
    ("he", "אבגדהוזחטיכלמנסעפצקרשת"),
    ("ug", "ۇۆۈۋ"),
    ("ps", "ټډړږښې"),
    ("sd", "ڄڃڊڏڳڱڻٿڀ"),
    ("ur", "ٹڈڑںےہ"),
    ("fa", "پچژگکی"),
];

/// The first of `tags` that is written as `text` is. Where none is, and the text runs from right
/// to left, a language that has its letters; else the first.
#[must_use]
pub fn language_of(text: &str, tags: &[&str]) -> String {
    let first = tags.first().copied().unwrap_or_default();
    let Some(direction) = direction_of_text(text) else {
        return first.to_owned();
    };
    let fitting = tags.iter().find(|tag| direction_of(tag) == direction);
    match (fitting, direction) {
        (Some(tag), _) => (*tag).to_owned(),
        (None, Direction::Ltr) => first.to_owned(),
        (None, Direction::Rtl) => match base_language(first) {
            base if BOTH.contains(&base.as_str()) => format!("{base}-Arab"),
            _ => by_letters(text).to_owned(),
        },
    }
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().take(LOOKED_AT).filter(|c| c.is_alphabetic())
}

/// The direction of three letters in four, or more.
fn direction_of_text(text: &str) -> Option<Direction> {
    let all = letters(text).count();
    let leftward = letters(text).filter(|c| is_right_to_left(*c)).count();
    match all {
        0..FEWEST_LETTERS => None,
        _ if leftward * 4 >= all * 3 => Some(Direction::Rtl),
        _ if leftward * 4 <= all => Some(Direction::Ltr),
        _ => None,
    }
}

/// The language of which one letter in a hundred is; a name that is quoted does not count.
fn by_letters(text: &str) -> &'static str {
    let all = letters(text).count();
    let is_it = |own: &str| letters(text).filter(|c| own.contains(*c)).count() * 100 >= all;
    let found = TELLING.iter().find(|(_, own)| is_it(own));
    found.map_or("ar", |(tag, _)| *tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URDU: &str = "لاہور میں بارش کے بعد شہر کی انتظامیہ نے نکاسی آب کا نیا منصوبہ پیش کیا ہے";

    #[test]
    fn a_claim_that_the_letters_contradict_gives_way() {
        assert_eq!(language_of(URDU, &["en", "en-US"]), "ur");
        assert_eq!(language_of(URDU, &["en", "ps-AF"]), "ps-AF");
        assert_eq!(language_of("مجلس المدينة فتح الرصيف", &["en"]), "ar");
        assert_eq!(
            language_of("شورای شهر اسکله شرقی را باز کرد", &["en"]),
            "fa"
        );
        assert_eq!(language_of("שלום לכל העולם הזה", &["en"]), "he");
        assert_eq!(
            language_of("The council met on Monday", &["ur", "en-GB"]),
            "en-GB"
        );
        assert_eq!(language_of("پنجاب دی خبر اج دی تازہ", &["pa"]), "pa-Arab");
    }

    #[test]
    fn any_other_claim_stands() {
        assert_eq!(language_of(URDU, &["ur-PK", "en"]), "ur-PK");
        assert_eq!(language_of("Council", &["ur"]), "ur");
        assert_eq!(language_of("The council met", &["ur", "fa"]), "ur");
        assert_eq!(language_of("خبر", &["en"]), "en");
        assert_eq!(language_of("", &[]), "");
        let both = format!("{URDU} In the city of Lahore the rain fell and the council met.");
        assert_eq!(language_of(&both, &["en"]), "en", "a text in two scripts");
        assert_eq!(language_of("公司今天宣布新的计划", &["zh"]), "zh");
    }
}
