//! Tokens in the links of a mail: who and which channel, signed.
//!
//! A token is not stored: it is `base64url(purpose ‖ subscriber ‖ channel ‖ mac)`, the MAC
//! being HMAC-SHA256 cut to 128 bits under the installation's key. It never expires, because
//! an unsubscribe link must work for as long as the mail exists (RFC 8058 §3.1 puts the
//! identity into the address so that no cookie or login is needed).

use aws_lc_rs::hmac;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::SubscriberId;

const MAC_BYTES: usize = 16;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// End one subscription.
    Unsubscribe,
    /// See and change one's subscriptions.
    Preferences,
    /// Confirm a sign-up.
    Confirm,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Unsubscribe => b'u',
            Self::Preferences => b'p',
            Self::Confirm => b'c',
        }
    }
}

/// Why a token is not taken. One text for every reason: a stranger learns nothing from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this link is not complete; please use the one from the newest mail, or copy all of it")]
pub struct TokenError;

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
        let mac = hmac::sign(&self.0, &bytes);
        bytes.extend(&mac.as_ref()[..MAC_BYTES]);
        BASE64URL_NOPAD.encode(&bytes)
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
        let bytes = BASE64URL_NOPAD
            .decode(token.as_bytes())
            .map_err(|_| TokenError)?;
        let payload_len = bytes.len().checked_sub(MAC_BYTES).ok_or(TokenError)?;
        let (payload, mac) = bytes.split_at(payload_len);
        let right = hmac::sign(&self.0, payload);
        aws_lc_rs::constant_time::verify_slices_are_equal(&right.as_ref()[..MAC_BYTES], mac)
            .map_err(|_| TokenError)?;
        let (head, channel) = payload.split_at_checked(9).ok_or(TokenError)?;
        if head[0] != purpose.byte() {
            return Err(TokenError);
        }
        let id: [u8; 8] = head[1..].try_into().map_err(|_| TokenError)?;
        let channel = std::str::from_utf8(channel).map_err(|_| TokenError)?;
        Ok((SubscriberId(i64::from_be_bytes(id)), channel.to_owned()))
    }

    /// A short MAC over `text` in hex, for names that must not be guessed.
    #[must_use]
    pub fn mac8(&self, text: &str) -> String {
        HEXLOWER.encode(&hmac::sign(&self.0, text.as_bytes()).as_ref()[..4])
    }
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
}
