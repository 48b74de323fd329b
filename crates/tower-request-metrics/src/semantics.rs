//! The OpenTelemetry HTTP conventions as pure functions: names, folding, which label when.

use http::{Method, StatusCode};
use metrics::{Label, SharedString};

use crate::grpc::Code;

/// The histogram bounds, in seconds, that the OpenTelemetry conventions advise for request
/// durations.
///
/// Give them to the exporter for [the duration metrics](crate#metrics): without bounds the
/// Prometheus exporter renders summaries, which cannot be added up over instances. Everything above
/// ten seconds lands in the last bucket; a service whose answers take minutes appends its own.
pub const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

pub(crate) const CANCELLED: &str = "cancelled";
pub(crate) const PANIC: &str = "panic";
pub(crate) const BODY_ERROR: &str = "body_error";
/// The conventions' word for a method or an error that has no name of its own.
pub(crate) const OTHER: &str = "_OTHER";

const METHOD: &str = "http.request.method";
const STATUS: &str = "http.response.status_code";
const GRPC: &str = "rpc.grpc.status_code";
const ERROR: &str = "error.type";
const HTTP_ROUTE: &str = "http.route";
const URL_TEMPLATE: &str = "url.template";
const OVERFLOW: &str = "otel.metric.overflow";

/// What is measured: decides the names and from which status on an answer is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Client,
    Operation,
}

impl Kind {
    pub(crate) const fn duration(self) -> &'static str {
        match self {
            Self::Server => "http.server.request.duration",
            Self::Client => "http.client.request.duration",
            Self::Operation => "http.client.operation.duration",
        }
    }

    pub(crate) const fn duration_help(self) -> &'static str {
        match self {
            Self::Server => "Time from a request's arrival to the end of its response body.",
            Self::Client => "Time from sending one attempt to the end of its response body.",
            Self::Operation => {
                "Time from the caller's request to the end of its response body, retries included."
            }
        }
    }

    pub(crate) const fn head_duration(self) -> &'static str {
        match self {
            Self::Server => "http.server.response.head.duration",
            Self::Client => "http.client.response.head.duration",
            Self::Operation => "http.client.operation.head.duration",
        }
    }

    pub(crate) const fn response_size(self) -> &'static str {
        match self {
            Self::Server => "http.server.response.body.size",
            Self::Client => "http.client.response.body.size",
            Self::Operation => "http.client.operation.response.body.size",
        }
    }

    pub(crate) const fn active(self) -> &'static str {
        match self {
            Self::Server => "http.server.active_requests",
            Self::Client => "http.client.active_requests",
            Self::Operation => "http.client.active_operations",
        }
    }

    pub(crate) const fn active_help(self) -> &'static str {
        match self {
            Self::Server => "Requests whose response body has not ended yet.",
            Self::Client => "Attempts whose response body has not ended yet.",
            Self::Operation => "Operations whose response body has not ended yet.",
        }
    }

    const fn route(self) -> &'static str {
        match self {
            Self::Server => HTTP_ROUTE,
            Self::Client | Self::Operation => URL_TEMPLATE,
        }
    }

    /// A 4xx is the caller's mistake: no error of the server that says so, an error for the caller.
    fn is_error(self, status: StatusCode) -> bool {
        let first = match self {
            Self::Server => 500,
            Self::Client | Self::Operation => 400,
        };
        status.as_u16() >= first
    }
}

/// The method as a label: the sender chooses it freely, so unknown ones share one value.
pub(crate) fn fold_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        Method::QUERY => "QUERY",
        _ => OTHER,
    }
}

/// Whether the exchange is over at the headers: nobody will poll the body, or (after an upgrade)
/// what follows is no longer HTTP.
pub(crate) fn ends_at_headers(method: &str, status: StatusCode) -> bool {
    method == "HEAD"
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || (method == "CONNECT" && status.is_success())
}

/// What tells one series of a histogram from another, the constant labels apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) method: &'static str,
    pub(crate) route: Option<SharedString>,
    status: Option<StatusCode>,
    grpc: Option<Code>,
    error: Option<ErrorType>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ErrorType {
    Status(StatusCode),
    Named(&'static str),
}

/// What was seen of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc: Option<Code>,
}

impl Series {
    /// An error status explains a failure better than what happened to its body afterwards, so it
    /// replaces `error`: a client that drops the body of a 503 has not cancelled anything.
    pub(crate) fn new(
        kind: Kind,
        method: &'static str,
        route: Option<SharedString>,
        answer: Answer,
        error: Option<&'static str>,
    ) -> Self {
        let by_status = answer.status.filter(|status| kind.is_error(*status));
        let by_grpc = answer.grpc.filter(|code| match kind {
            Kind::Server => code.is_server_error(),
            Kind::Client | Kind::Operation => *code != Code::OK,
        });
        Self {
            method,
            route,
            status: answer.status,
            grpc: answer.grpc,
            error: by_status
                .map(ErrorType::Status)
                .or(by_grpc.map(|code| ErrorType::Named(code.name())))
                .or(error.map(ErrorType::Named)),
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.error.is_some()
    }

    pub(crate) fn labels(&self, kind: Kind) -> Vec<Label> {
        let mut labels = vec![method_label(self.method)];
        if let Some(route) = &self.route {
            labels.push(Label::new(kind.route(), route.clone()));
        }
        if let Some(status) = self.status {
            labels.push(Label::new(STATUS, status.as_str().to_owned()));
        }
        if let Some(code) = self.grpc {
            labels.push(Label::from_static_parts(GRPC, code.number()));
        }
        match &self.error {
            Some(ErrorType::Status(status)) => {
                labels.push(Label::new(ERROR, status.as_str().to_owned()));
            }
            Some(ErrorType::Named(name)) => labels.push(Label::from_static_parts(ERROR, name)),
            None => {}
        }
        labels
    }
}

pub(crate) fn method_label(method: &'static str) -> Label {
    Label::from_static_parts(METHOD, method)
}

/// The one label of the series that takes what found no place among the others.
pub(crate) fn overflow_label() -> Label {
    Label::from_static_parts(OVERFLOW, "true")
}

/// Whether the layer writes this label itself. Prometheus refuses a whole scrape in which a label
/// occurs twice.
pub(crate) fn is_own_label(name: &str) -> bool {
    [
        METHOD,
        STATUS,
        GRPC,
        ERROR,
        HTTP_ROUTE,
        URL_TEMPLATE,
        OVERFLOW,
    ]
    .iter()
    .any(|own| is_same_label(own, name))
}

/// Whether two names are one once an exporter has replaced what Prometheus does not allow.
pub(crate) fn is_same_label(left: &str, right: &str) -> bool {
    let spelled = |name: &str| {
        name.replace(
            |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'),
            "_",
        )
    };
    spelled(left) == spelled(right)
}
