//! An article and the furniture around it: each text carries a mark of its own, `K…` in the
//! article and `F…` in the furniture, so that a reader can be scored.

use std::cell::Cell;

/// What a theme prints.
pub struct Press {
    pub urdu: bool,
    pub full: bool,
    kept: Cell<usize>,
    furniture: Cell<usize>,
}

/// A piece of the article.
pub enum Block {
    Paragraph(String),
    Heading(String),
    Quote(String),
    List(Vec<String>),
    Table(Vec<[String; 2]>),
    /// Name of the file, description, caption.
    Figure(&'static str, String, String),
    Film(String),
}

const ENGLISH: [&str; 8] = [
    "Water levels in the river rose through the night, officials said, and families in the low villages were moved to schools before dawn",
    "The minister told the assembly that the budget would be presented in June, and that the tax on small traders would not be raised this year",
    "A new line between the two cities will cut the journey to four hours, the railways announced, although no date was given for the first train",
    "Farmers in the district say the price of wheat has fallen below what it costs to grow, and that the promised support has not been paid",
    "The court adjourned the hearing until Monday after lawyers of both sides asked for more time to read the documents filed this week",
    "Exports of textiles grew by nine per cent in October, according to the bureau, the first rise after five months of decline",
    "Doctors at the hospital reported that most of the injured had been sent home, while three remain in intensive care",
    "The team will name its captain after the match on Sunday, the coach said, and he expects two young bowlers to play",
];

const URDU: [&str; 8] = [
    "دریا میں پانی کی سطح رات بھر بلند ہوتی رہی، حکام کے مطابق نشیبی دیہات کے خاندانوں کو صبح ہونے سے پہلے سکولوں میں منتقل کر دیا گیا",
    "وزیر نے اسمبلی کو بتایا کہ بجٹ جون میں پیش کیا جائے گا اور اس سال چھوٹے تاجروں پر ٹیکس نہیں بڑھایا جائے گا",
    "دونوں شہروں کے درمیان نئی ریلوے لائن سے سفر چار گھنٹے کا رہ جائے گا، تاہم پہلی ٹرین کی تاریخ نہیں بتائی گئی",
    "ضلع کے کسانوں کا کہنا ہے کہ گندم کی قیمت لاگت سے بھی کم ہو گئی ہے اور وعدہ کی گئی امداد ابھی تک نہیں ملی",
    "عدالت نے دونوں فریقوں کے وکلا کی درخواست پر سماعت پیر تک ملتوی کر دی تاکہ وہ نئی دستاویزات پڑھ سکیں",
    "ادارہ شماریات کے مطابق اکتوبر میں ٹیکسٹائل کی برآمدات میں نو فیصد اضافہ ہوا جو پانچ ماہ کی کمی کے بعد پہلا اضافہ ہے",
    "ہسپتال کے ڈاکٹروں نے بتایا کہ زیادہ تر زخمیوں کو گھر بھیج دیا گیا ہے جبکہ تین اب بھی انتہائی نگہداشت میں ہیں",
    "ٹیم اتوار کے میچ کے بعد اپنے کپتان کا اعلان کرے گی، کوچ نے کہا کہ دو نوجوان بولر بھی کھیلیں گے",
];

impl Press {
    pub fn new(urdu: bool, full: bool) -> Self {
        Self {
            urdu,
            full,
            kept: Cell::new(0),
            furniture: Cell::new(0),
        }
    }

    /// How many marks the article and the furniture have.
    pub fn marks(&self) -> (usize, usize) {
        (self.kept.get(), self.furniture.get())
    }

    /// Marks a text of the article.
    pub fn k(&self, text: &str) -> String {
        self.kept.set(self.kept.get() + 1);
        format!("{text} K{:03}", self.kept.get())
    }

    /// Marks a text of the furniture, in the page's language.
    pub fn f(&self, english: &str, urdu: &str) -> String {
        self.furniture.set(self.furniture.get() + 1);
        let text = if self.urdu { urdu } else { english };
        format!("{text} F{:03}", self.furniture.get())
    }

    /// A link of the furniture.
    pub fn link(&self, english: &str, urdu: &str) -> String {
        format!(
            "<a href=\"/other-{}/\">{}</a>",
            self.furniture.get(),
            self.f(english, urdu)
        )
    }

    /// Links to other articles, each wrapped in `open` and `close`.
    pub fn others(&self, number: usize, open: &str, close: &str) -> String {
        let one = |_| {
            let title = self.link(
                "Ten villages cut off as the bridge gives way",
                "پل ٹوٹنے سے دس دیہات کا رابطہ منقطع",
            );
            format!("{open}{title}{close}")
        };
        (0..number).map(one).collect()
    }

