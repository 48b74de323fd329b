//! All orders in which callers can meet at the state word, step by step.
//!
//! A step is one access to shared memory: the loops of `circuit.rs`, taken apart, around the very
//! transitions and the packing it uses. Every reachable state of a few callers is visited once.

use std::{collections::HashSet, num::NonZeroU16, time::Duration};

use crate::{
    Cause, State,
    open_time::OpenTime,
    state::{Admission, Phase, Rules, Snapshot},
};

const PROBES: u16 = 2;
const LEASE: u64 = 10;

fn rules() -> Rules {
    Rules {
        probes: NonZeroU16::new(PROBES).unwrap(),
        lease: LEASE,
        open_time: OpenTime::new(Duration::from_millis(5), Duration::from_millis(5)),
        ramp: 0,
    }
}

/// Where a caller is, with what it read so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Caller {
    Start,
    Loaded {
        word: u64,
    },
    Judged {
        word: u64,
        next: u64,
    },
    Stamped {
        word: u64,
        next: u64,
    },
    Running {
        generation: u32,
    },
    Settling {
        generation: u32,
        passes: Option<bool>,
        word: u64,
        next: u64,
    },
    /// Closed from outside by this caller.
    Resetting {
        word: u64,
    },
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    word: u64,
    last_probe: u64,
    now: u64,
    /// Sorted: who is who does not matter.
    callers: Vec<Caller>,
    /// Probes of the current half-open state that passed, counted apart from the word.
    passed: u16,
    resets: u8,
    leases: u8,
}

impl World {
    fn snapshot(&self) -> Snapshot {
        self.word.into()
    }

    fn with(&self, index: usize, caller: Caller) -> Self {
        let mut next = self.clone();
        next.callers[index] = caller;
        next
    }

    /// What a caller may do next. Several when its call can end in several ways.
    fn steps(&self, index: usize) -> Vec<Self> {
        match self.callers[index] {
            Caller::Start => {
                let mut steps = vec![self.with(index, Caller::Loaded { word: self.word })];
                if self.resets > 0 {
                    let mut reset = self.with(index, Caller::Resetting { word: self.word });
                    reset.resets -= 1;
                    steps.push(reset);
                }
                steps
            }
            Caller::Loaded { word } => {
                match Snapshot::from(word).admit(self.now, self.last_probe, 0, &rules()) {
                    Admission::Probe(next) => {
                        let next = next.into();
                        vec![self.with(index, Caller::Judged { word, next })]
                    }
                    // Closed or refused: nothing that could break what is checked here.
                    _ => vec![self.with(index, Caller::Gone)],
                }
            }
            Caller::Judged { word, next } => {
                let mut stamped = self.with(index, Caller::Stamped { word, next });
                stamped.last_probe = stamped.last_probe.max(self.now);
                vec![stamped]
            }
            Caller::Stamped { word, next } => {
                if self.word != word {
                    return vec![self.with(index, Caller::Start)];
                }
                let generation = Snapshot::from(next).generation;
                let mut admitted = self.with(index, Caller::Running { generation });
                admitted.word = next;
                vec![admitted]
            }
            Caller::Running { generation } => [None, Some(false), Some(true)]
                .into_iter()
                .map(|passes| self.settle(index, generation, passes))
                .collect(),
            Caller::Settling {
                generation,
                passes,
                word,
                next,
            } => {
                if self.word != word {
                    return vec![self.settle(index, generation, passes)];
                }
                let mut settled = self.with(index, Caller::Gone);
                settled.word = next;
                settled.passed += u16::from(passes == Some(true));
                if Snapshot::from(next).state() != State::HalfOpen {
                    settled.check_end(passes);
                }
                vec![settled]
            }
            Caller::Resetting { word } => {
                if self.word != word {
                    return vec![self.with(index, Caller::Resetting { word: self.word })];
                }
                let mut reset = self.with(index, Caller::Gone);
                reset.word = self.snapshot().close().into();
                vec![reset]
            }
            Caller::Gone => Vec::new(),
        }
    }

    fn settle(&self, index: usize, generation: u32, passes: Option<bool>) -> Self {
        let word = self.word;
        let current = Snapshot::from(word);
        if current.generation != generation {
            return self.with(index, Caller::Gone);
        }
        let next = current
            .settle_probe(passes, 0, self.now, 0, &rules())
            .into();
        self.with(
            index,
            Caller::Settling {
                generation,
                passes,
                word,
                next,
            },
        )
    }

    /// The half-open state has just ended by a result.
    fn check_end(&self, passes: Option<bool>) {
        match self.snapshot().state() {
            State::Closed => assert_eq!(self.passed, PROBES, "closed too early: {self:?}"),
            State::Open => assert_eq!(passes, Some(false), "opened by no failure: {self:?}"),
            state => panic!("{state}: {self:?}"),
        }
    }

    fn check(&self) {
        let Phase::HalfOpen { issued, passed } = self.snapshot().phase else {
            return;
        };
        let generation = self.snapshot().generation;
        let running = self.callers.iter().filter(|caller| match caller {
            Caller::Running { generation: own }
            | Caller::Settling {
                generation: own, ..
            } => *own == generation,
            _ => false,
        });
        let running = u16::try_from(running.count()).unwrap();
        assert_eq!(passed, self.passed, "{self:?}");
        assert_eq!(
            issued,
            running + passed,
            "a slot is lost or given twice: {self:?}"
        );
        assert!(issued <= PROBES, "{self:?}");
    }
}

fn explore(callers: usize, resets: u8, leases: u8) -> usize {
    let open = Snapshot::CLOSED.open(Cause::FailureRate, 0, 0, 0, &rules());
    let first = World {
        word: open.into(),
        last_probe: 0,
        now: 5,
        callers: vec![Caller::Start; callers],
        passed: 0,
        resets,
        leases,
    };
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = vec![first];
    while let Some(world) = queue.pop() {
        world.check();
        let mut next: Vec<World> = (0..callers).flat_map(|index| world.steps(index)).collect();
        if world.leases > 0 {
            let mut later = world.clone();
            later.leases -= 1;
            later.now += LEASE;
            next.push(later);
        }
        for mut world in next {
            world.callers.sort_unstable();
            if world.snapshot().state() != State::HalfOpen {
                world.passed = 0;
            }
            if seen.insert(world.clone()) {
                queue.push(world);
            }
        }
    }
    seen.len()
}

#[test]
fn no_order_of_callers_gives_away_a_probe_too_many_or_loses_one() {
    assert!(explore(5, 0, 0) > 1_000);
}

#[test]
fn no_order_of_callers_leases_and_resets_does_either() {
    assert!(explore(4, 1, 2) > 10_000);
}
