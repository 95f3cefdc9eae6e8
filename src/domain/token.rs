//! Tokens in the links of a mail: who and which channel, signed.
//!
//! A token is not stored: it is `base64url(purpose ‖ subscriber ‖ channel ‖ mac)`, the MAC
//! being HMAC-SHA256 cut to 128 bits under the installation's key. It never expires, because
//! an unsubscribe link must work for as long as the mail exists (RFC 8058 §3.1 puts the
//! identity into the address so that no cookie or login is needed). Two kinds are of an instant
//! and do expire: the link that confirms a sign-up, and what the form of a sign-up carries.

use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::{SubscriberId, UnixMillis};

const MAC_BYTES: usize = 16;
/// How long the link in a confirmation mail works.
const CONFIRM_MS: i64 = 7 * 86_400_000;
/// How long a form may lie open before it is sent.
const FORM_MS: i64 = 2 * 3_600_000;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// End one subscription.
    Unsubscribe,
    /// See and change one's subscriptions.
    Preferences,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Unsubscribe => b'u',
            Self::Preferences => b'p',
        }
    }
}

/// The first bytes of the tokens that expire.
const CONFIRM: u8 = b'c';
const FORM: u8 = b'f';

/// Why a token is not taken. One text for every reason: a stranger learns nothing from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this link is not complete; please use the one from the newest mail, or copy all of it")]
pub struct TokenError;

/// Why the link of a confirmation mail is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// Cut or made up.
    #[error(transparent)]
    Broken(#[from] TokenError),
    /// Older than a week.
    #[error("this link worked for seven days and they are over; please subscribe again")]
    Expired,
}

/// The installation's secret, made at its first start and kept in the database.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A token for `purpose`, for one subscriber on one channel.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, subscriber: SubscriberId, channel: &str) -> String {
        let mut bytes = vec![purpose.byte()];
        bytes.extend(subscriber.0.to_be_bytes());
        bytes.extend(channel.as_bytes());
        self.sealed(bytes)
    }

    /// Who a token stands for.
    ///
    /// # Errors
    /// [`TokenError`] for anything this installation did not seal for `purpose`.
    pub fn open(
        &self,
        purpose: Purpose,
        token: &str,
    ) -> Result<(SubscriberId, String), TokenError> {
        let payload = self.opened(purpose.byte(), token)?;
        let (id, channel) = number(&payload)?;
        Ok((SubscriberId(id), text(channel)?))
    }

    /// The token of a confirmation mail that was made at that instant.
    #[must_use]
    pub fn seal_confirmation(
        &self,
        subscriber: SubscriberId,
        channel: &str,
        made_at: UnixMillis,
    ) -> String {
        let mut bytes = vec![CONFIRM];
        bytes.extend(subscriber.0.to_be_bytes());
        bytes.extend(made_at.0.to_be_bytes());
        bytes.extend(channel.as_bytes());
        self.sealed(bytes)
    }

    /// Who confirms with a token, by whose mail, and when that was made, in the seven days it
    /// works.
    ///
    /// # Errors
    /// [`ConfirmError`] for anything this installation did not seal, and when it is too late.
    pub fn open_confirmation(
        &self,
        token: &str,
        now: UnixMillis,
    ) -> Result<(SubscriberId, String, UnixMillis), ConfirmError> {
        let payload = self.opened(CONFIRM, token)?;
        let (id, rest) = number(&payload)?;
        let (made_at, channel) = number(rest)?;
        if now.0.saturating_sub(made_at) > CONFIRM_MS {
            return Err(ConfirmError::Expired);
        }
        Ok((SubscriberId(id), text(channel)?, UnixMillis(made_at)))
    }

    /// What a form carries that was shown to `network` at that instant.
    #[must_use]
    pub fn seal_form(&self, network: &str, at: UnixMillis) -> String {
        let mut bytes = vec![FORM];
        bytes.extend(at.0.to_be_bytes());
        bytes.extend(network.as_bytes());
        self.sealed(bytes)
    }

    /// Whether a form was shown to `network` within the last two hours.
    #[must_use]
    pub fn is_form(&self, network: &str, token: &str, now: UnixMillis) -> bool {
        let Ok(payload) = self.opened(FORM, token) else {
            return false;
        };
        number(&payload).is_ok_and(|(at, shown_to)| {
            shown_to == network.as_bytes() && (0..=FORM_MS).contains(&now.0.saturating_sub(at))
        })
    }

    /// The payload with its MAC, as text.
    fn sealed(&self, mut payload: Vec<u8>) -> String {
        let mac = hmac::sign(&self.0, &payload);
        payload.extend(&mac.as_ref()[..MAC_BYTES]);
        BASE64URL_NOPAD.encode(&payload)
    }

    /// What was sealed, after its first byte, which must be `kind`.
    fn opened(&self, kind: u8, token: &str) -> Result<Vec<u8>, TokenError> {
        let mut bytes = BASE64URL_NOPAD
            .decode(token.as_bytes())
            .map_err(|_| TokenError)?;
        let payload_len = bytes.len().checked_sub(MAC_BYTES).ok_or(TokenError)?;
        let (payload, mac) = bytes.split_at(payload_len);
        let right = hmac::sign(&self.0, payload);
        aws_lc_rs::constant_time::verify_slices_are_equal(&right.as_ref()[..MAC_BYTES], mac)
            .map_err(|_| TokenError)?;
        if payload.first() != Some(&kind) {
            return Err(TokenError);
        }
        bytes.truncate(payload_len);
        bytes.remove(0);
        Ok(bytes)
    }

    /// A MAC over `text` in hex: the same for the same text, and not to be reckoned back. For
    /// remembering that something was seen without keeping it.
    #[must_use]
    pub fn mark(&self, text: &str) -> String {
        HEXLOWER.encode(&hmac::sign(&self.0, text.as_bytes()).as_ref()[..MAC_BYTES])
    }

    /// A short MAC over `text` in hex, for names that must not be guessed.
    #[must_use]
    pub fn mac8(&self, text: &str) -> String {
        HEXLOWER.encode(&hmac::sign(&self.0, text.as_bytes()).as_ref()[..4])
    }
}

