use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use ignore::{Walk, WalkBuilder};

/// Walks a source tree: ignore files inside it are honoured, symbolic links are not followed,
/// `.git` is left out, the order is that of the names.
///
/// Ignore files above the root and those of the machine's user don't count: the same tree is the
/// same everywhere.
pub(crate) fn walk(root: &Path, hidden_files: bool) -> Walk {
    WalkBuilder::new(root)
        .hidden(!hidden_files)
        .parents(false)
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build()
}

/// The true place of a root, which must be a directory.
pub(crate) fn canonical_root(root: &Path) -> io::Result<std::path::PathBuf> {
    let root = fs::canonicalize(root)?;
    if root.is_dir() {
        Ok(root)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

/// The content of a regular file, `None` when it has more than `limit` bytes.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut file = open(path)?;
    let mut content = Vec::new();
    // One byte more than allowed tells a full file from one that is too long, also when it grows.
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.by_ref().take(bound).read_to_end(&mut content)?;
    Ok((content.len() <= limit).then_some(content))
}

/// Opens a file that a walk saw. It may have been replaced since: by a link that leads out of the
/// tree, or by a pipe that nobody ever writes to.
#[cfg(unix)]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    regular(file)
}

#[cfg(not(unix))]
pub(crate) fn open(path: &Path) -> io::Result<File> {
    regular(File::open(path)?)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata().as_ref().is_ok_and(Metadata::is_file) {
        Ok(file)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// A path as people write it, on one line, also when its bytes are no text.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "\u{fffd}")
}
