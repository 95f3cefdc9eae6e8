//! Pages whose names say nothing.

use super::document;
use crate::press::Press;

/// No classes at all; only the elements of HTML.
pub fn bare(press: &Press) -> String {
    let body = format!(
        "<body><nav><a href=\"/\">{}</a> <a href=\"/news\">{}</a></nav><h1>{}</h1>{}<footer><p>{}</p></footer></body>",
        press.f("Home", "صفحہ اول"),
        press.f("News", "خبریں"),
        press.title(),
        press.classic(),
        press.f("Imprint", "رابطہ"),
    );
    document(press, "", &body)
}

/// A page of the nineties: tables for the layout, end tags left out.
pub fn tables(press: &Press) -> String {
    let article = press.classic().replace("</p>", "").replace("</li>", "");
    let body = format!(
        "<BODY BGCOLOR=white><CENTER><TABLE WIDTH=760><TR><TD COLSPAN=2><A HREF=/>{}</A> | <A HREF=/news>{}</A> | <A HREF=/sport>{}</A><TR><TD VALIGN=top WIDTH=140><A HREF=/a>{}</A><BR><A HREF=/b>{}</A><TD VALIGN=top><FONT SIZE=5><H1>{}</H1></FONT>{article}<TR><TD COLSPAN=2><HR><SMALL>{}</SMALL></TABLE></CENTER></BODY>",
        press.f("Home", "صفحہ اول"),
        press.f("News", "خبریں"),
        press.f("Sport", "کھیل"),
        press.f("Archive", "محفوظات"),
        press.f("Letters", "خطوط"),
        press.title(),
        press.f("Copyright 1999", "کاپی رائٹ 1999"),
    );
    document(press, "", &body)
}

/// A page of a script framework: names that say how things look, and elements that say what
/// they are.
pub fn tailwind(press: &Press) -> String {
    let body = format!(
        "<body class=\"font-sans antialiased\"><div id=\"__next\"><header class=\"flex h-16 px-4\"><nav class=\"flex gap-4\"><a class=\"px-2\" href=\"/\">{}</a></nav></header><div class=\"mx-auto max-w-7xl grid grid-cols-12\"><div class=\"col-span-8 px-4\"><div class=\"text-sm text-gray-500\"><a href=\"/p\">{}</a></div>\
         <h1 class=\"text-4xl font-bold\">{}</h1><div class=\"flex text-xs\"><span>{}</span></div><div class=\"prose prose-lg mt-4\">{}</div><div class=\"mt-8 border-t\"><h3 class=\"text-lg\">{}</h3><div class=\"grid\">{}</div></div></div>\
         <aside class=\"col-span-4\"><h4 class=\"text-base\">{}</h4><ul>{}</ul></aside></div><footer class=\"bg-black text-white\"><p>{}</p></footer></div></body>",
        press.f("Home", "صفحہ اول"),
        press.f("Pakistan", "پاکستان"),
        press.title(),
        press.f("January 5, 2026", "5 جنوری 2026"),
        press.classic(),
        press.f("More stories", "مزید خبریں"),
        press.others(3, "<div class=\"p-4\">", "</div>"),
        press.f("Most read", "مقبول"),
        press.others(4, "<li>", "</li>"),
        press.f(
            "All rights reserved, The Ravi Post, Lahore, 2026, and whoever reads this far",
            "جملہ حقوق محفوظ، راوی پوسٹ، لاہور"
        ),
    );
    document(press, "", &body)
}

/// A text in several boxes beside a column of other texts, and no name anywhere.
pub fn boxes(press: &Press) -> String {
    let text = press
        .classic()
        .replace("<h2>", "</div></div><div><div><h2>");
    let body = format!(
        "<body><div><div><a href=\"/\">{}</a> <a href=\"/n\">{}</a></div></div><div><div><div><h1>{}</h1></div><div><div><div>{text}</div></div></div></div><div><div>{}</div>{}</div></div><div><div>{}</div></div></body>",
        press.f("Home", "صفحہ اول"),
        press.f("News", "خبریں"),
        press.title(),
        press.f("Other texts", "دیگر تحریریں"),
        press.others(4, "<div>", "</div>"),
        press.f("Imprint and contact", "رابطہ"),
    );
    document(press, "", &body)
}
