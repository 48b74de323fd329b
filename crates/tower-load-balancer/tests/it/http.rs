use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tower::{Service, ServiceExt};
use tower_conformance::{Probe, ProbeBody, Subject, Violations, check, laws};
use tower_load_balancer::{
    AtBodyEnd, Balance, Endpoint, Endpoints, FailOnError, Health, HealthCheck, HttpProbe,
    HttpStatus, Idempotent, RoundRobin,
};

/// Answers with this body.
#[derive(Clone)]
struct Streams(ProbeBody);

impl Service<()> for Streams {
    type Response = Response<ProbeBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(Response::new(self.0.clone())))
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_pass_as_they_are() {
    laws::body_is_kept(async |body| {
        let endpoints = Endpoints::from_iter([Endpoint::new(0, Streams(body))]);
        let mut balance = Balance::new(endpoints, RoundRobin::new()).release(AtBodyEnd);
        let response = balance.ready().await?.call(()).await?;
        Ok::<_, tower_load_balancer::Error<Infallible>>(response.into_body())
    })
    .await
    .expect("kept");
}

#[derive(Clone)]
struct Says(&'static str);

impl Service<Request<Empty<&'static [u8]>>> for Says {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<&'static [u8]>>) -> Self::Future {
        let sick = self.0 == "sick";
        let mut response = Response::new(String::from(self.0));
        if sick || request.uri().path() == "/missing" {
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
        }
        ready(Ok(response))
    }
}

fn request(method: &str) -> Request<Empty<&'static [u8]>> {
    let request = Request::builder().method(method).uri("/");
    request.body(Empty::new()).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn a_request_is_in_flight_until_its_body_has_ended_or_is_dropped() {
    let endpoints = Endpoints::from_iter([Endpoint::new("a", Says("hello"))]);
    let in_flight = || endpoints.status()[0].in_flight;
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new()).release(AtBodyEnd);

    let response = balance
        .ready()
        .await
        .expect("ready")
        .call(request("GET"))
        .await;
    let body = response.expect("an answer").into_body();
    assert_eq!(in_flight(), 1);
    assert_eq!(body.collect().await.expect("whole").to_bytes(), "hello");
    assert_eq!(in_flight(), 0);

    let response = balance
        .ready()
        .await
        .expect("ready")
        .call(request("GET"))
        .await;
    assert_eq!(in_flight(), 1);
    drop(response);
    assert_eq!(in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_empty_is_over_at_once() {
    let endpoints = Endpoints::from_iter([Endpoint::new("a", Says(""))]);
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new()).release(AtBodyEnd);
    let response = balance
        .ready()
        .await
        .expect("ready")
        .call(request("GET"))
        .await;
    assert!(response.is_ok());
    assert_eq!(endpoints.status()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_error_goes_to_another_endpoint_for_a_get_and_to_the_caller_for_a_post() {
    let endpoints = [
        Endpoint::new("a", Says("sick")),
        Endpoint::new("b", Says("well")),
    ];
    let endpoints = Endpoints::from_iter(endpoints).without_ejection();
    let mut service = Balance::new(endpoints, RoundRobin::new())
        .classify(HttpStatus)
        .release(AtBodyEnd)
        .failover(Idempotent::new(|_: &Empty<&'static [u8]>| {
            Some(Empty::new())
        }));
    for _ in 0..10 {
        let response = service
            .ready()
            .await
            .expect("ready")
            .call(request("GET"))
            .await;
        assert_eq!(response.expect("an answer").status(), 200);
    }
    let mut failed = 0;
    for _ in 0..10 {
        let response = service
            .ready()
            .await
            .expect("ready")
            .call(request("POST"))
            .await;
        failed += u32::from(response.expect("an answer").status() == 502);
    }
    assert_eq!(failed, 5);
}

#[tokio::test(start_paused = true)]
async fn a_get_says_whether_an_endpoint_works() {
    let endpoints = [
        Endpoint::new("a", Says("sick")),
        Endpoint::new("b", Says("well")),
    ];
    let endpoints = Endpoints::from_iter(endpoints);
    let probe = HttpProbe::new("/healthz".parse().expect("a path"));
    let check = HealthCheck::new(&endpoints, probe);
    tokio::spawn(check.run());
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let health: Vec<_> = endpoints
        .status()
        .iter()
        .map(|status| status.health)
        .collect();
    assert_eq!(health, [Health::Down, Health::Up]);
}

struct Bodies;

impl Subject for Bodies {
    type Request = ();
    type Response = Response<String>;
    type Service = Balance<u8, Probe<Response<String>>, RoundRobin, FailOnError, AtBodyEnd>;

    fn service(&self, inner: Probe<Response<String>>) -> Self::Service {
        let endpoints = Endpoints::from_iter([Endpoint::new(0, inner)]);
        Balance::new(endpoints, RoundRobin::new()).release(AtBodyEnd)
    }

    fn request(&self) {}

    fn response() -> Response<String> {
        Response::new(String::from("hello"))
    }

    fn held(&self, service: &Self::Service) -> usize {
        service.endpoints().status()[0].in_flight as usize
    }
}

#[tokio::test(start_paused = true)]
async fn counting_until_the_body_ends_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Bodies).await
}
