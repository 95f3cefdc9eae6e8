//! Publishing systems other than WordPress.

use super::{comment, document, menu, seo};
use crate::press::{Block, Press, plain};

pub fn casper(press: &Press) -> String {
    let card = |one: &Block| match one {
        Block::Figure(file, alt, caption) => format!(
            "<figure class=\"kg-card kg-image-card kg-card-hascaption\"><img src=\"/content/images/{file}\" class=\"kg-image\" alt=\"{alt}\" loading=\"lazy\" \
             srcset=\"/content/images/size/w600/{file} 600w, /content/images/size/w1000/{file} 1000w\"><figcaption>{caption}</figcaption></figure>"
        ),
        Block::Film(title) => format!(
            "<figure class=\"kg-card kg-embed-card\"><iframe src=\"https://www.youtube.com/embed/abcdefghijk?feature=oembed\" title=\"{title}\"></iframe></figure>"
        ),
        Block::Heading(text) => format!("<h2 id=\"comments-and-related\">{text}</h2>"),
        other => plain(other),
    };
    let blocks: String = press.article().iter().map(card).collect();
    let body = format!(
        "<body class=\"post-template tag-news\"><div class=\"viewport\"><header id=\"gh-head\" class=\"gh-head outer\"><nav class=\"gh-head-menu\"><ul class=\"nav\">{}</ul></nav><div class=\"gh-head-actions\"><a class=\"gh-head-button\">{}</a></div></header>\
         <div class=\"site-content\"><main id=\"site-main\" class=\"site-main\"><article class=\"article post tag-news\"><header class=\"article-header gh-canvas\"><div class=\"article-tag post-card-tags\"><span class=\"post-card-primary-tag\">{}</span></div><h1 class=\"article-title\">{}</h1>\
         <div class=\"article-byline\"><section class=\"article-byline-content\"><h4 class=\"author-name\">{}</h4><div class=\"byline-meta-content\"><time class=\"byline-meta-date\" datetime=\"2026-01-05\">{}</time><span class=\"byline-reading-time\">{}</span></div></section></div>\
         </header><section class=\"gh-content gh-canvas\">{blocks}<div class=\"kg-card kg-signup-card\"><h3>{}</h3></div></section><section class=\"article-comments gh-canvas\">{}</section></article></main>\
         <section class=\"footer-cta outer\"><div class=\"inner\"><h2 class=\"footer-cta-title\">{}</h2></div></section><aside class=\"read-more-wrap outer\"><div class=\"read-more inner\">{}</div></aside></div><footer class=\"site-footer outer\"><section class=\"copyright\">{}</section></footer></div></body>",
        menu(press),
        press.f("Subscribe", "سبسکرائب"),
        press.f("News", "خبریں"),
        press.title(),
        press.f("Ayesha Khan", "عائشہ خان"),
        press.f("5 Jan 2026", "5 جنوری"),
        press.f("4 min read", "4 منٹ"),
        press.f("Sign up for more like this", "مزید کے لیے سائن اپ کریں"),
        comment(press),
        press.f("Sign up for The Ravi Post", "راوی پوسٹ"),
        press.others(
            3,
            "<article class=\"post-card\"><h2 class=\"post-card-title\">",
            "</h2></article>"
        ),
        press.f("The Ravi Post 2026", "راوی پوسٹ 2026"),
    );
    document(press, &seo(press), &body)
}

