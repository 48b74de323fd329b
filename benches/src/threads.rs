use std::{
    hint,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

const THREADS: usize = 2;

/// Calls of a batch: long against the clock, short against what the system gives a thread at once.
const BATCH: u64 = 1_500;

/// Batches until the machine is found too busy.
const PATIENCE: usize = 200_000;

/// What `calls` calls cost one of two threads that make them at the same time, each on what `make`
/// made for it.
///
/// Only batches count in which both threads ran side by side for 85 % of the longer one and neither
/// waited for a core; what is left of the others would make contention look cheap.
///
/// # Panics
///
/// When there are too few such batches.
pub fn side_by_side<F: FnMut()>(calls: u64, make: impl Fn() -> F + Sync) -> Duration {
    let (wanted, done) = (calls.div_ceil(BATCH), AtomicBool::new(false));
    let meeting = Meeting::default();
    let spans = Mutex::new([Span::default(); THREADS]);
    let both = || *spans.lock().unwrap_or_else(PoisonError::into_inner);

    let total = thread::scope(|scope| {
        scope.spawn(|| {
            let mut call = make();
            loop {
                meeting.wait();
                let span = Span::of(&mut call);
                spans.lock().unwrap_or_else(PoisonError::into_inner)[1] = span;
                meeting.wait();
                meeting.wait();
                if done.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let mut call = make();
        let (mut total, mut counted) = (Duration::ZERO, 0);
        for _ in 0..PATIENCE {
            meeting.wait();
            let span = Span::of(&mut call);
            spans.lock().unwrap_or_else(PoisonError::into_inner)[0] = span;
            meeting.wait();
            let [ours, theirs] = both();
            if ours.ran_beside(theirs) {
                total += ours.cpu;
                counted += 1;
            }
            if counted == wanted {
                break;
            }
            meeting.wait();
        }
        done.store(true, Ordering::SeqCst);
        meeting.wait();
        assert!(counted == wanted, "too busy: the threads never ran at once");
        total
    });
    total.mul_f64(calls as f64 / (wanted * BATCH) as f64)
}

/// A batch, in wall time and in CPU time of its thread.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    begin: Duration,
    end: Duration,
    cpu: Duration,
}

impl Span {
    fn of(call: &mut impl FnMut()) -> Self {
        let begin = now(ClockId::Monotonic);
        let cpu = now(ClockId::ThreadCPUTime);
        (0..BATCH).for_each(|_| call());
        let cpu = now(ClockId::ThreadCPUTime).saturating_sub(cpu);
        let end = now(ClockId::Monotonic);
        Self { begin, end, cpu }
    }

    fn ran_beside(self, other: Self) -> bool {
        let overlap = (self.end.min(other.end)).saturating_sub(self.begin.max(other.begin));
        [self, other].into_iter().all(|span| {
            let wall = span.end.saturating_sub(span.begin);
            overlap >= wall.mul_f64(0.85) && span.cpu >= wall.mul_f64(0.85)
        })
    }
}

fn now(clock: ClockId) -> Duration {
    // The kernel counts them up from zero.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

/// Where the threads meet without being put to sleep.
#[derive(Debug, Default)]
struct Meeting {
    arrived: AtomicUsize,
}

impl Meeting {
    fn wait(&self) {
        let mine = self.arrived.fetch_add(1, Ordering::SeqCst);
        let all_here = (mine / THREADS + 1) * THREADS;
        let mut turns = 0_u32;
        while self.arrived.load(Ordering::SeqCst) < all_here {
            turns += 1;
            // The other thread may need this very core to come here.
            if turns.is_multiple_of(1_000) {
                thread::yield_now();
            }
            hint::spin_loop();
        }
    }
}
