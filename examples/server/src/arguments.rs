use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{CommandFactory, Parser, error::ErrorKind};
use tower_webhook_hmac::Secret;
use tracing_subscriber::EnvFilter;

/// The organization API: agent runs, repositories and members under /v1/organizations/{org_id}.
///
/// Prints one JSON line on standard output once it accepts connections, and logs to standard
/// error. SIGINT or SIGTERM ends it: requests in flight finish, runs at work are kept for the
/// next start. A second signal ends it at once.
#[derive(Debug, Clone, Parser)]
#[command(name = "server", version, after_help = ENVIRONMENT)]
pub struct Arguments {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// SQLite database: sqlite:FILE or sqlite::memory:. [default: sqlite::memory: with --demo,
    /// sqlite:codegen.db without]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,

    /// Creates two organizations with users, repositories and tokens if they are not there, and
    /// adds the tokens to the JSON line.
    #[arg(long)]
    pub demo: bool,

    /// Registers a local source tree: [ORGANIZATION/]NAME=PATH. Without an organization, which
    /// needs --demo, with both of the demo's. May be given again. [default with --demo: the
    /// working directory]
    #[arg(long, value_name = "NAME=PATH", value_parser = Repository::parse)]
    pub repository: Vec<Repository>,

    /// Program that works on runs of agent type claude_code, with its arguments separated by
    /// spaces. It gets the prompt on standard input, in a copy of the repository.
    #[arg(long, value_name = "PROGRAM ARGUMENTS", value_parser = command)]
    pub command: Option<Command>,

    /// How clients reach the server; part of every run's web_url. [default: http:// and the
    /// address it listens on]
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// Word for the status of a run that ended with a result.
    #[arg(long, value_name = "WORD", default_value = "COMPLETE", value_parser = word)]
    pub complete_word: String,

    /// Refuses prompts without a visible character with 422.
    #[arg(long)]
    pub refuse_empty_prompts: bool,

    /// Switches the rate limits off.
    #[arg(long)]
    pub no_rate_limits: bool,

    /// Seconds that requests in flight, and then runs at work, get to finish after a signal.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub drain: Duration,

    /// Seconds until a run at work counts as abandoned by a server that was killed: so long it
    /// waits for the next start to take it up. At least 1.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = lease)]
    pub lease: Duration,

    /// Accepts GitHub webhooks signed with this secret, in place of the variable: for programs that
    /// start the server themselves.
    #[arg(skip)]
    pub webhook_secret: Option<Secret>,

    /// What to log: off, error, warn, info, debug, trace, or a filter such as
    /// "info,sqlx=debug".
    #[arg(long, value_name = "FILTER", default_value = "info", value_parser = filter)]
    pub log: String,
}

const ENVIRONMENT: &str = "\
Environment:
  GITHUB_WEBHOOK_SECRET  accepts GitHub webhooks signed with it at POST /webhooks/github

Exit status: 0 after a signal, 1 when it could not start or a second signal cut it short, 2 for a
wrong argument.";

impl Default for Arguments {
    /// What an empty command line means.
    fn default() -> Self {
        Self::parse_from(["server"])
    }
}

impl Arguments {
    /// Reads the command line of the process. Ends it with one line on standard error when that
    /// is wrong, and after printing what `--help` or `--version` asks for.
    #[must_use]
    pub fn of_the_process() -> Self {
        Self::try_parse()
            .and_then(Self::check)
            .unwrap_or_else(|error| {
                if !error.use_stderr() {
                    error.exit();
                }
                eprintln!("server: {}", one_line(&error));
                std::process::exit(2)
            })
    }

    /// What no argument can say about itself.
    fn check(self) -> Result<Self, clap::Error> {
        let mut trees = self.repository.iter();
        if !self.demo && trees.any(|tree| tree.organization.is_none()) {
            let text = "--repository needs ORGANIZATION/NAME=PATH without --demo";
            return Err(Self::command().error(ErrorKind::MissingRequiredArgument, text));
        }
        Ok(self)
    }

