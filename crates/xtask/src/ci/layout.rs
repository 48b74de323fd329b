//! What may lie at the top of the repository.

use std::fs;

use crate::{
    error::{Error, Result},
    workspace::Workspace,
};

/// Dot-files and licences may, too; `target` is cargo's and not committed.
const ALLOWED: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "target",
];

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let cannot = || Error::because(format!("cannot list {}", workspace.root.display()));
    let mut foreign = Vec::new();
    for entry in fs::read_dir(&workspace.root).map_err(cannot())? {
        let name = entry.map_err(cannot())?.file_name();
        let name = name.to_string_lossy();
        if !belongs(&name) {
            foreign.push(name.into_owned());
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    foreign.sort();
    Err(Error::new(format!(
        "does not belong at the top of the repository: {}",
        foreign.join(", ")
    )))
}

fn belongs(name: &str) -> bool {
    name.starts_with('.') || name.starts_with("LICENSE-") || ALLOWED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_card_belongs_at_the_top() {
        for name in ["crates", "LICENSE-MIT", ".clippy.toml", "Cargo.lock"] {
            assert!(belongs(name), "{name}");
        }
        for name in [
            "src",
            "scripts",
            "Makefile",
            "LICENSE",
            "crates.bak",
            "NOTES.md",
        ] {
            assert!(!belongs(name), "{name}");
        }
    }
}
