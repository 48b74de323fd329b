use http::{HeaderName, Method, Request};

use crate::Repeat;

/// Repeats the requests that may happen twice: those of the idempotent methods of RFC 9110 section
/// 9.2.2 (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), and any with an `Idempotency-Key`; as far as the
/// body can be sent twice.
#[derive(Debug, Clone, Copy)]
pub struct Idempotent<F> {
    copy_body: F,
}

impl<F> Idempotent<F> {
    /// `copy_body` copies a body, or says with `None` that it can't, as for one that streams.
    pub const fn new(copy_body: F) -> Self {
        Self { copy_body }
    }
}

impl<F, B> Repeat<Request<B>> for Idempotent<F>
where
    F: Fn(&B) -> Option<B>,
{
    fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::OPTIONS,
            Method::TRACE,
            Method::PUT,
            Method::DELETE,
        ];
        if !methods.contains(request.method()) && !request.headers().contains_key(IDEMPOTENCY_KEY) {
            return None;
        }
        let mut copy = Request::new((self.copy_body)(request.body())?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::Idempotent;
    use crate::Repeat;

    fn request(method: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri("/runs?x=1")
            .header("a", "b")
    }

    #[test]
    fn only_what_may_happen_twice_is_copied() {
        let repeat = Idempotent::new(|body: &&'static str| Some(*body));
        for (method, copied) in [
            ("GET", true),
            ("PUT", true),
            ("POST", false),
            ("PATCH", false),
        ] {
            let request = request(method).body("text").expect("a request");
            assert_eq!(repeat.copy(&request).is_some(), copied, "{method}");
        }
        let keyed = request("POST").header("idempotency-key", "7").body("text");
        let copy = repeat.copy(&keyed.expect("a request")).expect("a copy");
        assert_eq!(copy.method(), Method::POST);
        assert_eq!(copy.uri(), "/runs?x=1");
        assert_eq!(copy.headers()["a"], "b");
        assert_eq!(*copy.body(), "text");
    }

    #[test]
    fn a_body_that_cannot_be_sent_twice_is_not() {
        let repeat = Idempotent::new(|body: &&'static str| body.is_empty().then_some(""));
        let full = request("PUT").body("text").expect("a request");
        let empty = request("PUT").body("").expect("a request");
        assert!(repeat.copy(&full).is_none());
        assert!(repeat.copy(&empty).is_some());
    }
}
