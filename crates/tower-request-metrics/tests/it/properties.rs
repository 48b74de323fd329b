//! The figures against a model that simply remembers every request.

use std::collections::BTreeMap;

use http::Request;
use proptest::prelude::*;
use tower_request_metrics::RequestMetricsLayer;

use crate::{
    recorder::Memory,
    scripted::{Act, Script, request, response, send},
};

const ROUTES: [&str; 4] = ["/a", "/b", "/c", "/d"];
const KNOWN: [&str; 10] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
];

#[derive(Clone, Debug)]
struct Sent {
    method: String,
    route: Option<usize>,
    status: u16,
    body_ends: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop_oneof![
        prop::sample::select(KNOWN.to_vec()).prop_map(str::to_owned),
        "[A-Za-z!#$%&'*+.^_`|~-]{1,20}",
    ];
    let status = prop_oneof![Just(200), Just(204), Just(404), Just(500), 100..=999_u16];
    let route = prop::option::of(0..ROUTES.len());
    (method, route, status, any::<bool>()).prop_map(|(method, route, status, body_ends)| Sent {
        method,
        route,
        status,
        body_ends,
    })
}

/// The series a request belongs to, read off the tables of the crate documentation.
fn expected(sent: &Sent) -> String {
    let known = KNOWN.contains(&&*sent.method);
    let method = if known { &*sent.method } else { "_OTHER" };
    let bodiless = method == "HEAD"
        || sent.status < 200
        || sent.status == 204
        || sent.status == 304
        || (method == "CONNECT" && (200..300).contains(&sent.status));
    let mut labels = Vec::new();
    if sent.status >= 500 {
        labels.push(format!("error.type={}", sent.status));
    } else if !sent.body_ends && !bodiless {
        labels.push(String::from("error.type=cancelled"));
    }
    labels.push(format!("http.request.method={method}"));
    labels.push(format!("http.response.status_code={}", sent.status));
    if let Some(route) = sent.route {
        labels.push(format!("http.route={}", ROUTES[route]));
    }
    format!("http.server.request.duration{{{}}}", labels.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_request_is_in_its_series_or_in_the_overflow(
        all in prop::collection::vec(sent(), 0..40),
        max_series in 0..30_usize,
    ) {
        let memory = Memory::default();
        let layer = RequestMetricsLayer::server()
            .recorder(memory.recorder())
            .max_series(max_series)
            .route(|request: &Request<()>| request.extensions().get::<&'static str>().copied());
        let mut model = BTreeMap::<String, usize>::new();

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for sent in all {
            let mut request = request(&sent.method);
            if let Some(route) = sent.route {
                request.extensions_mut().insert(ROUTES[route]);
            }
            let series = expected(&sent);
            let room = model.contains_key(&series)
                || model.keys().filter(|key| !key.contains("overflow")).count() < max_series;
            let overflow = "http.server.request.duration{otel.metric.overflow=true}";
            let series = if room { series } else { overflow.to_owned() };
            *model.entry(series).or_default() += 1;

            runtime.block_on(send(&layer, request, move |_| {
                response(sent.status, if sent.body_ends {
                    Script::default().announcing_end()
                } else {
                    Script::new([Act::Wait])
                })
            }));
        }

        let expected: Vec<_> = model.iter().map(|(series, n)| format!("{series} {n}")).collect();
        prop_assert_eq!(memory.counts(), expected);
        prop_assert_eq!(memory.in_flight(), 0.0);
    }
}
