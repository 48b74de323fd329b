use std::sync::atomic::{AtomicU64, Ordering};

/// Where random numbers come from.
#[derive(Debug)]
pub(crate) enum Draw {
    /// The generator of the thread: nothing shared, so nothing to contend for.
    Thread,
    /// SplitMix64 in one word, for tests that must come out the same each time.
    Seeded(AtomicU64),
}

impl Draw {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self::Seeded(AtomicU64::new(seed))
    }

    /// A number below `end`; zero when `end` is zero.
    pub(crate) fn below(&self, end: usize) -> usize {
        let wide = u128::from(self.draw()) * end as u128;
        (wide >> u64::BITS) as usize
    }

    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        match self {
            Self::Thread => fastrand::u64(..),
            Self::Seeded(state) => mix(state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP)),
        }
    }
}

/// Spreads what is alike in `value` over all bits: the last step of SplitMix64.
pub(crate) fn mix(value: u64) -> u64 {
    let mixed = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
