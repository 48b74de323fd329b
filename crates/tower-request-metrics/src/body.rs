use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::measurement::{Measurement, ended_by_panic};

pin_project! {
    /// Response body of [`RequestMetrics`](crate::RequestMetrics): the inner body, frame by frame.
    /// The request is recorded at its end, or when this is dropped before.
    #[derive(Debug)]
    pub struct MetricsBody<B> {
        #[pin]
        inner: B,
        // Gone once the request is recorded.
        measurement: Option<Measurement>,
    }
}

impl<B: Body> MetricsBody<B> {
    pub(crate) fn new(inner: B, mut measurement: Option<Measurement>) -> Self {
        // Such a body may never be polled.
        if inner.is_end_stream() {
            complete(&mut measurement);
        }
        Self { inner, measurement }
    }
}

impl<B: Body> Body for MetricsBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let frame = ready!(ended_by_panic(this.measurement, || {
            this.inner.as_mut().poll_frame(cx)
        }));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(measurement) = this.measurement {
                    if let Some(data) = frame.data_ref() {
                        measurement.received(data.remaining() as u64);
                    }
                    if let Some(trailers) = frame.trailers_ref() {
                        measurement.status_of_grpc(trailers);
                    }
                }
                // The last frame: a caller who asks `is_end_stream` will not poll again.
                if frame.is_trailers() || this.inner.is_end_stream() {
                    complete(this.measurement);
                }
            }
            Some(Err(_)) => {
                if let Some(measurement) = this.measurement.take() {
                    measurement.fail_body();
                }
            }
            None => complete(this.measurement),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn complete(measurement: &mut Option<Measurement>) {
    if let Some(measurement) = measurement.take() {
        measurement.complete();
    }
}
