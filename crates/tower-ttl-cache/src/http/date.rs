use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An HTTP date (RFC 9110 section 5.6.7) in any of its three forms, as seconds since 1970.
///
/// The forms are taken by the letter except for upper and lower case, in which senders differ.
/// Days of the week are not checked against the date. A year of two digits is at most 50 years
/// ahead of `now`.
pub(crate) fn parse(value: &[u8], now: u64) -> Option<u64> {
    if !value.is_ascii() {
        return None;
    }
    let (first, rest) = value.split_at_checked(value.iter().position(|&byte| byte == b' ')?)?;
    let rest = &rest[1..];
    match first.strip_suffix(b",") {
        Some(day) if day.len() == 3 => day_name(day).and_then(|()| fixdate(rest)),
        Some(day) => long_day_name(day).and_then(|()| rfc850(rest, now)),
        None => day_name(first).and_then(|()| asctime(rest)),
    }
}

/// The date of a clock, in the preferred form.
pub(crate) fn format(wall: SystemTime) -> String {
    // The end of the year 9999: a form of four digits has no more, and the formatter panics.
    const LAST: u64 = 253_402_300_799;
    let seconds = unix_seconds(wall).min(LAST);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// HTTP dates have whole seconds, so the clock is rounded down to them too: otherwise every
/// response would seem to have aged by the fraction.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

fn day_name(name: &[u8]) -> Option<()> {
    let is = |day: &&str| name.eq_ignore_ascii_case(&day.as_bytes()[..3]);
    DAYS.iter().any(is).then_some(())
}

fn long_day_name(name: &[u8]) -> Option<()> {
    let is = |day: &&str| name.eq_ignore_ascii_case(day.as_bytes());
    DAYS.iter().any(is).then_some(())
}

/// `06 Nov 1994 08:49:37 GMT`
fn fixdate(rest: &[u8]) -> Option<u64> {
    let [
        d1,
        d2,
        b' ',
        m1,
        m2,
        m3,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        time @ ..,
    ] = rest
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    at(year, [*m1, *m2, *m3], number(&[*d1, *d2])?, gmt(time)?)
}

/// `06-Nov-94 08:49:37 GMT`
fn rfc850(rest: &[u8], now: u64) -> Option<u64> {
    const YEAR: u64 = 31_556_952;
    let [d1, d2, b'-', m1, m2, m3, b'-', y1, y2, b' ', time @ ..] = rest else {
        return None;
    };
    let this_year = 1970 + now / YEAR;
    let mut year = this_year - this_year % 100 + number(&[*y1, *y2])?;
    if year > this_year + 50 {
        year -= 100;
    }
    at(year, [*m1, *m2, *m3], number(&[*d1, *d2])?, gmt(time)?)
}

/// `Nov  6 08:49:37 1994`
fn asctime(rest: &[u8]) -> Option<u64> {
    let [
        m1,
        m2,
        m3,
        b' ',
        d1,
        d2,
        b' ',
        time @ ..,
        b' ',
        y1,
        y2,
        y3,
        y4,
    ] = rest
    else {
        return None;
    };
    let tens = if *d1 == b' ' { b'0' } else { *d1 };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    at(year, [*m1, *m2, *m3], number(&[tens, *d2])?, clock(time)?)
}

fn gmt(time: &[u8]) -> Option<u64> {
    let (time, zone) = time.split_at_checked(8)?;
    zone.eq_ignore_ascii_case(b" GMT").then_some(())?;
    clock(time)
}

/// `08:49:37`, in seconds. A leap second counts as the one before it.
fn clock(time: &[u8]) -> Option<u64> {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
    let second = number(&[*s1, *s2])?;
    (hour < 24 && minute < 60 && second <= 60).then_some(())?;
    Some((hour * 60 + minute) * 60 + second.min(59))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// Seconds since 1970; a moment before that counts as its beginning.
fn at(year: u64, month: [u8; 3], day: u64, seconds: u64) -> Option<u64> {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = month.map(|byte| byte.to_ascii_lowercase());
    let month = MONTHS.iter().position(|name| name.as_bytes() == month)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = LENGTHS[month] + u64::from(leap && month == 1);
    (1..=length).contains(&day).then_some(())?;
    if year < 1970 {
        return Some(0);
    }
    let before = |year: u64| {
        let years = year - 1;
        years * 365 + years / 4 - years / 100 + years / 400
    };
    let months: u64 = LENGTHS[..month].iter().sum();
    let days = before(year) - before(1970) + months + u64::from(leap && month > 1) + day - 1;
    Some(days * 86_400 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    #[test]
    fn the_three_forms_name_the_same_moment() {
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 NOV 1994 08:49:37 gmt",
        ] {
            assert_eq!(parse(value.as_bytes(), NOW), Some(784_111_777), "{value}");
        }
        assert_eq!(
            parse(b"Thu, 29 Feb 2024 00:00:00 GMT", NOW),
            Some(1_709_164_800)
        );
        assert_eq!(
            parse(b"Fri, 01 Mar 2024 00:00:60 GMT", NOW),
            Some(1_709_251_259)
        );
    }

    /// RFC 9110 section 5.6.7.
    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        let year = |value: &str| parse(value.as_bytes(), NOW).map(|at| 1970 + at / 31_556_952);
        assert_eq!(year("Friday, 02-Jan-76 00:00:00 GMT"), Some(2076));
        assert_eq!(year("Friday, 08-Jan-77 00:00:00 GMT"), Some(1977));
    }

    #[test]
    fn what_has_none_of_the_forms_is_no_date() {
        for value in [
            "",
            "0",
            "Thu, 18 Aug 2050 02:01:18 UTC",
            "Thu, 18 Aug 2050 02:01:18",
            "Thu, 18 Aug 50 02:01:18 GMT",
            "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT",
            "Thu, 18-Aug-2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT",
            "Thu, 18 Aug 2050 24:01:18 GMT",
            "Thu, 31 Jun 2050 02:01:18 GMT",
            "Thu, 29 Feb 2023 02:01:18 GMT",
            "Xxx, 18 Aug 2050 02:01:18 GMT",
            "Thu, 18 Aug 2050 02:01:18 GMT ",
        ] {
            assert_eq!(parse(value.as_bytes(), NOW), None, "{value}");
        }
    }
}