    /// The database in effect.
    #[must_use]
    pub fn database(&self) -> &str {
        let default = if self.demo {
            "sqlite::memory:"
        } else {
            "sqlite:codegen.db"
        };
        self.database.as_deref().unwrap_or(default)
    }
}

/// What is wrong and the hint, without the paragraphs on usage.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join("; ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    format!("{said} (--help tells more)")
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
}

fn command(text: &str) -> Result<Command, String> {
    let mut words = text.split_whitespace().map(str::to_owned);
    let program = words.next().ok_or("expected a program")?;
    let arguments = words.collect();
    Ok(Command { program, arguments })
}

/// A local source tree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// The organization's name; `None` for those of the demo.
    pub organization: Option<String>,
    /// The repository's name.
    pub name: String,
    /// Where the tree is.
    pub root: PathBuf,
}

impl Repository {
    /// Reads `[ORGANIZATION/]NAME=PATH`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for a person: also when the path is not a directory.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (names, path) = text
            .split_once('=')
            .ok_or("expected [ORGANIZATION/]NAME=PATH")?;
        let (organization, name) = match names.split_once('/') {
            Some((organization, name)) => (Some(named(organization)?), named(name)?),
            None => (None, named(names)?),
        };
        let root = std::fs::canonicalize(path).map_err(|error| format!("{path}: {error}"))?;
        if !root.is_dir() {
            return Err(format!("{path}: not a directory"));
        }
        Ok(Self {
            organization,
            name,
            root,
        })
    }
}

fn named(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || !text.chars().all(plain) {
        return Err("a name is made of letters, digits, '-', '_' and '.'".to_owned());
    }
    Ok(text.to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match host {
        Some(host) if host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[') => {}
        _ => return Err("expected http:// or https:// and a host".to_owned()),
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['?', '#']) {
        return Err("expected a URL without spaces, query and fragment".to_owned());
    }
    Ok(text.to_owned())
}

fn word(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.is_empty() || !text.chars().all(plain) {
        return Err("a word is made of letters, digits, '-' and '_'".to_owned());
    }
    Ok(text.to_owned())
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

fn lease(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|lease| match lease.is_zero() {
        true => Err("at least 1 second".to_owned()),
        false => Ok(lease),
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u64 = text.parse().map_err(|_| "expected whole seconds")?;
    if seconds > 3_600 {
        return Err("at most 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_command_line_is_valid() {
        let arguments = Arguments::default();
        assert_eq!(arguments.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(arguments.database(), "sqlite:codegen.db");
    }

    #[test]
    fn the_demo_is_kept_in_memory_unless_told_otherwise() {
        let database = |line: &[&str]| {
            let words = ["server"].iter().chain(line);
            Arguments::parse_from(words).database().to_owned()
        };
        assert_eq!(database(&["--demo"]), "sqlite::memory:");
        assert_eq!(
            database(&["--demo", "--database", "sqlite:x.db"]),
            "sqlite:x.db"
        );
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            &["--listen", "nowhere"][..],
            &["--repository", "name"],
            &["--repository", "=/"],
            &["--repository", "a/b/c=/"],
            &["--repository", "a b=/"],
            &["--repository", "name=/no/such/place"],
            &["--command", "  "],
            &["--drain", "-1"],
            &["--drain", "86400"],
            &["--lease", "0"],
            &["--public-url", "localhost:8080"],
            &["--public-url", "http://"],
            &["--public-url", "http://a b"],
            &["--public-url", "http://a/?b"],
            &["--complete-word", ""],
            &["--complete-word", "DONE\n"],
            &["--log", "a=b=c"],
            &["--frobnicate"],
        ] {
            let words = ["server"].iter().chain(line);
            assert!(Arguments::try_parse_from(words).is_err(), "{line:?}");
        }
    }
}
