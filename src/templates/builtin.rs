//! The templates that are part of the program.

macro_rules! embed {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

/// Name and source of every built-in template.
pub(super) const TEMPLATES: &[(&str, &str)] = embed! {
    "email/layout.html"
    "email/digest.html"
    "email/digest.txt"
    "email/article.html"
    "email/article.txt"
    "email/confirm.html"
    "email/confirm.txt"
    "email/lead.html"
    "email/story.html"
    "email/headlines.html"
    "email/byline.html"
    "email/byline.txt"
    "email/footer.txt"
    "email/style.css"
    "web/layout.html"
    "web/style.css"
    "web/home.html"
    "web/archive.html"
    "web/issue.html"
    "web/subscribe.html"
    "web/choices.html"
    "web/confirm.html"
    "web/unsubscribe.html"
    "web/preferences.html"
    "web/message.html"
    "web/admin/overview.html"
};

/// Language and source of the built-in strings.
pub(super) const STRINGS: &[(&str, &str)] = &[
    ("en", include_str!("../../templates/strings/en.toml")),
    ("ur", include_str!("../../templates/strings/ur.toml")),
];
