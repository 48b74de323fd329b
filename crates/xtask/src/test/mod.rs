//! `cargo xtask test`: the whole suite, with real servers.

mod guard;
mod install;
mod postgres;
mod redis;
mod server;

use crate::{error::Result, process};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let postgres = postgres::programs()?;
    let redis = redis::program()?;
    let redis = redis::start(&redis)?;
    let postgres = postgres::start(&postgres)?;

    let mut suite = process::cargo();
    suite
        .args(cargo_arguments(arguments))
        .env("REDIS_URL", redis.url())
        .env("POSTGRES_URL", postgres.url())
        // Somebody's real database, which no test is to find.
        .env_remove("DATABASE_URL");
    eprintln!("-- {}", process::line(&suite));
    process::run(&mut suite)
}

/// What the caller wrote, completed: all packages unless he named some, and the tests that need
/// a server.
fn cargo_arguments(arguments: &[String]) -> Vec<String> {
    let (for_cargo, for_tests) = match arguments.iter().position(|argument| argument == "--") {
        Some(position) => (&arguments[..position], &arguments[position + 1..]),
        None => (arguments, &[][..]),
    };
    let chosen = for_cargo
        .iter()
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let mut all = vec!["test".to_owned()];
    if !chosen {
        all.push("--workspace".to_owned());
    }
    all.extend(["--all-features", "--locked"].map(str::to_owned));
    all.extend_from_slice(for_cargo);
    all.extend(["--", "--include-ignored"].map(str::to_owned));
    all.extend_from_slice(for_tests);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(line: &str) -> String {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        cargo_arguments(&arguments).join(" ")
    }

    #[test]
    fn everything_runs_unless_a_package_is_named() {
        assert_eq!(
            completed(""),
            "test --workspace --all-features --locked -- --include-ignored"
        );
        assert_eq!(
            completed("-p xtask --lib"),
            "test --all-features --locked -p xtask --lib -- --include-ignored"
        );
    }

    #[test]
    fn arguments_of_the_tests_stay_with_the_tests() {
        assert_eq!(
            completed("--no-fail-fast -- stale --nocapture -p"),
            "test --workspace --all-features --locked --no-fail-fast \
             -- --include-ignored stale --nocapture -p"
        );
    }
}
