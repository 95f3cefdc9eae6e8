//! Feeds as WordPress writes them, in English and in Urdu, and one of Atom.

use std::fmt::Write as _;

/// A feed to read.
pub struct Document {
    /// What it is.
    pub name: &'static str,
    /// Itself.
    pub text: String,
}

const ENGLISH: &str = "the of floods river minister said on Thursday that more than people were killed in \
    district after heavy rain and government would send help to villages along Indus while police closed \
    roads “quoted” – it’s";
const URDU: &str = "سیلاب دریا وزیر نے جمعرات کو کہا کہ ضلع میں شدید بارش کے بعد لوگ ہلاک ہوئے اور حکومت \
    دیہات کو امداد بھیجے گی جبکہ پولیس نے سڑکیں بند کر دیں";

const RSS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" \
    xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
    xmlns:wfw=\"http://wellformedweb.org/CommentAPI/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
    xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" \
    xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\" xmlns:media=\"http://search.yahoo.com/mrss/\">\
    <channel><title>News</title><link>https://e.org</link><description>x</description>\
    <sy:updatePeriod>hourly</sy:updatePeriod><generator>https://wordpress.org/?v=6.9</generator>\n";
const ATOM: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" \
    xml:lang=\"en\"><title>News</title><link href=\"https://e.org/atom.xml\" rel=\"self\"/>\
    <updated>2026-11-23T10:00:00Z</updated><id>tag:e.org,2026:/</id>\n";

/// Words one after the other, from where it stopped.
struct Words {
    words: Vec<&'static str>,
    at: usize,
}

impl Words {
    fn of(text: &'static str) -> Self {
        Self {
            words: text.split_whitespace().collect(),
            at: 0,
        }
    }

    fn take(&mut self, count: usize) -> String {
        let mut out = String::new();
        for _ in 0..count {
            // A step that has no common divisor with the number of words visits them all.
            self.at = (self.at + 7) % self.words.len();
            out.push_str(self.words[self.at]);
            out.push(' ');
        }
        out
    }
}

/// The three of them, each at least `bytes` long.
pub fn all(bytes: usize) -> [Document; 3] {
    [
        Document {
            name: "RSS, English",
            text: rss(ENGLISH, bytes),
        },
        Document {
            name: "RSS, Urdu",
            text: rss(URDU, bytes),
        },
        Document {
            name: "Atom, English",
            text: atom(bytes),
        },
    ]
}

fn rss(words: &'static str, bytes: usize) -> String {
    let mut w = Words::of(words);
    let mut out = String::from(RSS);
    let mut n = 0;
    while out.len() < bytes {
        n += 1;
        let mut body = String::new();
        for _ in 0..5 {
            let _ = writeln!(
                body,
                "<p>{} <a href=\"https://e.org/{n}/?a=1&amp;b=2\">{}</a></p>\n<figure><img \
                 src=\"https://e.org/{n}.jpg\" alt=\"{}\" width=\"800\" height=\"600\"/></figure>",
                w.take(70),
                w.take(3),
                w.take(5)
            );
        }
        let _ = writeln!(
            out,
            "<item>\n\t<title>{} &#8211; {n}</title>\n\t<link>https://e.org/2026/11/{n}/</link>\n\t\
             <comments>https://e.org/2026/11/{n}/#respond</comments>\n\t<dc:creator><![CDATA[{}]]></dc:creator>\n\t\
             <pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate>\n\t<category><![CDATA[{}]]></category>\n\t\
             <guid isPermaLink=\"false\">https://e.org/?p={n}</guid>\n\t\
             <description><![CDATA[{} [&#8230;]]]></description>\n\t<content:encoded><![CDATA[{body}]]></content:encoded>\n\t\
             <wfw:commentRss>https://e.org/2026/11/{n}/feed/</wfw:commentRss>\n\t<slash:comments>0</slash:comments>\n\t\
             <media:content url=\"https://e.org/{n}.jpg\" medium=\"image\"><media:title type=\"html\">{}</media:title>\
             </media:content>\n</item>",
            w.take(9),
            w.take(2),
            w.take(1),
            w.take(55),
            w.take(4)
        );
    }
    out.push_str("</channel></rss>\n");
    out
}

fn atom(bytes: usize) -> String {
    let mut w = Words::of(ENGLISH);
    let mut out = String::from(ATOM);
    let mut n = 0;
    while out.len() < bytes {
        n += 1;
        let mut body = String::new();
        for _ in 0..6 {
            let _ = writeln!(
                body,
                "&lt;p&gt;{} &lt;a href=\"https://e.org/{n}/?a=1&amp;amp;b=2\"&gt;{}&lt;/a&gt;&lt;/p&gt;",
                w.take(70),
                w.take(3)
            );
        }
        let _ = writeln!(
            out,
            "<entry><title>{}</title><link rel=\"alternate\" type=\"text/html\" href=\"https://e.org/{n}/\"/>\
             <id>tag:e.org,2026:/{n}</id><published>2026-11-23T10:00:00Z</published>\
             <updated>2026-11-23T10:00:00Z</updated><author><name>{}</name></author><category term=\"a\"/>\
             <summary type=\"html\">{}</summary><content type=\"html\">{body}</content></entry>",
            w.take(9),
            w.take(2),
            w.take(50)
        );
    }
    out.push_str("</feed>\n");
    out
}
