//! A message taken apart for people to read.

use mail_parser::{MessageParser, PartType};

/// What of a message is shown. Made of any bytes: what is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// The decoded subject.
    pub subject: String,
    /// The decoded sender.
    pub from: String,
    /// The decoded recipients.
    pub to: String,
    /// The HTML part, decoded.
    pub html: Option<String>,
    /// The plain part, decoded.
    pub text: Option<String>,
    /// Every header in order, unfolded, not decoded.
    pub headers: Vec<(String, String)>,
}

impl Letter {
    /// Reads a message.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(bytes) else {
            return Self::default();
        };
        let html = message.parts.iter().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        let text = message.parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        let unfold = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            subject: message.subject().unwrap_or_default().to_owned(),
            from: message.from().map_or_else(String::new, addresses),
            to: message.to().map_or_else(String::new, addresses),
            html,
            text,
            headers: message
                .headers_raw()
                .map(|(name, value)| (name.to_owned(), unfold(value)))
                .collect(),
        }
    }
}

fn addresses(addresses: &mail_parser::Address<'_>) -> String {
    let one = |address: &mail_parser::Addr<'_>| match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    };
    addresses.iter().map(one).collect::<Vec<_>>().join(", ")
}
