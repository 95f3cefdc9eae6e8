//! What a configuration asks for that this version does not do: said by `check` and by `run`,
//! so that no key is silently without effect.

use crate::channels::social::Pace;
use crate::config::Problem;

use super::app::{Form, OpenChannel};

/// What `channel` asks for in vain.
pub(super) fn of_channel(channel: &OpenChannel) -> Vec<Problem> {
    let mut found = Vec::new();
    let settings = &channel.config.settings;
    let Form::Social(social) = &channel.form else {
        return found;
    };
    if channel.config.publish {
        found.push(settings.problem(
            "publish",
            "this version writes the payloads of posts and does not send them",
            Some("leave `publish` out, and let your own tool send the files of `payloads`".into()),
        ));
    }
    if social.pace() != Pace::default() {
        found.push(settings.problem(
            "limits",
            "this version writes payloads at once and does not keep `limits`",
            Some("let the tool that sends the payloads keep them".into()),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config;
    use crate::pipeline::app;
    use crate::templates::Templates;

    #[test]
    fn keys_that_do_nothing_yet_are_named() {
        let text = r#"
            [site]
            name = "News"
            url = "https://news.example"
            postal_address = "1 Canal Road, Lahore"
            [sources.news]
            kind = "feed"
            url = "https://news.example/feed/"
            [channels.posts]
            kind = "slack"
            webhook = "https://hooks.slack.com/services/T/B/X"
            publish = true
            limits = { per_hour = 6 }
        "#;
        let config = config::from_text(Path::new("t.toml"), text, |_| Vec::new()).unwrap();
        let opened = app::open(&config, &Templates::load(None).unwrap());
        assert_eq!(opened.problems, []);
        let said: Vec<String> = opened.warnings.iter().map(|w| w.message.clone()).collect();
        for word in ["does not send", "`limits`"] {
            let times = said.iter().filter(|s| s.contains(word)).count();
            assert_eq!(times, 1, "{word}: {said:?}");
        }
    }
}
