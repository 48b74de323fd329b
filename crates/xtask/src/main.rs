//! The commands of this workspace: `cargo xtask test`, `ci`, `bench`.
//!
//! The README beside this crate says what each of them does.

mod arguments;
mod bench;
mod ci;
mod error;
mod process;
mod test;
mod workspace;

use std::{env, process::ExitCode};

use self::{arguments::Command, error::Result, workspace::Workspace};

/// What a command line that cannot be understood ends with; a command that failed ends with 1.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let command = match Command::parse(env::args().skip(1)) {
        Ok(command) => command,
        Err(misuse) => {
            eprintln!("error: {misuse}; `cargo xtask --help` lists what there is");
            return ExitCode::from(MISUSED);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Help => {
            print!("{}", arguments::HELP);
            Ok(())
        }
        Command::Test { arguments } => test::run(&arguments),
        Command::Ci => ci::run(&Workspace::load()?),
        Command::Bench { name, json, write } => {
            bench::run(&Workspace::load()?, name.as_deref(), json, write)
        }
    }
}
