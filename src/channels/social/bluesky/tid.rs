//! Record keys in the form of timestamps (atproto's TID).

use crate::domain::{DeliveryId, UnixMillis};

const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The key of a delivery: 53 bits of microseconds since 1970, 10 bits that tell writers apart,
/// as 13 digits of base 32.
///
/// It is the same at every attempt. Deliveries of one millisecond differ by their number: it
/// fills the microseconds and the ten bits.
pub(super) fn of(instant: UnixMillis, delivery: DeliveryId) -> String {
    let delivery = delivery.0.unsigned_abs();
    let millis = u64::try_from(instant.0).unwrap_or(0);
    let micros = millis.wrapping_mul(1000).wrapping_add(delivery % 1000) & ((1 << 53) - 1);
    let tid = micros << 10 | (delivery / 1000) & 0x3ff;
    let digit = |n: u32| char::from(DIGITS[(tid >> (5 * n) & 0x1f) as usize]);
    (0..13).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_a_tid_that_sorts_by_time() {
        let earlier = of(UnixMillis(1_795_403_600_000), DeliveryId(7));
        assert_eq!(earlier, "3n2x5wwwx2b22");
        assert!(of(UnixMillis(1_795_403_600_001), DeliveryId(1)) > earlier);
        assert_ne!(of(UnixMillis(1_795_403_600_000), DeliveryId(8)), earlier);
        assert_ne!(of(UnixMillis(1_795_403_600_000), DeliveryId(1007)), earlier);
    }

    proptest! {
        #[test]
        fn any_delivery_has_a_valid_key(instant in any::<i64>(), delivery in any::<i64>()) {
            let key = of(UnixMillis(instant), DeliveryId(delivery));
            prop_assert_eq!(key.len(), 13);
            prop_assert!(b"234567abcdefghij".contains(&key.as_bytes()[0]));
            prop_assert!(key.bytes().all(|b| DIGITS.contains(&b)));
        }
    }
}
