use std::{
    future::{pending, ready},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::breakers::{Breaker, Kind, OPEN, Outcome, SETUP, Setup, Work};

pub(crate) struct Situation {
    pub(crate) title: &'static str,
    pub(crate) wanted: &'static str,
    pub(crate) run: fn(Kind) -> Pin<Box<dyn Future<Output = String>>>,
}

macro_rules! situations {
    ($($title:literal, $wanted:literal, $run:path;)*) => {
        pub(crate) const SITUATIONS: &[Situation] = &[$(Situation {
            title: $title,
            wanted: $wanted,
            run: |kind| Box::pin(async move {
                let answer: Option<String> = $run(kind).await;
                answer.unwrap_or_else(|| String::from("-"))
            }),
        }),*];
    };
}

situations! {
    "64 callers meet a half-open circuit that permits 3: started", "3", half_open;
    "20 probes are dropped: the next is", "admitted", dropped_probes;
    "60 calls are dropped by a timeout outside: the circuit is", "open", dropped_calls;
    "3 probes never end: after 6 open times the next is", "admitted", hung_probes;
    "60 calls panic: the circuit is", "open", panics;
    "a probe panics: the circuit, and after the open time", "open, recovers", probe_panics;
    "failures that open a window of 100 at 50 % after 0, 1,000, 100,000 successes", "100, 50, 50", sliding;
    "9 failures, the window of time passes, 9 failures (10 are needed): the circuit is", "closed", forgetting;
    "good probes two windows of time apart: the circuit is", "closed", far_probes;
    "a call with 20,000 results in the window of time against one with 100", "1", population;
    "10 slow successes: the circuit is", "open", slow_calls;
    "3 slow probes: the circuit is", "open", slow_probes;
    "a call from before fails during half-open: a second probe is", "admitted", late_failure;
    "a call from before succeeds while the only probe runs: the next is", "refused", late_success;
}

const MOMENT: Duration = Duration::from_millis(4);

async fn make(breaker: &Breaker, end: Result<(), ()>) -> Outcome {
    breaker(Work::new(ready(end))).await
}

fn start(
    breaker: &Breaker,
    work: impl Future<Output = Result<(), ()>> + Send + 'static,
) -> JoinHandle<Outcome> {
    tokio::spawn(breaker(Work::new(work)))
}

/// Fails until a call is refused, and returns after how many.
async fn fail(breaker: &Breaker, most: usize) -> usize {
    for made in 0..most {
        if make(breaker, Err(())).await == Outcome::Refused {
            return made;
        }
    }
    most
}

async fn half_open_due(kind: Kind, setup: Setup) -> Option<Breaker> {
    let breaker = kind.make(setup)?;
    fail(&breaker, 1_000).await;
    sleep(OPEN + 5 * MOMENT).await;
    Some(breaker)
}

async fn state(breaker: &Breaker) -> Option<String> {
    let open = make(breaker, Ok(())).await == Outcome::Refused;
    Some(if open { "open" } else { "closed" }.to_owned())
}

async fn next(breaker: &Breaker) -> Option<String> {
    let refused = make(breaker, Ok(())).await == Outcome::Refused;
    Some(if refused { "refused" } else { "admitted" }.to_owned())
}

async fn half_open(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, SETUP).await?;
    let started = Arc::new(AtomicUsize::new(0));
    for _ in 0..64 {
        let started = Arc::clone(&started);
        start(&breaker, async move {
            started.fetch_add(1, Ordering::SeqCst);
            pending().await
        });
    }
    sleep(MOMENT).await;
    Some(started.load(Ordering::SeqCst).to_string())
}

async fn dropped_probes(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, SETUP).await?;
    for _ in 0..20 {
        let probe = start(&breaker, pending());
        sleep(MOMENT).await;
        probe.abort();
        let _ = probe.await;
    }
    next(&breaker).await
}

async fn dropped_calls(kind: Kind) -> Option<String> {
    let breaker = kind.make(Setup {
        cancelled_fail: true,
        ..SETUP
    })?;
    for _ in 0..60 {
        let _ = timeout(MOMENT / 4, breaker(Work::new(pending()))).await;
    }
    state(&breaker).await
}

async fn hung_probes(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, SETUP).await?;
    for _ in 0..3 {
        start(&breaker, pending());
    }
    sleep(6 * OPEN).await;
    next(&breaker).await
}

