//! What people get to see of users, repositories and runs.

use std::time::Duration;

use codegen_api::{
    client::HealthStatus,
    model::{AgentRun, Organization, Repository, User},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::text::{brief, one_line};

/// The widest a cell of free text gets.
const WIDE: usize = 60;

/// An entry of a list.
pub(crate) trait Row {
    const HEADINGS: &'static [&'static str];

    fn cells(&self, now: Timestamp) -> Vec<String>;

    fn json(&self) -> Value;
}

/// A single thing.
pub(crate) trait Details {
    /// Names and values, one a line.
    fn details(&self) -> impl Iterator<Item = (&'static str, String)>;

    /// Longer text that comes after them.
    fn body(&self) -> Option<&str> {
        None
    }

    fn json(&self) -> Value;
}

/// These types hold numbers, texts and maps with text keys: nothing that JSON can't say.
pub(crate) fn json(thing: &impl Serialize) -> Value {
    serde_json::to_value(thing).unwrap_or_default()
}

fn cell(text: Option<&str>) -> String {
    one_line(text.unwrap_or_default(), WIDE)
}

/// How long ago it was; nothing when that is not known.
fn age(created_at: Option<&str>, now: Timestamp) -> String {
    let created: Option<Timestamp> = created_at.and_then(|text| text.parse().ok());
    let age = created.map(|created| now.duration_since(created));
    // A clock that is ahead of ours makes no negative age.
    age.map_or(String::new(), |age| {
        brief(Duration::try_from(age).unwrap_or_default())
    })
}

impl Row for Organization {
    const HEADINGS: &'static [&'static str] = &["ID", "NAME"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![self.id.to_string(), cell(Some(&self.name))]
    }

    fn json(&self) -> Value {
        json(self)
    }
}

impl Row for User {
    const HEADINGS: &'static [&'static str] = &["ID", "LOGIN", "NAME", "EMAIL", "ROLE"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![
            self.id.to_string(),
            cell(Some(&self.github_username)),
            cell(self.full_name.as_deref()),
            cell(self.email.as_deref()),
            cell(self.role.as_deref()),
        ]
    }

    fn json(&self) -> Value {
        json(self)
    }
}

impl Row for Repository {
    const HEADINGS: &'static [&'static str] = &["ID", "NAME", "LANGUAGE", "SETUP", "DESCRIPTION"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![
            self.id.to_string(),
            cell(Some(&self.full_name)),
            cell(self.language.as_deref()),
            cell(Some(&self.setup_status)),
            cell(self.description.as_deref()),
        ]
    }

    fn json(&self) -> Value {
        json(self)
    }
}

impl Row for AgentRun {
    const HEADINGS: &'static [&'static str] = &["ID", "STATUS", "AGE", "SUMMARY"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        vec![
            self.id.to_string(),
            cell(self.status.as_ref().map(|status| status.as_str())),
            age(self.created_at.as_deref(), now),
            cell(self.summary.as_deref().or(self.result.as_deref())),
        ]
    }

    fn json(&self) -> Value {
        json(self)
    }
}

/// Leaves out what is not known.
fn known(
    details: impl IntoIterator<Item = (&'static str, Option<String>)>,
) -> impl Iterator<Item = (&'static str, String)> {
    let details = details.into_iter();
    details.filter_map(|(name, value)| value.map(|value| (name, value)))
}

impl Details for HealthStatus {
    fn details(&self) -> impl Iterator<Item = (&'static str, String)> {
        known([
            ("status", Some(self.status.clone())),
            ("version", self.version.clone()),
        ])
    }

    fn json(&self) -> Value {
        let mut fields = self.extra.clone();
        fields.insert("status".to_owned(), self.status.as_str().into());
        fields.insert("version".to_owned(), self.version.as_deref().into());
        Value::Object(fields)
    }
}

impl Details for User {
    fn details(&self) -> impl Iterator<Item = (&'static str, String)> {
        known([
            ("id", Some(self.id.to_string())),
            ("login", Some(self.github_username.clone())),
            ("name", self.full_name.clone()),
            ("email", self.email.clone()),
            ("role", self.role.clone()),
        ])
    }

    fn json(&self) -> Value {
        json(self)
    }
}

impl Details for AgentRun {
    fn details(&self) -> impl Iterator<Item = (&'static str, String)> {
        let pull_requests = self.github_pull_requests.iter().flatten();
        let pull_requests = pull_requests.map(|one| {
            let place = one.url.as_deref().or(one.title.as_deref());
            ("pull request", place.map(str::to_owned))
        });
        let details = [
            ("id", Some(self.id.to_string())),
            ("status", self.status.as_ref().map(ToString::to_string)),
            ("created", self.created_at.clone()),
            ("source", self.source_type.as_ref().map(ToString::to_string)),
            ("page", self.web_url.clone()),
            ("summary", self.summary.clone()),
        ];
        known(details.into_iter().chain(pull_requests))
    }

    fn body(&self) -> Option<&str> {
        self.result.as_deref()
    }

    fn json(&self) -> Value {
        json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_heading_and_stays_on_one_line() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut run = AgentRun::new(7, 1);
        run.created_at = Some("2026-03-01T11:56:48.5Z".to_owned());
        run.status = Some("complete".into());
        run.summary = Some("two\nlines \u{1b}[31m".to_owned());
        let cells = run.cells(now);
        assert_eq!(cells, ["7", "COMPLETE", "3m 11s", "two lines [31m"]);
        assert_eq!(cells.len(), AgentRun::HEADINGS.len());
        let repository = Repository::new(1, 1, "acme", "shop").cells(now);
        assert_eq!(repository.len(), Repository::HEADINGS.len());
        assert_eq!(
            User::new(1, "1", "zoe").cells(now).len(),
            User::HEADINGS.len()
        );
    }

    #[test]
    fn an_age_is_never_negative_and_empty_when_not_known() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(age(Some("2026-03-01T12:00:01Z"), now), "0.0s");
        assert_eq!(age(Some("yesterday"), now), "");
        assert_eq!(age(None, now), "");
    }

    #[test]
    fn health_keeps_what_the_server_says_beyond_the_contract() {
        let text = r#"{"status":"healthy","database":"ok"}"#;
        let health: HealthStatus = serde_json::from_str(text).unwrap();
        let json = Details::json(&health);
        assert_eq!(json["status"], "healthy");
        assert_eq!(json["database"], "ok");
    }
}
