use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{Entry, Journal, live::Live};

/// A journal that ends with the program, for tests. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    live: Arc<Mutex<Live>>,
}

impl MemoryJournal {
    // None of its methods leaves a half-done change.
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn begin(&self, entry: &Entry) -> io::Result<()> {
        self.live().begin(entry.clone());
        Ok(())
    }

    fn retry(&self, key: &str, attempts: u32, due: SystemTime) -> io::Result<()> {
        self.live().retry(key, attempts, due);
        Ok(())
    }

    fn finish(&self, key: &str) -> io::Result<()> {
        self.live().finish(key);
        Ok(())
    }

    fn pending(&self) -> io::Result<Vec<Entry>> {
        Ok(self.live().pending())
    }
}
