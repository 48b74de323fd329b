use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;

/// Agent runs and what belongs to them, on the command line.
///
/// Answers and lists go to standard output, progress and errors to standard error.
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Where the API is: scheme and host, with or without /v1.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// The organization to act in. [default: CODEGEN_ORG_ID, or else the only one of the token]
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) organization: Option<i64>,

    /// How long to wait for the end of a run: 500ms, 30s, 2m, 1h, or seconds. [default: 10m]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// Prints JSON: one object a line on standard output, an error as one line on standard error,
    /// and no progress.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

const AFTER: &str = "\
Environment:
  CODEGEN_API_TOKEN     the token; required, and never an argument
  CODEGEN_API_BASE_URL  where the API is [default: https://api.codegen.com]
  CODEGEN_ORG_ID        the organization to act in
  CODEGEN_TIMEOUT       how long one attempt of a request may take [default: 30s]
  CODEGEN_MAX_RETRIES   retries of a request after the first attempt [default: 3]

Exit status:
  0    good
  1    the operation failed, or the run that was waited for ended without a result
  2    wrong arguments or settings
  130  interrupted";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Asks whether the server is well.
    Health,
    /// Shows the user behind the token.
    Whoami,
    /// The organizations of the token.
    #[command(subcommand)]
    Organizations(OrganizationsCommand),
    /// The members of the organization.
    #[command(subcommand)]
    Users(UsersCommand),
    /// The repositories of the organization.
    #[command(subcommand)]
    Repositories(RepositoriesCommand),
    /// Agent runs.
    #[command(subcommand)]
    Runs(RunsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationsCommand {
    /// Lists them.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Lists them.
    List,
    /// Shows one.
    Get {
        /// Id of the user.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepositoriesCommand {
    /// Lists them.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Starts a run.
    Create {
        /// What the agent is asked.
        prompt: String,

        /// The repository to work on: its name, or owner/name. [default: the organization's first]
        #[arg(long, value_name = "NAME")]
        repo: Option<String>,

        #[command(flatten)]
        follow: Follow,
    },
    /// Shows one run as it stands now.
    Get {
        /// Id of the run.
        id: i64,
    },
    /// Lists runs, newest first.
    List {
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Shows what a run has done so far, a shortened line an entry; --json shows everything.
    Logs {
        /// Id of the run.
        id: i64,

        /// Goes on until the run has ended.
        #[arg(long)]
        follow: bool,
    },
    /// Continues a run with a new prompt.
    Resume {
        /// Id of the run.
        id: i64,

        /// What the agent is asked.
        prompt: String,

        #[command(flatten)]
        follow: Follow,
    },
    /// Waits for the end of a run and prints its answer.
    Wait {
        /// Id of the run.
        id: i64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// Waits for the end of the run, shows what it does, and prints its answer.
    #[arg(long)]
    pub(crate) wait: bool,
}

impl Arguments {
    /// Reads the command line; ends the program when it asks for help or is wrong.
    pub(crate) fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            // What was wanted can't be asked of arguments that could not be read.
            if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
                let failure = Failure::Usage(error.render().to_string());
                failure.report(true);
                std::process::exit(failure.exit_status());
            }
            error.exit()
        })
    }
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    const ACCEPTED: &str = "expected a duration above zero such as 30s, 500ms, 2m or 1h; a bare \
        number is seconds and at most 3600, so 60000 must be written 60000ms or 60000s";
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| ACCEPTED)?;
    let seconds = match unit {
        "ms" if number > 0 => return Ok(Duration::from_millis(number)),
        "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        "" if number <= 3600 => Some(number),
        _ => None,
    };
    match seconds {
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err(ACCEPTED),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    fn read(line: &str) -> Result<Arguments, clap::Error> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        Arguments::try_parse_from(std::iter::once("client").chain(words))
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_is_understood() {
        for line in [
            "health",
            "whoami",
            "organizations list",
            "users list",
            "users get 7",
            "repositories list",
            "runs create prompt",
            "runs create --repo a/b prompt --wait",
            "runs create -- --prompt",
            "runs get 1",
            "runs list",
            "runs list --limit 1",
            "runs logs 1",
            "runs logs 1 --follow",
            "runs resume 1 prompt",
            "runs resume 1 prompt --wait",
            "runs wait 1",
        ] {
            assert!(read(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused_as_such() {
        for (line, kind) in [
            ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("runs", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("frobnicate", ErrorKind::InvalidSubcommand),
            ("runs create", ErrorKind::MissingRequiredArgument),
            ("runs create two words", ErrorKind::UnknownArgument),
            ("runs get one", ErrorKind::ValueValidation),
            ("runs get 99999999999999999999", ErrorKind::ValueValidation),
            ("runs list --limit 0", ErrorKind::ValueValidation),
            ("runs wait 1 --timeout 0", ErrorKind::ValueValidation),
            ("health --token secret", ErrorKind::UnknownArgument),
            ("health --organization acme", ErrorKind::ValueValidation),
        ] {
            assert_eq!(read(line).map(drop).unwrap_err().kind(), kind, "{line}");
        }
    }

    #[test]
    fn global_flags_stand_before_and_after_the_command() {
        for line in [
            "--json --organization 3 --timeout 5s --base-url http://h runs wait 1",
            "runs wait 1 --json --organization 3 --timeout 5s --base-url http://h",
            "runs --json wait --organization 3 1 --timeout 5s --base-url http://h",
        ] {
            let arguments = read(line).unwrap();
            assert!(arguments.json, "{line}");
            assert_eq!(arguments.organization, Some(3), "{line}");
            assert_eq!(arguments.timeout, Some(Duration::from_secs(5)), "{line}");
            assert_eq!(arguments.base_url.as_deref(), Some("http://h"), "{line}");
        }
    }

    #[test]
    fn durations_carry_their_unit_or_are_seconds_up_to_an_hour() {
        for (text, seconds) in [
            ("1", 1.0),
            ("3600", 3600.0),
            ("500ms", 0.5),
            ("60000s", 60_000.0),
            ("2m", 120.0),
            ("1h", 3600.0),
        ] {
            assert_eq!(
                duration(text),
                Ok(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "0",
            "0ms",
            "0h",
            "-1",
            "+1s",
            "1.5s",
            "1 s",
            "1d",
            "3601",
            "18446744073709551615m",
            "99999999999999999999s",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
