//! The order in which a post gives way, seen on Mastodon's 500 and 300 characters.

use super::{golden, open_with, render};
use crate::channels::social::{Fitting, PlanError};
use crate::domain::Post;

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.summary }}\n\n{{ article.url }}\n\n\
                        {{ article.topics|hashtags }}";

fn text_of(post: &Post, max: usize) -> Result<String, PlanError> {
    let channel = open_with("mastodon", &format!("max_characters = {max}"));
    channel.plan(post, &render).map(|plan| plan.text)
}

fn post() -> Post {
    Post {
        template: Some(TEMPLATE.to_owned()),
        title: "A headline of thirty-one letters".to_owned(),
        summary: "The first sentence has forty-one letters. The second, somewhat longer, goes on."
            .to_owned(),
        url: "https://news.example.org/a-path-that-is-longer-than-the-23-it-counts".to_owned(),
        topics: ["Lahore", "Public works"].map(str::to_owned).to_vec(),
        ..golden()
    }
}

#[test]
fn a_post_gives_way_in_the_order_hashtags_summary_title_and_never_the_link() {
    let url = post().url;
    let at = |max| text_of(&post(), max).unwrap();
    let title = "A headline of thirty-one letters";
    let first = "The first sentence has forty-one letters.";
    let whole = format!("{title}\n\n{}\n\n{url}", post().summary);
    assert_eq!(at(500), format!("{whole}\n\n#Lahore #PublicWorks"));
    assert_eq!(at(159), format!("{whole}\n\n#Lahore"));
    assert_eq!(at(146), whole);
    assert_eq!(at(130), format!("{title}\n\n{first}\n\n{url}"));
    assert_eq!(
        at(90),
        format!("{title}\n\nThe first sentence has…\n\n{url}")
    );
    assert_eq!(at(60), format!("{title}\n\n{url}"));
    assert_eq!(at(50), format!("A headline of thirty-one…\n\n{url}"));
}

#[test]
fn a_summary_gives_way_at_a_word_where_a_sentence_would_leave_little() {
    let summary = "Yes. But the second sentence of this summary is the one that says what it is \
                   about, at some length"
        .to_owned();
    let text = text_of(&Post { summary, ..post() }, 130).unwrap();
    assert!(text.contains("Yes. But the second sentence"), "{text}");
    assert!(text.contains("…\n\nhttps://"), "{text}");
}

#[test]
fn a_template_without_summary_or_hashtags_is_cut_in_its_title() {
    let template = Some("{{ article.title }} {{ article.url }}".to_owned());
    let title = "word ".repeat(200);
    let post = Post {
        template,
        title,
        ..post()
    };
    let text = text_of(&post, 500).unwrap();
    assert!(text.ends_with(&format!("word… {}", post.url)), "{text}");
}

#[test]
fn a_link_too_long_for_everything_is_refused_with_its_length() {
    let template = Some("{{ article.title }} {{ article.url }}".to_owned());
    // Not a host that Mastodon takes for a link: it counts by its letters.
    let url = format!("http://localhost/{}", "a".repeat(600));
    let error = text_of(
        &Post {
            template,
            url,
            ..post()
        },
        500,
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            PlanError::TooLong {
                length: 617,
                limit: 500,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn empty_values_leave_no_gaps_and_a_link_stands_apart_in_right_to_left_text() {
    let bare = Post {
        summary: String::new(),
        topics: Vec::new(),
        ..post()
    };
    let text = text_of(&bare, 500).unwrap();
    assert_eq!(text, format!("{}\n\n{}", bare.title, bare.url));
    let urdu = Post {
        template: Some(
            "{{ article.title }} {{ article.url }} {{ article.topics|hashtags }}".to_owned(),
        ),
        title: "نہر کی مرمت".to_owned(),
        ..post()
    };
    let text = text_of(&urdu, 500).unwrap();
    assert_eq!(
        text,
        format!("نہر کی مرمت\n{}\n#Lahore #PublicWorks", urdu.url)
    );
}

#[test]
fn what_a_card_shows_may_leave_the_text() {
    let template = Some("{{ article.title }}\n\n{{ article.url }}".to_owned());
    let url = format!("https://news.example.org/{}", "a".repeat(290));
    let post = Post {
        template,
        url,
        ..post()
    };
    let plan = open_with("bluesky", "").plan(&post, &render).unwrap();
    assert_eq!(plan.text, post.title);
    let card = &plan.requests[0].body["record"]["embed"]["external"];
    assert_eq!(card["uri"], post.url);
    let without_card = open_with("bluesky", "card = false").plan(&post, &render);
    assert!(matches!(without_card, Err(PlanError::TooLong { .. })));
}

#[test]
fn an_error_that_comes_only_when_shortening_is_not_lost() {
    let fails_when_short = |_: &str, fitting: &Fitting<'_>| {
        if fitting.topics.is_empty() {
            Err("`article.topics[0]` is not there".to_owned())
        } else {
            Ok("x".repeat(600))
        }
    };
    let error = open_with("mastodon", "").plan(&post(), &fails_when_short);
    assert!(matches!(error, Err(PlanError::Template(_))));
}

#[test]
fn a_note_without_a_title_goes_by_its_text_and_a_bare_link_by_the_publications_name() {
    let template = Some("{{ article.title }}|{{ article.summary }}".to_owned());
    let note = Post {
        title: " ".to_owned(),
        template,
        ..post()
    };
    let whole = format!("{}|", post().summary);
    assert_eq!(text_of(&note, 500).unwrap(), whole);
    let bare = Post {
        summary: String::new(),
        ..note
    };
    assert_eq!(text_of(&bare, 500).unwrap(), format!("{}|", golden().site));
}
