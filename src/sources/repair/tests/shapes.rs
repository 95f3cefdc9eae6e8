//! Feeds in the shapes that programs write, in English and in Urdu.

/// A well-formed feed.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) is_xhtml: bool,
}

/// What a feed is filled with: language, titles, names, topics, sentences.
const ENGLISH: [&str; 6] = [
    "en-GB",
    "Floods in Sindh &amp; Punjab",
    "Ayesha Khan",
    "Region",
    "Rain fell for days.",
    "The Dispatch",
];
const URDU: [&str; 6] = [
    "ur-PK",
    "سندھ اور پنجاب میں سیلاب",
    "عائشہ خان",
    "خطہ",
    "کئی دن تک بارش ہوتی رہی۔",
    "روزنامہ خبر",
];

const RSS_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"\n\txmlns:content=\"http://purl.org/rss/1.0/modules/content/\"\n\txmlns:wfw=\"http://wellformedweb.org/CommentAPI/\"\n\txmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n\txmlns:atom=\"http://www.w3.org/2005/Atom\"\n\txmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\"\n\txmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\"\n\txmlns:media=\"http://search.yahoo.com/mrss/\"\n\txmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\"\n\txmlns:podcast=\"https://podcastindex.org/namespace/1.0\"\n\txmlns:georss=\"http://www.georss.org/georss\">\n<channel>\n\t<title>@SITE</title>\n\t<link>https://e.org</link>\n\t<description>@TEXT</description>\n\t<language>@LANG</language>\n";
const RSS_TAIL: &str = "</channel>\n</rss>\n";
const ATOM_HEAD: &str = "<?xml version='1.0' encoding='UTF-8'?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns:thr=\"http://purl.org/syndication/thread/1.0\" xmlns:yt=\"http://www.youtube.com/xml/schemas/2015\" xml:lang=\"@LANG\">\n<title type=\"text\">@SITE</title>\n<link rel=\"self\" href=\"https://e.org/feed.atom\"/>\n<link rel=\"alternate\" type=\"text/html\" href=\"https://e.org/\"/>\n<id>tag:e.org,2026:/</id>\n<updated>2026-11-23T10:00:00Z</updated>\n<author><name>@NAME</name><uri>https://e.org/who</uri><email>a@e.org</email></author>\n";
const ATOM_TAIL: &str = "</feed>";

