use tokio::net::TcpListener;
use tower_load_balancer::{Probe, TcpProbe};

#[tokio::test]
async fn a_port_that_listens_passes_and_one_that_does_not_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let probe = TcpProbe::new(String::clone);
    assert!(probe.check(address.clone(), ()).await);
    drop(listener);
    assert!(!probe.check(address, ()).await);
}
