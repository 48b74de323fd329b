//! Layers that break one law each, and are caught by that law alone.

mod called_only_when_ready;
mod clone_starts_unready;
mod dropped_future;
mod dropped_service;
mod inner_panic;
mod pending_has_waker;
mod repeated_poll_ready;
