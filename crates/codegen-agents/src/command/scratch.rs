use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{ProviderError, tree};

/// Two copies of a source tree and two empty directories, all gone when this is dropped.
pub(super) struct Scratch {
    dir: TempDir,
}

impl Scratch {
    /// Copies the tree below `root`. Blocks; looks at `cancel` before every file.
    pub(super) fn copy(
        root: &Path,
        limit: u64,
        cancel: &CancellationToken,
    ) -> Result<Self, ProviderError> {
        let root = tree::canonical_root(root).map_err(ProviderError::io("open the source tree"))?;
        let scratch = Self::empty().map_err(ProviderError::io("create a scratch directory"))?;
        let mut left = limit;
        for entry in tree::walk(&root, true) {
            if cancel.is_cancelled() {
                return Err(ProviderError::Cancelled);
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => match error.into_io_error() {
                    // Gone since its directory was read.
                    Some(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    error => {
                        let error = error.unwrap_or_else(|| io::ErrorKind::Other.into());
                        return Err(ProviderError::io("walk the source tree")(error));
                    }
                },
            };
            let Ok(path) = entry.path().strip_prefix(&root) else {
                continue;
            };
            let Some(kind) = entry.file_type() else {
                continue;
            };
            let copied = if kind.is_dir() {
                scratch.create_dir(path)
            } else if kind.is_symlink() {
                scratch.copy_link(&root, path)
            } else if kind.is_file() {
                match scratch.copy_file(&root, path, left) {
                    Ok(Some(bytes)) => {
                        left -= bytes;
                        Ok(())
                    }
                    Ok(None) => return Err(ProviderError::RepositoryTooLarge { limit }),
                    Err(error) => Err(error),
                }
            } else {
                Ok(())
            };
            match copied {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ProviderError::io("copy the source tree")(error));
                }
                _ => {}
            }
        }
        Ok(scratch)
    }

    /// The tree as it was.
    pub(super) fn base(&self) -> PathBuf {
        self.dir.path().join("base")
    }

    /// The tree the program works in.
    pub(super) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    /// Removes everything, also from directories the program made unwritable, and says so when
    /// that fails; dropping does neither. Blocks.
    pub(super) fn remove(self) {
        let dir = self.dir.keep();
        let removed = fs::remove_dir_all(&dir).or_else(|_| {
            make_writable(&dir);
            fs::remove_dir_all(&dir)
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "cannot remove a scratch directory");
        }
    }

    fn empty() -> io::Result<Self> {
        let scratch = Self {
            dir: tempfile::Builder::new().prefix("codegen-run-").tempdir()?,
        };
        for dir in [
            scratch.base(),
            scratch.work(),
            scratch.home(),
            scratch.tmp(),
        ] {
            fs::create_dir(dir)?;
        }
        Ok(scratch)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(self.base().join(path))?;
        fs::create_dir_all(self.work().join(path))
    }

    /// The number of bytes copied, `None` when there are more than `limit`.
    fn copy_file(&self, root: &Path, path: &Path, limit: u64) -> io::Result<Option<u64>> {
        let source = tree::open(&root.join(path))?;
        let permissions = source.metadata()?.permissions();
        let base = self.base().join(path);
        let mut target = File::create_new(&base)?;
        let bytes = io::copy(&mut source.take(limit.saturating_add(1)), &mut target)?;
        if bytes > limit {
            return Ok(None);
        }
        target.set_permissions(permissions)?;
        drop(target);
        fs::copy(base, self.work().join(path))?;
        Ok(Some(bytes))
    }

    /// Only a link that is relative and leads to a place inside the tree leads to the same place
    /// inside the copy; any other would let the program write to the original.
    fn copy_link(&self, root: &Path, path: &Path) -> io::Result<()> {
        let link = root.join(path);
        let target = fs::read_link(&link)?;
        let inside = target.is_relative()
            && fs::canonicalize(&link).is_ok_and(|place| place.starts_with(root));
        if inside {
            symlink(&target, self.base().join(path))?;
            symlink(&target, self.work().join(path))?;
        }
        Ok(())
    }
}

/// Every directory below `dir` can be emptied afterwards, as far as that is allowed.
fn make_writable(dir: &Path) {
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        // What cannot be changed is found out by the removal.
        let _ = fs::set_permissions(&dir, Permissions::from_mode(0o700));
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        dirs.extend(entries.filter_map(|entry| {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_dir.then(|| entry.path())
        }));
    }
}
