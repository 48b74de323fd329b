//! The bytes of a journal: a head, then frames of one record each.
//!
//! A frame is its length, the length with all bits turned, the checksum of the record, and the
//! record; numbers are 32 bits, the lowest first. A program that is killed leaves at most a frame
//! that is cut off; anything else that does not fit is damage, and is not repaired silently.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Entry, live::Live};

pub(super) const HEAD: &[u8] = b"retry-journal-1\n";

const BEGIN: u8 = 1;
const RETRY: u8 = 2;
const FINISH: u8 = 3;

/// Where in the log the damage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged(pub(super) usize);

/// What a log comes to. A frame that is cut off at its end counts as not written.
pub(super) fn read(log: &[u8]) -> Result<Live, Damaged> {
    let mut live = Live::default();
    let Some(frames) = log.strip_prefix(HEAD) else {
        return match HEAD.starts_with(log) {
            true => Ok(live),
            false => Err(Damaged(0)),
        };
    };
    let mut rest = frames;
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let damaged = Damaged(log.len() - rest.len());
        let [length, turned, checksum] = words(*head);
        if length != !turned {
            return Err(damaged);
        }
        let length = usize::try_from(length).map_err(|_| damaged)?;
        let Some((record, next)) = after.split_at_checked(length) else {
            break;
        };
        if crc32(record) != checksum {
            return if next.is_empty() {
                Ok(live)
            } else {
                Err(damaged)
            };
        }
        apply(record, &mut live).ok_or(damaged)?;
        rest = next;
    }
    Ok(live)
}

pub(super) fn begin(entry: &Entry) -> Option<Vec<u8>> {
    let key = u32::try_from(entry.key.len()).ok()?;
    frame(&[
        &[BEGIN],
        &entry.attempts.to_le_bytes(),
        &millis(entry.due).to_le_bytes(),
        &millis(entry.deadline).to_le_bytes(),
        &key.to_le_bytes(),
        entry.key.as_bytes(),
        &entry.request,
    ])
}

pub(super) fn retry(key: &str, attempts: u32, due: SystemTime) -> Option<Vec<u8>> {
    frame(&[
        &[RETRY],
        &attempts.to_le_bytes(),
        &millis(due).to_le_bytes(),
        key.as_bytes(),
    ])
}

pub(super) fn finish(key: &str) -> Option<Vec<u8>> {
    frame(&[&[FINISH], key.as_bytes()])
}

fn apply(record: &[u8], live: &mut Live) -> Option<()> {
    let (kind, mut rest) = record.split_first()?;
    match *kind {
        BEGIN => {
            let attempts = number(&mut rest)?;
            let (due, deadline) = (time(&mut rest)?, time(&mut rest)?);
            let length = usize::try_from(number(&mut rest)?).ok()?;
            let (key, request) = rest.split_at_checked(length)?;
            live.begin(Entry {
                key: text(key)?.to_owned(),
                request: request.to_vec(),
                attempts,
                due,
                deadline,
            });
        }
        RETRY => {
            let (attempts, due) = (number(&mut rest)?, time(&mut rest)?);
            live.retry(text(rest)?, attempts, due);
        }
        FINISH => live.finish(text(rest)?),
        _ => return None,
    }
    Some(())
}

/// `None`: it is longer than a frame can be.
fn frame(parts: &[&[u8]]) -> Option<Vec<u8>> {
    let record = parts.concat();
    let length = u32::try_from(record.len()).ok()?;
    let checksum = crc32(&record).to_le_bytes();
    Some(
        [
            &length.to_le_bytes(),
            &(!length).to_le_bytes(),
            &checksum,
            &*record,
        ]
        .concat(),
    )
}

fn words(head: [u8; 12]) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = head;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_le_bytes)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn time(rest: &mut &[u8]) -> Option<SystemTime> {
    let (millis, after) = rest.split_first_chunk()?;
    *rest = after;
    UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_le_bytes(*millis)))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Since 1970; earlier times count as that.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The checksum of Ethernet, gzip and PNG (ISO/IEC 8802-3, reflected polynomial `0xEDB88320`).
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut rest = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                rest = (rest >> 1) ^ (0xEDB8_8320 * (rest & 1));
                bit += 1;
            }
            table[byte] = rest;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |rest, byte| {
        TABLE[usize::from(rest as u8 ^ byte)] ^ (rest >> 8)
    })
}