/// Name, head of the items, one item, in RSS 2.0.
const RSS: [(&str, &str, &str); 18] = [
    (
        "wordpress",
        "<atom:link href=\"https://e.org/feed/\" rel=\"self\" type=\"application/rss+xml\" /><lastBuildDate>Mon, 23 Nov 2026 10:00:00 +0000</lastBuildDate><sy:updatePeriod>\n\thourly\t</sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency><generator>https://wordpress.org/?v=6.9</generator><image><url>https://e.org/i.png</url><title>@SITE</title><link>https://e.org</link><width>32</width><height>32</height></image>",
        "<item>\n\t\t<title>@TITLE &#8211; ¤</title>\n\t\t<link>https://e.org/2026/11/¤/</link>\n\t\t<comments>https://e.org/2026/11/¤/#respond</comments>\n\t\t<dc:creator><![CDATA[@NAME]]></dc:creator>\n\t\t<pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate>\n\t\t<category><![CDATA[@TOPIC]]></category>\n\t\t<guid isPermaLink=\"false\">https://e.org/?p=¤</guid>\n\t\t<description><![CDATA[<p>@TEXT [&#8230;]</p>]]></description>\n\t\t<content:encoded><![CDATA[<p>@TEXT <a href=\"/x?a=1&amp;b=2\">x</a></p>\n<figure><img src=\"https://e.org/¤.jpg\" alt=\"@TOPIC\" /></figure>]]></content:encoded>\n\t\t<wfw:commentRss>https://e.org/2026/11/¤/feed/</wfw:commentRss>\n\t\t<slash:comments>3</slash:comments>\n\t\t<media:content url=\"https://e.org/¤.jpg\" medium=\"image\" type=\"image/jpeg\" width=\"800\" height=\"600\"><media:title type=\"html\">@TOPIC</media:title></media:content></item>",
    ),
    (
        "medium",
        "<generator>Medium</generator><webMaster><![CDATA[yourfriends@medium.com]]></webMaster><atom:link href=\"https://e.org/feed\" rel=\"self\"/><atom:link href=\"http://medium.superfeedr.com\" rel=\"hub\"/>",
        "<item><title><![CDATA[@TEXT]]></title><link>https://e.org/p/¤?source=rss</link><guid isPermaLink=\"false\">https://medium.com/p/¤</guid><category><![CDATA[@TOPIC]]></category><dc:creator><![CDATA[@NAME]]></dc:creator><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><atom:updated>2026-11-23T10:05:00.000Z</atom:updated><content:encoded><![CDATA[<h3>@TOPIC</h3><p>@TEXT</p><img src=\"https://e.org/stat?¤\" width=\"1\" height=\"1\">]]></content:encoded></item>",
    ),
    (
        "ghost",
        "<image><url>https://e.org/favicon.png</url><title>@SITE</title><link>https://e.org/</link></image><generator>Ghost 5.9</generator><ttl>60</ttl>",
        "<item><title><![CDATA[@TEXT]]></title><description><![CDATA[@TEXT]]></description><link>https://e.org/¤/</link><guid isPermaLink=\"false\">6371f¤</guid><category><![CDATA[@TOPIC]]></category><dc:creator><![CDATA[@NAME]]></dc:creator><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><media:content url=\"https://e.org/¤.jpg\" medium=\"image\"/><content:encoded><![CDATA[<p>@TEXT</p>]]></content:encoded></item>",
    ),
    (
        "hugo",
        "<generator>Hugo -- gohugo.io</generator><atom:link href=\"https://e.org/index.xml\" rel=\"self\" type=\"application/rss+xml\" />",
        "<item><title>@TITLE ¤</title><link>https://e.org/posts/¤/</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0500</pubDate><guid>https://e.org/posts/¤/</guid><description>&lt;p&gt;@TEXT&lt;/p&gt;</description></item>",
    ),
    (
        "podcast",
        "<itunes:author>@NAME</itunes:author><itunes:image href=\"https://e.org/a.jpg\"/><itunes:owner><itunes:name>@NAME</itunes:name><itunes:email>a@e.org</itunes:email></itunes:owner><itunes:category text=\"News\"><itunes:category text=\"Daily News\"/></itunes:category><itunes:explicit>false</itunes:explicit><podcast:locked>yes</podcast:locked>",
        "<item><title>@TITLE ¤</title><link>https://e.org/e/¤</link><itunes:title>@TEXT</itunes:title><itunes:duration>00:30:1¤</itunes:duration><itunes:episode>¤</itunes:episode><itunes:season>2</itunes:season><itunes:image href=\"https://e.org/¤.jpg\"/><itunes:author>@NAME</itunes:author><itunes:summary>@TEXT</itunes:summary><description>@TEXT</description><enclosure url=\"https://e.org/¤.mp3\" length=\"1234\" type=\"audio/mpeg\"/><guid isPermaLink=\"false\">ep-¤</guid><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><podcast:person role=\"host\" group=\"cast\">@NAME</podcast:person><podcast:transcript url=\"https://e.org/¤.vtt\" type=\"text/vtt\"/><podcast:season>2</podcast:season></item>",
    ),
    (
        "bbc",
        "<copyright>Copyright: (C) @SITE</copyright><ttl>15</ttl><atom:link href=\"https://e.org/rss.xml\" rel=\"self\" type=\"application/rss+xml\"/>",
        "<item><title><![CDATA[@TEXT]]></title><description><![CDATA[@TEXT]]></description><link>https://e.org/news/¤?at_medium=RSS</link><guid isPermaLink=\"false\">https://e.org/news/¤#0</guid><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><media:thumbnail width=\"240\" height=\"135\" url=\"https://e.org/¤.jpg\"/></item>",
    ),
    (
        "drupal",
        "<atom:link rel=\"self\" href=\"https://e.org/rss.xml\"/>",
        "<item>\n  <title>@TITLE</title>\n  <link>https://e.org/node/¤</link>\n  <description>&lt;span class=\"field\"&gt;@TEXT&lt;/span&gt;\n</description>\n  <pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate>\n    <dc:creator>@NAME</dc:creator>\n    <guid isPermaLink=\"false\">¤ at https://e.org</guid>\n    </item>",
    ),
    (
        "substack",
        "<managingEditor><![CDATA[@NAME]]></managingEditor><copyright><![CDATA[@SITE]]></copyright>",
        "<item><title><![CDATA[@TEXT]]></title><description><![CDATA[@TEXT]]></description><link>https://e.org/p/¤</link><guid isPermaLink=\"false\">https://e.org/p/¤</guid><dc:creator><![CDATA[@NAME]]></dc:creator><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><enclosure url=\"https://e.org/¤.png\" length=\"0\" type=\"image/jpeg\"/><content:encoded><![CDATA[<p>@TEXT</p><div class=\"captioned-image-container\"></div>]]></content:encoded></item>",
    ),
    (
        "mastodon",
        "<webfeeds:icon xmlns:webfeeds=\"http://webfeeds.org/rss/1.0\">https://e.org/a.png</webfeeds:icon><generator>Mastodon v4</generator>",
        "<item><guid isPermaLink=\"true\">https://e.org/@@a/¤</guid><link>https://e.org/@@a/¤</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate><description>&lt;p&gt;@TEXT&lt;/p&gt;</description><media:content url=\"https://e.org/¤.png\" type=\"image/png\" fileSize=\"72\" medium=\"image\"><media:rating scheme=\"urn:simple\">nonadult</media:rating><media:description type=\"plain\">@TOPIC</media:description></media:content><category>@TOPIC</category></item>",
    ),
    (
        "discourse",
        "<lastBuildDate>Mon, 23 Nov 2026 10:00:00 +0000</lastBuildDate><category>@TOPIC</category>",
        "<item><title>@TITLE</title><dc:creator><![CDATA[@NAME]]></dc:creator><category>@TOPIC</category><description><![CDATA[ <p>@TEXT</p> ]]></description><link>https://e.org/t/¤</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate><guid isPermaLink=\"false\">e.org-topic-¤</guid><source url=\"https://e.org/t/¤.rss\">@TITLE</source></item>",
    ),
    (
        "tumblr",
        "<generator>Tumblr (3.0; @@a)</generator>",
        "<item><title>@TITLE</title><description>&lt;p&gt;@TEXT&lt;/p&gt;</description><link>https://e.org/post/¤</link><guid>https://e.org/post/¤</guid><pubDate>Mon, 23 Nov 2026 10:00:00 -0500</pubDate><category>@TOPIC</category><category>news</category></item>",
    ),
    (
        "squarespace",
        "<generator>Site-Server v6</generator><skipDays><day>Sunday</day></skipDays>",
        "<item><title>@TITLE</title><category>@TOPIC</category><dc:creator>@NAME</dc:creator><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate><link>https://e.org/blog/¤</link><guid isPermaLink=\"false\">5f:¤</guid><description><![CDATA[<p class=\"\">@TEXT</p>]]></description><media:content type=\"image/jpeg\" url=\"https://e.org/¤.jpg\" medium=\"image\" isDefault=\"true\" width=\"1\" height=\"1\"><media:title type=\"plain\">@TOPIC</media:title></media:content></item>",
    ),
    (
        "hacker-news",
        "",
        "<item><title>@TITLE</title><link>https://e.org/¤</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0000</pubDate><comments>https://e.org/item?id=¤</comments><description><![CDATA[<a href=\"https://e.org/item?id=¤\">Comments</a>]]></description></item>",
    ),
    (
        "wix",
        "<generator>Wix.com</generator>",
        "<item><title><![CDATA[@TEXT]]></title><description><![CDATA[@TEXT]]></description><link>https://e.org/post/¤</link><guid isPermaLink=\"false\">61¤</guid><category><![CDATA[@TOPIC]]></category><pubDate>Mon, 23 Nov 2026 10:00:00 GMT</pubDate><enclosure url=\"https://e.org/¤.png\" length=\"0\" type=\"image/png\"/><dc:creator>@NAME</dc:creator></item>",
    ),
    (
        "agency",
        "<docs>https://www.rssboard.org/rss-specification</docs><textInput><title>x</title><description>x</description><name>q</name><link>https://e.org/s</link></textInput>",
        "<item><title>@TITLE</title><link>https://e.org/a/¤</link><description>@TEXT</description><author>desk@e.org (@NAME)</author><category domain=\"https://e.org/topics\">@TOPIC</category><guid>https://e.org/a/¤</guid><pubDate>Mon, 23 Nov 26 10:00:00 GMT</pubDate><georss:point>31.5 74.3</georss:point></item>",
    ),
    (
        "video",
        "",
        "<item><title>@TITLE</title><link>https://e.org/v/¤</link><media:group><media:content url=\"https://e.org/¤.mp4\" type=\"video/mp4\" duration=\"60\" width=\"640\"/><media:content url=\"https://e.org/¤.webm\" type=\"video/webm\"/><media:credit role=\"author\">@NAME</media:credit><media:thumbnail url=\"https://e.org/¤.jpg\" time=\"12:05:01.123\"/><media:community><media:starRating average=\"3.5\" count=\"20\" min=\"1\" max=\"10\"/><media:statistics views=\"5\" favorites=\"5\"/></media:community></media:group><description>@TEXT</description></item>",
    ),
    (
        "comments-and-instructions",
        "<!-- made by hand --><?php x ?>",
        "<item><!-- one --><title>@TITLE<!-- two --> ¤</title><?x y?><link>https://e.org/¤</link><description>a<![CDATA[b & c]]>d &amp; @TEXT</description></item>",
    ),
    (
        "spaces",
        "",
        "\n  <item >\n    <title>\n      @TITLE\n    </title >\n    <link>\n https://e.org/¤ \n</link>\n    <description>\n\n@TEXT\n</description>\n <guid isPermaLink = 'false' >\t¤\n</guid>\n  </item\n>",
    ),
];

