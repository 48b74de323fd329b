use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    sync::futures::OwnedNotified,
    time::{Instant, Sleep, sleep},
};

use crate::{WhenOpen, circuit::Circuit, permit::Permit, state::Refusal};

/// What one service knows of its circuit between `poll_ready` and `call`.
#[derive(Debug, Default)]
pub(crate) struct Door {
    /// The last `poll_ready` did not ask the inner service, because the circuit was shut.
    skipped: Option<Refusal>,
    waiting: Option<Pin<Box<Waiting>>>,
}

pin_project! {
    /// Ends when the circuit may have opened its door.
    #[derive(Debug)]
    struct Waiting {
        #[pin]
        changed: OwnedNotified,
        #[pin]
        due: Sleep,
    }
}

impl Door {
    /// Ready with whether the inner service has to be ready for the call.
    #[inline]
    pub(crate) fn poll(&mut self, circuit: &Circuit, cx: &mut Context<'_>) -> Poll<bool> {
        match circuit.settings().when_open {
            WhenOpen::Reject => {
                self.skipped = circuit.refusal();
                Poll::Ready(self.skipped.is_none())
            }
            WhenOpen::Wait => {
                ready!(self.poll_pass(circuit, cx));
                Poll::Ready(true)
            }
        }
    }

    /// Whether the call may pass.
    #[inline]
    pub(crate) fn admit(&self, circuit: &Circuit) -> Result<Permit, Refusal> {
        match self.skipped {
            None => circuit.admit(),
            Some(skipped) => Err(Self::refuse(skipped, circuit)),
        }
    }

    /// Even if a probe could pass by now: the inner service is not known to be ready.
    fn refuse(skipped: Refusal, circuit: &Circuit) -> Refusal {
        let refusal = circuit.refusal().unwrap_or(Refusal { wait: 0, ..skipped });
        circuit.counts().refused(refusal.cause);
        refusal
    }

    fn poll_pass(&mut self, circuit: &Circuit, cx: &mut Context<'_>) -> Poll<()> {
        while circuit.refusal().is_some() {
            let waiting = (self.waiting).get_or_insert_with(|| Box::pin(Waiting::new(circuit)));
            // Asked again now that the notification is under way: no change goes unseen.
            let Some(refusal) = circuit.refusal() else {
                break;
            };
            ready!(waiting.as_mut().poll(refusal, cx));
            self.waiting = None;
        }
        self.waiting = None;
        Poll::Ready(())
    }
}

impl Waiting {
    fn new(circuit: &Circuit) -> Self {
        Self {
            changed: Arc::clone(circuit.changed()).notified_owned(),
            due: sleep(Duration::ZERO),
        }
    }

    fn poll(self: Pin<&mut Self>, refusal: Refusal, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let due = Instant::now() + Duration::from_millis(refusal.wait.into());
        this.due.as_mut().reset(due);
        if this.changed.poll(cx).is_pending() {
            ready!(this.due.poll(cx));
        }
        Poll::Ready(())
    }
}
