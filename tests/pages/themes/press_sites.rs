//! Sites with systems of their own.

use super::{document, menu, seo};
use crate::press::{Block, Press, plain};

/// Machine-made class names; only `data-component` says what a block is.
pub fn bbc(press: &Press) -> String {
    let text = |inner: &str| {
        format!(
            "<div data-component=\"text-block\" class=\"ssrcss-11r1m41-RichTextComponentWrapper ep2nwvo0\"><div class=\"ssrcss-7uxr49-RichTextContainer e5tfeyi1\">{inner}</div></div>"
        )
    };
    let part = |one: &Block| match one {
        Block::Heading(heading) => format!(
            "<div data-component=\"subheadline-block\" class=\"ssrcss-y2fd7s-StyledHeading\"><h2 class=\"ssrcss-1f0x9a-Sub\">{heading}</h2></div>"
        ),
        Block::Figure(file, alt, caption) => format!(
            "<div data-component=\"image-block\" class=\"ssrcss-18mjolk-ComponentWrapper\"><figure class=\"ssrcss-wpgbih-StyledFigure\"><div class=\"ssrcss-ab5fd8\"><span class=\"ssrcss-11kpz0x-Placeholder\"><picture><source srcset=\"/ace/240/{file}.webp 240w, /ace/800/{file}.webp 800w\" type=\"image/webp\"><img alt=\"{alt}\" loading=\"lazy\" src=\"/ace/480/{file}\"></picture></span></div><figcaption class=\"ssrcss-Caption\"><span class=\"visually-hidden\">Image caption, </span>{caption}</figcaption></figure></div>"
        ),
        other => text(&plain(other)),
    };
    let mut blocks: Vec<String> = press.article().iter().map(part).collect();
    blocks.insert(
        3,
        format!(
            "<div data-component=\"ad-slot\" class=\"ssrcss-x1\">{}</div>",
            press.f("Advertisement", "اشتہار")
        ),
    );
    blocks.insert(
        2,
        format!(
            "<div data-component=\"links-block\" class=\"ssrcss-x2\"><ul>{}</ul></div>",
            press.others(2, "<li>", "</li>")
        ),
    );
    let body = format!(
        "<body><header role=\"banner\"><nav aria-label=\"BBC\"><ul>{}</ul></nav></header><div id=\"cookieBanner\">{}</div><main id=\"main-content\"><article class=\"ssrcss-pv1rh6-ArticleWrapper\"><div data-component=\"headline-block\"><h1 id=\"main-heading\">{}</h1></div>\
         <div data-component=\"byline-block\"><span>{}</span><time datetime=\"2026-01-05T01:00:00.000Z\">{}</time></div>{}<div data-component=\"tag-list\"><ul>{}</ul></div><section data-component=\"topic-list\"><ul>{}</ul></section></article>\
         <section data-component=\"related-content\" role=\"region\" aria-label=\"Related\"><h2>{}</h2>{}</section><div data-component=\"mostRead\"><h2>{}</h2><ol>{}</ol></div></main><footer role=\"contentinfo\">{}</footer></body>",
        menu(press),
        press.f("Let us know you agree to cookies", "کوکیز"),
        press.title(),
        press.f("By Ayesha Khan, Lahore", "عائشہ خان، لاہور"),
        press.f("3 hours ago", "3 گھنٹے قبل"),
        blocks.concat(),
        press.others(1, "<li>", "</li>"),
        press.others(2, "<li>", "</li>"),
        press.f("Related", "متعلقہ"),
        press.others(2, "<div>", "</div>"),
        press.f("Most read", "سب سے زیادہ پڑھی گئی"),
        press.others(3, "<li>", "</li>"),
        press.f(
            "The BBC is not responsible for external sites",
            "ذمہ دار نہیں"
        ),
    );
    document(press, &seo(press), &body)
}

