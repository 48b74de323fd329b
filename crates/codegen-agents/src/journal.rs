use serde_json::Value;
use tokio::sync::mpsc;

use crate::{LogEntry, ProviderError};

/// Where a provider writes what it does while it does it.
///
/// The runner stores the entries in the order they were written, before it stores the end of the
/// run. A clone writes to the same log.
#[derive(Clone, Debug)]
pub struct Journal {
    entries: mpsc::Sender<LogEntry>,
}

impl Journal {
    /// A journal and the end to read it from. Writers wait while `capacity` entries are unread.
    ///
    /// # Panics
    ///
    /// When `capacity` is zero.
    #[must_use]
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<LogEntry>) {
        let (entries, reader) = mpsc::channel(capacity);
        (Self { entries }, reader)
    }

    /// Records the use of a tool: [`LogEntry::action`].
    ///
    /// # Errors
    ///
    /// [`ProviderError::Cancelled`] when nobody reads the journal any more.
    pub async fn action(
        &self,
        tool_name: &str,
        input: Value,
        output: Value,
    ) -> Result<(), ProviderError> {
        self.write(LogEntry::action(tool_name, input, output)).await
    }

    /// Records an entry. `FINAL_ANSWER` and `ERROR` are the runner's to write, from what the
    /// provider returns.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Cancelled`] when nobody reads the journal any more.
    pub async fn write(&self, entry: LogEntry) -> Result<(), ProviderError> {
        self.entries
            .send(entry)
            .await
            .map_err(|_| ProviderError::Cancelled)
    }
}
