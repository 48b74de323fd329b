use std::{cmp::Reverse, collections::BinaryHeap};

/// How long a schedule gets at most, unless there are more endpoints than that: a weight is kept to
/// within one part in this many of the whole.
const LONGEST: u64 = 8_192;

/// An order in which endpoints take turns, each as often as its weight says and as evenly as
/// possible: never two turns of a light one side by side.
///
/// It doubles as a table to draw from at random by weight.
#[derive(Debug)]
pub(crate) struct Schedule(Box<[u32]>);

impl Schedule {
    /// Turns for the weights, by index. Empty when there are none.
    ///
    /// Turn `k` of a weight `w` is due at `(k + 1/2) / w`; whoever is due first goes first.
    pub(crate) fn new(weights: &[u32]) -> Self {
        let turns = turns(weights);
        let total: u64 = turns.iter().sum();
        let mut due: BinaryHeap<_> = turns
            .iter()
            .zip(0_u32..)
            .map(|(turns, index)| {
                Reverse((
                    Due {
                        odd: 1,
                        turns: *turns,
                    },
                    index,
                ))
            })
            .collect();
        let order = (0..total)
            .filter_map(|_| {
                let Reverse((Due { odd, turns }, index)) = due.pop()?;
                due.push(Reverse((
                    Due {
                        odd: odd + 2,
                        turns,
                    },
                    index,
                )));
                Some(index)
            })
            .collect();
        Self(order)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose turn the `turn`-th is. The schedule must not be empty.
    pub(crate) fn at(&self, turn: usize) -> usize {
        self.0[turn % self.0.len()] as usize
    }
}

/// The moment `odd / (2 * turns)`, compared without a division.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    odd: u64,
    turns: u64,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let left = u128::from(self.odd) * u128::from(other.turns);
        let right = u128::from(other.odd) * u128::from(self.turns);
        left.cmp(&right)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The weights in the smallest whole numbers, each at least one.
fn turns(weights: &[u32]) -> Vec<u64> {
    let longest = LONGEST.max(weights.len() as u64);
    let divisor = weights
        .iter()
        .fold(0, |sum, weight| gcd(sum, u64::from(*weight)))
        .max(1);
    let turns: Vec<_> = weights
        .iter()
        .map(|weight| (u64::from(*weight) / divisor).max(1))
        .collect();
    let total: u64 = turns.iter().sum();
    if total <= longest {
        return turns;
    }
    turns
        .iter()
        .map(|turns| (turns * longest / total).max(1))
        .collect()
}

fn gcd(left: u64, right: u64) -> u64 {
    if right == 0 {
        left
    } else {
        gcd(right, left % right)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Schedule;

    fn order(weights: &[u32]) -> Vec<usize> {
        let schedule = Schedule::new(weights);
        (0..schedule.len()).map(|turn| schedule.at(turn)).collect()
    }

    #[test]
    fn equal_weights_take_turns() {
        assert_eq!(order(&[7, 7, 7]), [0, 1, 2]);
    }

    #[test]
    fn nobody_means_no_turns() {
        assert!(order(&[]).is_empty());
    }

    #[test]
    fn a_light_endpoint_stands_between_heavy_ones() {
        assert_eq!(order(&[4, 1]), [0, 0, 1, 0, 0]);
    }

    #[test]
    fn huge_weights_make_no_huge_table() {
        let order = order(&[u32::MAX, u32::MAX - 1, 1]);
        assert!(order.len() <= 8_193, "{}", order.len());
        assert!(order.contains(&2));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn in_every_stretch_each_has_its_share_to_within_two_turns(
            weights in prop::collection::vec(1_u32..=20, 1..12),
        ) {
            let order = order(&weights);
            let total: f64 = weights.iter().copied().map(f64::from).sum();
            let mut seen = vec![0_u32; weights.len()];
            for (turn, index) in order.iter().enumerate() {
                seen[*index] += 1;
                for (seen, weight) in seen.iter().zip(&weights) {
                    let fair = (turn + 1) as f64 * f64::from(*weight) / total;
                    prop_assert!((f64::from(*seen) - fair).abs() <= 2.0);
                }
            }
        }

        #[test]
        fn over_a_whole_round_the_shares_are_exact(
            weights in prop::collection::vec(1_u32..=20, 1..12),
        ) {
            let order = order(&weights);
            let total: u32 = weights.iter().sum();
            for (index, weight) in weights.iter().enumerate() {
                let turns = order.iter().filter(|turn| **turn == index).count() as u64;
                prop_assert_eq!(turns * u64::from(total), u64::from(*weight) * order.len() as u64);
            }
        }
    }
}