/// A newspaper's own system: the page right to left, names and figures left to right in it.
pub fn daily(press: &Press) -> String {
    let also = format!(
        "<p class=\"also\"><a href=\"/u/1\">{}: {}</a></p>",
        if press.urdu {
            "مزید پڑھیں"
        } else {
            "Read more"
        },
        press.f("who pays for the canals", "نہروں کا خرچ کون دے گا")
    );
    let body = format!(
        "<body class=\"urdu\"><div class=\"top_bar\"><span class=\"today_date\">{}</span></div><div class=\"main_menu\"><ul>{}</ul></div><div class=\"breaking_ticker\">{}</div><div class=\"container\"><div class=\"row\"><div class=\"col-md-8 detail_left\">\
         <div class=\"detail_view\"><div class=\"breadcrumb_box\">{}</div><h1 class=\"urdu_heading\">{}</h1><div class=\"detail_author_info\"><span class=\"author_name\">{}</span><span class=\"publish_date\">{}</span></div><div class=\"social_icons_detail\">{}</div>\
         <div class=\"detail_view_content description\" dir=\"auto\">{}{also}</div><div class=\"news_tags\">{}</div><div class=\"whatsapp_channel_box\">{}</div></div><div class=\"related_news_section\"><h3>{}</h3><ul>{}</ul></div><div class=\"comments_fb\">{}</div></div>\
         <div class=\"col-md-4 right_sidebar\"><h3>{}</h3><ul class=\"most_read_list\">{}</ul><p>{}</p></div></div></div><div class=\"footer_main\"><p>{}</p></div></body>",
        press.f("Monday", "پیر"), menu(press), press.others(2, "<span>", "</span>"), press.link("Home", "صفحہ اول"), press.title(), press.f("Web Desk", "ویب ڈیسک"), press.f("05 January 2026", "05 جنوری 2026"), press.f("Share", "شیئر"), press.classic(), press.others(2, "<span>", "</span>"),
        press.f("Join our WhatsApp channel for the news of the hour", "تازہ خبروں کے لیے ہمارا واٹس ایپ چینل جوائن کریں"), press.f("Related news", "متعلقہ خبریں"), press.others(3, "<li>", "</li>"), press.f("Comments are closed", "تبصرے بند ہیں"), press.f("Most read", "مقبول ترین"), press.others(4, "<li>", "</li>"), press.f("The prices of gold and of the dollar in the markets of Karachi and Lahore this morning", "آج صبح کراچی اور لاہور کی منڈیوں میں سونے اور ڈالر کے نرخ"), press.f("All rights reserved", "جملہ حقوق محفوظ ہیں"),
    );
    document(press, &seo(press), &body)
}

/// A page of a newspaper in English as several South Asian ones have it.
pub fn story(press: &Press) -> String {
    let mut blocks: Vec<String> = press.article().iter().map(plain).collect();
    blocks.insert(
        2,
        format!(
            "<div class=\"story__inline-ad\" id=\"div-gpt-ad-1\">{}</div>",
            press.f("Advertisement", "اشتہار")
        ),
    );
    blocks.insert(1, format!("<figure class=\"media media--embed\"><a href=\"/o\" title=\"x\"><img src=\"data:image/gif;base64,R0lGOD\" data-src=\"https://news.example/uploads/boats.jpg\" class=\"lazy\"></a></figure><aside class=\"story__related\"><ul>{}</ul></aside>", press.others(2, "<li>", "</li>")));
    let body = format!(
        "<body><div class=\"nav__wrapper\"><ul>{}</ul></div><div class=\"flex\"><main><article class=\"story relative\"><div class=\"template__header\"><h2 class=\"story__title\"><a href=\"/news/1\">{}</a></h2><div class=\"story__info\"><span class=\"story__byline\">{}</span><span class=\"story__time timestamp\">{}</span></div></div>\
         <div class=\"story__content overflow-hidden text-4\" data-id=\"1\">{}</div><div class=\"story__social social-share\">{}</div><div class=\"story__tags\">{}</div></article><div id=\"comments\" class=\"story__comments\">{}</div></main><aside class=\"sidebar\"><h3>{}</h3>{}</aside></div><footer class=\"footer\">{}</footer>\
         <div class=\"modal\" style=\"display:none\"><p>{}</p></div></body>",
        menu(press),
        press.title(),
        press.f("Ayesha Khan", "عائشہ خان"),
        press.f("Published January 5, 2026", "5 جنوری کو شائع"),
        blocks.concat(),
        press.f("Share", "شیئر"),
        press.link("Floods", "سیلاب"),
        super::comment(press),
        press.f("Must Read", "ضرور پڑھیں"),
        press.others(3, "<article class=\"story--small\"><h4>", "</h4></article>"),
        press.f("Copyright 2026", "کاپی رائٹ 2026"),
        press.f("Turn on notifications", "نوٹیفکیشن آن کریں"),
    );
    document(press, &seo(press), &body)
}
