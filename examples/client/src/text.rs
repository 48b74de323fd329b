//! Text that comes from elsewhere, made fit for a terminal.

use std::time::Duration;

/// `text` on one line, without control characters and at most `most` characters long.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let start: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", start.trim_end())
}

/// `text` without what could move the cursor or change the terminal.
pub(crate) fn harmless(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.replace(
        |c: char| c.is_control() && !matches!(c, '\n' | '\t'),
        "\u{fffd}",
    )
}

/// A duration in the two units that matter: `0.4s`, `34s`, `3m 12s`, `2h 5m`, `4d 3h`.
pub(crate) fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{seconds}.{}s", duration.subsec_millis() / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_no_control_characters() {
        assert_eq!(one_line("  a\r\n\tb \u{1b}[2Jc\u{9b}d ", 80), "a b [2Jc d");
        assert_eq!(one_line("", 80), "");
    }

    #[test]
    fn a_line_is_cut_at_the_limit_and_not_before() {
        assert_eq!(one_line("four four", 9), "four four");
        assert_eq!(one_line("four four", 8), "four fo…");
        assert_eq!(one_line("four four", 5), "four…");
        assert_eq!(one_line("four four", 4), "fou…");
        assert_eq!(one_line("äöüß", 4), "äöüß");
        assert_eq!(one_line("äöüßä", 4), "äöü…");
    }

    #[test]
    fn an_answer_keeps_its_lines_but_no_escape_sequence() {
        assert_eq!(
            harmless("a\r\nb\tc\u{1b}[31m\r"),
            "a\nb\tc\u{fffd}[31m\u{fffd}"
        );
    }

    #[test]
    fn durations_show_two_units() {
        for (milliseconds, text) in [
            (0, "0.0s"),
            (499, "0.4s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (59_999, "59s"),
            (60_000, "1m 0s"),
            (3_599_000, "59m 59s"),
            (3_600_000, "1h 0m"),
            (86_399_000, "23h 59m"),
            (86_400_000, "1d 0h"),
        ] {
            assert_eq!(brief(Duration::from_millis(milliseconds)), text);
        }
    }
}
