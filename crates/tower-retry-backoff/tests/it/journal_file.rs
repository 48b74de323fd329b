use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tower_retry_backoff::persist::{Entry, FileJournal, Journal};

use crate::{
    persist::{keys, left, now},
    upstream::ms,
};

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("retry.journal");
    (directory, path)
}

/// Writes records of all kinds. How long the file was after each, and what was pending.
fn written(path: &Path) -> Vec<(usize, Vec<Entry>)> {
    let journal = FileJournal::open(path).unwrap();
    let mut steps = Vec::new();
    let mut step = |written: io::Result<()>| {
        written.unwrap();
        let length = fs::read(path).unwrap().len();
        steps.push((length, journal.pending().unwrap()));
    };
    step(Ok(()));
    step(journal.begin(&left("one", 1, 2, 9)));
    step(journal.begin(&left("two", 1, 1, 9)));
    step(journal.retry("one", 2, now() + ms(3_456)));
    step(journal.finish("two"));
    step(journal.begin(&left("", 0, 0, 0)));
    step(journal.begin(&left("one", 5, 5, 5)));
    step(journal.finish("nobody"));
    steps
}

#[test]
fn a_file_cut_off_anywhere_holds_what_was_written_whole() {
    let (_directory, path) = directory();
    let steps = written(&path);
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let journal = FileJournal::open(&path).unwrap();
        let expected = steps.iter().rev().find(|(at, _)| *at <= length);
        let expected = expected.map_or_else(Vec::new, |(_, pending)| pending.clone());
        assert_eq!(journal.pending().unwrap(), expected, "{length}");

        // And it can be written to as if nothing had happened.
        journal.begin(&left("after", 1, 900, 999)).unwrap();
        let again = keys(&FileJournal::open(&path).unwrap());
        assert_eq!(again.len(), expected.len() + 1, "{length}");
        assert_eq!(again.last().map(String::as_str), Some("after"));
    }
}

#[test]
fn no_bit_can_be_turned_without_notice() {
    let (_directory, path) = directory();
    let steps = written(&path);
    let whole = fs::read(&path).unwrap();
    let (before_last, pending) = &steps[steps.len() - 2];
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &damaged).unwrap();
        match FileJournal::open(&path) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                assert_eq!(fs::read(&path).unwrap(), damaged, "left as it is");
            }
            // Like a record cut off: the last one, and only that, is missing.
            Ok(journal) => {
                assert!(bit / 8 >= *before_last, "{bit}");
                assert_eq!(journal.pending().unwrap(), *pending);
            }
        }
    }
}

#[test]
fn what_is_no_journal_is_refused_and_not_touched() {
    let (_directory, path) = directory();
    fs::write(&path, "dear diary").unwrap();
    let error = FileJournal::open(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
}

#[test]
fn a_kill_while_the_file_is_written_anew_loses_nothing() {
    let (_directory, path) = directory();
    let pending = written(&path).pop().unwrap().1;
    // The new file was begun and not finished.
    let new = path.with_extension("journal.new");
    fs::write(&new, "retry-jour").unwrap();
    let journal = FileJournal::open(&path).unwrap();
    assert_eq!(journal.pending().unwrap(), pending);
    assert!(!new.exists());
}

#[test]
fn the_file_does_not_grow_with_what_is_finished() {
    let (_directory, path) = directory();
    let journal = FileJournal::open(&path).unwrap();
    journal.begin(&left("stays", 1, 1, 1)).unwrap();
    let mut long = left("passes", 1, 1, 1);
    long.request = vec![7; 100_000];
    let mut longest = 0;
    for _ in 0..100 {
        journal.begin(&long).unwrap();
        journal.finish("passes").unwrap();
        longest = longest.max(fs::metadata(&path).unwrap().len());
    }
    assert!(longest < 2 << 20, "{longest}");
    assert_eq!(keys(&journal), ["stays"]);
    assert_eq!(keys(&FileJournal::open(&path).unwrap()), ["stays"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = directory();
    written(&path);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
