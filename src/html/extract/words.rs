//! The words by which sites name their furniture, in classes, ids and labels.

use std::collections::HashSet;
use std::sync::LazyLock;

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// Says nothing.
    No,
    /// Mostly furniture.
    Rather,
    /// Nobody names text like this.
    Quite,
}

/// Names as a whole that are furniture whatever they hold.
const QUITE: &str = "\
    comments comments-area comment-list commentlist comment-respond comments-wrapper \
    comment-section comments-section comment-wrapper respond disqus_thread fb-comments \
    wp-block-comments post-comments site-footer site-header page-footer global-footer \
    sidebar secondary widget-area related-posts relatedposts jp-relatedposts \
    related-articles breadcrumbs cookie-notice cookie-banner adblock-modal \
    newsletter-popup search-popup colophon";

/// Single words of names.
const WORDS: &str = "\
    share shares sharing sharebar sharedaddy sharethis shareaholic addtoany addthis a2a \
    social socials breadcrumb breadcrumbs crumb crumbs byline bylines newsletter \
    newsletters subscribe subscription subscriptions signup mailchimp mailpoet \
    mailerlite related relatedposts recommended recommendation recommendations \
    recommends recirc recirculation trending popular mostread comments commentlist \
    respond disqus advert adverts advertisement advertisements advertorial ads ad \
    adsense adsbygoogle adslot adunit adspot dfp gpt sponsor sponsored sponsors promo \
    promos promotion promotions taboola outbrain cookie cookies gdpr consent ccpa popup \
    popups modal modals adblock adblocker backtotop scrolltop totop pagination pager \
    paginav prevnext nav navbar navigation menu menus sidebar sidebars footer masthead \
    topbar ticker toolbar tags taglist tagcloud meta paywall donate donation \
    printfriendly rating ratings reactions claps likes cta search login copyright \
    speechkit beyondwords toc upsell teaser";

/// Names as a whole.
const NAMES: &str = "\
    stream-item about-author author author-box author-bio author-info author-card \
    author-name author-description author-profile author-block author-section \
    author-image author-avatar article-author entry-author post-author post-author-box \
    saboxplugin-wrap abh_box bio posted-on posted-by post-date entry-date publish-date \
    published-date date-header pubdate timestamp article-date article__date post-views \
    entry-views views-count view-count post-views-count td-post-views meta-views \
    pageviews reading-time read-time readingtime reading_time time-to-read read-more \
    readmore more-link read-also also-read more-stories see-also more-news up-next \
    next-up post-category post-categories post-cat-wrap cat-links entry-category \
    entry-categories category-label category-links categories category kicker eyebrow \
    section-label post-labels tag-list tag tags-links topic-list topics go-to-top-button \
    back-to-top scroll-to-top scroll-top top-link to-top go-top gototop \
    reading-progress-bar progress-bar mag-box follow-us follow google-news gnews \
    whatsapp-channel join-whatsapp screen-reader-text sr-only visually-hidden skip-link \
    edit-link widget elementor-posts post-navigation posts-navigation nav-links \
    previous-post next-post prev-next-post-nav post-components post-card post-feed \
    latest-posts latest-news wp-block-query wp-block-latest-posts wp-block-post-terms \
    wp-block-post-date feed-icon links-block node__submitted node__links notification \
    links button-wrapper captioned-button-wrap wp-block-button wp-block-buttons";

/// Beginnings of names.
const BEGINNINGS: &str = "\
    widget_ comment- td-a-rec td-adspot td_block_related td-category td-post-next \
    td-post-source td-author wp-block-post-author wp-block-avatar \
    wp-block-post-navigation ast-single-related ast-author author-box g1- mc4wp mc_embed \
    adsby";

/// Beginnings of names that tell what an article is about or how it is set, not what it is.
const SAYINGS: &str = "\
    category- tag- type- status- format- has- is- wp-image- align size- no- hide- with- \
    postid-";

/// Names that hold a word above and are text all the same.
const TEXT: &str = "\
    quote pullquote caption figcaption gallery embed video table footnote footnotes lead \
    lede";

/// Words in a row, as `td-back-to-top` and `postAuthorBox` have them.
const JOINED: &str = "-author-box- -back-to-top- -scroll-to-top- -read-more- -also-read- \
    -read-also- -reading-time- -read-time- -prev-next- -author-bio- -post-author- -post-date-";

static SETS: LazyLock<[HashSet<&str>; 4]> =
    LazyLock::new(|| [QUITE, NAMES, WORDS, TEXT].map(|list| list.split(' ').collect()));

/// What a list of names says (the value of `class`, `id`, `data-component` …).
pub(super) fn of_names(names: &str) -> Sure {
    let names = names.split_whitespace().take(40);
    names.map(of_name).max().unwrap_or(Sure::No)
}

fn of_name(name: &str) -> Sure {
    let lower = name.to_ascii_lowercase();
    let begins = |list: &str| list.split(' ').any(|start| lower.starts_with(start));
    let [quite, names, furniture, text] = &*SETS;
    if quite.contains(lower.as_str()) {
        return Sure::Quite;
    }
    if names.contains(lower.as_str()) {
        return Sure::Rather;
    }
    if begins(SAYINGS) {
        return Sure::No;
    }
    let words = words(name);
    if words.iter().any(|word| text.contains(word.as_str())) {
        return Sure::No;
    }
    let joined = format!("-{}-", words.join("-"));
    let is_furniture = begins(BEGINNINGS)
        || words.iter().any(|word| furniture.contains(word.as_str()))
        || JOINED.split(' ').any(|part| joined.contains(part));
    if is_furniture { Sure::Rather } else { Sure::No }
}

/// The words of a name: `postShareBar`, `post__share--bar` and `post-share-bar` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in name.chars().take(200) {
        let breaks = !c.is_alphanumeric();
        if (breaks || (c.is_uppercase() && was_lower)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !breaks {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
