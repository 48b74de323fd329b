use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// A request at one endpoint.
    pub(crate) struct Attempt<S, Request>
    where
        S: Service<Request>,
    {
        #[pin]
        stage: Stage<S, Request, S::Future>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<S, Request, F> {
        // The endpoint's readiness; the request is there until it is sent.
        Readying { service: S, request: Option<Request> },
        // The answer.
        Calling { #[pin] future: F },
    }
}

/// How it ended.
pub(crate) enum Outcome<Response, Error, Request> {
    /// The endpoint had the request.
    Answered(Result<Response, Error>),
    /// The endpoint never got ready, and so the request is still here.
    Unsent(Error, Option<Request>),
}

impl<S, Request> Attempt<S, Request>
where
    S: Service<Request>,
{
    /// `service` has not been polled: it is a clone that this attempt owns.
    pub(crate) fn new(service: S, request: Request) -> Self {
        let request = Some(request);
        Self {
            stage: Stage::Readying { service, request },
        }
    }

    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<S::Response, S::Error, Request>> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                StageProjection::Readying { service, request } => {
                    if let Err(error) = ready!(service.poll_ready(cx)) {
                        return Poll::Ready(Outcome::Unsent(error, request.take()));
                    }
                    // It is gone only if this is polled after its end or after a panic.
                    let Some(request) = request.take() else {
                        return Poll::Pending;
                    };
                    let future = service.call(request);
                    stage.set(Stage::Calling { future });
                }
                StageProjection::Calling { future } => {
                    return future.poll(cx).map(Outcome::Answered);
                }
            }
        }
    }
}

impl<S: Service<Request>, Request> fmt::Debug for Attempt<S, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Readying { .. } => "readying",
            Stage::Calling { .. } => "calling",
        };
        f.debug_tuple("Attempt").field(&stage).finish()
    }
}
