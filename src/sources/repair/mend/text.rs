//! Text.

use super::super::references;
use super::super::vocabulary::Place;
use super::{Kind, Mender};

impl<'a> Mender<'a> {
    /// Text with its references.
    pub(super) fn text(&mut self, raw: &'a str) {
        let Some(frame) = self.stack.last().copied() else {
            return;
        };
        match frame.kind {
            Kind::Skip | Kind::Hidden(_) => {}
            Kind::Container(Place::Person) if !raw.trim().is_empty() => {
                // Atom's author without a name of its own.
                self.out.push_str("<name>");
                references::text(
                    &mut self.out,
                    raw.trim(),
                    frame.level,
                    &self.entities,
                    &mut self.tally,
                );
                self.out.push_str("</name>");
            }
            Kind::Container(_) => {}
            _ => references::text(
                &mut self.out,
                raw,
                frame.level,
                &self.entities,
                &mut self.tally,
            ),
        }
    }

    /// A CDATA section, which stays one where its text is only passed on.
    pub(super) fn cdata(&mut self, text: &'a str) {
        let Some(frame) = self.stack.last().copied() else {
            return;
        };
        let is_leaf = matches!(frame.kind, Kind::Leaf(_) | Kind::Late(..) | Kind::Note(_));
        let is_worked_on = self.leaf.is_some_and(|leaf| leaf.is_worked_on);
        match frame.kind {
            Kind::Skip | Kind::Hidden(_) | Kind::Container(_) => {}
            _ if is_leaf && !is_worked_on && frame.level == references::Level::Text => {
                references::cdata(&mut self.out, text, &mut self.tally);
            }
            _ => references::literal(&mut self.out, text, frame.level, &mut self.tally),
        }
    }
}
