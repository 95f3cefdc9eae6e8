//! The themes and systems: each prints the article with the furniture it puts around it.

mod plain;
mod platforms;
mod press_sites;
mod wordpress;

use super::press::Press;

/// A theme and how it prints.
pub type Theme = (&'static str, fn(&Press) -> String);

pub const THEMES: [Theme; 19] = [
    ("Jannah", wordpress::jannah),
    ("Newspaper", wordpress::newspaper),
    ("Newsmag", wordpress::newsmag),
    ("GeneratePress", wordpress::generatepress),
    ("Astra", wordpress::astra),
    ("Twenty Twenty-Four", wordpress::twenty_four),
    ("Elementor", wordpress::elementor),
    ("Ghost Casper", platforms::casper),
    ("Substack", platforms::substack),
    ("Hugo PaperMod", platforms::papermod),
    ("Blogger", platforms::blogger),
    ("Drupal", platforms::drupal),
    ("BBC", press_sites::bbc),
    ("Urdu daily", press_sites::daily),
    ("Story page", press_sites::story),
    ("plain page", plain::bare),
    ("old page", plain::tables),
    ("script framework", plain::tailwind),
    ("boxes", plain::boxes),
];

/// A document around a body.
pub fn document(press: &Press, head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html {}><head><meta charset=\"utf-8\"><title>{} - The Ravi Post</title>\
         <meta property=\"og:site_name\" content=\"The Ravi Post\">{head}\
         <script>window.dataLayer=[];document.write('<p>'+1+'</p>')</script>\
         <style>.x{{color:red}}</style></head>{body}</html>",
        press.lang(),
        press.title()
    )
}

/// What plugins for search engines put into the head.
pub fn seo(press: &Press) -> String {
    let title = press.title();
    let lang = if press.urdu { "ur" } else { "en-US" };
    format!(
        "<meta name=\"description\" content=\"{title}: what is known.\">\
         <meta property=\"og:title\" content=\"{title}\"><meta property=\"og:type\" content=\"article\">\
         <meta property=\"og:image\" content=\"https://news.example/uploads/boats-1024x683.jpg\">\
         <link rel=\"canonical\" href=\"https://news.example/2026/01/relief-work/\">\
         <meta property=\"article:published_time\" content=\"2026-01-05T06:00:00+05:00\">\
         <script type=\"application/ld+json\">{{\"@context\":\"https://schema.org\",\"@graph\":[\
         {{\"@type\":\"NewsArticle\",\"headline\":\"{title}\",\"inLanguage\":\"{lang}\",\
         \"author\":{{\"@id\":\"#ayesha\"}},\"articleSection\":[\"Pakistan\"],\"keywords\":[\"Floods\"]}},\
         {{\"@type\":\"Person\",\"@id\":\"#ayesha\",\"name\":\"Ayesha Khan\"}}]}}</script>"
    )
}

/// A menu's items.
pub fn menu(press: &Press) -> String {
    let names = [
        ("Home", "صفحہ اول"),
        ("Pakistan", "پاکستان"),
        ("World", "دنیا"),
        ("Business", "کاروبار"),
        ("Sports", "کھیل"),
        ("Opinion", "رائے"),
    ];
    let item = |(en, ur)| format!("<li class=\"menu-item\">{}</li>", press.link(en, ur));
    names.into_iter().map(item).collect()
}

/// A reader's long comment.
pub fn comment(press: &Press) -> String {
    let text = press.f(
        "I have lived by the river for forty years and the water has never come this high, and \
         nobody from the department has been to see us, not once, whatever they may say on television",
        "میں چالیس سال سے دریا کے کنارے رہتا ہوں اور پانی کبھی اتنا اوپر نہیں آیا، اور محکمے سے کوئی ہمیں دیکھنے نہیں آیا، وہ ٹی وی پر جو بھی کہیں",
    );
    format!("<p>{text}</p>")
}
