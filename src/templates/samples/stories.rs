//! The texts of the samples.

/// An article as its author would give it in.
pub(super) struct Story {
    pub(super) title: &'static str,
    pub(super) summary: &'static str,
    pub(super) body: &'static str,
    pub(super) authors: &'static [&'static str],
    pub(super) topics: &'static [&'static str],
    /// Address and alternative text.
    pub(super) picture: Option<(&'static str, &'static str)>,
}

/// Ordinary stories, one with a title longer than any layout likes.
pub(super) const ENGLISH: &[Story] = &[
    Story {
        title: "The canal that would not freeze",
        summary: "For three winters the keepers of the old canal waited for ice that never came. Now they have found out where the warmth is from, and the answer lies two streets away, under a bakery that has not let its ovens go cold since 1961.",
        body: "<p>For three winters the keepers of the old canal waited for ice that never came.</p><h2>A warm street</h2><p>The answer lies two streets away, <a href=\"https://news.example.org/bakery\">under a bakery</a> that has not let its ovens go cold since 1961.</p><ul><li>The water is four degrees warmer there.</li><li>Nobody had measured it.</li></ul><blockquote><p>We thought the thermometer was wrong.</p></blockquote>",
        authors: &["Sana Malik", "Tomás Herrera"],
        topics: &["City", "Climate", "History"],
        picture: Some((
            "https://news.example.org/img/canal.jpg",
            "Morning mist over a brick canal with a small bridge",
        )),
    },
    Story {
        title: "A library lends its garden",
        summary: "Readers may now borrow a bench, a tree and one hour of quiet. The waiting list is already longer than the one for new novels.",
        body: "<p>Readers may now borrow a bench, a tree and one hour of quiet.</p>",
        authors: &["Imran Qureshi"],
        topics: &["Culture"],
        picture: Some(("https://news.example.org/img/garden.jpg", "")),
    },
    Story {
        title: "Twelve engineers, one bridge and a disagreement about bolts that has lasted, by their own account, longer than the bridge is expected to stand",
        summary: "Nobody doubts that it holds. What the twelve cannot agree on is why, and the ministry will not pay for the second opinion of a thirteenth.",
        body: "<p>Nobody doubts that it holds.</p>",
        authors: &["Rabia Anwar", "Johannes Lindqvist", "Fatima Zahra Bennani"],
        topics: &["Region", "Engineering"],
        picture: None,
    },
    Story {
        title: "Night trains return to the valley line",
        summary: "After nineteen years the sleeper to the coast runs again, three times a week, with the old blue carriages and new mattresses.",
        body: "<p>After nineteen years the sleeper to the coast runs again.</p>",
        authors: &["Sana Malik"],
        topics: &["Transport", "Region"],
        picture: Some((
            "https://news.example.org/img/train.jpg",
            "A blue sleeper carriage at a platform at night",
        )),
    },
    Story {
        title: "What the market pays for rain",
        summary: "Insurance against a dry season used to be sold by the field. A group of farmers now sells it to each other by the cloud.",
        body: "<p>Insurance against a dry season used to be sold by the field.</p>",
        authors: &["Ali Raza"],
        topics: &["Business"],
        picture: None,
    },
    Story {
        title: "The clockmaker who repairs time zones",
        summary: "Every spring and autumn the post office's forty clocks disagree for a night. One man with a ladder puts that right before the first letter is stamped.",
        body: "<p>Every spring and autumn the post office's forty clocks disagree for a night.</p>",
        authors: &["Meera Iyer"],
        topics: &["People"],
        picture: Some((
            "https://news.example.org/img/clock.png",
            "A man on a ladder below a station clock",
        )),
    },
    Story {
        title: "School kitchens start baking at four",
        summary: "Fresh bread for eleven thousand children, six cents a loaf, and the end of the biscuit as breakfast.",
        body: "<p>Fresh bread for eleven thousand children.</p>",
        authors: &[],
        topics: &["Education", "City"],
        picture: None,
    },
    Story {
        title: "Cricket on the roof of the world",
        summary: "At 4,700 metres the ball flies a third further. The fielders have asked for bicycles.",
        body: "<p>At 4,700 metres the ball flies a third further.</p>",
        authors: &["Daniyal Shah"],
        topics: &["Sport"],
        picture: Some((
            "https://news.example.org/img/cricket.webp",
            "A batsman before snow-covered peaks",
        )),
    },
];

