//! WordPress themes.

use super::{comment, document, menu, seo};
use crate::press::{Block, Press, cells, each, plain};

/// A block as the block editor writes it, pictures loaded late by a plugin.
fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("<h2 class=\"wp-block-heading\">{text}</h2>\n"),
        Block::Quote(text) => format!(
            "<blockquote class=\"wp-block-quote is-layout-flow\"><p>{text}</p></blockquote>\n"
        ),
        Block::List(items) => format!(
            "<ul class=\"wp-block-list\">{}</ul>\n",
            each(items, "<li>", "</li>")
        ),
        Block::Table(rows) => format!(
            "<figure class=\"wp-block-table\"><table class=\"has-fixed-layout\"><tbody>{}</tbody></table></figure>\n",
            cells(rows)
        ),
        Block::Figure(file, alt, caption) => format!(
            "<figure class=\"wp-block-image size-large\"><img decoding=\"async\" width=\"1024\" height=\"683\" \
             src=\"data:image/svg+xml;base64,PHN2Zy8+\" data-lazy-src=\"/uploads/{file}\" alt=\"{alt}\" \
             class=\"wp-image-12 lazyload\"><noscript><img src=\"/uploads/{file}\" alt=\"{alt}\"></noscript>\
             <figcaption class=\"wp-element-caption\">{caption}</figcaption></figure>\n"
        ),
        Block::Film(title) => format!(
            "<figure class=\"wp-block-embed is-type-video is-provider-youtube wp-block-embed-youtube\">\
             <div class=\"wp-block-embed__wrapper\"><iframe title=\"{title}\" data-src=\"https://www.youtube.com/embed/abcdefghijk?feature=oembed\" \
             src=\"about:blank\"></iframe></div></figure>\n"
        ),
        other => plain(other),
    }
}

/// The article in blocks, with something put in after the second and the fourth.
fn blocks(press: &Press, second: &str, fourth: &str) -> String {
    let mut out = String::new();
    for (at, one) in press.article().iter().enumerate() {
        out.push_str(&block(one));
        match at {
            1 => out.push_str(second),
            3 => out.push_str(fourth),
            _ => {}
        }
    }
    out
}

fn comments(press: &Press) -> String {
    format!(
        "<div id=\"comments\" class=\"comments-area\"><h2 class=\"comments-title\">{}</h2>\
         <ol class=\"comment-list\"><li class=\"comment even thread-even depth-1\"><article class=\"comment-body\">\
         <footer class=\"comment-meta\"><b class=\"fn\">{}</b></footer><div class=\"comment-content\">{}</div></article></li></ol>\
         <div id=\"respond\" class=\"comment-respond\"><h3 id=\"reply-title\">{}</h3><form class=\"comment-form\"><p class=\"comment-notes\">{}</p>\
         <textarea></textarea><button>{}</button></form></div></div>",
        press.f("One comment", "ایک تبصرہ"),
        press.f("Reader", "قاری"),
        comment(press),
        press.f("Leave a Reply", "جواب دیں"),
        press.f(
            "Your email address will not be published. Required fields are marked",
            "آپ کا ای میل ایڈریس شائع نہیں کیا جائے گا"
        ),
        press.f("Post Comment", "تبصرہ کریں"),
    )
}

/// What Jannah puts between the paragraphs.
fn jannah_inline(press: &Press) -> String {
    format!(
        "<div id=\"inline-related-post\" class=\"mag-box mini-posts-box content-only\"><div class=\"mag-box-title the-global-title\"><h3>{}</h3></div>\
         <div class=\"mag-box-container\"><ul class=\"posts-items\">{}</ul></div></div>\
         <div class=\"stream-item stream-item-in-post stream-item-inline-post aligncenter\"><span class=\"stream-title\">{}</span></div>",
        press.f("Related Articles", "متعلقہ مضامین"),
        press.others(
            2,
            "<li class=\"widget-single-post-item\"><h3 class=\"post-title\">",
            "</h3><span class=\"date\">5 January</span></li>"
        ),
        press.f("Advertisement", "اشتہار"),
    )
}

