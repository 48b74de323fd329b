use std::io::{self, IsTerminal, Write};

use codegen_api::{
    client::{Error, Paged, Pages},
    model::AgentRunLog,
};
use futures_core::Stream;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    failure::Failure,
    find::next,
    log,
    show::{self, Details, Row},
    text,
};

/// Standard output: tables for people, or one JSON object a line for machines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            terminal: io::stdout().is_terminal(),
        }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// One thing with everything that is known of it.
    pub(crate) fn details(self, thing: &impl Details) -> Result<(), Failure> {
        if self.json {
            return self.object(&thing.json());
        }
        self.text(&table(thing.details().map(|(name, value)| {
            [name.to_owned(), text::one_line(&value, usize::MAX)]
        })))?;
        match thing.body() {
            Some(body) => self.text(&format!("\n{body}")),
            None => Ok(()),
        }
    }

    /// A list, up to `most` entries of it. Machines get each entry as it comes.
    pub(crate) async fn list<O>(self, mut pages: Pages<O>, most: Option<u32>) -> Result<(), Failure>
    where
        O: Paged<Item: Row>,
        Pages<O>: Stream<Item = Result<O::Item, Error>> + Unpin,
    {
        let now = Timestamp::now();
        let mut left = most.unwrap_or(u32::MAX);
        let mut rows = vec![O::Item::HEADINGS.iter().map(ToString::to_string).collect()];
        while left > 0
            && let Some(entry) = next(&mut pages).await
        {
            let entry = entry?;
            left -= 1;
            if self.json {
                self.object(&entry.json())?;
            } else {
                rows.push(entry.cells(now));
            }
        }
        if self.json {
            return Ok(());
        }
        self.text(&table::<Vec<String>>(rows))
    }

    /// An entry of a run's log.
    pub(crate) fn entry(self, entry: &AgentRunLog) -> Result<(), Failure> {
        if self.json {
            self.object(&show::json(entry))
        } else {
            self.text(&log::dated(entry))
        }
    }

    pub(crate) fn object(self, object: &Value) -> Result<(), Failure> {
        self.write(&format!("{object}\n"))
    }

    /// Text for people. A file or a program gets it as it is.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let end = if text.ends_with('\n') || text.is_empty() {
            ""
        } else {
            "\n"
        };
        if self.terminal {
            self.write(&format!("{}{end}", text::harmless(text)))
        } else {
            self.write(&format!("{text}{end}"))
        }
    }

    fn write(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes());
        written
            .and_then(|()| stdout.flush())
            .map_err(Failure::Output)
    }
}

/// Rows with their columns aligned by characters. The last column is not padded.
fn table<R: AsRef<[String]>>(rows: impl IntoIterator<Item = R>) -> String {
    let rows: Vec<R> = rows.into_iter().collect();
    let length = |cell: &String| cell.chars().count();
    let mut widths = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.as_ref().len()), 0);
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = length(cell).max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row.as_ref()) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - length(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["ID", "NAME", "ROLE"],
            ["1", "Zoë", ""],
            ["100", "a longer name", "ADMIN"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        let lines = [
            "ID   NAME           ROLE",
            "1    Zoë",
            "100  a longer name  ADMIN",
            "",
        ];
        assert_eq!(table(rows), lines.join("\n"));
    }
}
