use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::{Codec, Entry, Journal, Journaled};
use crate::{
    Policy, ResponseFuture, RetryLayer,
    future::{Call, State},
    layer::Settings,
    operation::Operation,
    schedule::Draws,
};

/// An operation of an earlier run of the program.
#[derive(Debug)]
pub struct Recovered<F> {
    /// Its idempotency key.
    pub key: String,
    /// Makes the attempts that are left, when they are due. Does nothing unless polled.
    pub call: F,
}

type Resumed<S, P, C, J, R> = ResponseFuture<S, Journaled<P, C, J>, R>;
type AllRecovered<S, P, C, J, R> = Vec<Recovered<Resumed<S, P, C, J, R>>>;

impl<P: Clone, C: Clone, J: Journal + Clone> RetryLayer<Journaled<P, C, J>> {
    /// Takes up all pending operations of the journal, each with the request it had, the attempts it
    /// has left, and the time it has left. They are independent: spawn them, or await them together.
    ///
    /// An attempt that is overdue starts after a delay as before a first retry, so that not all
    /// start at once. Operations without time or attempts left are struck out, and so are those that
    /// the policy would not repeat. What the codec cannot read stays in the journal until its time
    /// is over.
    ///
    /// `now` is the time by the wall clock. If it was set back, no operation gets more time than the
    /// layer's deadline.
    ///
    /// Call it once, before other calls: an operation begun meanwhile would be taken up twice.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or a finished operation not struck out.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its timer.
    pub fn recover<S, R>(
        &self,
        service: &S,
        now: SystemTime,
    ) -> io::Result<AllRecovered<S, P, C, J, R>>
    where
        S: Service<R> + Clone,
        P: Policy<R, S::Response, S::Error>,
        C: Codec<R>,
        R: Clone,
    {
        let settings = Arc::new(self.settings.clone());
        let journal = settings.policy.journal();
        let mut recovered = Vec::new();
        for entry in journal.pending()? {
            let time_left = entry.deadline.duration_since(now).unwrap_or_default();
            if time_left.is_zero() || !settings.limits.permit_after(entry.attempts) {
                journal.finish(&entry.key)?;
                continue;
            }
            let Some(request) = settings.policy.codec().decode(&entry.request) else {
                continue;
            };
            let key = entry.key.clone();
            match resumed(&settings, service, request, entry, now) {
                Some(call) => recovered.push(Recovered { key, call }),
                None => journal.finish(&key)?,
            }
        }
        Ok(recovered)
    }
}

fn resumed<S, P, C, J, R>(
    settings: &Arc<Settings<Journaled<P, C, J>>>,
    service: &S,
    request: R,
    entry: Entry,
    now: SystemTime,
) -> Option<Resumed<S, P, C, J, R>>
where
    S: Service<R> + Clone,
    P: Policy<R, S::Response, S::Error>,
    C: Codec<R>,
    J: Journal,
{
    let room = entry.deadline.duration_since(now).unwrap_or_default();
    let room = room.min(settings.limits.deadline);
    // What the clock cannot show is later than any delay.
    let deadline = Instant::now().checked_add(room)?;
    let due = entry.due.duration_since(now).unwrap_or_default();
    let delay = match due.is_zero() {
        true => Draws::new(settings.seeds.draw()).delay(&settings.backoff),
        false => due,
    };
    // One that does not fit is drawn too long, or of a clock that was set back.
    let delay = if delay < room { delay } else { Duration::ZERO };
    let tag = settings.policy.recovered(&request, entry.key, deadline)?;
    let operation = Operation::new(
        service.clone(),
        request,
        tag,
        entry.attempts,
        Arc::clone(settings),
    );
    let state = State::Delay {
        sleep: sleep(delay),
    };
    Some(ResponseFuture {
        call: Call::Repeated { state, operation },
    })
}
