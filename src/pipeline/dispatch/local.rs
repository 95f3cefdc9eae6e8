//! Deliveries that no relay carries: feeds' files, posts' payloads.

use std::time::Duration;

use super::hand::Try;
use crate::domain::Outcome;
use crate::pipeline::app::Form;
use crate::pipeline::publish;

/// Until a try that the database disturbed comes again.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes one product and tells how it went.
pub(super) async fn deliver(attempt: Try) {
    let sending = attempt.issue.clone();
    let app = &sending.app;
    let Some(channel) = sending.channel() else {
        return;
    };
    let made = match &channel.form {
        Form::Feed(settings) => publish::export_feed(app, channel, settings).await,
        Form::Social(social) => {
            let written = publish::write_payloads(
                app,
                channel,
                social.as_ref(),
                &sending.issue,
                &attempt.row,
            );
            match written.await {
                Ok(made) => made,
                Err(error) => {
                    tracing::warn!(delivery.id = attempt.row.id.0, error = %error, "not made");
                    attempt.give_back(PAUSE);
                    return;
                }
            }
        }
        // Mail goes over the relays' lanes.
        Form::Email(_) => return,
    };
    attempt.end(outcome_of(made), None);
}

/// A local product: written, or to be tried again.
fn outcome_of(result: Result<String, String>) -> Outcome {
    match result {
        Ok(reply) => Outcome::Accepted { reply },
        Err(reason) => Outcome::Deferred {
            reason,
            after: None,
        },
    }
}
