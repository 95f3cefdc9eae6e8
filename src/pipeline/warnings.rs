//! What a configuration asks for that this version does not do: said by `check` and by `run`,
//! so that no key is silently without effect.

use crate::channels::social::Pace;
use crate::config::{Config, FullText, Problem};
use crate::sources::push;

use super::app::{Form, OpenChannel};
use super::ingest::pages::full_text;

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

/// What sources ask for in vain.
pub(super) fn of_config(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    for source in config.sources.values() {
        if source.kind == push::KIND.name {
            let idle = ["every", "backfill"].into_iter();
            found.extend(idle.filter(|key| source.settings.has(key)).map(|key| {
                let message = format!("`{key}` is about polls, and this source is never polled");
                source.settings.problem(key, message, None)
            }));
        }
        if full_text(source) == FullText::Never {
            let idle = ["select", "strip"].into_iter();
            found.extend(idle.filter(|key| source.settings.has(key)).map(|key| {
                let message = format!("`{key}` is about articles' pages, and none is read");
                let help = "add full_text = \"auto\", which reads them where the feed has only a \
                            summary, or \"always\"";
                source.settings.problem(key, message, Some(help.to_owned()))
            }));
        }
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
            select = [".story"]
            [sources.desk]
            kind = "push"
            token = "0123456789abcdef"
            every = "5m"
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
        for word in ["does not send", "`limits`", "`every`", "`select`"] {
            let times = said.iter().filter(|s| s.contains(word)).count();
            assert_eq!(times, 1, "{word}: {said:?}");
        }
    }
}
