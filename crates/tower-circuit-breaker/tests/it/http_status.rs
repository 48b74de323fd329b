use http::{Response, StatusCode};
use tower_circuit_breaker::{Classify, HttpStatus, Verdict};

#[test]
fn a_status_is_judged_by_what_it_says_about_the_server() {
    for (status, verdict) in [
        (200, Verdict::Success),
        (304, Verdict::Success),
        (401, Verdict::Success),
        (404, Verdict::Success),
        (408, Verdict::Failure),
        (422, Verdict::Success),
        (429, Verdict::Throttled),
        (499, Verdict::Success),
        (500, Verdict::Failure),
        (503, Verdict::Failure),
        (599, Verdict::Failure),
    ] {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let result: Result<&Response<()>, &()> = Ok(&response);
        assert_eq!(HttpStatus.classify(result), verdict, "{status}");
    }
    let error: Result<&Response<()>, &&str> = Err(&"reset by peer");
    assert_eq!(HttpStatus.classify(error), Verdict::Failure);
}
