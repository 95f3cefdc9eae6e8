//! `preview`: the issue that would go out now, in any of its forms; nothing is sent or kept.

use anyhow::bail;

use crate::channels::feed;
use crate::domain::{DeliveryId, EmailAddress, SubscriptionState};
use crate::pipeline::App;
use crate::pipeline::app::Form;
use crate::pipeline::draft::{self, Draft};
use crate::pipeline::publish;

use super::args::{PreviewArgs, PreviewForm};
use super::output::{Output, print};
use super::{Usage, channel};

/// Prints the preview.
///
/// # Errors
/// A channel or subscriber that there is not, a form the channel does not have, nothing new.
pub async fn run(app: &App, args: PreviewArgs, out: Output) -> anyhow::Result<()> {
    let channel = channel(app, &args.channel)?;
    if args.subscriber.is_some() && !matches!(channel.form, Form::Email(_)) {
        bail!(Usage(format!(
            "channel `{}` has no subscribers",
            args.channel
        )));
    }
    if let Form::Feed(settings) = &channel.form {
        let doc = draft::feed(app, channel, settings).await?;
        let bytes = match args.form.unwrap_or(PreviewForm::Rss) {
            PreviewForm::Rss => feed::rss(&doc),
            PreviewForm::Atom => feed::atom(&doc),
            PreviewForm::Json => feed::json(&doc),
            _ => bail!(Usage(
                "a feed can be previewed --as rss, atom or json".to_owned()
            )),
        };
        return print(&String::from_utf8_lossy(&bytes));
    }
    let draft = match &args.subscriber {
        Some(address) => {
            let address = EmailAddress::parse(address).map_err(|e| Usage(e.to_string()))?;
            must_read(app, &args.channel, &address).await?;
            draft::for_reader(app, channel, &address).await?
        }
        None => draft::for_channel(app, channel).await?,
    };
    let Some(draft) = draft else {
        bail!(
            "there is nothing new for channel `{}`, so no issue would go out",
            args.channel
        );
    };
    match &channel.form {
        Form::Email(email) => {
            let proof = draft::mail(app, channel, email, &draft).await?;
            let text = match args.form.unwrap_or(PreviewForm::Text) {
                PreviewForm::Html => proof.html.clone(),
                PreviewForm::Text => format!("Subject: {}\n\n{}", proof.subject, proof.text),
                PreviewForm::Eml => {
                    String::from_utf8_lossy(&proof.mail.letter.to_bytes()).into_owned()
                }
                _ => bail!(Usage(
                    "a mail can be previewed --as html, text or eml".to_owned()
                )),
            };
            if out.is_json() {
                let document = serde_json::json!({ "subject": proof.subject, "html": proof.html, "text": proof.text });
                return out.answer(&document, String::new);
            }
            print(&text)
        }
        Form::Social(social) => post(app, channel, social.as_ref(), &draft, args.form, out),
        Form::Feed(_) => Ok(()),
    }
}

/// Refuses an address that the channel does not mail at all: "nothing new" would mislead.
async fn must_read(app: &App, channel: &str, address: &EmailAddress) -> anyhow::Result<()> {
    let Some(person) = app.db.subscriber(&address.key()).await? else {
        bail!("`{address}` is not known");
    };
    let subscriptions = app.db.subscriptions(person.id).await?;
    match subscriptions.iter().find(|s| s.channel == channel) {
        None => bail!("`{address}` is not subscribed to channel `{channel}`"),
        Some(s) if s.state != SubscriptionState::Active => {
            bail!("`{address}` is {} on channel `{channel}`", s.state)
        }
        Some(_) => Ok(()),
    }
}

fn post(
    app: &App,
    channel: &crate::pipeline::app::OpenChannel,
    social: &dyn crate::channels::social::Social,
    draft: &Draft,
    form: Option<PreviewForm>,
    out: Output,
) -> anyhow::Result<()> {
    let outbox = publish::Outbox {
        delivery: DeliveryId(0),
        made_at: draft.issue.created_at,
    };
    let payload = publish::payload(app, channel, social, &draft.issue, outbox, &draft.articles)
        .map_err(anyhow::Error::msg)?;
    match form {
        Some(PreviewForm::Json) => print(&serde_json::to_string_pretty(&payload)?),
        None | Some(PreviewForm::Text) => out.answer(&payload, || payload.text.clone()),
        _ => bail!(Usage(
            "a post can be previewed --as text or json".to_owned()
        )),
    }
}
