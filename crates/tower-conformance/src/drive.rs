//! Polls futures by hand: with wakers that are watched, and with panics caught.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::probe::ScriptedPanic;

/// How long a sleeping layer may take, on the paused clock.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// Polls after which a future that wakes itself without end is given up.
const POLLS: usize = 10_000;
/// Polls without a wake-up before that, where wakers are not what is checked.
const UNWOKEN_POLLS: usize = 4;
/// Turns given to tasks the layer may have spawned.
const TURNS: usize = 32;

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panicked {
    /// By order of the kit, not by the layer's own doing.
    pub(crate) scripted: bool,
    message: String,
}

impl Panicked {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a borrowed box is an `Any` of its own"
    )]
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Self {
            scripted: payload.is::<ScriptedPanic>(),
            message,
        }
    }
}

/// Why a future did not finish.
#[derive(Debug)]
pub(crate) enum Stopped {
    Panicked(Panicked),
    /// `Pending`, and nobody woke the waker.
    NotWoken,
    /// `Pending` over and over.
    Stuck,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Panicked(Panicked { scripted: true, .. }) => {
                f.write_str("panicked with the inner service, now or in an earlier poll")
            }
            Self::Panicked(panicked) => write!(f, "panicked: {}", panicked.message),
            Self::NotWoken => write!(
                f,
                "returned Pending, and its latest waker was not woken within {} hours of paused \
                 time after the inner service was free to go on",
                PATIENCE.as_secs() / 3600
            ),
            Self::Stuck => f.write_str("stays Pending although the inner service is free to go on"),
        }
    }
}

pub(crate) fn catch<T>(act: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(act)).map_err(Panicked::new)
}

/// A waker that remembers having been woken.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    listener: Mutex<Option<Waker>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        let listener = self
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(listener) = listener {
            listener.wake();
        }
    }
}

impl Bell {
    /// Waits for the bell; `false` when it stays silent for as long as patience lasts.
    async fn heard(self: &Arc<Self>) -> bool {
        let ring = poll_fn(|cx| {
            *self.listener.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(cx.waker().clone());
            if self.rung.swap(false, Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        timeout(PATIENCE, ring).await.is_ok()
    }
}

/// One poll, heard by `bell`.
pub(crate) fn poll_once<F: Future>(
    future: Pin<&mut F>,
    bell: &Arc<Bell>,
) -> Result<Poll<F::Output>, Panicked> {
    let waker = Waker::from(Arc::clone(bell));
    catch(|| future.poll(&mut Context::from_waker(&waker)))
}

/// Polls to the end; a missing wake-up is forgiven a few times.
pub(crate) async fn finish<F: Future>(future: Pin<&mut F>) -> Result<F::Output, Stopped> {
    run(future, UNWOKEN_POLLS, Stopped::Stuck).await
}

/// Polls to the end, and after each `Pending` only when the bell has rung.
pub(crate) async fn finish_when_woken<F: Future>(
    future: Pin<&mut F>,
) -> Result<F::Output, Stopped> {
    run(future, 0, Stopped::NotWoken).await
}

async fn run<F: Future>(
    mut future: Pin<&mut F>,
    mut forgiven: usize,
    unwoken: Stopped,
) -> Result<F::Output, Stopped> {
    let bell = Arc::default();
    for _ in 0..POLLS {
        if let Poll::Ready(output) = poll_once(future.as_mut(), &bell).map_err(Stopped::Panicked)? {
            return Ok(output);
        }
        // A future that wakes itself lets its own tasks have their turn.
        next_turn().await;
        if !bell.heard().await {
            if forgiven == 0 {
                return Err(unwoken);
            }
            forgiven -= 1;
        }
    }
    Err(Stopped::Stuck)
}

/// Waits until `bell` rings.
pub(crate) async fn heard(bell: &Arc<Bell>) -> Result<(), Stopped> {
    if bell.heard().await {
        Ok(())
    } else {
        Err(Stopped::NotWoken)
    }
}

async fn next_turn() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Lets tasks that the layer has spawned come to rest.
pub(crate) async fn settle() {
    for _ in 0..TURNS {
        next_turn().await;
    }
}

/// Refuses to run where patience would be real time.
///
/// # Panics
///
/// When the clock is not paused.
pub(crate) fn ask_for_a_paused_clock() {
    let start = Instant::now();
    assert!(
        (0..10_000).all(|_| Instant::now() == start),
        "the laws need a paused clock: #[tokio::test(start_paused = true)]"
    );
}
