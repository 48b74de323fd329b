use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use similar::{Algorithm, TextDiff};
use tokio_util::sync::CancellationToken;

use crate::{ProviderError, tree};

/// Files with more bytes are compared but not shown.
const LARGEST_SHOWN: usize = 1 << 20;

/// Two files without much in common take quadratic time to align; after this one they are taken
/// to have nothing in common.
const ALIGN_LIMIT: Duration = Duration::from_secs(2);

/// The difference between two trees.
#[derive(Debug, Default)]
pub(super) struct Diff {
    /// How many files differ.
    pub(super) files: usize,
    /// In the format of git.
    pub(super) text: String,
}

/// Compares `work` with `base`, by the ignore files of each. Blocks; looks at `cancel` before
/// every file.
pub(super) fn diff(
    base: &Path,
    work: &Path,
    limit: usize,
    cancel: &CancellationToken,
) -> Result<Diff, ProviderError> {
    let mut diff = Diff::default();
    let work = &fs::canonicalize(work).map_err(ProviderError::io("find the scratch copy"))?;
    let mut paths = files(base);
    paths.extend(files(work));
    for path in paths {
        if cancel.is_cancelled() {
            return Err(ProviderError::Cancelled);
        }
        let new = work.join(&path);
        // A directory may have become a link to somewhere else: what is there is no change.
        let parent = new.parent().map(fs::canonicalize);
        let inside = matches!(parent, Some(Ok(parent)) if parent.starts_with(work));
        let new = inside.then_some(new);
        compare(&mut diff, &path, &base.join(&path), new.as_deref())
            .map_err(ProviderError::io("compare the scratch copy"))?;
        if diff.text.len() > limit {
            return Err(ProviderError::OutputLimit { limit });
        }
    }
    Ok(diff)
}

/// Everything but directories, sorted. What cannot be read cannot be compared: it is left out.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    tree::walk(root, true)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_owned()))
        .collect()
}

fn compare(diff: &mut Diff, path: &Path, old: &Path, new: Option<&Path>) -> io::Result<()> {
    let old_mode = mode(old)?;
    let new_mode = new.map_or(Ok(None), mode)?;
    let unchanged = match new {
        Some(new) if old_mode.is_some() && old_mode == new_mode => same(old, new)?,
        _ => old_mode.is_none() && new_mode.is_none(),
    };
    if unchanged {
        return Ok(());
    }
    diff.files += 1;
    let name = tree::shown(path);
    let text = &mut diff.text;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "diff --git a/{name} b/{name}");
    let _ = match (old_mode, new_mode) {
        (None, Some(mode)) => writeln!(text, "new file mode {mode}"),
        (Some(mode), None) => writeln!(text, "deleted file mode {mode}"),
        (Some(old), Some(new)) if old != new => {
            writeln!(text, "old mode {old}\nnew mode {new}")
        }
        _ => Ok(()),
    };
    let side = |prefix: &str, mode: Option<&str>| match mode {
        Some(_) => format!("{prefix}/{name}"),
        None => "/dev/null".to_owned(),
    };
    let (from, to) = (side("a", old_mode), side("b", new_mode));
    let new = new.map_or_else(|| Ok(Some(String::new())), shown)?;
    match (shown(old)?, new) {
        (Some(old), Some(new)) => {
            let lines = TextDiff::configure()
                .algorithm(Algorithm::Myers)
                .timeout(ALIGN_LIMIT)
                .diff_lines(&old, &new);
            let _ = write!(text, "{}", lines.unified_diff().header(&from, &to));
        }
        _ => {
            let _ = writeln!(text, "Binary files {from} and {to} differ");
        }
    }
    Ok(())
}

/// The mode as git writes it, `None` when there is no file.
fn mode(path: &Path) -> io::Result<Option<&'static str>> {
    Ok(metadata(path)?.map(|metadata| {
        if metadata.is_symlink() {
            "120000"
        } else if metadata.permissions().mode() & 0o100 != 0 {
            "100755"
        } else {
            "100644"
        }
    }))
}

/// `None` when there is nothing, or something that is neither a file nor a link.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() || metadata.is_symlink() => Ok(Some(metadata)),
        Ok(_) => Ok(None),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file is also absent when its directory became a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Whether two paths of the same mode have the same content, without holding it.
fn same(old: &Path, new: &Path) -> io::Result<bool> {
    let Some(metadata) = metadata(old)? else {
        return Ok(true);
    };
    if metadata.is_symlink() {
        return Ok(fs::read_link(old)? == fs::read_link(new)?);
    }
    let (mut old, mut new) = (tree::open(old)?, tree::open(new)?);
    if old.metadata()?.len() != new.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let read = old.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        match new.read_exact(&mut right[..read]) {
            Ok(()) if left[..read] == right[..read] => {}
            Ok(()) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// The text to show: of a file its lines, of a link its target, of nothing the empty text; `None`
/// when it is no text or too much of it.
fn shown(path: &Path) -> io::Result<Option<String>> {
    let Some(metadata) = metadata(path)? else {
        return Ok(Some(String::new()));
    };
    let content = if metadata.is_symlink() {
        Some(fs::read_link(path)?.into_os_string().into_vec())
    } else {
        tree::read(path, LARGEST_SHOWN)?
    };
    Ok(content
        .filter(|content| !content.contains(&0))
        .and_then(|content| String::from_utf8(content).ok()))
}