/// A box for a letter, in the text.
fn jannah_letter(press: &Press) -> String {
    format!(
        "<div class=\"tie-mailpoet mailpoet_form_widget newsletter-box\"><h4>{}</h4><p>{}</p></div>",
        press.f("Get the morning letter", "صبح کا خط"),
        press.f(
            "The five stories of the day in your inbox every morning at seven, free of charge",
            "دن کی پانچ خبریں ہر صبح سات بجے آپ کے ان باکس میں، بالکل مفت"
        ),
    )
}

/// Head, menu and crumbs.
fn jannah_top(press: &Press) -> String {
    format!(
        "<header id=\"theme-header\" class=\"theme-header\"><div class=\"top-nav\"><span class=\"topbar-today-date\">{}</span>\
         <div class=\"breaking\"><span class=\"breaking-title\">{}</span><ul id=\"breaking-news-in-header\">{}</ul></div></div>\
         <nav id=\"main-nav\"><ul class=\"menu\">{}</ul></nav></header><nav id=\"breadcrumb\">{} / {}</nav>",
        press.f("Monday, January 5 2026", "پیر، 5 جنوری 2026"),
        press.f("Breaking News", "تازہ ترین"),
        press.others(2, "<li>", "</li>"),
        menu(press),
        press.link("Home", "صفحہ اول"),
        press.link("Pakistan", "پاکستان"),
    )
}

/// Title, names and share buttons.
fn jannah_meta(press: &Press) -> String {
    format!(
        "<header class=\"entry-header-outer\"><div class=\"entry-header\"><span class=\"post-cat-wrap\"><a class=\"post-cat\" href=\"/c/\">{}</a></span>\
         <h1 class=\"post-title entry-title\">{}</h1><div class=\"single-post-meta post-meta clearfix\"><span class=\"author-meta\"><a class=\"author-name\">Ayesha Khan</a></span>\
         <span class=\"meta-views meta-item\">{}</span><span class=\"meta-reading-time meta-item\">{}</span></div></div></header>\
         <div id=\"share-buttons-top\" class=\"share-buttons\"><a>{}</a><a>{}</a></div>",
        press.f("Pakistan", "پاکستان"),
        press.title(),
        press.f("1,204", "1,204"),
        press.f("3 minutes read", "3 منٹ"),
        press.f("Facebook", "فیس بک"),
        press.f("X", "ایکس"),
    )
}

/// All that comes after the text.
fn jannah_tail(press: &Press) -> String {
    format!(
        "<div class=\"post-bottom-meta post-bottom-tags\"><span class=\"tagcloud\">{}</span></div></div></article>\
         <div class=\"post-components\"><div class=\"about-author container-wrapper\"><h3>{}</h3><div class=\"author-bio\">{}</div></div>\
         <div class=\"prev-next-post-nav\"><h3 class=\"post-title\">{}</h3></div><div id=\"related-posts\"><h3>{}</h3><div class=\"related-posts-list\">{}</div></div>{}</div></div>\
         <aside class=\"sidebar tie-col-md-4 normal-side\"><div class=\"container-wrapper widget\"><div class=\"widget-title\">{}</div><ul>{}</ul><p>{}</p></div></aside>\
         <footer id=\"footer\" class=\"site-footer\"><p>{}</p></footer><a id=\"go-to-top\" class=\"go-to-top-button\">{}</a>\
         <div id=\"tie-popup-search-desktop\" class=\"tie-popup\"><p>{}</p></div><div id=\"tie-popup-adblock\" class=\"tie-popup is-fixed-popup\"><h3>{}</h3><p>{}</p></div>",
        press.others(2, "", " "),
        press.f("Ayesha Khan", "عائشہ خان"),
        press.f(
            "Reports on water and farming from Lahore for the desk",
            "لاہور سے پانی اور کھیتی پر رپورٹ کرتی ہیں"
        ),
        press.link("The dam that was never built", "وہ ڈیم جو کبھی نہ بنا"),
        press.f("Related Articles", "متعلقہ مضامین"),
        press.others(
            3,
            "<div class=\"tie-col-md-4\"><h3 class=\"post-title\">",
            "</h3></div>"
        ),
        comments(press),
        press.f("Popular Posts", "مقبول"),
        press.others(3, "<li>", "</li>"),
        press.f(
            "We are a newspaper of Lahore, read in every district of the province since 1952",
            "ہم لاہور کا اخبار ہیں، 1952 سے صوبے کے ہر ضلع میں پڑھا جاتا ہے"
        ),
        press.f("Copyright 2026, all rights reserved", "جملہ حقوق محفوظ ہیں"),
        press.f("Back to top button", "اوپر جائیں"),
        press.f("Search for", "تلاش کریں"),
        press.f("Adblock Detected", "ایڈ بلاک"),
        press.f(
            "Please consider supporting us by disabling your ad blocker",
            "براہ کرم ایڈ بلاکر بند کریں"
        ),
    )
}