async fn panics(kind: Kind) -> Option<String> {
    let breaker = kind.make(SETUP)?;
    for _ in 0..60 {
        let _ = start(&breaker, async { panic!("told to") }).await;
    }
    state(&breaker).await
}

async fn probe_panics(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, SETUP).await?;
    let _ = start(&breaker, async { panic!("told to") }).await;
    let after = state(&breaker).await?;
    sleep(OPEN + 5 * MOMENT).await;
    for _ in 0..3 {
        if make(&breaker, Ok(())).await == Outcome::Refused {
            return Some(format!("{after}, refuses"));
        }
    }
    Some(format!("{after}, recovers"))
}

async fn sliding(kind: Kind) -> Option<String> {
    if kind == Kind::Failsafe {
        return None;
    }
    let mut needed = Vec::new();
    for successes in [0, 1_000, 100_000] {
        let breaker = kind.make(Setup {
            calls: 100,
            ..SETUP
        })?;
        for _ in 0..successes {
            make(&breaker, Ok(())).await;
        }
        needed.push(fail(&breaker, 200_000).await.to_string());
    }
    Some(needed.join(", "))
}

const WINDOW: Duration = Duration::from_secs(1);

fn timed(calls: u16) -> Setup {
    Setup {
        calls,
        time: Some(WINDOW),
        ..SETUP
    }
}

async fn forgetting(kind: Kind) -> Option<String> {
    let breaker = kind.make(timed(10))?;
    for _ in 0..2 {
        for _ in 0..9 {
            make(&breaker, Err(())).await;
        }
        sleep(WINDOW / 2).await;
        sleep(WINDOW / 2 + 5 * MOMENT).await;
    }
    state(&breaker).await
}

async fn far_probes(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, timed(10)).await?;
    for _ in 0..3 {
        make(&breaker, Ok(())).await;
        sleep(2 * WINDOW).await;
    }
    state(&breaker).await
}

async fn population(kind: Kind) -> Option<String> {
    const CALLS: u32 = 200;
    if kind == Kind::Failsafe {
        return None;
    }
    let mut costs = Vec::new();
    for records in [100, 20_000] {
        let setup = Setup {
            time: Some(Duration::from_secs(3_600)),
            ..SETUP
        };
        let breaker = kind.make(setup)?;
        for _ in 0..records {
            make(&breaker, Ok(())).await;
        }
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let begin = Instant::now();
            for _ in 0..CALLS {
                make(&breaker, Ok(())).await;
            }
            best = best.min(begin.elapsed());
        }
        costs.push(best.as_secs_f64());
    }
    Some(format!("{:.0}", costs[1] / costs[0]))
}

fn slow_after() -> Setup {
    Setup {
        slow: Some(2 * MOMENT),
        ..SETUP
    }
}

async fn slowly() -> Result<(), ()> {
    sleep(3 * MOMENT).await;
    Ok(())
}

async fn slow_calls(kind: Kind) -> Option<String> {
    let breaker = kind.make(slow_after())?;
    for _ in 0..10 {
        let _ = start(&breaker, slowly()).await;
    }
    state(&breaker).await
}

async fn slow_probes(kind: Kind) -> Option<String> {
    let breaker = half_open_due(kind, slow_after()).await?;
    let probes = [(); 3].map(|()| start(&breaker, slowly()));
    for probe in probes {
        let _ = probe.await;
    }
    state(&breaker).await
}

/// A call of the closed state, the circuit half-open with a probe running.
async fn late(kind: Kind, probes: u16, end: Result<(), ()>) -> Option<Breaker> {
    let breaker = kind.make(Setup { probes, ..SETUP })?;
    let (tell, told) = oneshot::channel();
    let late = start(&breaker, async { told.await.unwrap_or(Ok(())) });
    sleep(MOMENT).await;
    fail(&breaker, 1_000).await;
    sleep(OPEN + 5 * MOMENT).await;
    start(&breaker, pending());
    sleep(MOMENT).await;
    tell.send(end).ok()?;
    let _ = late.await;
    Some(breaker)
}

async fn late_failure(kind: Kind) -> Option<String> {
    next(&late(kind, 3, Err(())).await?).await
}

async fn late_success(kind: Kind) -> Option<String> {
    next(&late(kind, 1, Ok(())).await?).await
}