    /// The sentence with this number, in the page's language.
    pub fn sentence(&self, number: usize) -> &'static str {
        let texts = if self.urdu { &URDU } else { &ENGLISH };
        texts[number % texts.len()]
    }

    pub fn title(&self) -> &'static str {
        if self.urdu {
            "سیلاب سے متاثرہ دیہات میں امدادی کام جاری"
        } else {
            "Relief work goes on in the flooded villages"
        }
    }

    pub fn lang(&self) -> &'static str {
        if self.urdu {
            "lang=\"ur\" dir=\"rtl\""
        } else {
            "lang=\"en\""
        }
    }

    /// `<p>`'s content with marks: inline tags as editors write them.
    fn paragraph(&self, number: usize) -> Block {
        let text = self.k(self.sentence(number));
        Block::Paragraph(match number % 4 {
            1 => format!(
                "{text}, <a href=\"https://news.example/earlier/\">{}</a>.",
                self.k("as reported")
            ),
            2 if self.urdu => format!(
                "<strong>{text}</strong> <span dir=\"ltr\" lang=\"en\">{}</span>۔",
                self.k("NDMA Report")
            ),
            2 => format!("<strong>{text}</strong>, <em>{}</em>.", self.k("it said")),
            _ => format!("{text}."),
        })
    }

    /// The article: five paragraphs, or all kinds of blocks.
    pub fn article(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = (0..3).map(|n| self.paragraph(n)).collect();
        // Five words are a paragraph too.
        let short = if self.urdu {
            "پانی ابھی اتر رہا ہے۔"
        } else {
            "The water is falling now."
        };
        blocks.push(Block::Paragraph(self.k(short)));
        if !self.full {
            blocks.push(self.paragraph(4));
            return blocks;
        }
        let (head, quote) = if self.urdu {
            ("امدادی کیمپ", "ہم نے سب کچھ کھو دیا، مگر ہم یہیں رہیں گے")
        } else {
            ("The camps", "We lost everything, but we are staying here")
        };
        blocks.push(Block::Figure("boats.jpg", self.k("boats"), self.k(head)));
        blocks.push(Block::Heading(self.k(head)));
        blocks.push(self.paragraph(5));
        blocks.push(Block::Quote(self.k(quote)));
        blocks.push(self.paragraph(6));
        blocks.push(Block::List(
            (0..3)
                .map(|n| self.k(&self.sentence(n).chars().take(40).collect::<String>()))
                .collect(),
        ));
        blocks.push(Block::Heading(self.k(if self.urdu {
            "اعداد و شمار"
        } else {
            "In figures"
        })));
        let row = |n: usize| {
            [
                self.k(if self.urdu {
                    "خاندان"
                } else {
                    "Families"
                }),
                self.k(&(n * 120).to_string()),
            ]
        };
        blocks.push(Block::Table((1..4).map(row).collect()));
        blocks.push(Block::Film(self.k("film")));
        blocks.push(self.paragraph(7));
        blocks.push(Block::Figure("camp.jpg", self.k("camp"), self.k(quote)));
        blocks.push(self.paragraph(8));
        blocks
    }

    /// The article in plain HTML, as classic editors write it.
    pub fn classic(&self) -> String {
        self.article().iter().map(plain).collect()
    }
}

/// A block in plain HTML.
pub fn plain(block: &Block) -> String {
    match block {
        Block::Paragraph(text) => format!("<p>{text}</p>\n"),
        Block::Heading(text) => format!("<h2>{text}</h2>\n"),
        Block::Quote(text) => format!("<blockquote><p>{text}</p></blockquote>\n"),
        Block::List(items) => format!("<ul>{}</ul>\n", each(items, "<li>", "</li>")),
        Block::Table(rows) => format!("<table><tbody>{}</tbody></table>\n", cells(rows)),
        Block::Figure(file, alt, caption) => format!(
            "<figure><img src=\"/uploads/{file}\" alt=\"{alt}\"><figcaption>{caption}</figcaption></figure>\n"
        ),
        Block::Film(title) => format!(
            "<iframe width=\"560\" height=\"315\" src=\"https://www.youtube.com/embed/abcdefghijk\" title=\"{title}\"></iframe>\n"
        ),
    }
}

pub fn each(items: &[String], open: &str, close: &str) -> String {
    items
        .iter()
        .map(|item| format!("{open}{item}{close}"))
        .collect()
}

pub fn cells(rows: &[[String; 2]]) -> String {
    rows.iter()
        .map(|[a, b]| format!("<tr><th>{a}</th><td>{b}</td></tr>"))
        .collect()
}