pub fn substack(press: &Press) -> String {
    let letter = format!(
        "<div class=\"subscription-widget-wrap-editor\" data-component-name=\"SubscribeWidgetToDOM\"><div class=\"subscription-widget show-subscribe\"><div class=\"preamble\"><p class=\"cta-caption\">{}</p></div></div></div>",
        press.f(
            "Thanks for reading! Subscribe for free to receive new posts and support my work.",
            "پڑھنے کا شکریہ! مفت سبسکرائب کریں"
        )
    );
    let mut blocks = String::new();
    for (at, one) in press.article().iter().enumerate() {
        blocks.push_str(&match one {
            Block::Figure(file, alt, caption) => format!(
                "<div class=\"captioned-image-container\"><figure><a class=\"image-link image2\" href=\"/uploads/{file}\"><div class=\"image2-inset\"><picture><source type=\"image/webp\" srcset=\"/i/w_424/{file} 424w, /i/w_1456/{file} 1456w\"><img src=\"/i/w_1456/{file}\" alt=\"{alt}\"></picture></div></a><figcaption class=\"image-caption\">{caption}</figcaption></figure></div>"
            ),
            Block::Film(title) => format!("<div class=\"youtube-wrap\"><div class=\"youtube-inner\"><iframe src=\"https://www.youtube-nocookie.com/embed/abcdefghijk?rel=0\" title=\"{title}\"></iframe></div></div>"),
            Block::Quote(text) => format!("<div class=\"pullquote\"><p>{text}</p></div>"),
            Block::Paragraph(text) => format!("<p><span>{text}</span></p>"),
            other => plain(other),
        });
        if at == 2 {
            blocks.push_str(&letter);
        }
    }
    let body = format!(
        "<body><div id=\"entry\"><div id=\"main\" class=\"main typography use-theme-bg\"><div class=\"main-menu\"><div class=\"topbar\">{}</div></div><div class=\"single-post-container\"><div class=\"container\"><div class=\"single-post\"><article class=\"typography newsletter-post post\">\
         <div class=\"post-header\"><h1 class=\"post-title published\">{}</h1><div class=\"byline-wrapper\"><a>{}</a><div class=\"pencraft\">{}</div></div><div class=\"post-ufi\"><a class=\"post-ufi-button\">{}</a></div></div>\
         <div class=\"available-content\"><div dir=\"auto\" class=\"body markup\">{blocks}<p class=\"button-wrapper\"><a class=\"button primary\">{}</a></p></div></div><div class=\"post-footer\">{}</div></article></div></div>\
         <div class=\"comments-page\"><h4>{}</h4>{}</div><div class=\"portable-archive\"><div class=\"portable-archive-list\">{}</div></div></div></div><div class=\"footer-wrap publication-footer\">{}</div></div></body>",
        press.link("The Ravi Letter", "راوی خط"),
        press.title(),
        press.f("Ayesha Khan", "عائشہ خان"),
        press.f("Jan 05, 2026", "5 جنوری"),
        press.f("12", "12"),
        press.f("Share", "شیئر"),
        press.f("Share this post", "یہ پوسٹ شیئر کریں"),
        press.f("Discussion about this post", "اس پوسٹ پر بحث"),
        comment(press),
        press.others(3, "<div class=\"post-preview\">", "</div>"),
        press.f("Substack is the home for great culture", "سب سٹیک"),
    );
    document(press, &seo(press), &body)
}

pub fn papermod(press: &Press) -> String {
    let anchored: String = press.article().iter().map(|one| match one {
        Block::Heading(text) => format!("<h2 id=\"related\">{text}<a hidden class=\"anchor\" aria-hidden=\"true\" href=\"#related\">#</a></h2>"),
        other => plain(other),
    }).collect();
    let body = format!(
        "<body class=\"\" id=\"top\"><header class=\"header\"><nav class=\"nav\"><ul id=\"menu\">{}</ul></nav></header><main class=\"main\"><article class=\"post-single\"><header class=\"post-header\"><div class=\"breadcrumbs\">{}</div><h1 class=\"post-title entry-hint-parent\">{}</h1>\
         <div class=\"post-description\"></div><div class=\"post-meta\"><span title=\"2026-01-05\">{}</span>&nbsp;·&nbsp;{}</div></header><div class=\"toc\"><details><summary accesskey=\"c\"><span class=\"details\">{}</span></summary><div class=\"inner\"><ul><li>{}</li></ul></div></details></div>\
         <div class=\"post-content\">{anchored}</div><footer class=\"post-footer\"><ul class=\"post-tags\"><li>{}</li></ul><nav class=\"paginav\">{}</nav><ul class=\"share-buttons\"><li>{}</li></ul></footer></article></main>\
         <footer class=\"footer\"><span>{}</span></footer><a href=\"#top\" aria-label=\"go to top\" class=\"top-link\" id=\"top-link\">{}</a></body>",
        menu(press),
        press.link("Home", "صفحہ اول"),
        press.title(),
        press.f("January 5, 2026", "5 جنوری 2026"),
        press.f("3 min", "3 منٹ"),
        press.f("Table of Contents", "فہرست"),
        press.link("The camps", "کیمپ"),
        press.link("Floods", "سیلاب"),
        press.link("The dam", "ڈیم"),
        press.link("share on x", "شیئر"),
        press.f("Powered by Hugo and PaperMod", "ہیوگو"),
        press.f("Top", "اوپر"),
    );
    document(press, &seo(press), &body)
}

