use crate::{Subject, Violations, laws};

/// Holds `subject` against every law of [`Service`](tower_service::Service).
///
/// What happens to bodies is another question with another subject: see
/// [`laws::body_is_kept`].
///
/// # Errors
///
/// Every law that is broken, with what was seen.
///
/// # Panics
///
/// When the clock is not paused: `#[tokio::test(start_paused = true)]`.
pub async fn check<S: Subject>(subject: &S) -> Result<(), Violations> {
    let verdicts = [
        laws::called_only_when_ready(subject).await,
        laws::clone_starts_unready(subject).await,
        laws::repeated_poll_ready(subject).await,
        laws::pending_has_waker(subject).await,
        laws::dropped_future(subject).await,
        laws::dropped_service(subject).await,
        laws::inner_panic(subject).await,
    ];
    Violations::all(verdicts.into_iter().filter_map(Result::err).collect())
}
