//! One function per law, for a test that is about a single one; [`check`](crate::check) runs those
//! that concern the service.
//!
//! All of them panic when the clock is not paused.

mod body_is_kept;
mod called_only_when_ready;
mod clone_starts_unready;
mod dropped_future;
mod dropped_service;
mod inner_panic;
mod pending_has_waker;
mod repeated_poll_ready;

pub use self::{
    body_is_kept::body_is_kept, called_only_when_ready::called_only_when_ready,
    clone_starts_unready::clone_starts_unready, dropped_future::dropped_future,
    dropped_service::dropped_service, inner_panic::inner_panic,
    pending_has_waker::pending_has_waker, repeated_poll_ready::repeated_poll_ready,
};