/// Name and one entry, in Atom.
const ATOM: [(&str, &str); 9] = [
    (
        "blogger",
        "<entry><id>tag:blogger.com,1999:post-¤</id><published>2026-11-23T10:00:00.000+05:00</published><updated>2026-11-23T10:05:00.001+05:00</updated><category scheme=\"http://www.blogger.com/atom/ns#\" term=\"@TOPIC\"/><title type=\"html\">@TITLE</title><content type=\"html\">&lt;p&gt;@TEXT&lt;/p&gt;</content><link rel=\"edit\" type=\"application/atom+xml\" href=\"https://e.org/f/¤\"/><link rel=\"alternate\" type=\"text/html\" href=\"https://e.org/¤.html\" title=\"@TEXT\"/><author><name>@NAME</name></author><media:thumbnail url=\"https://e.org/¤.jpg\" height=\"72\" width=\"72\"/><thr:total>0</thr:total></entry>",
    ),
    (
        "youtube",
        "<entry><id>yt:video:¤</id><yt:videoId>¤</yt:videoId><title>@TITLE</title><link rel=\"alternate\" href=\"https://www.youtube.com/watch?v=¤\"/><author><name>@NAME</name><uri>https://www.youtube.com/c/¤</uri></author><published>2026-11-23T10:00:00+00:00</published><updated>2026-11-23T10:05:00+00:00</updated><media:group><media:title>@TEXT</media:title><media:content url=\"https://www.youtube.com/v/¤\" type=\"application/x-shockwave-flash\" width=\"640\" height=\"390\"/><media:thumbnail url=\"https://i.ytimg.com/¤.jpg\" width=\"480\" height=\"360\"/><media:description>@TEXT</media:description><media:community><media:starRating count=\"1\" average=\"5.00\" min=\"1\" max=\"5\"/><media:statistics views=\"7\"/></media:community></media:group></entry>",
    ),
    (
        "github",
        "<entry>\n    <id>tag:github.com,2008:Repository/1/v¤</id>\n    <updated>2026-11-23T10:00:00Z</updated>\n    <link rel=\"alternate\" type=\"text/html\" href=\"https://github.com/a/b/releases/tag/v¤\"/>\n    <title>v1.¤: @TITLE</title>\n    <content type=\"html\">&lt;h2&gt;@TOPIC&lt;/h2&gt;\n&lt;ul&gt;\n&lt;li&gt;@TEXT&lt;/li&gt;&lt;/ul&gt;</content>\n    <author>\n      <name>@NAME</name>\n    </author>\n    <media:thumbnail height=\"30\" width=\"30\" url=\"https://avatars.example/¤\"/>\n  </entry>",
    ),
    (
        "jekyll",
        "<entry><title type=\"html\">@TITLE</title><link href=\"https://e.org/¤/\" rel=\"alternate\" type=\"text/html\" title=\"@TEXT\" /><published>2026-11-23T10:00:00+00:00</published><updated>2026-11-23T10:00:00+00:00</updated><id>https://e.org/¤</id><content type=\"html\" xml:base=\"https://e.org/¤/\"><![CDATA[<p>@TEXT</p>]]></content><author><name>@NAME</name></author><category term=\"@TOPIC\" /><summary type=\"html\"><![CDATA[@TEXT]]></summary></entry>",
    ),
    (
        "reddit",
        "<entry><author><name>/u/a</name><uri>https://e.org/u/a</uri></author><category term=\"x\" label=\"r/x\"/><content type=\"html\">&lt;!-- SC_OFF --&gt;&lt;div&gt;@TEXT&lt;/div&gt;</content><id>t3_¤</id><link href=\"https://e.org/r/¤\" /><updated>2026-11-23T10:00:00+00:00</updated><published>2026-11-23T10:00:00+00:00</published><title>@TITLE</title></entry>",
    ),
    (
        "stack-overflow",
        "<entry><id>https://e.org/q/¤</id><title type=\"text\">@TITLE</title><category scheme=\"https://e.org/tags\" term=\"rust\" /><author><name>@NAME</name><uri>https://e.org/users/1</uri></author><link rel=\"alternate\" href=\"https://e.org/q/¤\" /><published>2026-11-23T10:00:00Z</published><updated>2026-11-23T10:00:00Z</updated><summary type=\"html\">\n            &lt;p&gt;@TEXT&lt;/p&gt;\n        </summary></entry>",
    ),
    (
        "plain-text",
        "<entry><id>urn:uuid:¤</id><title>@TITLE</title><link href=\"/¤\"/><updated>2026-11-23T10:00:00Z</updated><summary>@TEXT</summary><rights type=\"text\">© @SITE</rights><contributor><name>@NAME</name></contributor><source><id>urn:x</id><title>@SITE</title></source></entry>",
    ),
    (
        "elsewhere",
        "<entry><id>urn:uuid:¤</id><title>@TITLE</title><link href=\"/¤\"/><updated>2026-11-23T10:00:00Z</updated><content type=\"text/html\" src=\"https://e.org/¤.html\"/><summary>@TEXT</summary></entry>",
    ),
    (
        "enclosures",
        "<entry><id>urn:uuid:¤</id><title>@TITLE</title><link href=\"https://e.org/¤\"/><link rel=\"enclosure\" type=\"audio/mpeg\" length=\"1337\" href=\"https://e.org/¤.mp3\"/><link rel='replies' type='application/atom+xml' href='https://e.org/¤/c'/><updated>2026-11-23T10:00:00Z</updated><content type='text' xml:lang='fr'>@TEXT</content></entry>",
    ),
];

