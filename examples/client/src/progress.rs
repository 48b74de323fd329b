use std::io::{self, IsTerminal, Stderr, Write};

use codegen_api::model::AgentRun;
use tokio::time::Instant;

use crate::text::{brief, one_line};

/// How a run is coming along, on standard error.
///
/// A terminal gets one line that moves below the lines that stay; a file or a program gets only
/// lines that stay. Whether standard error can be written to makes no difference to the run, so
/// failures to write are not looked at.
#[derive(Debug)]
pub(crate) struct Progress<W = Stderr> {
    to: W,
    style: Style,
    run: i64,
    status: String,
    since: Instant,
    frame: usize,
    drawn: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Moving,
}

impl Progress {
    pub(crate) fn new(run: i64, silent: bool) -> Self {
        let style = match silent {
            true => Style::Silent,
            false if io::stderr().is_terminal() => Style::Moving,
            false => Style::Lines,
        };
        Self::to(io::stderr(), style, run)
    }
}

impl<W: Write> Progress<W> {
    fn to(to: W, style: Style, run: i64) -> Self {
        Self {
            to,
            style,
            run,
            status: String::new(),
            since: Instant::now(),
            frame: 0,
            drawn: false,
        }
    }

    /// Whether there is a line that wants to be moved.
    pub(crate) fn moves(&self) -> bool {
        self.style == Style::Moving
    }

    /// A line that stays.
    pub(crate) fn line(&mut self, text: &str) {
        if self.style == Style::Silent {
            return;
        }
        self.clear();
        let _ = writeln!(self.to, "run {}: {text}", self.run);
        self.draw();
    }

    /// Where the run stands. The last word is kept for [`end`](Self::end).
    pub(crate) fn status(&mut self, run: &AgentRun) {
        let status = run.status.as_ref().map_or("?", |status| status.as_str());
        if status == self.status {
            return;
        }
        self.status = status.to_owned();
        if self.style == Style::Lines && !run.is_final() {
            self.line(&one_line(status, 40));
        }
        self.draw();
    }

    /// Moves the line that moves.
    pub(crate) fn tick(&mut self) {
        self.frame = self.frame.wrapping_add(1);
        self.draw();
    }

    /// The last word on a run that has ended.
    pub(crate) fn end(&mut self) {
        let status = one_line(&self.status, 40);
        self.line(&format!(
            "{status}, watched for {}",
            brief(self.since.elapsed())
        ));
        self.clear();
    }

    /// Makes room for something else on the terminal.
    pub(crate) fn clear(&mut self) {
        if self.drawn {
            let _ = write!(self.to, "\r\x1b[2K");
            let _ = self.to.flush();
            self.drawn = false;
        }
    }

    fn draw(&mut self) {
        const FRAMES: [char; 4] = ['|', '/', '-', '\\'];
        if self.style != Style::Moving {
            return;
        }
        let frame = FRAMES[self.frame % FRAMES.len()];
        let line = format!(
            "{frame} run {}: {}, {}",
            self.run,
            one_line(&self.status, 40),
            brief(self.since.elapsed())
        );
        // Without wrapping: a line that has wrapped could not be overwritten.
        let _ = write!(self.to, "\r\x1b[2K\x1b[?7l{line}\x1b[?7h");
        let _ = self.to.flush();
        self.drawn = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: &str) -> AgentRun {
        let mut run = AgentRun::new(7, 1);
        run.status = Some(status.into());
        run
    }

    fn written(style: Style) -> String {
        let mut progress = Progress::to(Vec::new(), style, 7);
        progress.line("created");
        progress.status(&run("PENDING"));
        progress.status(&run("PENDING"));
        progress.tick();
        progress.status(&run("ACTIVE"));
        progress.line("search words");
        progress.status(&run("COMPLETE"));
        progress.line("last entry");
        progress.end();
        String::from_utf8(progress.to).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_gets_a_line_a_change_and_the_last_word_last() {
        let lines = "run 7: created\nrun 7: PENDING\nrun 7: ACTIVE\nrun 7: search words\n\
            run 7: last entry\nrun 7: COMPLETE, watched for 0.0s\n";
        assert_eq!(written(Style::Lines), lines);
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_keeps_the_lines_that_stay_and_nothing_of_the_one_that_moves() {
        let written = written(Style::Moving);
        assert!(written.contains("| run 7: PENDING, 0.0s"));
        assert!(written.contains("/ run 7: ACTIVE, 0.0s"));
        let kept: String = written
            .split('\n')
            .map(|line| line.rsplit("\x1b[2K").next().unwrap_or_default().to_owned() + "\n")
            .collect();
        let lines = "run 7: created\nrun 7: search words\nrun 7: last entry\n\
            run 7: COMPLETE, watched for 0.0s\n\n";
        assert_eq!(kept, lines);
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_gets_no_progress() {
        assert_eq!(written(Style::Silent), "");
    }
}
