use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    body::MetricsBody,
    classify::Classify,
    measurement::{Measurement, ended_by_panic},
};

pin_project! {
    /// Response future of [`RequestMetrics`](crate::RequestMetrics). Dropping it records the
    /// request as cancelled.
    pub struct ResponseFuture<F, C> {
        #[pin]
        inner: F,
        // Gone once the head of the answer is here; a skipped request has none.
        measurement: Option<Measurement>,
        classify: C,
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(crate) fn new(inner: F, measurement: Option<Measurement>, classify: C) -> Self {
        Self {
            inner,
            measurement,
            classify,
        }
    }
}

impl<F, C, B, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    C: Classify<E>,
{
    type Output = Result<Response<MetricsBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(ended_by_panic(this.measurement, || this.inner.poll(cx)));
        let measurement = this.measurement.take();
        Poll::Ready(match result {
            Ok(response) => Ok(measure_body(response, measurement)),
            Err(error) => {
                if let Some(measurement) = measurement {
                    measurement.fail(this.classify.error(&error));
                }
                Err(error)
            }
        })
    }
}

fn measure_body<B: Body>(
    response: Response<B>,
    measurement: Option<Measurement>,
) -> Response<MetricsBody<B>> {
    let measurement = measurement.and_then(|measurement| {
        let headers = response.headers();
        let length = content_length(headers).or(response.body().size_hint().exact());
        measurement.head(response.status(), headers, length)
    });
    response.map(|body| MetricsBody::new(body, measurement))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<F, C> fmt::Debug for ResponseFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("measurement", &self.measurement)
            .finish_non_exhaustive()
    }
}
