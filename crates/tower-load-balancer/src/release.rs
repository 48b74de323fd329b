use crate::InFlight;

/// Says until when a request counts as in flight.
pub trait Release<Response> {
    /// The response that the caller gets.
    type Response;

    /// Hands the response on, and with it, or not, what counts the request.
    fn release(&self, response: Response, in_flight: InFlight) -> Self::Response;
}

/// Until there is a response.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtResponse;

impl<Response> Release<Response> for AtResponse {
    type Response = Response;

    fn release(&self, response: Response, in_flight: InFlight) -> Response {
        drop(in_flight);
        response
    }
}
