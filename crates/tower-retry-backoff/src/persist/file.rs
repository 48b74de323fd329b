use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{Entry, Journal, live::Live, log};

/// Below this a file is not worth tidying up.
const SMALL: u64 = 1 << 20;

/// A journal in a file to which records are appended. Clones share it; nothing else may have the file
/// open, or what one writes the other would not see.
///
/// Each record is one write, without waiting for the device: it survives the end of the process
/// however it comes, but not a loss of power. A record cut off by a kill is dropped when the file is
/// opened next; damage elsewhere is an error, and the file is left as it is.
///
/// The file is written anew, under another name first, when it is opened and when more than three
/// quarters of a file over 1 MiB are of finished operations. That waits for the device. The pending
/// operations are also held in memory. On Unix only the owner may read it.
#[derive(Clone)]
pub struct FileJournal {
    open: Arc<Mutex<Open>>,
}

struct Open {
    path: PathBuf,
    file: File,
    // Of the file, without what a failed write may have left.
    length: u64,
    // Beyond this it is looked whether to tidy up.
    tidy_at: u64,
    live: Live,
    // A failed write could not be undone: what comes after it would be lost.
    broken: bool,
}

impl FileJournal {
    /// Opens the journal, or makes an empty one. The directory must exist.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written; of the kind [`InvalidData`](io::ErrorKind) when it
    /// is damaged or no journal.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let written = match fs::read(&path) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let live = log::read(&written).map_err(|log::Damaged(at)| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the retry journal is damaged at byte {at}"),
            )
        })?;
        let (file, length) = write_anew(&path, &live)?;
        let open = Open {
            path,
            file,
            length,
            tidy_at: SMALL,
            live,
            broken: false,
        };
        Ok(Self {
            open: Arc::new(Mutex::new(open)),
        })
    }

    // A panic in between leaves at worst a record in the file that memory does not know of.
    fn open_file(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for FileJournal {
    fn begin(&self, entry: &Entry) -> io::Result<()> {
        let mut open = self.open_file();
        open.append(log::begin(entry))?;
        open.live.begin(entry.clone());
        open.tidy_up();
        Ok(())
    }

    fn retry(&self, key: &str, attempts: u32, due: SystemTime) -> io::Result<()> {
        let mut open = self.open_file();
        open.append(log::retry(key, attempts, due))?;
        open.live.retry(key, attempts, due);
        open.tidy_up();
        Ok(())
    }

    fn finish(&self, key: &str) -> io::Result<()> {
        let mut open = self.open_file();
        open.append(log::finish(key))?;
        open.live.finish(key);
        open.tidy_up();
        Ok(())
    }

    fn pending(&self) -> io::Result<Vec<Entry>> {
        Ok(self.open_file().live.pending())
    }
}

impl Open {
    fn append(&mut self, frame: Option<Vec<u8>>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write to the retry journal failed",
            ));
        }
        let Some(frame) = frame else {
            let message = "the operation is too long for the retry journal";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        if let Err(error) = self.file.write_all(&frame) {
            // A part of it may be there, and would hide what is appended after it.
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += frame.len() as u64;
        Ok(())
    }

    /// The record that led here is written; if this fails it stays where it is, in the old file.
    fn tidy_up(&mut self) {
        if self.length < self.tidy_at {
            return;
        }
        let mostly_finished = self.length / 4 > self.live.bytes() as u64;
        if mostly_finished && let Ok((file, length)) = write_anew(&self.path, &self.live) {
            (self.file, self.length) = (file, length);
        }
        self.tidy_at = SMALL.max(self.length.saturating_mul(2));
    }
}

impl fmt::Debug for FileJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileJournal")
            .field("path", &self.open_file().path)
            .finish_non_exhaustive()
    }
}

/// Puts a file with nothing but the pending operations in the place of the one at `path`. At no
/// moment is neither there whole.
fn write_anew(path: &Path, live: &Live) -> io::Result<(File, u64)> {
    let mut bytes = log::HEAD.to_vec();
    // All of them came out of frames, so they fit into frames.
    for frame in live.pending().iter().filter_map(log::begin) {
        bytes.extend_from_slice(&frame);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(&bytes)?;
    // Or a loss of power could leave the new name without the bytes.
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok((file, bytes.len() as u64))
}
