use http::{Method, Request, Response, Uri};
use tower_service::Service;

use crate::Rejection;

/// Sends requests that nobody should be answered, and lists those that no layer of this crate
/// refused: the routes without a policy. For the tests of a server.
///
/// Give it one request for each route: without a credential, to see what is open to everybody; with
/// the credential of somebody who belongs to no organization, to see what authentication alone
/// guards. A route is refused when its response carries a [`Rejection`] that is the request's fault
/// (not [`Rejection::Unavailable`]).
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Method, Request, Response, Uri};
/// use tower::{ServiceBuilder, service_fn};
/// use tower_access_control::{AuthorizeLayer, Rejection, routes_without_policy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Infallible> {
/// let guarded = |request: &mut Request<()>| match request.uri().path() {
///     "/open" => Ok(()),
///     _ => Err(Rejection::NoPrincipal),
/// };
/// let service = ServiceBuilder::new()
///     .layer(AuthorizeLayer::new(guarded))
///     .service(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
///
/// let routes = ["/open", "/shut"].map(|route| {
///     let mut request = Request::new(());
///     *request.uri_mut() = Uri::from_static(route);
///     request
/// });
/// let open = routes_without_policy(service, routes).await?;
/// assert_eq!(open, [(Method::GET, Uri::from_static("/open"))]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The first error of the service.
pub async fn routes_without_policy<S, ReqB, ResB>(
    mut service: S,
    requests: impl IntoIterator<Item = Request<ReqB>>,
) -> Result<Vec<(Method, Uri)>, S::Error>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    let mut open = Vec::new();
    for request in requests {
        let route = (request.method().clone(), request.uri().clone());
        std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
        let response = service.call(request).await?;
        match response.extensions().get() {
            None | Some(Rejection::Unavailable(_)) => open.push(route),
            Some(_) => {}
        }
    }
    Ok(open)
}
