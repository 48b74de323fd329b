use crate::draw::mix;

/// Table sizes, primes all of them: each endpoint walks the whole table in steps of its own.
const SIZES: [usize; 7] = [16_381, 32_749, 65_521, 131_071, 262_139, 524_287, 1_048_573];

/// Slots an endpoint has on average, at least: what it may be off its share, and how many keys move
/// that need not, both shrink with it.
const SLOTS_EACH: usize = 128;

/// A look-up table in which endpoints have slots by weight, and keep nearly all of them when
/// another one comes or goes.
#[derive(Debug)]
pub(crate) struct Maglev(Box<[u32]>);

/// Who takes part: what tells it from the others in every process, and its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hash: u64,
    pub(crate) weight: u32,
}

impl Maglev {
    /// The table for the shares, by index; it does not depend on their order. Empty when there are
    /// none.
    pub(crate) fn new(shares: &[Share]) -> Self {
        const FREE: u32 = u32::MAX;
        let Some(heaviest) = shares.iter().map(|share| u64::from(share.weight)).max() else {
            return Self(Box::default());
        };
        let wanted = shares.len().saturating_mul(SLOTS_EACH);
        let size = SIZES.into_iter().find(|size| *size >= wanted);
        let size = size.unwrap_or(SIZES[SIZES.len() - 1]);
        let mut walks: Vec<_> = shares
            .iter()
            .zip(0_u32..)
            .map(|(share, index)| Walk::new(*share, index, size))
            .collect();
        // Who chooses first must not depend on who came first.
        walks.sort_unstable_by_key(|walk| walk.hash);

        let mut table = vec![FREE; size].into_boxed_slice();
        let mut free = size;
        loop {
            for walk in &mut walks {
                walk.credit += walk.weight;
                if walk.credit < heaviest {
                    continue;
                }
                walk.credit -= heaviest;
                while table[walk.at] != FREE {
                    walk.at = (walk.at + walk.step) % size;
                }
                table[walk.at] = walk.index;
                free -= 1;
                if free == 0 {
                    return Self(table);
                }
            }
        }
    }

    /// Where a key belongs, and then where it goes when it cannot go there: the owners of the slots
    /// from its own on, some of them several times. At most `limit` of them.
    pub(crate) fn owners(&self, key: u64, limit: usize) -> impl Iterator<Item = usize> + '_ {
        let size = self.0.len();
        let start = (u128::from(mix(key)) * size as u128) >> u64::BITS;
        let (before, after) = self.0.split_at(start as usize);
        after
            .iter()
            .chain(before)
            .take(limit)
            .map(|owner| *owner as usize)
    }
}

/// The way of one endpoint through the table.
struct Walk {
    hash: u64,
    index: u32,
    weight: u64,
    credit: u64,
    at: usize,
    step: usize,
}

impl Walk {
    fn new(share: Share, index: u32, size: usize) -> Self {
        let within =
            |hash: u64, end: usize| ((u128::from(hash) * end as u128) >> u64::BITS) as usize;
        Self {
            hash: share.hash,
            index,
            weight: u64::from(share.weight.max(1)),
            credit: 0,
            at: within(mix(share.hash), size),
            step: within(mix(!share.hash), size - 1) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Maglev, Share};
    use crate::hash::stable;

    fn shares(names: impl Iterator<Item = u32>) -> Vec<Share> {
        names
            .map(|name| Share {
                hash: stable(&name),
                weight: 1,
            })
            .collect()
    }

    fn owner(table: &Maglev, key: u64) -> usize {
        table.owners(key, 1).next().expect("not empty")
    }

    #[test]
    fn nobody_owns_an_empty_table() {
        assert_eq!(Maglev::new(&[]).owners(7, 9).count(), 0);
    }

    #[test]
    fn slots_are_shared_by_weight() {
        let weights = [1_u32, 2, 3, 4];
        let shares: Vec<_> = weights
            .iter()
            .map(|weight| Share {
                hash: stable(weight),
                weight: *weight,
            })
            .collect();
        let table = Maglev::new(&shares);
        for (index, weight) in weights.iter().enumerate() {
            let slots = table
                .0
                .iter()
                .filter(|owner| **owner as usize == index)
                .count();
            let fair = table.0.len() as f64 * f64::from(*weight) / 10.0;
            assert!(
                (slots as f64 / fair - 1.0).abs() < 0.02,
                "{weight}: {slots} of {fair}"
            );
        }
    }

    #[test]
    fn the_order_of_the_endpoints_does_not_matter() {
        let forth = Maglev::new(&shares(0..10));
        let back = Maglev::new(&shares((0..10).rev()));
        for key in 0..1_000 {
            assert_eq!(owner(&forth, key), 9 - owner(&back, key));
        }
    }

    /// The ideal is that only the keys of the one that left move: one in a hundred.
    #[test]
    fn removing_one_of_a_hundred_moves_at_most_two_percent_of_the_other_keys() {
        let before = Maglev::new(&shares(0..100));
        let after = Maglev::new(&shares(0..99));
        let keys = 100_000;
        let (mut others, mut moved) = (0, 0);
        for key in 0..keys {
            let home = owner(&before, key);
            if home != 99 {
                others += 1;
                moved += u32::from(home != owner(&after, key));
            }
        }
        let share = f64::from(moved) / f64::from(others);
        println!(
            "maglev, 1 of 100 removed: {:.2} % of the other keys moved",
            share * 100.0
        );
        assert!(share <= 0.02, "{share}");
    }
}
