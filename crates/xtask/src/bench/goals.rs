//! What each bench is held to.

/// A ratio of two figures of one run, and the most it may be.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) bench: &'static str,
    /// What the row is called.
    pub(super) row: &'static str,
    /// `group/id` as criterion names it.
    pub(super) of: &'static str,
    pub(super) to: &'static str,
    /// What both contain and is not meant: `(of - above) / (to - above)`.
    pub(super) above: Option<&'static str>,
    pub(super) at_most: f64,
}

/// Ids of a bench: `ours`, `baseline`, and peers by the name of their package.
pub(super) const GOALS: &[Goal] = &[
    Goal {
        bench: "balance",
        row: "least pending, 10 endpoints / tower",
        of: "balance-10/ours-least-pending",
        to: "balance-10/tower-pending",
        above: None,
        at_most: 0.5,
    },
    Goal {
        bench: "balance",
        row: "least pending, 10 endpoints / tower behind Buffer",
        of: "balance-10/ours-in-task",
        to: "balance-10/tower-buffer",
        above: None,
        at_most: 0.15,
    },
    Goal {
        bench: "balance",
        row: "peak EWMA, 10 endpoints / tower",
        of: "balance-10/ours-peak-ewma",
        to: "balance-10/tower-peak-ewma",
        above: None,
        at_most: 0.35,
    },
    Goal {
        bench: "balance",
        row: "round robin, 1,000 endpoints / 10",
        of: "balance-1000/ours-round-robin",
        to: "balance-10/ours-round-robin",
        above: None,
        at_most: 1.2,
    },
    Goal {
        bench: "balance",
        row: "least pending, 1,000 endpoints / 10",
        of: "balance-1000/ours-least-pending",
        to: "balance-10/ours-least-pending",
        above: None,
        at_most: 1.2,
    },
    Goal {
        bench: "balance",
        row: "peak EWMA, 1,000 endpoints / 10",
        of: "balance-1000/ours-peak-ewma",
        to: "balance-10/ours-peak-ewma",
        above: None,
        at_most: 1.2,
    },
    Goal {
        bench: "balance",
        row: "consistent hash, 1,000 endpoints / 10",
        of: "balance-1000/ours-hash",
        to: "balance-10/ours-hash",
        above: None,
        at_most: 1.2,
    },
    // 0.6 us where the hash of a key takes 84 ns.
    Goal {
        bench: "access",
        row: "layer with an API key / SHA-256 of the key",
        of: "key/ours",
        to: "key/sha256",
        above: None,
        at_most: 7.1,
    },
    // 50 ns, likewise.
    Goal {
        bench: "access",
        row: "role check / SHA-256 of a key",
        of: "policy/ours-role",
        to: "key/sha256",
        above: None,
        at_most: 0.59,
    },
    Goal {
        bench: "access",
        row: "layer with an HS256 token / jsonwebtoken, bare",
        of: "token/ours",
        to: "token/jsonwebtoken",
        above: None,
        at_most: 1.1,
    },
    Goal {
        bench: "access",
        row: "layer with a cached token / jsonwebtoken, bare",
        of: "token/ours-cached",
        to: "token/jsonwebtoken",
        above: None,
        at_most: 0.15,
    },
    Goal {
        bench: "breaker",
        row: "closed circuit / clone of an Arc",
        of: "breaker/ours",
        to: "breaker/arc-clone",
        above: None,
        at_most: 1.2,
    },
    Goal {
        bench: "breaker",
        row: "closed circuit / recloser",
        of: "breaker/ours",
        to: "breaker/recloser",
        above: None,
        at_most: 0.5,
    },
    Goal {
        bench: "breaker",
        row: "closed circuit / tower-resilience",
        of: "breaker/ours",
        to: "breaker/tower-resilience-circuitbreaker",
        above: None,
        at_most: 0.08,
    },
    Goal {
        bench: "breaker",
        row: "closed circuit, 2 threads / 1 thread",
        of: "breaker-2-threads/ours",
        to: "breaker/ours",
        above: None,
        at_most: 1.2,
    },
    Goal {
        bench: "breaker",
        row: "closed circuit, 2 threads / recloser",
        of: "breaker-2-threads/ours",
        to: "breaker-2-threads/recloser",
        above: None,
        at_most: 0.06,
    },
    Goal {
        bench: "breaker",
        row: "open circuit / closed circuit",
        of: "breaker/ours-open",
        to: "breaker/ours",
        above: None,
        at_most: 1.0,
    },
    Goal {
        bench: "breaker",
        row: "time window of 100,000 / of 100 results",
        of: "breaker-time-window/100000",
        to: "breaker-time-window/100",
        above: None,
        at_most: 1.1,
    },
    Goal {
        bench: "cache",
        row: "hit / the service itself",
        of: "hit-1-KiB/ours",
        to: "hit-1-KiB/baseline",
        above: None,
        at_most: 1.25,
    },
    Goal {
        bench: "cache",
        row: "hit / tower-http-cache",
        of: "hit-1-KiB/ours",
        to: "hit-1-KiB/tower-http-cache",
        above: None,
        at_most: 0.3,
    },
    Goal {
        bench: "cache",
        row: "hit of 1 MiB / of 1 KiB",
        of: "hit-1-MiB/ours",
        to: "hit-1-KiB/ours",
        above: None,
        at_most: 1.05,
    },
    Goal {
        bench: "cache",
        row: "miss and store / tower-http-cache",
        of: "miss-1-KiB/ours",
        to: "miss-1-KiB/tower-http-cache",
        above: None,
        at_most: 0.5,
    },
    Goal {
        bench: "cache",
        row: "memo, zipf / quick_cache, bare",
        of: "zipf/ours",
        to: "zipf/quick_cache",
        above: None,
        at_most: 2.0,
    },
    Goal {
        bench: "cache",
        row: "memo, zipf / moka, bare",
        of: "zipf/ours",
        to: "zipf/moka",
        above: None,
        at_most: 0.25,
    },
    Goal {
        bench: "limiter",
        row: "unkeyed decision / governor",
        of: "unkeyed/ours",
        to: "unkeyed/governor",
        above: None,
        at_most: 0.6,
    },
    Goal {
        bench: "limiter",
        row: "the same on the coarse clock",
        of: "unkeyed/ours-coarse",
        to: "unkeyed/governor",
        above: None,
        at_most: 0.6,
    },
    Goal {
        bench: "limiter",
        row: "decision, 1000 keys / governor with the same hasher",
        of: "keyed/ours",
        to: "keyed/governor-foldhash",
        above: None,
        at_most: 0.9,
    },
    Goal {
        bench: "limiter",
        row: "the same on the coarse clock, 1000 keys",
        of: "keyed/ours-coarse",
        to: "keyed/governor-foldhash",
        above: None,
        at_most: 0.9,
    },
    Goal {
        bench: "limiter",
        row: "refusal, 1000 keys / governor with the same hasher",
        of: "keyed-refused/ours-coarse",
        to: "keyed-refused/governor-foldhash",
        above: None,
        at_most: 1.0,
    },
    Goal {
        bench: "limiter",
        row: "decision, 1,000,000 keys / governor",
        of: "million-keys/ours",
        to: "million-keys/governor",
        above: None,
        at_most: 1.0,
    },
    Goal {
        bench: "limiter",
        row: "decision, 1,000,000 keys, fixed store / governor",
        of: "million-keys/ours-fixed",
        to: "million-keys/governor",
        above: None,
        at_most: 0.5,
    },
    Goal {
        bench: "limiter",
        row: "layer / tower_governor",
        of: "layer/ours",
        to: "layer/tower_governor",
        above: Some("layer/baseline"),
        at_most: 0.5,
    },
    Goal {
        bench: "limiter",
        row: "layer on the coarse clock / tower_governor",
        of: "layer/ours-coarse",
        to: "layer/tower_governor",
        above: Some("layer/baseline"),
        at_most: 0.5,
    },
    Goal {
        bench: "limiter",
        row: "layer: refusal as an error / admission",
        of: "layer/ours-refused-as-error",
        to: "layer/ours",
        above: Some("layer/baseline"),
        at_most: 1.0,
    },
    Goal {
        bench: "limiter",
        row: "layer: refusal as a response with fields / admission",
        of: "layer/ours-refused",
        to: "layer/ours",
        above: Some("layer/baseline"),
        at_most: 1.0,
    },
    Goal {
        bench: "limiter",
        row: "layer: refusal / tower_governor",
        of: "layer/ours-refused",
        to: "layer/tower_governor-refused",
        above: Some("layer/baseline"),
        at_most: 0.1,
    },
    Goal {
        bench: "retry",
        row: "first attempt succeeds / tower",
        of: "retry/ours",
        to: "retry/tower",
        above: None,
        at_most: 0.8,
    },
    Goal {
        bench: "retry",
        row: "first attempt succeeds, with a budget / tower with its own",
        of: "retry/ours-budget",
        to: "retry/tower-budget",
        above: None,
        at_most: 0.3,
    },
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_goal_belongs_to_a_bench_that_exists() {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches");
        for goal in GOALS {
            let file = benches.join(goal.bench).with_extension("rs");
            assert!(file.is_file(), "{}: {}", goal.bench, goal.row);
        }
    }
}
