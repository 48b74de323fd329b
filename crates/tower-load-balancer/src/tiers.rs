/// One endpoint as far as the choice of a tier goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) priority: u8,
    pub(crate) draining: bool,
    pub(crate) healthy: bool,
}

/// Which endpoints get requests: indices by tier, the first tier first. An endpoint of a later tier
/// gets a request only when none of an earlier one may have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) tiers: Vec<(u8, Vec<usize>)>,
    /// Health was left out of account.
    pub(crate) panic: bool,
}

/// - A tier with at least `threshold` percent of its endpoints healthy comes before one that has
///   less, otherwise the one with the smaller priority; only healthy endpoints are in it.
/// - When no tier has that many, their health is not believed: all endpoints are in, by priority.
/// - One that drains is never in, and doesn't count.
pub(crate) fn order(entries: &[Entry], threshold: u8) -> Order {
    let mut priorities: Vec<_> = entries.iter().map(|entry| entry.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();

    let (mut full, mut thin, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for priority in priorities {
        let members: Vec<_> = (0..entries.len())
            .filter(|index| entries[*index].priority == priority && !entries[*index].draining)
            .collect();
        let healthy: Vec<_> = members
            .iter()
            .copied()
            .filter(|index| entries[*index].healthy)
            .collect();
        if !healthy.is_empty() {
            let wanted = members.len().saturating_mul(usize::from(threshold));
            if healthy.len().saturating_mul(100) >= wanted {
                full.push((priority, healthy));
            } else {
                thin.push((priority, healthy));
            }
        }
        if !members.is_empty() {
            all.push((priority, members));
        }
    }
    if full.is_empty() {
        let panic = !all.is_empty();
        return Order { tiers: all, panic };
    }
    full.append(&mut thin);
    Order {
        tiers: full,
        panic: false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Order, order};

    /// `+` healthy, `-` not, `d` draining; a tier each.
    fn entries(tiers: &[&str]) -> Vec<Entry> {
        let tiers = tiers.iter().zip(0_u8..);
        tiers
            .flat_map(|(tier, priority)| {
                tier.chars().map(move |state| Entry {
                    priority,
                    draining: state == 'd',
                    healthy: state == '+',
                })
            })
            .collect()
    }

    fn chosen(tiers: &[&str], threshold: u8) -> (Vec<Vec<usize>>, bool) {
        let Order { tiers, panic } = order(&entries(tiers), threshold);
        (
            tiers.into_iter().map(|(_, members)| members).collect(),
            panic,
        )
    }

    #[test]
    fn nobody_is_no_panic() {
        assert_eq!(chosen(&[], 50), (vec![], false));
        assert_eq!(chosen(&["dd"], 50), (vec![], false));
    }

    #[test]
    fn exactly_the_threshold_is_enough() {
        assert_eq!(chosen(&["+-"], 50), (vec![vec![0]], false));
        assert_eq!(chosen(&["+--"], 50), (vec![vec![0, 1, 2]], true));
    }

    #[test]
    fn a_threshold_of_zero_panics_only_when_nobody_is_healthy() {
        assert_eq!(chosen(&["+---"], 0), (vec![vec![0]], false));
        assert_eq!(chosen(&["----"], 0), (vec![vec![0, 1, 2, 3]], true));
    }

    #[test]
    fn the_second_tier_is_there_for_when_the_first_has_nobody() {
        assert_eq!(chosen(&["++", "+"], 50), (vec![vec![0, 1], vec![2]], false));
        assert_eq!(chosen(&["--", "+"], 50), (vec![vec![2]], false));
    }

    #[test]
    fn a_full_tier_goes_before_a_thin_one() {
        assert_eq!(chosen(&["+---", "+"], 50), (vec![vec![4], vec![0]], false));
    }

    #[test]
    fn who_drains_gets_nothing_even_in_panic_and_does_not_count() {
        assert_eq!(chosen(&["+ddd"], 100), (vec![vec![0]], false));
        assert_eq!(chosen(&["-d"], 50), (vec![vec![0]], true));
    }
}
