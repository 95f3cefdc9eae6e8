//! HTML as text that reads well by itself: the text part of mails.

use super::text::{Line, is_unwanted, plain};
use super::tokens::{Element, Piece, walk};
use super::wrap::{WIDTH, width, wrap};

/// Indents beyond this add nothing but width.
const MOST_INDENTS: usize = 8;
/// Frames beyond this are not kept: each line looks at all of them.
const MOST_FRAMES: usize = 64;

/// HTML as plain text of 72 columns: paragraphs apart, headings underlined, lists with bullets
/// or numbers, quotes behind `>`, table rows with ` | ` between cells, pictures as their
/// description in brackets. Links are footnotes: `[1]` in the text, the addresses at the end;
/// a link whose text is its address stays as it is. Lines end in `\n`, except the last.
#[must_use]
pub fn to_text(html: &str) -> String {
    let mut text = Renderer::default();
    walk(html, |piece| match piece {
        Piece::Open(element) => text.open(element),
        Piece::Close(name) => text.close(name),
        Piece::Text(t) => text.text(t),
    });
    text.finish()
}

enum Frame {
    Quote,
    /// A list; `Some` holds the number of the next item.
    List(Option<usize>),
    Item {
        bullet: String,
        is_written: bool,
    },
    Heading(char),
    Preformatted,
}

#[derive(Default)]
struct Renderer {
    out: String,
    line: Line,
    frames: Vec<Frame>,
    links: Vec<String>,
    /// The link being read: where its text starts, and its address.
    link: Option<(usize, String)>,
    blank_due: bool,
    last_prefix: String,
}

impl Renderer {
    fn text(&mut self, text: &str) {
        if self.frames.iter().any(|f| matches!(f, Frame::Preformatted)) {
            let kept = text
                .chars()
                .filter(|&c| c == '\n' || c == '\t' || !is_unwanted(c));
            self.line.text.extend(kept);
        } else {
            self.line.push(text);
        }
    }

