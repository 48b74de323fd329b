//! The contract's answers, written down by hand: every key of each, and its JSON type.

use serde_json::Value;

use super::fixture::Answer;

/// A key and its type; `?` marks what may be null. No other keys are allowed.
pub(crate) type Shape = &'static [(&'static str, &'static str)];

pub(crate) const USER: Shape = &[
    ("id", "integer"),
    ("email", "string?"),
    ("github_user_id", "string"),
    ("github_username", "string"),
    ("avatar_url", "string?"),
    ("full_name", "string?"),
    ("role", "string?"),
    ("is_admin", "boolean?"),
];

pub(crate) const ORGANIZATION: Shape = &[
    ("id", "integer"),
    ("name", "string"),
    ("settings", "object"),
];

pub(crate) const SETTINGS: Shape = &[
    ("enable_pr_creation", "boolean"),
    ("enable_rules_detection", "boolean"),
];

pub(crate) const RUN: Shape = &[
    ("id", "integer"),
    ("organization_id", "integer"),
    ("status", "string"),
    ("created_at", "time"),
    ("web_url", "string"),
    ("result", "string?"),
    ("summary", "string?"),
    ("source_type", "string"),
    ("github_pull_requests", "array?"),
    ("metadata", "object?"),
];

pub(crate) const RUN_WITH_LOGS: Shape = &[
    ("id", "integer"),
    ("organization_id", "integer"),
    ("status", "string"),
    ("created_at", "time"),
    ("web_url", "string"),
    ("result", "string?"),
    ("metadata", "object?"),
    ("logs", "array"),
    ("total_logs", "integer"),
    ("page", "integer"),
    ("size", "integer"),
    ("pages", "integer"),
];

pub(crate) const LOG: Shape = &[
    ("agent_run_id", "integer"),
    ("created_at", "time"),
    ("tool_name", "string?"),
    ("message_type", "string"),
    ("thought", "string?"),
    ("observation", "object or string?"),
    ("tool_input", "object?"),
    ("tool_output", "object?"),
];

pub(crate) const REPOSITORY: Shape = &[
    ("id", "integer"),
    ("name", "string"),
    ("full_name", "string"),
    ("description", "string?"),
    ("github_id", "string"),
    ("organization_id", "integer"),
    ("visibility", "string?"),
    ("archived", "boolean?"),
    ("setup_status", "string"),
    ("language", "string?"),
];

pub(crate) const PAGE: Shape = &[
    ("items", "array"),
    ("total", "integer"),
    ("page", "integer"),
    ("size", "integer"),
    ("pages", "integer"),
];

const ERROR: Shape = &[
    ("message", "string"),
    ("status_code", "integer"),
    ("detail", "string"),
    ("type", "string"),
    ("title", "string"),
    ("status", "integer"),
];

const INVALID: Shape = &[
    ("message", "string"),
    ("status_code", "integer"),
    ("detail", "array"),
    ("type", "string"),
    ("title", "string"),
    ("status", "integer"),
];

const ISSUE: Shape = &[("loc", "array"), ("msg", "string"), ("type", "string")];

#[track_caller]
pub(crate) fn conforms(value: &Value, shape: Shape) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    let mut wanted: Vec<_> = shape.iter().map(|(name, _)| *name).collect();
    let mut there: Vec<_> = object.keys().map(String::as_str).collect();
    wanted.sort_unstable();
    there.sort_unstable();
    assert_eq!(there, wanted, "{value}");
    for (name, kind) in shape {
        let value = &object[*name];
        let (kind, nullable) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (*kind, false),
        };
        let right = is(value, kind) || (nullable && value.is_null());
        assert!(right, "{name}: {value} is no {kind}");
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_i64(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "object or string" => value.is_object() || value.is_string(),
        "time" => value.as_str().is_some_and(is_time),
        other => panic!("{other} is no type"),
    }
}

/// `2024-05-06T07:08:09.000010+00:00`: what `datetime.fromisoformat` of every Python 3 reads.
pub(crate) fn is_time(text: &str) -> bool {
    let pattern = "dddd-dd-ddTdd:dd:dd.dddddd+00:00";
    text.len() == pattern.len()
        && text.chars().zip(pattern.chars()).all(|(c, p)| match p {
            'd' => c.is_ascii_digit(),
            literal => c == literal,
        })
}

#[track_caller]
pub(crate) fn is_page(answer: &Answer, items: Shape) {
    let page = answer.json();
    conforms(&page, PAGE);
    for item in page["items"].as_array().unwrap() {
        conforms(item, items);
    }
}

/// One form for every refusal; only the `detail` of 422 is a list.
#[track_caller]
pub(crate) fn is_envelope(answer: &Answer) {
    let body = answer.json();
    if answer.status == 422 {
        conforms(&body, INVALID);
        let issues = body["detail"].as_array().unwrap();
        assert!(!issues.is_empty());
        for issue in issues {
            conforms(issue, ISSUE);
            let loc = issue["loc"].as_array().unwrap();
            let place = loc[0].as_str().unwrap();
            assert!(["body", "query", "path", "header"].contains(&place));
            assert!(loc.iter().all(|part| part.is_string() || part.is_u64()));
        }
    } else {
        conforms(&body, ERROR);
        assert_eq!(body["detail"], body["message"]);
    }
    assert_eq!(body["status_code"], answer.status);
    assert_eq!(body["status"], answer.status);
    assert_eq!(body["type"], "about:blank");
}