pub fn jannah(press: &Press) -> String {
    let (top, meta) = (jannah_top(press), jannah_meta(press));
    let (inline, letter, tail) = (
        jannah_inline(press),
        jannah_letter(press),
        jannah_tail(press),
    );
    let body = format!(
        "<body class=\"single-post tie-js has-sidebar\">{top}<div id=\"content\" class=\"site-content\"><div class=\"main-content\"><article id=\"the-post\" class=\"container-wrapper post-content tie-standard\">{meta}\
         <div class=\"entry-content entry clearfix\">{}{letter}{tail}</div></body>",
        blocks(press, &inline, "")
    );
    document(press, &seo(press), &body)
}

pub fn newspaper(press: &Press) -> String {
    let ad = format!(
        "<div class=\"td-a-rec td-a-rec-id-content_inline\"><span class=\"td-adspot-title\">{}</span></div>",
        press.f("- Advertisement -", "- اشتہار -")
    );
    let also = format!(
        "<p><strong>{}: <a href=\"/o/\">{}</a></strong></p>",
        if press.urdu {
            "یہ بھی پڑھیں"
        } else {
            "ALSO READ"
        },
        press.f("Who pays for the canals", "نہروں کا خرچ کون دے گا")
    );
    let body = format!(
        "<body class=\"td-standard-pack single-post\"><div class=\"td-menu-background\"><ul>{}</ul></div><div class=\"td-header-wrap\"><div class=\"td-trending-now-wrapper\">{}</div></div>\
         <div class=\"td-main-content-wrap td-container-wrap\"><div class=\"td-crumb-container\"><div class=\"entry-crumbs\">{}</div></div>\
         <div class=\"td-pb-row\"><div class=\"td-pb-span8 td-main-content\"><article class=\"post type-post tag-ads category-related td-post-template\"><div class=\"td-post-header\"><ul class=\"td-category\"><li class=\"entry-category\">{}</li></ul>\
         <header class=\"td-post-title\"><h1 class=\"entry-title\">{}</h1><div class=\"td-module-meta-info\"><div class=\"td-post-author-name\">{}</div><div class=\"td-post-views\">{}</div></div></header></div>\
         <div class=\"td-post-sharing td-post-sharing-top\"><a class=\"td-social-sharing-button\">{}</a></div><div class=\"td-post-content tagdiv-type\">{}</div>\
         <footer><div class=\"td-post-source-tags\"><ul class=\"td-tags\"><li>{}</li></ul></div><div class=\"td-block-row td-post-next-prev\">{}</div>\
         <div class=\"author-box-wrap\"><div class=\"desc\">{}</div></div></footer></article><div class=\"td_block_wrap td_block_related_posts\"><h4>{}</h4>{}</div>{}</div>\
         <div class=\"td-pb-span4 td-main-sidebar\"><div class=\"td_block_wrap td_block_social_counter\">{}</div></div></div></div>\
         <div class=\"td-footer-wrapper td-footer-page\"><div class=\"td-footer-info\">{}</div></div><div class=\"td-scroll-up\"><i></i></div></body>",
        menu(press),
        press.others(2, "<div>", "</div>"),
        press.link("Home", "صفحہ اول"),
        press.link("Pakistan", "پاکستان"),
        press.title(),
        press.f("By Ayesha Khan", "تحریر عائشہ خان"),
        press.f("533", "533"),
        press.f("Facebook", "فیس بک"),
        blocks(press, &ad, &also),
        press.link("Floods", "سیلاب"),
        press.link("Previous article", "پچھلا مضمون"),
        press.f(
            "Ayesha Khan writes about rivers and the people who live by them",
            "عائشہ خان دریاؤں اور ان کے کنارے رہنے والوں پر لکھتی ہیں"
        ),
        press.f("RELATED ARTICLES", "متعلقہ مضامین"),
        press.others(
            3,
            "<div class=\"td_module_related_posts\"><h3 class=\"entry-title\">",
            "</h3></div>"
        ),
        comments(press),
        press.f("25,411 Fans", "25,411 فین"),
        press.f(
            "ABOUT US: the newspaper of the Ravi",
            "ہمارے بارے میں: راوی کا اخبار"
        ),
    );
    document(press, &seo(press), &body)
}

