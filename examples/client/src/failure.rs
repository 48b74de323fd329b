use std::{error::Error as _, fmt, io};

use codegen_api::{
    client::{self, ErrorKind},
    config::ConfigError,
    model::{AgentRun, Organization},
};
use serde_json::{Value, json};

use crate::text;

/// Names listed in a message; the rest is counted.
const LISTED: usize = 20;

/// Why the program ends with something else than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// An operation failed.
    Operation(client::Error),
    /// The token has no organization.
    NoOrganization,
    /// The token has several organizations and none was chosen.
    SeveralOrganizations(Vec<Organization>),
    /// No repository has this name.
    UnknownRepository { name: String, known: Vec<String> },
    /// Several repositories have this name.
    SeveralRepositories { name: String, full: Vec<String> },
    /// The run ended without a result.
    NoResult { id: i64, why: String },
    /// Watching ended before the run: by an interrupt, or because of `cause`.
    LeftAlone {
        id: i64,
        organization: i64,
        cause: Option<client::Error>,
    },
    /// Standard output cannot be written to.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn no_result(run: &AgentRun) -> Self {
        let status = run.status.as_ref().map_or("?", |status| status.as_str());
        let why = match &run.summary {
            Some(summary) => format!("{status}: {summary}"),
            None => status.to_owned(),
        };
        Self::NoResult {
            id: run.id,
            why: text::one_line(&why, 300),
        }
    }

    /// Tells the caller on standard error. Whoever closed standard output wants no more of it and
    /// is not told.
    pub(crate) fn report(&self, as_json: bool) {
        use io::Write as _;
        if self.is_closed_output() {
            return;
        }
        let line = if as_json {
            self.as_json().to_string()
        } else {
            format!("client: {}", text::harmless(&self.to_string()))
        };
        // Nobody is left to be told of a standard error that is closed.
        let _ = writeln!(io::stderr(), "{line}");
    }

    pub(crate) fn exit_status(&self) -> i32 {
        match self {
            Self::Usage(_) => 2,
            Self::Operation(error) => match error.kind() {
                ErrorKind::Configuration(_) => 2,
                // Found before anything was sent.
                ErrorKind::Validation(_) if error.attempts() == 0 => 2,
                _ => 1,
            },
            Self::LeftAlone { cause: None, .. } => 130,
            Self::Output(_) if self.is_closed_output() => 0,
            _ => 1,
        }
    }

    fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The operation that failed, if one did.
    fn operation(&self) -> Option<&client::Error> {
        match self {
            Self::Operation(error) => Some(error),
            Self::LeftAlone { cause, .. } => cause.as_ref(),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        if let Some(error) = self.operation() {
            return kind(error.kind());
        }
        match self {
            Self::Usage(_) => "usage",
            Self::NoOrganization => "no_organization",
            Self::SeveralOrganizations(_) => "several_organizations",
            Self::UnknownRepository { .. } => "unknown_repository",
            Self::SeveralRepositories { .. } => "several_repositories",
            Self::NoResult { .. } => "no_result",
            Self::Output(_) => "output",
            Self::Operation(_) | Self::LeftAlone { .. } => "interrupted",
        }
    }

    fn as_json(&self) -> Value {
        let error = self.operation();
        let retry_after = error.and_then(client::Error::retry_after);
        json!({"error": {
            "kind": self.kind(),
            "message": self.to_string(),
            "status": error.and_then(client::Error::status).map(|status| status.as_u16()),
            "request_id": error.and_then(client::Error::request_id),
            "attempts": error.map(client::Error::attempts),
            "retry_after": retry_after.map(|after| after.as_secs_f64()),
        }})
    }
}

fn kind(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration(_) => "configuration",
        ErrorKind::Validation(_) => "validation",
        ErrorKind::Authentication => "authentication",
        ErrorKind::Permission => "permission",
        ErrorKind::PaymentRequired => "payment_required",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Refused => "refused",
        ErrorKind::Server => "server",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Network => "network",
        ErrorKind::CircuitOpen => "circuit_open",
        ErrorKind::Decode => "decode",
        ErrorKind::NotFinished(_) => "not_finished",
        _ => "other",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message.trim_end()),
            Self::Operation(error) => with_causes(f, error),
            Self::NoOrganization => f.write_str("the token has no organization"),
            Self::SeveralOrganizations(organizations) => {
                f.write_str(
                    "which organization? Choose one with --organization or CODEGEN_ORG_ID: ",
                )?;
                let names = organizations
                    .iter()
                    .map(|organization| format!("{} ({})", organization.id, organization.name));
                listed(f, names)
            }
            Self::UnknownRepository { name, known } if known.is_empty() => {
                write!(
                    f,
                    "there is no repository {name:?}; the organization has none"
                )
            }
            Self::UnknownRepository { name, known } => {
                write!(f, "there is no repository {name:?}; there is ")?;
                listed(f, known.iter())
            }
            Self::SeveralRepositories { name, full } => {
                write!(f, "which repository {name:?}? Say its full name: ")?;
                listed(f, full.iter())
            }
            Self::NoResult { id, why } => write!(f, "run {id} ended without a result, {why}"),
            Self::LeftAlone {
                id,
                organization,
                cause,
            } => {
                match cause {
                    None => f.write_str("interrupted")?,
                    Some(error) => with_causes(f, error)?,
                }
                write!(
                    f,
                    "; run {id} goes on, look at it again with: \
                     client runs wait {id} --organization {organization}"
                )
            }
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

fn listed(
    f: &mut fmt::Formatter<'_>,
    names: impl ExactSizeIterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let more = names.len().saturating_sub(LISTED);
    for (index, name) in names.take(LISTED).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{name}")?;
    }
    match more {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

fn with_causes(f: &mut fmt::Formatter<'_>, error: &client::Error) -> fmt::Result {
    write!(f, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

impl From<client::Error> for Failure {
    fn from(error: client::Error) -> Self {
        Self::Operation(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Operation(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_listed_up_to_a_limit() {
        let unknown = |known: usize| Failure::UnknownRepository {
            name: "x".into(),
            known: (1..=known).map(|number| format!("r{number}")).collect(),
        };
        let text = unknown(2).to_string();
        assert_eq!(text, "there is no repository \"x\"; there is r1, r2");
        assert!(unknown(20).to_string().ends_with(", r20"));
        assert!(unknown(22).to_string().ends_with(", r20 and 2 more"));
        assert!(unknown(0).to_string().ends_with("has none"));
    }

    #[test]
    fn an_interrupt_says_how_to_go_on() {
        let failure = Failure::LeftAlone {
            id: 12,
            organization: 3,
            cause: None,
        };
        let text = failure.to_string();
        assert!(text.contains("run 12 goes on"));
        assert!(text.ends_with("client runs wait 12 --organization 3"));
        assert_eq!(failure.exit_status(), 130);
        assert_eq!(failure.as_json()["error"]["kind"], "interrupted");
    }

    #[test]
    fn a_wrong_setting_is_wrong_usage() {
        let error = codegen_api::config::ClientConfig::new("").unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.exit_status(), 2);
        assert_eq!(failure.as_json()["error"]["kind"], "configuration");
        assert_eq!(failure.as_json()["error"]["attempts"], 0);
        assert_eq!(failure.as_json()["error"]["status"], Value::Null);
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        let output = |kind: io::ErrorKind| Failure::Output(kind.into()).exit_status();
        assert_eq!(output(io::ErrorKind::BrokenPipe), 0);
        assert_eq!(output(io::ErrorKind::StorageFull), 1);
    }
}