/// Name and one entry of Atom with XHTML in it.
const XHTML: [(&str, &str); 2] = [
    (
        "typepad",
        "<entry><id>1¤</id><title>@TITLE</title><link href=\"/¤\"/><updated>2026-11-23T10:00:00Z</updated><content type=\"xhtml\" xml:lang=\"en-US\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>@TEXT &amp; more</p><p>a<br/>b <img src=\"https://e.org/¤.jpg\" alt=\"@TOPIC\"/></p></div></content></entry>",
    ),
    (
        "prefixed-xhtml",
        "<entry><id>2¤</id><title>@TITLE</title><link href=\"/¤\"/><updated>2026-11-23T10:00:00Z</updated><content type=\"xhtml\"><h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:p>@TEXT <h:em>x</h:em></h:p></h:div></content></entry>",
    ),
];

const RDF_HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n<channel rdf:about=\"https://e.org/\"><title>@SITE</title><link>https://e.org/</link><description>@TEXT</description><dc:language>@LANG</dc:language><items><rdf:Seq><rdf:li rdf:resource=\"https://e.org/1\"/></rdf:Seq></items></channel>\n";
const RDF: [(&str, &str); 2] = [
    (
        "rdf",
        "<item rdf:about=\"https://e.org/¤\"><title>@TITLE</title><link>https://e.org/¤</link><description>@TEXT</description><dc:creator>@NAME</dc:creator><dc:date>2026-11-23T10:00:00+05:00</dc:date><dc:rights>x</dc:rights></item>",
    ),
    (
        "rdf-with-content",
        "<item rdf:about=\"https://e.org/¤\"><title>@TITLE</title><link>https://e.org/¤</link><dc:description>@TEXT</dc:description><content:encoded><![CDATA[<p>@TEXT</p>]]></content:encoded></item>",
    ),
];

