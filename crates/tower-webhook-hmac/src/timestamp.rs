//! Points in time as providers write them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Whole seconds since 1970 in decimal digits.
    Seconds,
    /// Whole milliseconds since 1970 in decimal digits.
    Milliseconds,
    /// Whole microseconds since 1970 in decimal digits.
    Microseconds,
    /// Whole nanoseconds since 1970 in decimal digits.
    Nanoseconds,
    /// A date and time of RFC 3339, such as `2026-11-20T23:00:00.5Z`.
    Rfc3339,
    /// A date of HTTP (RFC 9110 section 5.6.7), such as `Fri, 20 Nov 2026 23:00:00 GMT`.
    HttpDate,
}

impl Unit {
    /// `None` for what isn't written so, has a sign, or is before 1970.
    pub(crate) fn parse(self, text: &str) -> Option<SystemTime> {
        let since = match self {
            Self::Seconds => Duration::from_secs(digits(text)?),
            Self::Milliseconds => Duration::from_millis(digits(text)?),
            Self::Microseconds => Duration::from_micros(digits(text)?),
            Self::Nanoseconds => Duration::from_nanos(digits(text)?),
            Self::Rfc3339 => rfc3339(text)?,
            Self::HttpDate => return httpdate::parse_http_date(text).ok(),
        };
        UNIX_EPOCH.checked_add(since)
    }

    /// Cut to the unit, never rounded up.
    pub(crate) fn write(self, time: SystemTime) -> String {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        match self {
            Self::Seconds => since.as_secs().to_string(),
            Self::Milliseconds => since.as_millis().to_string(),
            Self::Microseconds => since.as_micros().to_string(),
            Self::Nanoseconds => since.as_nanos().to_string(),
            Self::Rfc3339 => write_rfc3339(since),
            Self::HttpDate => httpdate::fmt_http_date(time),
        }
    }
}

/// Digits alone, no more than fit into an `i64`: what a signed parser on the other side reads too.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain)?;
    i64::try_from(number).is_ok().then_some(number)
}

/// Both sides of `now`, the tolerance itself included.
pub(crate) fn is_within(time: SystemTime, now: SystemTime, tolerance: Duration) -> bool {
    let apart = match now.duration_since(time) {
        Ok(past) => past,
        Err(future) => future.duration(),
    };
    apart <= tolerance
}

fn rfc3339(text: &str) -> Option<Duration> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    let at = |index: usize, any: &[u8]| bytes.get(index).is_some_and(|byte| any.contains(byte));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let separated = at(4, b"-") && at(7, b"-") && at(10, b"Tt") && at(13, b":") && at(16, b":");
    // A leap second counts as the second after it.
    let in_range = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !separated || !in_range {
        return None;
    }
    let mut end = 19;
    let mut nanos = 0_u64;
    if at(end, b".") {
        let fraction = &bytes[20..];
        let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if len == 0 {
            return None;
        }
        // What is finer than a nanosecond is cut.
        for index in 0..9 {
            let digit = fraction[..len].get(index).map_or(0, |digit| digit - b'0');
            nanos = nanos * 10 + u64::from(digit);
        }
        end = 20 + len;
    }
    let seconds = days_before(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let local = Duration::new(seconds, 0).checked_add(Duration::from_nanos(nanos))?;
    let zone = text.get(end..)?;
    if zone == "Z" || zone == "z" {
        return Some(local);
    }
    if zone.len() != 6 || !at(end + 3, b":") {
        return None;
    }
    let (hours, minutes) = (number(end + 1, end + 3)?, number(end + 4, end + 6)?);
    if hours >= 24 || minutes >= 60 {
        return None;
    }
    let offset = Duration::from_secs(hours * 3_600 + minutes * 60);
    match bytes[end] {
        b'+' => local.checked_sub(offset),
        b'-' => local.checked_add(offset),
        _ => None,
    }
}

fn write_rfc3339(since: Duration) -> String {
    let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (mut year, mut left) = (1970, days);
    while left >= days_of_year(year) {
        left -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while left >= days_of(year, month) {
        left -= days_of(year, month);
        month += 1;
    }
    let fraction = match since.subsec_nanos() {
        0 => String::new(),
        nanos => format!(".{nanos:09}"),
    };
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        left + 1,
        rest / 3_600,
        rest / 60 % 60,
        rest % 60,
    )
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Since 1970. `year` has four digits, so the loop is short.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    (1970..year).map(days_of_year).sum::<u64>()
        + (1..month).map(|month| days_of(year, month)).sum::<u64>()
        + day
        - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_rfc_3339_are_read_and_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2021-02-25T15:02:10Z", 1_614_265_330),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Unit::Rfc3339.parse(text), Some(time), "{text}");
            assert_eq!(Unit::Rfc3339.write(time), text);
        }
        let half = UNIX_EPOCH + Duration::from_millis(1_614_265_330_500);
        for text in [
            "2021-02-25T15:02:10.5Z",
            "2021-02-25t17:32:10.500+02:30",
            "2021-02-25T14:02:10.5000000009-01:00",
        ] {
            assert_eq!(Unit::Rfc3339.parse(text), Some(half), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_not_read() {
        for text in [
            "",
            "2021-02-25",
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-02-25T24:00:00Z",
            "2021-02-25T15:02:10",
            "2021-02-25T15:02:10.Z",
            "2021-02-25T15:02:10+0200",
            "2021-02-25T15:02:10Zx",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "+021-02-25T15:02:10Z",
            "2021-02-25T15:02:1éZ",
        ] {
            assert_eq!(Unit::Rfc3339.parse(text), None, "{text}");
        }
        for text in [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.0",
            "0x1",
            "٣",
            "9223372036854775808",
        ] {
            assert_eq!(Unit::Seconds.parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_tolerance_is_inclusive_on_both_sides_and_nothing_overflows() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let five = Duration::from_secs(5);
        for (time, within) in [(94, false), (95, true), (105, true), (106, false)] {
            assert_eq!(is_within(at(time), at(100), five), within);
        }
        let last = Unit::Seconds.parse("9223372036854775807");
        assert!(last.is_none_or(|last| !is_within(last, at(0), five)));
        assert!(is_within(at(u64::from(u32::MAX)), at(0), Duration::MAX));
    }
}
