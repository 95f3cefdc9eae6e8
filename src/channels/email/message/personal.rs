//! What is a reader's own in a text that many share, and the marks that keep its place.

/// What a text can have for each reader: the marks that stand for it, or one reader's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personal<T> {
    /// The reader's name.
    pub name: T,
    /// The reader's address.
    pub address: T,
    /// The part of their unsubscribe link that is theirs.
    pub unsubscribe: T,
    /// The part of their preferences link that is theirs.
    pub preferences: T,
    /// The part of the link that is theirs, by which they confirm that they signed up.
    pub confirm: T,
}

/// Which of the five.
pub(super) type Which = usize;

impl<T> Personal<T> {
    pub(super) fn each(&self) -> [&T; 5] {
        [
            &self.name,
            &self.address,
            &self.unsubscribe,
            &self.preferences,
            &self.confirm,
        ]
    }
}

impl<T: AsRef<str>> Personal<T> {
    /// The five, borrowed.
    pub fn as_ref(&self) -> Personal<&str> {
        Personal {
            name: self.name.as_ref(),
            address: self.address.as_ref(),
            unsubscribe: self.unsubscribe.as_ref(),
            preferences: self.preferences.as_ref(),
            confirm: self.confirm.as_ref(),
        }
    }

    /// How often the mark of the name or of the address stands in `text`.
    pub fn people_in(&self, text: &str) -> usize {
        let count = |mark: &T| text.matches(mark.as_ref()).count();
        count(&self.name) + count(&self.address)
    }

    /// `text` with a reader's own where these marks stand.
    #[must_use]
    pub fn filled(&self, text: &str, own: &Personal<&str>, escaping: Escaping) -> String {
        let (cuts, rest) = self.cut(text);
        let mut out = String::with_capacity(text.len());
        for (before, which) in cuts {
            out.push_str(before);
            escaping.push(&mut out, own.each()[which]);
        }
        out.push_str(rest);
        out
    }

    /// The pieces of `text` before each mark, and what follows the last one.
    pub(super) fn cut<'t>(&self, text: &'t str) -> (Vec<(&'t str, Which)>, &'t str) {
        let marks = self.each().map(AsRef::as_ref);
        let mut cuts = Vec::new();
        let mut rest = text;
        let next = |text: &str| {
            let found = |(which, mark): (Which, &&str)| Some((text.find(mark)?, which));
            let real = marks
                .iter()
                .enumerate()
                .filter(|(_, mark)| !mark.is_empty());
            real.filter_map(found).min()
        };
        while let Some((at, which)) = next(rest) {
            cuts.push((&rest[..at], which));
            rest = &rest[at + marks[which].len()..];
        }
        (cuts, rest)
    }
}

/// How a value is written into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escaping {
    /// As it is.
    Plain,
    /// For HTML text and quoted attributes.
    Html,
}

impl Escaping {
    /// Appends `value`, which is one line: a line break in it becomes a space.
    pub(super) fn push(self, out: &mut String, value: &str) {
        for c in value.chars() {
            match c {
                '\r' | '\n' => out.push(' '),
                '&' if self == Self::Html => out.push_str("&amp;"),
                '<' if self == Self::Html => out.push_str("&lt;"),
                '>' if self == Self::Html => out.push_str("&gt;"),
                '"' if self == Self::Html => out.push_str("&quot;"),
                '\'' if self == Self::Html => out.push_str("&#39;"),
                _ => out.push(c),
            }
        }
    }
}
