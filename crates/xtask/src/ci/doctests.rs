//! Documentation tests marked `ignore` rot unseen, and would run under `--include-ignored`.

use std::{fs, path::Path};

use crate::{
    error::{Error, Result},
    workspace::Workspace,
};

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    for folder in ["crates", "examples", "benches"] {
        search(&workspace.root.join(folder), &mut found)?;
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "examples must run (or be `no_run`, or `text`), these are ignored: {}",
        found.join(", ")
    )))
}

fn search(folder: &Path, found: &mut Vec<String>) -> Result<()> {
    let cannot = |path: &Path| Error::because(format!("cannot read {}", path.display()));
    for entry in fs::read_dir(folder).map_err(cannot(folder))? {
        let path = entry.map_err(cannot(folder))?.path();
        if path.is_dir() {
            search(&path, found)?;
        } else if matches!(path.extension(), Some(kind) if kind == "rs" || kind == "md") {
            let text = fs::read_to_string(&path).map_err(cannot(&path))?;
            let lines = ignored(&text);
            found.extend(lines.map(|line| format!("{}:{line}", path.display())));
        }
    }
    Ok(())
}

/// The numbers of the lines that open a code block marked `ignore`, in markdown or in comments.
fn ignored(text: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter_map(|(position, line)| {
        let line = line.trim_start();
        let line = (line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!")))
        .unwrap_or(line);
        let info = line.trim_start().strip_prefix("```")?;
        let marked = info
            .split([',', ' '])
            .any(|word| word == "ignore" || word.starts_with("ignore-"));
        marked.then_some(position + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_example_is_found_wherever_it_is_written() {
        let fence = "```";
        let text = format!(
            "//! {fence}ignore\n\
             /// {fence}rust,ignore\n\
             {fence}no_run\n\
             \x20   /// {fence} ignore-windows\n\
             {fence}text\n\
             // ignore {fence}\n"
        );
        assert_eq!(ignored(&text).collect::<Vec<_>>(), [1, 2, 4]);
    }
}
