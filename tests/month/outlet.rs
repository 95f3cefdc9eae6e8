//! One outlet: what it has published, what its feed looks like, and what it does to both.

use courant::domain::UnixMillis;

use crate::rendering;
use crate::support::newsroom::{DAY, DAY_ONE, HOUR};

/// Chance, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 up to, not including, `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Whether something happens that happens once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// An article, as its readers would count articles.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Stands in its title whatever becomes of that: `A0123`.
    pub token: String,
    pub number: usize,
    pub title: String,
    pub slug: String,
    pub paragraphs: Vec<String>,
    /// The date it claims.
    pub date: UnixMillis,
    /// When it appeared in the feed.
    pub appeared: UnixMillis,
}

/// The articles that these texts name, each as often as it is named.
pub fn tokens_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| {
        let digits = word.strip_prefix('A').unwrap_or_default();
        digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// An article that must wait for its date.
pub struct Due {
    pub token: String,
    pub not_before: UnixMillis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Rss,
    Atom,
    Json,
}

/// What an outlet's feed gives as ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guid {
    /// The article's address.
    Address,
    /// WordPress's `?p=`.
    Number,
    /// Nothing.
    None,
    /// Something new for all articles at once, after a change of systems.
    Fresh,
    /// One for all, as a broken plug-in has it.
    Same,
}

/// What an outlet does beside publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Mends texts some time after they appeared.
    Edits,
    /// Changes title and slug, so address and guid, within two hours.
    Renames,
    /// Publishes with dates of days ago.
    BackDates,
    /// Publishes with dates of later today.
    Embargoes,
    /// Answers 500 for a day from this day on, and publishes all the same.
    BreaksDown { day: i64 },
    /// All addresses and guids are https from this day on.
    GoesHttps { day: i64 },
    /// All guids change.
    ChangesGuids { day: i64 },
    /// Addresses, guids and the feed's own address change.
    ChangesSystem { day: i64 },
    /// A cache serves yesterday's document now and then.
    IsStale,
    /// A document breaks off now and then.
    IsCut,
    /// Addresses carry another campaign at every request.
    Tracks,
}

pub struct Outlet {
    pub name: String,
    pub form: Form,
    pub guid: Guid,
    pub is_urdu: bool,
    pub scheme: &'static str,
    /// Its articles have new addresses, and its feed too.
    pub has_new_system: bool,
    pub is_down: bool,
    pub habits: Vec<Habit>,
    /// Newest appearance first.
    pub pieces: Vec<Piece>,
    /// Documents served, for what changes with each.
    pub served: u64,
    /// An old document, which a cache gives out again.
    pub kept: Option<String>,
    dice: Dice,
}

/// Articles that a feed holds.
pub const WINDOW: usize = 20;

impl Outlet {
    pub fn new(place: u64, form: Form, guid: Guid, habits: &[Habit]) -> Self {
        Self {
            name: format!("outlet{place}"),
            form,
            guid,
            is_urdu: place % 3 == 1,
            scheme: "http",
            has_new_system: false,
            is_down: false,
            habits: habits.to_vec(),
            pieces: Vec::new(),
            served: 0,
            kept: None,
            dice: Dice(place * 7919 + 20_260_105),
        }
    }

    pub fn has(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }

    /// An hour passes: about two articles a day, most of them by day.
    pub fn goes_on(&mut self, now: UnixMillis, number: &mut usize) -> Option<Due> {
        self.changes(now);
        self.mends(now);
        let hour = (now.0 - DAY_ONE.0).rem_euclid(DAY) / HOUR;
        let chance = if hour < 14 { 7 } else { 25 };
        self.dice
            .one_in(chance)
            .then(|| self.publishes(now, number))?
    }

    /// What happens on a day.
    fn changes(&mut self, now: UnixMillis) {
        let day = (now.0 - DAY_ONE.0) / DAY;
        self.is_down = false;
        for habit in self.habits.clone() {
            match habit {
                Habit::BreaksDown { day: from } => self.is_down = day == from,
                Habit::GoesHttps { day: from } if day >= from => self.scheme = "https",
                Habit::ChangesGuids { day: from } if day >= from => self.guid = Guid::Fresh,
                Habit::ChangesSystem { day: from } if day >= from => {
                    self.guid = Guid::Fresh;
                    self.has_new_system = true;
                    self.scheme = "https";
                }
                _ => {}
            }
        }
    }

    pub fn publishes(&mut self, now: UnixMillis, number: &mut usize) -> Option<Due> {
        *number += 1;
        let mut piece = rendering::piece(*number, now, self.is_urdu, &mut self.dice);
        let mut due = None;
        if self.has(Habit::BackDates) && self.dice.one_in(2) {
            piece.date = now.plus_ms(-(self.dice.below(120) as i64) * HOUR);
        }
        if self.has(Habit::Embargoes) && self.dice.one_in(3) {
            piece.date = now.plus_ms((1 + self.dice.below(10) as i64) * HOUR);
            due = Some(Due {
                token: piece.token.clone(),
                not_before: piece.date,
            });
        }
        self.pieces.insert(0, piece);
        if self.has(Habit::BackDates) {
            // Such feeds go by the dates they claim, so new articles stand in the middle.
            let shown = WINDOW.min(self.pieces.len());
            self.pieces[..shown].sort_by_key(|piece| std::cmp::Reverse(piece.date));
        }
        due
    }

    /// Corrections and new titles of what appeared lately.
    fn mends(&mut self, now: UnixMillis) {
        let renames = self.has(Habit::Renames);
        let edits = self.has(Habit::Edits);
        let dice = &mut self.dice;
        for piece in self.pieces.iter_mut().take(WINDOW) {
            let age = now.0 - piece.appeared.0;
            if renames && (HOUR / 2..3 * HOUR).contains(&age) && dice.one_in(3) {
                piece.title = format!("{} as new details emerge", piece.title);
                piece.slug = format!("{}-v{}", piece.slug, dice.below(1000));
            }
            if edits && age < 6 * HOUR && dice.one_in(4) {
                let at = dice.below(piece.paragraphs.len() as u64) as usize;
                piece.paragraphs[at].push_str(" This sentence was added later.");
            }
        }
    }

    /// The address of an article's page.
    pub fn address(&self, piece: &Piece) -> String {
        let (scheme, name) = (self.scheme, &self.name);
        let day = piece.appeared.to_string();
        match self.has_new_system {
            true => format!("{scheme}://www.{name}.example/news/{}", piece.slug),
            false => format!("{scheme}://{name}.example/{}/{}/", &day[..10], piece.slug),
        }
    }

    /// The feed as it is served now.
    pub fn document(&mut self) -> String {
        self.served += 1;
        if let Some(old) = &self.kept
            && self.dice.one_in(9)
        {
            return old.clone();
        }
        let mut document = rendering::feed(self);
        if self.has(Habit::IsStale) && self.dice.one_in(20) {
            self.kept = Some(document.clone());
        }
        if self.has(Habit::IsCut) && self.dice.one_in(9) {
            let mut end = document.len() - self.dice.below(document.len() as u64 / 2) as usize;
            while !document.is_char_boundary(end) {
                end -= 1;
            }
            document.truncate(end);
        }
        document
    }
}