pub fn newsmag(press: &Press) -> String {
    let page = newspaper(press);
    page.replace(
        "td-post-content tagdiv-type",
        "td-post-content td-post-text-content",
    )
    .replace("td-standard-pack", "global-block-template-1 newsmag")
    .replace("td-post-header", "td-post-header-holder")
}

pub fn generatepress(press: &Press) -> String {
    let share = format!(
        "<div class=\"sharedaddy sd-sharing-enabled\"><h3 class=\"sd-title\">{}</h3><div class=\"sd-content\"><ul><li>{}</li></ul></div></div>\
        <div id=\"jp-relatedposts\" class=\"jp-relatedposts\"><h3 class=\"jp-relatedposts-headline\"><em>{}</em></h3>{}</div>",
        press.f("Share this:", "شیئر کریں:"),
        press.link("Facebook", "فیس بک"),
        press.f("Related", "متعلقہ"),
        press.others(3, "<div class=\"jp-relatedposts-post\">", "</div>")
    );
    let body = format!(
        "<body class=\"single right-sidebar\"><a class=\"screen-reader-text skip-link\" href=\"#content\">{}</a><header class=\"site-header\" id=\"masthead\"><p class=\"site-description\">{}</p></header>\
         <nav class=\"main-navigation\" id=\"site-navigation\"><ul>{}</ul></nav><div class=\"site grid-container\" id=\"page\"><div class=\"site-content\" id=\"content\"><div class=\"content-area\" id=\"primary\"><main class=\"site-main\" id=\"main\">\
         <article class=\"post\" itemtype=\"https://schema.org/CreativeWork\"><div class=\"inside-article\"><header class=\"entry-header\"><h1 class=\"entry-title\">{}</h1><div class=\"entry-meta\"><span class=\"posted-on\">{}</span> <span class=\"byline\">{}</span></div></header>\
         <div class=\"entry-content\" itemprop=\"text\">{}{share}</div><footer class=\"entry-meta\"><span class=\"cat-links\">{}</span><nav class=\"post-navigation\">{}</nav></footer></div></article>\
         <div class=\"comments-area\">{}</div></main></div><div class=\"widget-area sidebar is-right-sidebar\" id=\"right-sidebar\"><aside class=\"widget widget_recent_entries\"><h2>{}</h2><ul>{}</ul></aside></div></div></div>\
         <div class=\"site-footer\"><footer class=\"site-info\"><div class=\"copyright-bar\">{}</div></footer></div></body>",
        press.f("Skip to content", "مواد پر جائیں"),
        press.f("News of the Ravi", "راوی کی خبریں"),
        menu(press),
        press.title(),
        press.f("January 5, 2026", "5 جنوری 2026"),
        press.f("by Ayesha Khan", "از عائشہ خان"),
        blocks(press, "", ""),
        press.link("Pakistan", "پاکستان"),
        press.link("The dam", "ڈیم"),
        comments(press),
        press.f("Recent Posts", "تازہ پوسٹس"),
        press.others(3, "<li>", "</li>"),
        press.f("2026 GeneratePress", "2026"),
    );
    document(press, &seo(press), &body)
}