/// The number a payload begins with, and the rest.
fn number(payload: &[u8]) -> Result<(i64, &[u8]), TokenError> {
    let (number, rest) = payload.split_first_chunk().ok_or(TokenError)?;
    Ok((i64::from_be_bytes(*number), rest))
}

fn text(bytes: &[u8]) -> Result<String, TokenError> {
    let text = std::str::from_utf8(bytes).map_err(|_| TokenError)?;
    Ok(text.to_owned())
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_purpose_and_key_only() {
        let key = TokenKey::new(&[7; 32]);
        let token = key.seal(Purpose::Unsubscribe, SubscriberId(42), "brief");
        let opened = key.open(Purpose::Unsubscribe, &token).unwrap();
        assert_eq!(opened, (SubscriberId(42), "brief".to_owned()));
        assert!(key.open(Purpose::Preferences, &token).is_err());
        assert!(
            TokenKey::new(&[8; 32])
                .open(Purpose::Unsubscribe, &token)
                .is_err()
        );
        for broken in ["", "AA", "%%%", &token[1..], &format!("{token}A")] {
            assert!(
                key.open(Purpose::Unsubscribe, broken).is_err(),
                "{broken:?} was taken"
            );
        }
    }

    #[test]
    fn a_confirmation_works_for_seven_days() {
        let key = TokenKey::new(&[7; 32]);
        let (reader, made) = (SubscriberId(42), UnixMillis(1_000));
        let token = key.seal_confirmation(reader, "brief", made);
        let opened = key.open_confirmation(&token, made.plus_ms(CONFIRM_MS));
        assert_eq!(opened, Ok((reader, "brief".to_owned(), made)));
        let late = key.open_confirmation(&token, made.plus_ms(CONFIRM_MS + 1));
        assert_eq!(late, Err(ConfirmError::Expired));
        for other in [
            key.seal(Purpose::Preferences, reader, "brief"),
            TokenKey::new(&[8; 32]).seal_confirmation(reader, "brief", made),
            token[1..].to_owned(),
        ] {
            let opened = key.open_confirmation(&other, made);
            assert_eq!(opened, Err(ConfirmError::Broken(TokenError)), "{other}");
        }
        assert!(key.open(Purpose::Unsubscribe, &token).is_err());
    }

    #[test]
    fn a_form_is_for_those_it_was_shown_to_and_for_two_hours() {
        let key = TokenKey::new(&[7; 32]);
        let shown = UnixMillis(1_000_000);
        let token = key.seal_form("203.0.113.0/24", shown);
        assert!(key.is_form("203.0.113.0/24", &token, shown.plus_ms(FORM_MS)));
        assert!(!key.is_form("203.0.113.0/24", &token, shown.plus_ms(FORM_MS + 1)));
        assert!(!key.is_form("203.0.113.0/24", &token, shown.plus_ms(-1)));
        assert!(!key.is_form("198.51.100.0/24", &token, shown));
        assert!(!key.is_form("203.0.113.0/24", "", shown));
    }
}
