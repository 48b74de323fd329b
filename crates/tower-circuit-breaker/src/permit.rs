use std::num::NonZeroU64;

use crate::word::GENERATION_MAX;

/// The right to make one call; to be settled once.
///
/// One word, so that a response future stays small: always set 1 bit, probe 1, generation 21,
/// start 41. The start is in microseconds and comes round after 25 days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit(NonZeroU64);

const SET: NonZeroU64 = NonZeroU64::MIN.saturating_add((1 << 63) - 1);
const PROBE: u64 = 1 << 62;
const GENERATION_SHIFT: u32 = 41;
const START_MASK: u64 = (1 << GENERATION_SHIFT) - 1;

impl Permit {
    #[inline]
    pub(crate) fn new(generation: u32, probe: bool, start: u64) -> Self {
        let probe = if probe { PROBE } else { 0 };
        let generation = u64::from(generation & GENERATION_MAX) << GENERATION_SHIFT;
        Self(SET | probe | generation | start & START_MASK)
    }

    #[inline]
    pub(crate) fn generation(self) -> u32 {
        (self.0.get() >> GENERATION_SHIFT) as u32 & GENERATION_MAX
    }

    #[inline]
    pub(crate) fn is_probe(self) -> bool {
        self.0.get() & PROBE != 0
    }

    /// Microseconds from the start to `now`.
    pub(crate) fn elapsed(self, now: u64) -> u64 {
        now.wrapping_sub(self.0.get()) & START_MASK
    }

    /// The same right, with another start.
    pub(crate) fn started(self, start: u64) -> Self {
        Self::new(self.generation(), self.is_probe(), start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_permit_keeps_what_it_is_made_of(
            generation in 0..=GENERATION_MAX,
            probe in any::<bool>(),
            start in any::<u64>(),
            elapsed in 0..=START_MASK,
        ) {
            let permit = Permit::new(generation, probe, 0).started(start);
            prop_assert_eq!(permit.generation(), generation);
            prop_assert_eq!(permit.is_probe(), probe);
            prop_assert_eq!(permit.elapsed(start.wrapping_add(elapsed)), elapsed);
        }
    }
}
