//! Rendering every channel with sample issues, so that a broken template is found by `check`
//! and not by the readers.

use crate::channels::social::{Fitting, Social};
use crate::config::{Config, Problem};
use crate::domain::{ArticleId, DeliveryId, IssueId, Post};
use crate::templates::context::{Article, Context, Links};
use crate::templates::samples::{self, Sample};
use crate::templates::{Format, Templates};

use super::app::{EmailChannel, Form, OpenChannel, Opened};
use super::{compose, views};

/// One channel rendered with one sample.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rendering {
    /// The channel.
    pub channel: String,
    /// The sample: `long`, `empty`, `urdu`, `hostile`.
    pub sample: &'static str,
    /// What went wrong.
    pub error: Option<String>,
}

/// What is wrong with the keys that sign mail.
#[derive(Debug, Default)]
pub struct Keys {
    /// Keys that cannot sign.
    pub unusable: Vec<Problem>,
    /// Keys that only the daemon can read, so that nothing is known about them.
    pub out_of_reach: Vec<Problem>,
}

/// Reads every key that signs mail.
#[must_use]
pub fn read_keys(opened: &Opened) -> Keys {
    let mut keys = Keys::default();
    for channel in opened.channels.values() {
        let Form::Email(email) = &channel.form else {
            continue;
        };
        for key in &email.settings.dkim {
            let Err(error) = key.open() else { continue };
            let problem = key.problem(&channel.config, &error);
            if error.is_out_of_reach() {
                let help = "nothing is wrong if the daemon can read it";
                keys.out_of_reach.push(problem.with_help(help));
            } else {
                keys.unusable.push(problem);
            }
        }
    }
    keys
}

/// Renders every channel that renders, with every sample.
#[must_use]
pub fn render_samples(config: &Config, templates: &Templates, opened: &Opened) -> Vec<Rendering> {
    let mut renderings = Vec::new();
    for channel in opened.channels.values() {
        for Sample { name, mut context } in samples::contexts() {
            context.site = views::site(config);
            context.channel = views::channel(config, &channel.config);
            let result = match &channel.form {
                Form::Feed(_) => continue,
                Form::Email(email) => mail(templates, channel, email, &context),
                Form::Social(social) => post(templates, channel, social.as_ref(), &context),
            };
            let channel = channel.config.id.clone();
            renderings.push(Rendering {
                channel,
                sample: name,
                error: result.err(),
            });
        }
    }
    renderings
}

fn mail(
    templates: &Templates,
    channel: &OpenChannel,
    email: &EmailChannel,
    context: &Context,
) -> Result<(), String> {
    let told = |e: crate::templates::TemplateError| e.to_string();
    let place = format!("channels.{}.subject", channel.config.id);
    let subject = email.subject_for(context.issue.articles.len());
    templates
        .render_source(&place, &subject, Format::Text, context)
        .map_err(told)?;
    let confirmation = Context {
        links: Links {
            confirm: Some("https://letters.example.org/confirm/TOKEN".to_owned()),
            ..Links::default()
        },
        ..context.clone()
    };
    compose::parts(templates, compose::CONFIRM, &confirmation).map_err(|e| e.to_string())?;
    for schedule in channel.config.schedules.keys() {
        let name = email.template_for(schedule, channel, 1);
        compose::parts(templates, &name, context).map_err(|e| e.to_string())?;
    }
    // The archive shows the same issue as a page.
    templates.render("web/issue.html", context).map_err(told)?;
    Ok(())
}

fn post(
    templates: &Templates,
    channel: &OpenChannel,
    social: &dyn Social,
    context: &Context,
) -> Result<(), String> {
    let Some(article) = &context.article else {
        return Ok(());
    };
    let post = Post {
        channel: channel.config.id.clone(),
        issue: IssueId(1),
        article: Some(ArticleId(article.id)),
        delivery: DeliveryId(1),
        template: channel.config.template.clone(),
        title: article.title.clone(),
        summary: article.summary.clone(),
        url: article.url.clone(),
        topics: article.topics.clone(),
        authors: article.authors.clone(),
        image: article.image.clone(),
        language: article.language.clone(),
        created_at: article.published,
        site: context.site.name.clone(),
    };
    let place = format!("channels.{}.template", channel.config.id);
    let render = |source: &str, fitting: &Fitting<'_>| {
        let article = views::fitted(Article::clone(article), fitting);
        let context = Context {
            article: Some(article),
            ..context.clone()
        };
        templates
            .render_source(&place, source, Format::Text, &context)
            .map_err(|e| e.to_string())
    };
    social
        .plan(&post, &render)
        .map(drop)
        .map_err(|e| e.to_string())
}