pub fn astra(press: &Press) -> String {
    let body = format!(
        "<body class=\"ast-single-post ast-right-sidebar\"><header class=\"ast-primary-header-bar main-header-bar\"><div class=\"main-navigation\"><ul class=\"main-header-menu\">{}</ul></div></header><div id=\"content\" class=\"site-content\"><div class=\"ast-container\"><div id=\"primary\" class=\"content-area primary\">\
         <div class=\"ast-breadcrumbs-wrapper\">{}</div><article class=\"post ast-article-single\"><div class=\"ast-post-format-\"><header class=\"entry-header\"><h1 class=\"entry-title\">{}</h1><div class=\"entry-meta\">{}</div></header>\
         <div class=\"entry-content clear\" data-ast-blocks-layout=\"true\">{}<div class=\"ast-post-social-sharing\"><span>{}</span></div></div></div></article>\
         <div class=\"ast-single-author-box\"><p>{}</p></div><nav class=\"navigation post-navigation\">{}</nav><div class=\"ast-single-related-posts-container\"><h2 class=\"ast-related-posts-title\">{}</h2>{}</div>{}</div>\
         <div class=\"widget-area secondary\" id=\"secondary\"><p>{}</p></div></div></div><div class=\"ast-small-footer site-below-footer-wrap\">{}</div><div id=\"ast-scroll-top\">{}</div></body>",
        menu(press), press.link("Home", "صفحہ اول"), press.title(), press.f("Leave a Comment / Pakistan / By Ayesha", "تبصرہ / پاکستان / از عائشہ"), blocks(press, "", ""), press.f("Share on", "شیئر"), press.f("About the author: Ayesha Khan", "مصنف کے بارے میں"),
        press.link("Next Post", "اگلی پوسٹ"), press.f("Related Posts", "متعلقہ پوسٹس"), press.others(2, "<article class=\"ast-related-post\"><h3>", "</h3></article>"), comments(press), press.f("Subscribe to the weekly letter of this site and read the best of it every Sunday over breakfast", "ہفتہ وار خط کے لیے سبسکرائب کریں اور ہر اتوار ناشتے پر بہترین تحریریں پڑھیں"), press.f("Powered by Astra", "آسٹرا"), press.f("Scroll to Top", "اوپر جائیں"),
    );
    document(press, &seo(press), &body)
}

pub fn twenty_four(press: &Press) -> String {
    let body = format!(
        "<body class=\"wp-singular single wp-embed-responsive\"><div class=\"wp-site-blocks\"><header class=\"wp-block-template-part\"><nav class=\"wp-block-navigation\"><ul class=\"wp-block-navigation__container\">{}</ul></nav></header>\
         <main class=\"wp-block-group is-layout-flow\"><div class=\"wp-block-group has-global-padding\"><h1 class=\"wp-block-post-title\">{}</h1><div class=\"wp-block-template-part\"><div class=\"wp-block-group\"><div class=\"wp-block-post-date\"><time datetime=\"2026-01-05T06:00:00+05:00\">{}</time></div>\
         <div class=\"wp-block-post-author-name\">{}</div><div class=\"taxonomy-category wp-block-post-terms\">{}</div></div></div></div><div class=\"entry-content alignfull wp-block-post-content has-global-padding is-layout-constrained\">{}</div>\
         <div class=\"wp-block-template-part\"><div class=\"taxonomy-post_tag wp-block-post-terms\">{}</div></div><nav class=\"wp-block-group\" aria-label=\"Posts\"><div class=\"post-navigation-link-previous wp-block-post-navigation-link\">{}</div></nav>\
         <div class=\"wp-block-comments\"><h2>{}</h2>{}</div><div class=\"wp-block-query\"><h2>{}</h2><ul class=\"wp-block-post-template\">{}</ul></div></main><footer class=\"wp-block-template-part\"><p>{}</p></footer></div></body>",
        menu(press),
        press.title(),
        press.f("January 5, 2026", "5 جنوری 2026"),
        press.f("Ayesha Khan", "عائشہ خان"),
        press.link("Pakistan", "پاکستان"),
        blocks(press, "", ""),
        press.link("Floods", "سیلاب"),
        press.link("The dam", "ڈیم"),
        press.f("Comments", "تبصرے"),
        comment(press),
        press.f("More posts", "مزید پوسٹس"),
        press.others(3, "<li class=\"wp-block-post\"><h3>", "</h3></li>"),
        press.f("Designed with WordPress", "ورڈپریس"),
    );
    document(press, &seo(press), &body)
}

