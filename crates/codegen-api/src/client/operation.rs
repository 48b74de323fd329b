use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use super::error::FieldError;

/// One operation of the contract: what is sent, and what comes back.
///
/// Implement it to send something this crate does not name through the same stack, with
/// [`Client::call`](super::Client::call).
pub trait Operation {
    /// What the answer reads as.
    type Output: DeserializeOwned;

    /// The operation's name, for errors and as the route label of metrics: a word, never a path.
    const NAME: &'static str;

    /// The method. Default: GET.
    const METHOD: Method = Method::GET;

    /// Whether an answer may come from the cache. Default: yes. An operation that is polled to
    /// see a change says no.
    const CACHED: bool = true;

    /// The path, with `/v1` and without a query. One that does not begin with a slash is not sent.
    fn path(&self) -> String;

    /// Adds the parameters of the query.
    fn query(&self, _: &mut Query<'_>) {}

    /// The JSON body.
    ///
    /// # Errors
    ///
    /// When the body cannot be written.
    fn body(&self) -> Result<Option<Bytes>, serde_json::Error> {
        Ok(None)
    }

    /// What is wrong with the operation, found before anything is sent. Default: nothing.
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }
}

/// The query of a request, percent-encoded.
#[derive(Debug)]
pub struct Query<'a>(&'a mut String);

impl<'a> Query<'a> {
    pub(super) fn new(target: &'a mut String) -> Self {
        Self(target)
    }

    /// Adds `name=value`.
    pub fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0
            .extend(form_urlencoded::byte_serialize(name.as_bytes()));
        self.0.push('=');
        self.0.extend(form_urlencoded::byte_serialize(
            value.to_string().as_bytes(),
        ));
    }

    /// Adds `name=value` if there is a value.
    pub fn add_some(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }
}
