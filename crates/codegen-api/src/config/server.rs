use std::{fmt, sync::Arc, time::Duration};

use tower_webhook_hmac::{Secret, Secrets};

use super::{ConfigError, Environment};

const WEBHOOK_SECRET: &[&str] = &["GITHUB_WEBHOOK_SECRET"];

/// What an operator can set about the server stack.
///
/// The values come from the caller; only [`webhook_secret_from_env`](Self::webhook_secret_from_env)
/// reads the environment.
#[derive(Clone)]
pub struct ServerConfig {
    pub(crate) public_url: String,
    pub(crate) complete_word: String,
    pub(crate) refuse_empty_prompts: bool,
    pub(crate) rate_limits: bool,
    pub(crate) deadline: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) webhook_secrets: Option<Secrets>,
    pub(crate) on_pending_run: Arc<dyn Fn() + Send + Sync>,
    pub(crate) render_metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

impl ServerConfig {
    /// Defaults, for a server that callers reach at `public_url` (no trailing slash needed).
    #[must_use]
    pub fn new(public_url: impl Into<String>) -> Self {
        let public_url: String = public_url.into();
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            complete_word: "COMPLETE".to_owned(),
            refuse_empty_prompts: false,
            rate_limits: true,
            deadline: Duration::from_secs(30),
            max_in_flight: 1_024,
            webhook_secrets: None,
            on_pending_run: Arc::new(|| {}),
            render_metrics: Arc::new(String::new),
        }
    }

    /// The word for a run that ended with a result. Default `COMPLETE`, which the vendor's tools
    /// match; scripts copied from its guide look for `completed`.
    #[must_use]
    pub fn complete_word(mut self, word: impl Into<String>) -> Self {
        self.complete_word = word.into();
        self
    }

    /// Whether a prompt without a visible character is refused with 422. Default `false`: the
    /// contract gives the prompt no minimum length.
    #[must_use]
    pub fn refuse_empty_prompts(mut self, refuse: bool) -> Self {
        self.refuse_empty_prompts = refuse;
        self
    }

    /// Whether the documented rate limits hold. Default `true`.
    #[must_use]
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.rate_limits = on;
        self
    }

    /// How long the server works on one request before it answers 503. Default 30 s: longer than
    /// any query here takes, shorter than clients wait.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Requests worked on at once; one more is answered 503 with `Retry-After`. Default 1,024,
    /// a few MiB of request state. Webhooks are counted apart, and at most 32 of them.
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Accepts GitHub webhooks signed with one of these secrets at `POST /webhooks/github`.
    /// Default: the route does not exist.
    #[must_use]
    pub fn webhook_secrets(mut self, secrets: Secrets) -> Self {
        self.webhook_secrets = Some(secrets);
        self
    }

    /// [`webhook_secrets`](Self::webhook_secrets) with the variable `GITHUB_WEBHOOK_SECRET`, if it
    /// is set to anything.
    ///
    /// # Errors
    ///
    /// When its value is no text. The error does not show it.
    pub fn webhook_secret_from_env(self) -> Result<Self, ConfigError> {
        let read = |text: &str| Secret::new(text).ok();
        let secret = Environment::of_the_process().read(WEBHOOK_SECRET, "a secret", read)?;
        Ok(match secret {
            Some(secret) => self.webhook_secrets(secret.into()),
            None => self,
        })
    }

    /// Called after a run was stored as pending: the place to wake who works on runs.
    #[must_use]
    pub fn on_pending_run(mut self, wake: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_pending_run = Arc::new(wake);
        self
    }

    /// The text of `GET /metrics`. Default: empty.
    #[must_use]
    pub fn render_metrics(mut self, render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.render_metrics = Arc::new(render);
        self
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("public_url", &self.public_url)
            .field("complete_word", &self.complete_word)
            .field("refuse_empty_prompts", &self.refuse_empty_prompts)
            .field("rate_limits", &self.rate_limits)
            .field("deadline", &self.deadline)
            .field("max_in_flight", &self.max_in_flight)
            .field("webhooks", &self.webhook_secrets.is_some())
            .finish_non_exhaustive()
    }
}
