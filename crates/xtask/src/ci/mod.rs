//! `cargo xtask ci`: what a change must pass.

mod deny;
mod dependencies;
mod doctests;
mod layout;

use std::time::Duration;

use crate::{error::Result, process, test, workspace::Workspace};

type Step = (&'static str, fn(&Workspace) -> Result<()>);

/// Quick ones first. Format, clippy and documentation come before the suite because they share
/// its build of the dependencies and fail sooner.
const STEPS: [Step; 10] = [
    ("top level", layout::check),
    ("dependency rules", dependencies::check),
    ("documentation tests all run", doctests::check),
    ("format", format),
    ("clippy", clippy),
    ("documentation", documentation),
    ("layer crates alone", layers_alone),
    ("test suite", |_| test::run(&[])),
    ("quickstart", quickstart),
    ("licences and bans", deny::check),
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut total = Duration::ZERO;
    for (position, (name, step)) in STEPS.iter().enumerate() {
        eprintln!("\n== {} of {}: {name}", position + 1, STEPS.len());
        let (result, elapsed) = timed(|| step(workspace));
        total += elapsed;
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("== {name}: {verdict} in {:.1} s", elapsed.as_secs_f64());
        result?;
    }
    eprintln!("\n== all of it: ok in {:.1} s", total.as_secs_f64());
    Ok(())
}

#[expect(
    clippy::disallowed_types,
    reason = "no runtime here whose clock could be paused"
)]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn format(_: &Workspace) -> Result<()> {
    cargo("fmt --all --check")
}

fn clippy(_: &Workspace) -> Result<()> {
    cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings")
}

fn documentation(_: &Workspace) -> Result<()> {
    let mut command = process::cargo();
    command
        .env("RUSTDOCFLAGS", "-D warnings")
        .args("doc --workspace --all-features --no-deps --locked".split(' '));
    process::run(&mut command)
}

/// In the workspace's build the switches of all members are on at once; a layer's users have
/// only their own.
fn layers_alone(workspace: &Workspace) -> Result<()> {
    for layer in workspace.layers() {
        let name = &layer.name;
        cargo(&format!(
            "clippy -p {name} --no-default-features --locked -- -D warnings"
        ))?;
    }
    Ok(())
}

fn quickstart(_: &Workspace) -> Result<()> {
    cargo("run --locked -p quickstart")
}

fn cargo(arguments: &str) -> Result<()> {
    eprintln!("-- cargo {arguments}");
    process::run(process::cargo().args(arguments.split(' ')))
}