    fn open(&mut self, element: Element<'_>) {
        match element.name() {
            "br" => {
                self.line.text.push('\n');
                self.line.gap = false;
            }
            "p" | "figure" | "table" | "dl" => self.block(),
            "blockquote" => self.frame(Frame::Quote),
            "pre" => self.frame(Frame::Preformatted),
            "h1" | "h2" => self.frame(Frame::Heading('=')),
            "h3" | "h4" | "h5" | "h6" => self.frame(Frame::Heading('-')),
            "ul" => self.list(None),
            "ol" => {
                let start = element.attribute("start").and_then(|s| s.parse().ok());
                self.list(Some(start.unwrap_or(1).min(1_000_000)));
            }
            "li" => self.item(),
            "dd" => {
                self.flush();
                self.indent("   ".to_owned());
            }
            "hr" => {
                self.block();
                self.line.text.push_str("* * *");
                self.block();
            }
            "td" | "th" if self.line.text.trim().is_empty() => {}
            "td" | "th" => self.line.push(" | "),
            "q" => self.line.push("“"),
            "img" => {
                let alt = plain(element.attribute("alt").unwrap_or(""));
                if !alt.is_empty() {
                    self.line.push(&format!(" [{alt}] "));
                }
            }
            "a" => {
                self.end_link();
                if let Some(href) = element.attribute("href").map(str::trim)
                    && ["http://", "https://", "mailto:"]
                        .iter()
                        .any(|s| href.starts_with(s))
                {
                    self.link = Some((self.line.text.len(), href.to_owned()));
                }
            }
            name if super::tokens::is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.end_link(),
            "q" => self.line.text.push('”'),
            "p" | "figure" | "table" | "dl" => self.block(),
            "blockquote" => self.end(|f| matches!(f, Frame::Quote)),
            "pre" => self.end(|f| matches!(f, Frame::Preformatted)),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.end(|f| matches!(f, Frame::Heading(_))),
            "ul" | "ol" => {
                self.flush();
                self.pop(|f| matches!(f, Frame::List(_)));
                self.blank_due = !self.in_list();
            }
            "li" | "dd" => {
                self.flush();
                self.pop(|f| matches!(f, Frame::Item { .. }));
            }
            "td" | "th" | "br" => {}
            name if super::tokens::is_block(name) => self.flush(),
            _ => {}
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.frames.clear();
        if !self.links.is_empty() {
            self.out.push('\n');
            for (number, link) in self.links.iter().enumerate() {
                self.out.push_str(&format!("[{}] {link}\n", number + 1));
            }
        }
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    /// The end of a block that stands apart from what follows.
    fn block(&mut self) {
        self.flush();
        // Paragraphs of a list's items stay together.
        self.blank_due = self.blank_due || !self.in_list();
    }

    fn frame(&mut self, frame: Frame) {
        self.block();
        self.push(frame);
    }

    fn end(&mut self, is_it: impl Fn(&Frame) -> bool) {
        self.flush();
        self.pop(is_it);
        self.blank_due = true;
    }

    fn list(&mut self, next: Option<usize>) {
        self.block();
        self.push(Frame::List(next));
    }

    fn item(&mut self) {
        self.flush();
        // An item ends the one before it, in its own list only.
        if let Some(at) = self
            .frames
            .iter()
            .rposition(|f| matches!(f, Frame::List(_)))
        {
            self.frames.truncate(at + 1);
        }
        let bullet = match self.frames.last_mut() {
            Some(Frame::List(Some(next))) => {
                *next += 1;
                format!("{}. ", *next - 1)
            }
            _ => "• ".to_owned(),
        };
        self.indent(bullet);
    }

    fn indent(&mut self, bullet: String) {
        self.push(Frame::Item {
            bullet,
            is_written: false,
        });
    }

    fn push(&mut self, frame: Frame) {
        if self.frames.len() < MOST_FRAMES {
            self.frames.push(frame);
        }
    }

    fn pop(&mut self, is_it: impl Fn(&Frame) -> bool) {
        if let Some(at) = self.frames.iter().rposition(is_it) {
            self.frames.truncate(at);
        }
    }

    fn in_list(&self) -> bool {
        self.frames.iter().any(|f| matches!(f, Frame::List(_)))
    }

    fn end_link(&mut self) {
        let Some((start, href)) = self.link.take() else {
            return;
        };
        // The text may have been written out already, at a block inside the link.
        let words = self.line.text.get(start..).unwrap_or("").trim();
        let bare = |text: &str| {
            let text = text
                .trim_start_matches("https://")
                .trim_start_matches("http://");
            text.trim_start_matches("mailto:")
                .trim_end_matches('/')
                .to_owned()
        };
        if words.is_empty() || bare(words) == bare(&href) {
            return;
        }
        let known = self.links.iter().position(|l| *l == href);
        let number = known.unwrap_or_else(|| {
            self.links.push(href);
            self.links.len() - 1
        });
        self.line.text.push_str(&format!(" [{}]", number + 1));
    }

    fn flush(&mut self) {
        self.end_link();
        let text = std::mem::take(&mut self.line).text;
        if text.trim().is_empty() {
            return;
        }
        self.write_blank();
        let is_verbatim = self.frames.iter().any(|f| matches!(f, Frame::Preformatted));
        let mut longest = 0;
        let text = if is_verbatim {
            text.trim_matches('\n')
        } else {
            text.trim()
        };
        for part in text.split('\n') {
            let columns = WIDTH.saturating_sub(width(&self.prefix(false))).max(20);
            let lines = if is_verbatim {
                vec![part.trim_end().to_owned()]
            } else {
                wrap(part, columns)
            };
            for line in lines {
                longest = longest.max(width(&line));
                let prefix = self.prefix(true);
                self.out.push_str(&prefix);
                self.out.push_str(&line);
                self.out.push('\n');
                self.last_prefix = prefix;
            }
        }
        if let Some(Frame::Heading(mark)) = self.frames.last() {
            let rule = mark.to_string().repeat(longest.min(WIDTH));
            let prefix = self.prefix(false);
            self.out.push_str(&format!("{prefix}{rule}\n"));
        }
    }

    fn write_blank(&mut self) {
        if self.blank_due && !self.out.is_empty() {
            // A blank line inside a quote belongs to it.
            let next = self.prefix(false);
            let quote: String = self
                .last_prefix
                .chars()
                .zip(next.chars())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect();
            self.out.push_str(quote.trim_end());
            self.out.push('\n');
        }
        self.blank_due = false;
    }

    /// What stands before the next line; `writing` uses up the bullets.
    fn prefix(&mut self, writing: bool) -> String {
        let mut prefix = String::new();
        let indents = self
            .frames
            .iter_mut()
            .filter(|f| matches!(f, Frame::Quote | Frame::Item { .. }));
        for frame in indents.take(MOST_INDENTS) {
            match frame {
                Frame::Item { bullet, is_written } => {
                    if *is_written || !writing {
                        prefix.push_str(&" ".repeat(width(bullet)));
                    } else {
                        prefix.push_str(bullet);
                        *is_written = true;
                    }
                }
                _ => prefix.push_str("> "),
            }
        }
        prefix
    }
}
