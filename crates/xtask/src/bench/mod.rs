//! `cargo xtask bench`: criterion benches as ratios against goals.

mod document;
mod estimates;
mod goals;
mod rows;

use std::{fs, io, process::Stdio};

use self::{estimates::Estimates, rows::Row};
use crate::{
    error::{Error, Result},
    process,
    workspace::{Package, Workspace},
};

/// The package in `benches/`, with one target a question.
const PACKAGE: &str = "benches";

pub(crate) fn run(
    workspace: &Workspace,
    name: Option<&str>,
    json: bool,
    write: bool,
) -> Result<()> {
    let package = workspace
        .package(PACKAGE)
        .ok_or_else(|| Error::new("the workspace has no package `benches`"))?;
    for bench in chosen(package, name)? {
        let estimates = measure(workspace, bench)?;
        let rows = rows::judge(bench, &estimates)?;
        if json {
            print!("{}", rows::json(&rows)?);
        } else {
            print!("{}", report(bench, &rows, &estimates));
        }
        if write {
            document::write(workspace, bench, &rows, &estimates)?;
        }
    }
    Ok(())
}

fn chosen<'a>(package: &'a Package, name: Option<&str>) -> Result<Vec<&'a str>> {
    let all: Vec<&str> = package
        .targets
        .iter()
        .filter(|target| target.kind.iter().any(|kind| kind == "bench"))
        .map(|target| target.name.as_str())
        .collect();
    let Some(name) = name else {
        return Ok(all);
    };
    match all.iter().find(|bench| **bench == name) {
        Some(bench) => Ok(vec![bench]),
        None => {
            let all = all.join(", ");
            Err(Error::new(format!("no bench `{name}`; there are: {all}")))
        }
    }
}

fn measure(workspace: &Workspace, bench: &str) -> Result<Estimates> {
    // Emptied first, so that no figure of an earlier run passes for one of this.
    let folder = workspace.target.join("xtask-bench").join(bench);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::because(folder.display())(error));
        }
        _ => {}
    }
    let mut command = process::cargo();
    command
        .args(["bench", "--locked", "--package", PACKAGE, "--bench", bench])
        .env("CRITERION_HOME", &folder)
        // Our own output is for machines and must have nothing else in it.
        .stdout(Stdio::from(io::stderr()));
    process::run(&mut command)?;
    estimates::read(&folder)
}

fn report(bench: &str, rows: &[Row], estimates: &Estimates) -> String {
    let mut text = format!("\n{bench}, nanoseconds of CPU (median)\n");
    for (name, nanoseconds) in estimates {
        text += &format!("  {name:40} {nanoseconds:>12.1}\n");
    }
    if rows.is_empty() {
        return text + "  no goals are set for this bench\n";
    }
    text += &format!("{bench}, ratios against the goals\n");
    for row in rows {
        let verdict = if row.met { "met" } else { "NOT met" };
        text += &format!(
            "  {:40} {:>12.2}   goal {:.2} at most: {verdict}\n",
            row.row, row.ratio, row.goal
        );
    }
    text
}