/// A widget of Elementor's.
fn widget(kind: &str, inner: &str) -> String {
    format!(
        "<div class=\"elementor-element elementor-widget elementor-widget-{kind}\" data-element_type=\"widget\"><div class=\"elementor-widget-container\">{inner}</div></div>"
    )
}

/// A section of Elementor's, with its boxes.
fn section(inner: &str) -> String {
    format!(
        "<section class=\"elementor-section elementor-top-section\"><div class=\"elementor-container\"><div class=\"elementor-column elementor-col-100\"><div class=\"elementor-widget-wrap elementor-element-populated\">{inner}</div></div></div></section>"
    )
}

/// Every block in a widget of its own, five boxes deep, and no article element.
pub fn elementor(press: &Press) -> String {
    let in_widget = |one: &Block| {
        let is_heading = matches!(one, Block::Heading(_));
        widget(
            if is_heading { "heading" } else { "text-editor" },
            &block(one),
        )
    };
    let blocks: String = press.article().iter().map(in_widget).collect();
    let menu = format!("<ul class=\"elementor-nav-menu\">{}</ul>", menu(press));
    let title = format!(
        "<h1 class=\"elementor-heading-title\">{}</h1>",
        press.title()
    );
    let date = press.f("January 5, 2026", "5 جنوری 2026");
    let info = format!("<ul class=\"elementor-post-info\"><li>{date}</li></ul>");
    let head = [
        widget("breadcrumbs", &press.link("Home", "صفحہ اول")),
        widget("theme-post-title", &title),
        widget("post-info", &info),
    ];
    let author = press.f(
        "Ayesha Khan reports on water",
        "عائشہ خان پانی پر رپورٹ کرتی ہیں",
    );
    let after = [
        widget(
            "share-buttons",
            &press.f("Share on Facebook", "فیس بک پر شیئر کریں"),
        ),
        widget("author-box", &author),
        widget("post-navigation", &press.link("Next", "اگلا")),
    ];
    let others = press.others(
        3,
        "<article class=\"elementor-post\"><h3>",
        "</h3></article>",
    );
    let posts = format!("<div class=\"elementor-posts\">{others}</div>");
    let comments = format!("<section id=\"comments\">{}</section>", comment(press));
    let last = [widget("posts", &posts), widget("post-comments", &comments)];
    let rights = press.f("All rights reserved, The Ravi Post", "جملہ حقوق محفوظ");
    let body = format!(
        "<body class=\"elementor-default elementor-page\"><div data-elementor-type=\"header\" class=\"elementor elementor-location-header\">{}</div><div data-elementor-type=\"single-post\" class=\"elementor elementor-location-single\">{}{}{}{}</div>\
         <div data-elementor-type=\"footer\" class=\"elementor elementor-location-footer\">{}</div></body>",
        section(&widget("nav-menu", &menu)),
        section(&head.concat()),
        section(&blocks),
        section(&after.concat()),
        section(&last.concat()),
        section(&widget("text-editor", &rights)),
    );
    document(press, &seo(press), &body)
}
