use std::fmt;

pub(crate) const HELP: &str = "\
The commands of this workspace.

Usage: cargo xtask <command> [arguments]

Commands:
  test [arguments of cargo test]
          Runs the whole suite, documentation tests and the tests against real servers included.
          Finds redis-server and PostgreSQL, or installs them (Debian as root, Homebrew), starts
          private instances on free loopback ports, and stops and removes them afterwards.
          Arguments go to `cargo test`, and those after `--` to the tests:
          `cargo xtask test -p tower-ttl-cache -- stale`.
  ci      Everything a change must pass: rules of the workspace, format, clippy, documentation,
          layer crates alone, `cargo xtask test`, the quickstart, licences and bans.
          Stops at the first step that fails.
  bench [name] [--json] [--write]
          Runs one file of benches/, or all, with the peers in the same run, and prints ratios
          against the goals.
          --json   prints one line a row: {\"bench\",\"row\",\"ratio\",\"goal\",\"met\"}
          --write  refreshes the tables in docs/benchmarks.md

Options:
  -h, --help  Prints this.

Ends with 0, with 1 when something failed, with 2 when the command line is not understood.
";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Test {
        arguments: Vec<String>,
    },
    Ci,
    Bench {
        name: Option<String>,
        json: bool,
        write: bool,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    NoCommand,
    Command(String),
    Argument {
        command: &'static str,
        argument: String,
    },
}

impl Command {
    /// Reads a command line without the program's name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Misuse> {
        let command = arguments.next().ok_or(Misuse::NoCommand)?;
        let arguments: Vec<String> = arguments.collect();
        if command == "help"
            || is_help(&command)
            || arguments.first().is_some_and(|first| is_help(first))
        {
            return Ok(Self::Help);
        }
        match command.as_str() {
            "test" => Ok(Self::Test { arguments }),
            "ci" => match arguments.into_iter().next() {
                None => Ok(Self::Ci),
                Some(argument) => Err(Misuse::Argument {
                    command: "ci",
                    argument,
                }),
            },
            "bench" => Self::parse_bench(arguments),
            _ => Err(Misuse::Command(command)),
        }
    }

    fn parse_bench(arguments: Vec<String>) -> Result<Self, Misuse> {
        let (mut name, mut json, mut write) = (None, false, false);
        for argument in arguments {
            match argument.as_str() {
                "--json" => json = true,
                "--write" => write = true,
                _ if name.is_none() && !argument.starts_with('-') => name = Some(argument),
                _ => {
                    return Err(Misuse::Argument {
                        command: "bench",
                        argument,
                    });
                }
            }
        }
        Ok(Self::Bench { name, json, write })
    }
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "-h" | "--help")
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str("no command given"),
            Self::Command(name) => write!(f, "no command `{name}`"),
            Self::Argument { command, argument } => {
                write!(f, "`{command}` does not take `{argument}`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Misuse> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_after_test_goes_to_cargo() {
        let Ok(Command::Test { arguments }) = parse("test -p xtask -- --nocapture") else {
            panic!("not understood");
        };
        assert_eq!(arguments, ["-p", "xtask", "--", "--nocapture"]);
    }

    #[test]
    fn bench_takes_one_name_and_its_flags_in_any_order() {
        let expected = Command::Bench {
            name: Some("limiter".to_owned()),
            json: true,
            write: true,
        };
        assert_eq!(parse("bench --json limiter --write"), Ok(expected));
        assert!(parse("bench limiter breaker").is_err());
        assert!(parse("bench --jsn").is_err());
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(parse(""), Err(Misuse::NoCommand));
        assert_eq!(parse("tset"), Err(Misuse::Command("tset".to_owned())));
        let extra = parse("ci now").unwrap_err();
        assert_eq!(extra.to_string(), "`ci` does not take `now`");
    }

    #[test]
    fn help_is_asked_for_in_every_usual_way() {
        for line in [
            "--help",
            "-h",
            "help",
            "bench --help",
            "test -h",
            "ci --help",
        ] {
            assert_eq!(parse(line), Ok(Command::Help), "{line}");
        }
    }
}
