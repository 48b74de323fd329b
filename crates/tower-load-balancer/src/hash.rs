use std::hash::{Hash, Hasher};

use crate::draw::mix;

/// The same number in every process and on every machine: FNV-1a with a last mix. Several balancers
/// over the same endpoints must agree where a key belongs, which std's hashers do not promise.
pub(crate) fn stable<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = Stable(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}

struct Stable(u64);

impl Hasher for Stable {
    fn finish(&self) -> u64 {
        mix(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    // What is written as a number comes in the order of the machine's bytes by default, and a
    // `usize` in its width.

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self.0 ^ number);
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn a_key_has_the_same_hash_in_every_build() {
        // Computed apart from this code.
        assert_eq!(stable("10.0.0.1"), 8_757_687_525_231_982_843);
    }
}
