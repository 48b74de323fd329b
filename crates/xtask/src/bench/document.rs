//! The tables in `docs/benchmarks.md`.

use std::{fs, io, process::Command, thread};

use super::{estimates::Estimates, rows::Row};
use crate::{
    error::{Error, Result},
    process,
    workspace::Workspace,
};

const INTRODUCTION: &str = "\
# Benchmarks

Ours and the peers are measured in one run of one program, in CPU time of the thread (criterion,
medians), because the machine is shared; so read the ratios, and the nanoseconds only beside each
other. The sections below are written by `cargo xtask bench --write`.
";

/// Puts the section of a bench in the place of its older one.
pub(super) fn write(
    workspace: &Workspace,
    bench: &str,
    rows: &[Row],
    estimates: &Estimates,
) -> Result<()> {
    let path = workspace.root.join("docs").join("benchmarks.md");
    let cannot = || Error::because(format!("cannot refresh {}", path.display()));
    let document = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => INTRODUCTION.to_owned(),
        document => document.map_err(cannot())?,
    };
    let section = section(
        bench,
        rows,
        estimates,
        &circumstances(workspace, estimates)?,
    );
    fs::write(&path, refreshed(&document, bench, &section)).map_err(cannot())?;
    eprintln!("-- refreshed `{bench}` in docs/benchmarks.md");
    Ok(())
}

fn section(bench: &str, rows: &[Row], estimates: &Estimates, circumstances: &str) -> String {
    let mut text = format!(
        "## {bench}\n\n`cargo xtask bench {bench}`: {circumstances}.\n\n\
         | ratio | measured | goal | met |\n|---|---|---|---|\n"
    );
    for row in rows {
        let met = if row.met { "yes" } else { "no" };
        text += &format!(
            "| {} | {:.2} | {:.2} at most | {met} |\n",
            row.row, row.ratio, row.goal
        );
    }
    text += "\n| measured | nanoseconds |\n|---|---|\n";
    for (name, nanoseconds) in estimates {
        text += &format!("| {name} | {nanoseconds:.1} |\n");
    }
    text
}

/// Everything outside of the section's marks stays as it is.
fn refreshed(document: &str, bench: &str, section: &str) -> String {
    let (begin, end) = (
        format!("<!-- begin {bench} -->\n"),
        format!("<!-- end {bench} -->\n"),
    );
    let old = document.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let owned = format!("{}\n", document.trim_end());
    let (before, after) = old.unwrap_or((&owned, ""));
    let gap = if old.is_none() { "\n" } else { "" };
    format!("{before}{gap}{begin}{section}{end}{after}")
}

/// The versions, of peers and compiler, and the machine.
fn circumstances(workspace: &Workspace, estimates: &Estimates) -> Result<String> {
    let mut peers: Vec<String> = estimates
        .keys()
        .filter_map(|name| name.rsplit('/').next())
        .filter_map(|id| workspace.package(id))
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    peers.sort();
    peers.dedup();
    let compiler = process::output(Command::new("rustc").arg("--version"))?;
    let compiler = compiler.split(" (").next().unwrap_or(&compiler).trim();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    peers.push(compiler.to_owned());
    peers.push(format!("{cores} cores of {}", processor()));
    Ok(peers.join(", "))
}

fn processor() -> String {
    let linux = || {
        let cpus = fs::read_to_string("/proc/cpuinfo").ok()?;
        let line = cpus.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.to_owned())
    };
    let mac = || {
        let mut sysctl = Command::new("sysctl");
        process::output(sysctl.args(["-n", "machdep.cpu.brand_string"])).ok()
    };
    let name = linux().or_else(mac).unwrap_or_default();
    match name.trim() {
        "" => std::env::consts::ARCH.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_its_older_one_only() {
        let first = refreshed("# Benchmarks\n", "limiter", "old\n");
        let both = refreshed(&first, "cache", "cached\n");
        let renewed = refreshed(&both, "limiter", "new\n");
        assert_eq!(
            renewed,
            "# Benchmarks\n\n\
             <!-- begin limiter -->\nnew\n<!-- end limiter -->\n\n\
             <!-- begin cache -->\ncached\n<!-- end cache -->\n"
        );
    }
}
