use crate::atomic::{AtomicU64, Ordering};

/// A number that belongs to one generation of the circuit: generation 24 bits | value 40 bits.
///
/// Whoever comes with another generation cannot read or change it, so a result that was delayed
/// across a close never reaches the record of the next closed state.
#[derive(Debug, Default)]
pub(crate) struct Tagged(AtomicU64);

const VALUE_BITS: u32 = 40;
const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;

impl Tagged {
    /// Hands the number over to `generation` and sets it to zero.
    pub(crate) fn clear(&self, generation: u32) {
        self.hand_over(generation, |_| 0);
    }

    /// Hands the number over to `generation` and changes it. Nobody else may be handing it over.
    pub(crate) fn hand_over(&self, generation: u32, change: impl Fn(u64) -> u64) {
        let value = self.0.load(Ordering::Acquire) & VALUE_MASK;
        // An exchange, so that it has its place in one order with those of late results.
        self.0
            .swap(pack(generation, change(value)), Ordering::AcqRel);
    }

    #[inline]
    pub(crate) fn get(&self, generation: u32) -> Option<u64> {
        unpack(generation, self.0.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn is_zero(&self, generation: u32) -> bool {
        self.0.load(Ordering::Acquire) == pack(generation, 0)
    }

    /// Changes the number and returns what it was. `change` works modulo 2^40.
    pub(crate) fn update(&self, generation: u32, change: impl Fn(u64) -> u64) -> Option<u64> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            let value = unpack(generation, word)?;
            let next = pack(generation, change(value));
            // A word that stays as it is need not be written: its cache line stays shared.
            if next == word {
                return Some(value);
            }
            match self
                .0
                .compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Some(value),
                Err(seen) => word = seen,
            }
        }
    }
}

fn pack(generation: u32, value: u64) -> u64 {
    u64::from(generation) << VALUE_BITS | value & VALUE_MASK
}

fn unpack(generation: u32, word: u64) -> Option<u64> {
    (word >> VALUE_BITS == u64::from(generation)).then_some(word & VALUE_MASK)
}
