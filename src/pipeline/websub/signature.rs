//! Signed bodies: `sha256=` and the HMAC of the body in hex, as hubs send them in
//! `X-Hub-Signature` (W3C WebSub §8) and publishing systems in `X-Courant-Signature`.

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER_PERMISSIVE;

/// What a signature says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// There is none, or nothing to hold it against.
    Missing,
    /// Whoever sent the body has the secret.
    Right,
    /// It is not of this body, or not of this secret.
    Wrong,
}

/// The hashes that hubs use. SHA-1 is broken for other purposes, HMAC with it is not; hubs of
/// the time before the Recommendation know nothing else.
const METHODS: [(&str, hmac::Algorithm); 4] = [
    ("sha1", hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    ("sha256", hmac::HMAC_SHA256),
    ("sha384", hmac::HMAC_SHA384),
    ("sha512", hmac::HMAC_SHA512),
];

/// Holds a `METHOD=HEX` header against a body, in a time that tells nothing of the secret.
#[must_use]
pub fn check(header: Option<&str>, secret: Option<&str>, body: &[u8]) -> Signature {
    let (Some(header), Some(secret)) = (header, secret) else {
        return Signature::Missing;
    };
    let Some((method, hex)) = header.trim().split_once('=') else {
        return Signature::Wrong;
    };
    let named = |(name, _): &&(&str, hmac::Algorithm)| name.eq_ignore_ascii_case(method);
    let Some((_, algorithm)) = METHODS.iter().find(named) else {
        return Signature::Wrong;
    };
    let Ok(given) = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()) else {
        return Signature::Wrong;
    };
    let key = hmac::Key::new(*algorithm, secret.as_bytes());
    match hmac::verify(&key, body, &given) {
        Ok(()) => Signature::Right,
        Err(_) => Signature::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3 and RFC 2202 §3, test case 2: key `Jefe`.
    const BODY: &[u8] = b"what do ya want for nothing?";
    const RIGHT: [&str; 4] = [
        "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c7\
         8b3239ecfab21649",
        "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a\
         6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    ];

    #[test]
    fn each_hash_of_the_recommendation_is_taken_in_any_case() {
        for header in RIGHT {
            assert_eq!(check(Some(header), Some("Jefe"), BODY), Signature::Right);
            let (method, hex) = header.split_once('=').unwrap();
            let shouted = format!("{}={}", method.to_uppercase(), hex.to_uppercase());
            assert_eq!(check(Some(&shouted), Some("Jefe"), BODY), Signature::Right);
        }
    }

    #[test]
    fn anything_else_is_wrong_and_nothing_is_nothing() {
        for header in RIGHT {
            assert_eq!(check(Some(header), Some("Jeff"), BODY), Signature::Wrong);
            assert_eq!(check(Some(header), Some("Jefe"), b"what"), Signature::Wrong);
            let cut = &header[..header.len() - 2];
            assert_eq!(check(Some(cut), Some("Jefe"), BODY), Signature::Wrong);
        }
        for header in [
            "",
            "=",
            "sha256",
            "sha256=",
            "md5=00",
            "sha256=zz",
            "sha1=é",
        ] {
            assert_eq!(
                check(Some(header), Some("Jefe"), BODY),
                Signature::Wrong,
                "{header}"
            );
        }
        assert_eq!(check(None, Some("Jefe"), BODY), Signature::Missing);
        assert_eq!(check(Some(RIGHT[1]), None, BODY), Signature::Missing);
    }
}
