//! Licences, duplicate versions and sources, by cargo-deny and `deny.toml`.

use std::{path::PathBuf, process::Command};

use crate::{error::Result, process, workspace::Workspace};

/// The version whose reading of `deny.toml` is known.
const VERSION: &str = "0.20.2";

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut deny = Command::new(program(workspace)?);
    deny.current_dir(&workspace.root);
    deny.args("--workspace --all-features --locked check bans licenses sources".split(' '));
    process::run(&mut deny)
}

/// The one that is there, if it has the right version; else one of ours beside the build, so that
/// nobody's own installation changes.
fn program(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target.join("tools");
    let ours = tools.join("bin").join("cargo-deny");
    let theirs = process::find("cargo-deny");
    if let Some(found) = theirs.into_iter().chain([ours.clone()]).find(is_right) {
        return Ok(found);
    }
    eprintln!("-- cargo install cargo-deny {VERSION}: it is not here yet");
    let mut install = process::cargo();
    install
        .args([
            "install",
            "--locked",
            "--debug",
            "--version",
            VERSION,
            "--root",
        ])
        .args([tools.as_os_str(), "cargo-deny".as_ref()]);
    process::run(&mut install)?;
    Ok(ours)
}

fn is_right(program: &PathBuf) -> bool {
    process::output(Command::new(program).arg("--version"))
        .is_ok_and(|version| version.trim() == format!("cargo-deny {VERSION}"))
}
