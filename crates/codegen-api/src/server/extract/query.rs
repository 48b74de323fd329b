use axum::extract::FromRequestParts;
use http::request::Parts;

use super::NOT_AN_INTEGER;
use crate::{
    model::SourceType,
    server::{
        error::{ApiError, Issue},
        store::Window,
    },
};

/// `skip` and `limit` of the query.
pub(crate) struct ListQuery(pub(crate) Window);

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let window = Self(query.window());
        query.done(window)
    }
}

/// `user_id`, `source_type`, `skip` and `limit` of the query.
pub(crate) struct RunQuery {
    pub(crate) user_id: Option<i64>,
    pub(crate) source_type: Option<SourceType>,
    pub(crate) window: Window,
}

impl<S: Sync> FromRequestParts<S> for RunQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let read = Self {
            user_id: query.integer("user_id"),
            source_type: query.source_type("source_type"),
            window: query.window(),
        };
        query.done(read)
    }
}

/// `skip`, `limit` and `reverse` of the query.
pub(crate) struct LogQuery {
    pub(crate) window: Window,
    pub(crate) reverse: bool,
}

impl<S: Sync> FromRequestParts<S> for LogQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let read = Self {
            window: query.window(),
            reverse: query.boolean("reverse").unwrap_or(false),
        };
        query.done(read)
    }
}

/// Reads a query, collecting what is wrong with it. Unknown parameters are ignored; of a doubled
/// one the last counts.
struct Query<'a> {
    text: &'a str,
    issues: Vec<Issue>,
}

impl<'a> Query<'a> {
    fn new(parts: &'a Parts) -> Self {
        Self {
            text: parts.uri.query().unwrap_or_default(),
            issues: Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.text.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    fn refuse(
        &mut self,
        name: &str,
        msg: impl Into<std::borrow::Cow<'static, str>>,
        kind: &'static str,
    ) {
        self.issues.push(Issue::new("query", name, msg, kind));
    }

    fn integer(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let value = text.trim().parse().ok();
        if value.is_none() {
            self.refuse(name, NOT_AN_INTEGER, "int_parsing");
        }
        value
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?.to_ascii_lowercase();
        match text.as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => {
                let msg = "Input should be a valid boolean, unable to interpret input";
                self.refuse(name, msg, "bool_parsing");
                None
            }
        }
    }

    fn source_type(&mut self, name: &str) -> Option<SourceType> {
        let text = self.text(name)?;
        let value = SourceType::from(text.as_str());
        // The contract's words are upper case; a query that spells them otherwise is refused.
        if value.is_known() && value.as_str() == text {
            return Some(value);
        }
        self.refuse(
            name,
            "Input should be one of the documented source types",
            "enum",
        );
        None
    }

    fn window(&mut self) -> Window {
        let skip = self.integer("skip").unwrap_or(0);
        if skip < 0 {
            self.refuse(
                "skip",
                "Input should be greater than or equal to 0",
                "greater_than_equal",
            );
        }
        let limit = self.integer("limit").unwrap_or(100);
        if limit < 1 {
            self.refuse(
                "limit",
                "Input should be greater than or equal to 1",
                "greater_than_equal",
            );
        } else if limit > 100 {
            self.refuse(
                "limit",
                "Input should be less than or equal to 100",
                "less_than_equal",
            );
        }
        Window { skip, limit }
    }

    fn done<T>(self, value: T) -> Result<T, ApiError> {
        if self.issues.is_empty() {
            Ok(value)
        } else {
            Err(ApiError::Invalid(self.issues))
        }
    }
}