pub fn blogger(press: &Press) -> String {
    // Blogger's own editor: line breaks, and pictures in tables of their own.
    let blocks: String = press.article().iter().map(|one| match one {
        Block::Paragraph(text) => format!("<div>{text}</div><br />"),
        Block::Figure(file, alt, caption) => format!("<table align=\"center\" class=\"tr-caption-container\"><tbody><tr><td><a href=\"https://blogger.example/s1600/{file}\"><img border=\"0\" src=\"https://blogger.example/s320/{file}\" alt=\"{alt}\"></a></td></tr><tr><td class=\"tr-caption\">{caption}</td></tr></tbody></table>"),
        other => plain(other),
    }).collect();
    let body = format!(
        "<body class=\"item-view version-1-3-3 variant-vegeclub_light\"><div class=\"tabs-outer\"><div class=\"widget PageList\"><ul>{}</ul></div></div><div class=\"main-outer\"><div class=\"column-center-inner\"><div class=\"main section\" id=\"main\"><div class=\"widget Blog\" data-version=\"1\" id=\"Blog1\"><div class=\"blog-posts hfeed\">\
         <h2 class=\"date-header\"><span>{}</span></h2><div class=\"post hentry\" itemprop=\"blogPost\"><h3 class=\"post-title entry-title\" itemprop=\"name\">{}</h3><div class=\"post-body entry-content\" id=\"post-body-1\" itemprop=\"description articleBody\">{blocks}<div style=\"clear: both;\"></div></div>\
         <div class=\"post-footer\"><span class=\"post-author vcard\">{}</span><span class=\"post-labels\">{}</span><div class=\"post-share-buttons goog-inline-block\">{}</div></div></div><div class=\"comments\" id=\"comments\"><h4>{}</h4>{}</div></div>\
         <div class=\"blog-pager\" id=\"blog-pager\">{}</div></div></div></div><div class=\"column-right-outer\"><aside><div class=\"sidebar section\"><div class=\"widget BlogArchive\"><h2>{}</h2><div class=\"widget-content\">{}</div></div></div></aside></div></div><footer><div class=\"widget Attribution\">{}</div></footer></body>",
        menu(press),
        press.f("Monday, January 5, 2026", "پیر، 5 جنوری"),
        press.title(),
        press.f("Posted by Ayesha Khan", "عائشہ خان"),
        press.link("Floods", "سیلاب"),
        press.f("Email This", "ای میل"),
        press.f("1 comment:", "1 تبصرہ:"),
        comment(press),
        press.link("Older Post", "پرانی پوسٹ"),
        press.f("Blog Archive", "محفوظات"),
        press.others(4, "<li>", "</li>"),
        press.f("Powered by Blogger.", "بلاگر"),
    );
    document(press, &seo(press), &body)
}

pub fn drupal(press: &Press) -> String {
    let body = format!(
        "<body class=\"path-node page-node-type-article\"><div class=\"dialog-off-canvas-main-canvas\"><header role=\"banner\"><div class=\"region region-primary-menu\"><nav role=\"navigation\"><ul class=\"menu\">{}</ul></nav></div></header><div class=\"region region-breadcrumb\"><nav class=\"breadcrumb\"><ol><li>{}</li></ol></nav></div>\
         <main role=\"main\"><div class=\"layout-content\"><div class=\"region region-content\"><div class=\"block block-page-title-block\"><h1 class=\"title page-title\"><span class=\"field field--name-title\">{}</span></h1></div><article role=\"article\" class=\"node node--type-article node--view-mode-full\">\
         <footer class=\"node__meta\"><div class=\"node__submitted\">{}</div></footer><div class=\"node__content\"><div class=\"clearfix text-formatted field field--name-body field--type-text-with-summary field__item\">{}</div><div class=\"field field--name-field-tags\"><div class=\"field__items\">{}</div></div></div>\
         <div class=\"node__links\"><ul class=\"links inline\"><li>{}</li></ul></div><section class=\"field--name-comment comment-wrapper\"><h2 class=\"title\">{}</h2>{}</section></article></div></div><aside class=\"layout-sidebar-second\" role=\"complementary\"><div class=\"views-element-container block\"><h2>{}</h2><div class=\"view-content\">{}</div></div></aside></main><footer role=\"contentinfo\">{}</footer></div></body>",
        menu(press),
        press.link("Home", "صفحہ اول"),
        press.title(),
        press.f("Submitted by ayesha on Mon, 01/05/2026", "عائشہ"),
        press.classic(),
        press.link("Floods", "سیلاب"),
        press.link("Log in to post comments", "تبصرے کے لیے لاگ ان کریں"),
        press.f("Comments", "تبصرے"),
        comment(press),
        press.f("Recent content", "تازہ مواد"),
        press.others(3, "<div class=\"views-row\">", "</div>"),
        press.f("Powered by Drupal", "ڈروپل"),
    );
    document(press, &seo(press), &body)
}