/// Urdu stories.
pub(super) const URDU: &[Story] = &[
    Story {
        title: "دریا کنارے کتابوں کا میلہ، ہزاروں قارئین کی آمد",
        summary: "لاہور میں دریائے راوی کے کنارے سجنے والے کتاب میلے میں اس سال دو سو سے زائد ناشرین شریک ہیں۔ منتظمین کا کہنا ہے کہ بچوں کی کتابوں کی فروخت پچھلے سال سے دگنی رہی، اور پرانی کتابوں کے اسٹال شام سے پہلے خالی ہو گئے۔",
        body: "<p>لاہور میں دریائے راوی کے کنارے سجنے والے کتاب میلے میں اس سال دو سو سے زائد ناشرین شریک ہیں۔</p><h2>بچوں کا گوشہ</h2><p>منتظمین کا کہنا ہے کہ <a href=\"https://news.example.org/books\">بچوں کی کتابوں</a> کی فروخت پچھلے سال سے دگنی رہی۔</p><ul><li>دو سو ناشرین</li><li>تین دن، 45 نشستیں</li></ul>",
        authors: &["عائشہ صدیقی", "بلال احمد"],
        topics: &["ثقافت", "لاہور"],
        picture: Some((
            "https://news.example.org/img/books.jpg",
            "دریا کے کنارے کتابوں کے اسٹال",
        )),
    },
    Story {
        title: "شہر کی بس سروس اب رات بارہ بجے تک چلے گی",
        summary: "نئے نظام الاوقات کے تحت 14 روٹس پر بسیں آدھی رات تک دستیاب ہوں گی۔ کرائے میں کوئی اضافہ نہیں کیا گیا۔",
        body: "<p>نئے نظام الاوقات کے تحت 14 روٹس پر بسیں آدھی رات تک دستیاب ہوں گی۔</p>",
        authors: &["حمزہ علی"],
        topics: &["شہر"],
        picture: Some((
            "https://news.example.org/img/bus.jpg",
            "رات کے وقت بس اسٹاپ پر کھڑی نیلی بس",
        )),
    },
    Story {
        title: "کسانوں نے بارش ناپنے کے لیے خود آلات بنا لیے",
        summary: "پرانی بوتلوں اور موبائل فون کی مدد سے تیار کیے گئے یہ آلات اب محکمہ موسمیات بھی استعمال کر رہا ہے۔",
        body: "<p>پرانی بوتلوں اور موبائل فون کی مدد سے تیار کیے گئے یہ آلات اب محکمہ موسمیات بھی استعمال کر رہا ہے۔</p>",
        authors: &["مریم نواز خان"],
        topics: &["زراعت", "موسم"],
        picture: None,
    },
    Story {
        title: "ہاکی ٹیم نے Lahore Open 2026 کا فائنل جیت لیا",
        summary: "آخری منٹ میں ہونے والے گول نے میچ کا فیصلہ 3-2 سے کر دیا۔ کپتان نے جیت نوجوان کھلاڑیوں کے نام کی۔",
        body: "<p>آخری منٹ میں ہونے والے گول نے میچ کا فیصلہ 3-2 سے کر دیا۔</p>",
        authors: &[],
        topics: &["کھیل"],
        picture: Some(("https://news.example.org/img/hockey.jpg", "")),
    },
];

/// Text that tries to leave its place: markup, quotes, template syntax, control characters and
/// bidirectional tricks. `body` has been through the cleaner by contract, so it is only odd.
pub(super) const HOSTILE: &[Story] = &[
    Story {
        title: "<script>alert(1)</script> \"quoted\" & 'single' </title></style><img src=x onerror=alert(2)>",
        summary: "{{ 7*7 }} {% include \"/etc/passwd\" %} ]]> --> <!-- &amp; &lt;b&gt; \u{202e}desrever\u{202c} a\u{200b}b",
        body: "<p>&lt;script&gt;alert(3)&lt;/script&gt; {{ 7*7 }}</p>",
        authors: &["\"><svg onload=alert(4)>", "O'Brien & Sons"],
        topics: &["C++ & <b>", "#already", "", "\u{202e}cipot"],
        picture: Some(("javascript:alert(5)//.jpg", "\" onerror=\"alert(6)")),
    },
    Story {
        title: "\u{2067}\u{202e}A title that opens directions and never closes them",
        summary: "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        body: "",
        authors: &["👩‍👩‍👧‍👦 Family"],
        topics: &["🏏"],
        picture: Some(("https://news.example.org/a\" onload=\"x.jpg", "alt")),
    },
];
