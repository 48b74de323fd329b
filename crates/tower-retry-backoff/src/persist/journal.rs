use std::{fmt, io, time::SystemTime};

/// Where operations in retry are written down, so that they survive the program.
///
/// Calls come from within the polling of response futures, so they must be quick: a write into the
/// page cache, not a round trip. When one fails the call goes on without protection.
pub trait Journal {
    /// Writes down an operation before its first retry. One with the same key is replaced.
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    fn begin(&self, entry: &Entry) -> io::Result<()>;

    /// Writes down that `attempts` have been made, and that the next one is due. Does nothing if
    /// there is no operation with the key.
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    fn retry(&self, key: &str, attempts: u32, due: SystemTime) -> io::Result<()>;

    /// Strikes an operation out. Does nothing if there is none with the key.
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    fn finish(&self, key: &str) -> io::Result<()>;

    /// All operations not struck out.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn pending(&self) -> io::Result<Vec<Entry>>;
}

/// An operation in retry.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its idempotency key.
    pub key: String,
    /// The request, as a [`Codec`](super::Codec) wrote it.
    pub request: Vec<u8>,
    /// The attempts known to have ended.
    pub attempts: u32,
    /// When the next attempt is to start.
    pub due: SystemTime,
    /// When no attempt may start any more.
    pub deadline: SystemTime,
}

// Not the request, which may hold what must not be shown.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("attempts", &self.attempts)
            .field("due", &self.due)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
