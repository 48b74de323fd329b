//! The status of a gRPC call.

use http_body_util::BodyExt;
use tower::{Layer, Service};
use tower_request_metrics::RequestMetricsLayer;

use crate::{
    recorder::Memory,
    scripted::{Act, Script, answering, ready, request, response},
};

/// The labels of one call through `layer`, the method and the status apart.
async fn labels(
    layer: RequestMetricsLayer,
    content_type: &'static str,
    in_head: Option<&'static str>,
    acts: fn() -> Vec<Act>,
) -> String {
    let memory = Memory::default();
    let layer = layer.recorder(memory.recorder());
    let mut service = layer.layer(answering(move |_| {
        let mut response = response(200, Script::new(acts()).announcing_end());
        let headers = response.headers_mut();
        headers.insert("content-type", content_type.parse().unwrap());
        if let Some(status) = in_head {
            headers.insert("grpc-status", status.parse().unwrap());
        }
        response
    }));
    let response = ready(&mut service).await.call(request("POST")).await;
    let mut body = response.unwrap().into_body();
    while let Some(Ok(frame)) = body.frame().await {
        if frame.data_ref().is_some_and(|data| data == "drop me") {
            break;
        }
    }
    drop(body);
    let counts = memory.counts();
    let [series] = &counts[..] else {
        panic!("not one series: {counts:?}");
    };
    series
        .split_once('{')
        .unwrap()
        .1
        .replace("http.request.method=POST,http.response.status_code=200", "")
        .replace(",,", ",")
        .trim_matches(['}', ' ', '1', ','])
        .trim_end_matches('}')
        .to_owned()
}

fn server() -> RequestMetricsLayer {
    RequestMetricsLayer::server().grpc()
}

const GRPC: &str = "application/grpc+proto";

fn ok() -> Vec<Act> {
    vec![Act::Data("a"), Act::GrpcStatus("0")]
}

fn not_found() -> Vec<Act> {
    vec![Act::Data("a"), Act::GrpcStatus("5")]
}

fn unavailable() -> Vec<Act> {
    vec![Act::GrpcStatus("14")]
}

fn unheard_of() -> Vec<Act> {
    vec![Act::GrpcStatus("99")]
}

fn missing() -> Vec<Act> {
    vec![Act::Data("a")]
}

#[tokio::test]
async fn the_trailers_decide() {
    let label = "rpc.grpc.status_code";
    for (acts, server_labels, client_labels) in [
        (
            ok as fn() -> Vec<Act>,
            format!("{label}=0"),
            format!("{label}=0"),
        ),
        (
            not_found,
            format!("{label}=5"),
            format!("error.type=NOT_FOUND,{label}=5"),
        ),
        (
            unavailable,
            format!("error.type=UNAVAILABLE,{label}=14"),
            format!("error.type=UNAVAILABLE,{label}=14"),
        ),
        (
            unheard_of,
            format!("error.type=UNKNOWN,{label}=2"),
            format!("error.type=UNKNOWN,{label}=2"),
        ),
        (
            missing,
            format!("error.type=UNKNOWN,{label}=2"),
            format!("error.type=UNKNOWN,{label}=2"),
        ),
    ] {
        assert_eq!(labels(server(), GRPC, None, acts).await, server_labels);
        let client = RequestMetricsLayer::client().grpc();
        assert_eq!(labels(client, GRPC, None, acts).await, client_labels);
    }
}

#[tokio::test]
async fn a_status_in_the_head_is_one() {
    let labels = labels(server(), "application/grpc", Some("13"), Vec::new).await;
    assert_eq!(labels, "error.type=INTERNAL,rpc.grpc.status_code=13");
}

#[tokio::test]
async fn a_stream_dropped_before_its_trailers_is_cancelled() {
    let acts = || vec![Act::Data("drop me"), Act::GrpcStatus("0")];
    assert_eq!(
        labels(server(), GRPC, None, acts).await,
        "error.type=cancelled"
    );
}

#[tokio::test]
async fn other_answers_are_none_of_it() {
    for kind in ["text/plain", "application/grpc-web+proto"] {
        assert_eq!(labels(server(), kind, Some("13"), unavailable).await, "");
    }
    let plain = RequestMetricsLayer::server();
    assert_eq!(labels(plain, GRPC, Some("13"), unavailable).await, "");
}