const JSON: &str = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"@SITE\",\"language\":\"@LANG\",\"home_page_url\":\"https://e.org/\",\"authors\":[{\"name\":\"@NAME\"}],\"items\":[@ITEMS]}";
const JSON_ITEM: &str = "{\"id\":\"¤\",\"url\":\"https://e.org/¤\",\"title\":\"@TEXT\",\"content_html\":\"<p>@TEXT</p>\",\"date_published\":\"2026-11-23T10:00:00+05:00\",\"tags\":[\"@TOPIC\"],\"attachments\":[{\"url\":\"https://e.org/¤.mp3\",\"mime_type\":\"audio/mpeg\"}]}";

fn fill(template: &str, words: [&str; 6]) -> String {
    ["@LANG", "@TITLE", "@NAME", "@TOPIC", "@TEXT", "@SITE"]
        .iter()
        .zip(words)
        .fold(template.replace("@@", "\u{1}"), |text, (place, word)| {
            text.replace(place, word)
        })
        .replace('\u{1}', "@")
}

fn feed(head: &str, item: &str, tail: &str, words: [&str; 6]) -> String {
    let items: String = (1..=3).map(|n| item.replace('¤', &n.to_string())).collect();
    fill(&format!("{head}{items}{tail}"), words)
}

/// All of them in both languages.
pub(super) fn every_shape() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for words in [ENGLISH, URDU] {
        let mut add = |name: &str, text: String, is_xhtml| {
            let name = format!("{name} in {}", words[0]);
            shapes.push(Shape {
                name,
                text,
                is_xhtml,
            });
        };
        for (name, head, item) in RSS {
            add(
                name,
                feed(&format!("{RSS_HEAD}{head}"), item, RSS_TAIL, words),
                false,
            );
        }
        for version in ["0.91", "0.92"] {
            let text = feed(RSS_HEAD, RSS[3].2, RSS_TAIL, words)
                .replace("version=\"2.0\"", &format!("version=\"{version}\""));
            add(&format!("rss-{version}"), text, false);
        }
        for (name, entry) in ATOM {
            add(name, feed(ATOM_HEAD, entry, ATOM_TAIL, words), false);
        }
        for (name, entry) in XHTML {
            add(name, feed(ATOM_HEAD, entry, ATOM_TAIL, words), true);
        }
        for (name, item) in RDF {
            add(name, feed(RDF_HEAD, item, "</rdf:RDF>", words), false);
        }
        let items: Vec<String> = (1..=3)
            .map(|n| JSON_ITEM.replace('¤', &n.to_string()))
            .collect();
        let json = fill(&JSON.replace("@ITEMS", &items.join(",")), words);
        add("json", json, false);
    }
    shapes
}
