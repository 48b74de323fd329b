//! The atomics of the record. `tests/loom` compiles the files that use them with those of loom.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
