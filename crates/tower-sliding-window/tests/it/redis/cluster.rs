use std::time::Duration;

use redis::cluster::ClusterClient;
use tower_sliding_window::{Admission, Charge, Denied, Quota, Store, redis::RedisStore};

use super::{PATIENT, server::Server};
use crate::oracle::quota;

const HOUR: Duration = Duration::from_secs(3600);

/// Three nodes that share the slots.
async fn cluster() -> [Server; 3] {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let file = format!("nodes-{}-{}.conf", std::process::id(), nodes.len());
        let arguments = ["--cluster-enabled", "yes", "--cluster-config-file", &*file];
        let _ = std::fs::remove_file(std::env::temp_dir().join(&file));
        nodes.push(Server::start(&arguments).await);
    }
    let ranges = ["0 5460", "5461 10922", "10923 16383"];
    for (node, range) in nodes.iter().zip(ranges) {
        node.tell(&format!("CLUSTER ADDSLOTSRANGE {range}")).await;
        node.tell(&format!("CLUSTER MEET 127.0.0.1 {}", nodes[0].port()))
            .await;
    }
    for node in &nodes {
        for attempt in 0.. {
            let redis::Value::BulkString(text) = node.tell("CLUSTER INFO").await else {
                panic!("CLUSTER INFO is text");
            };
            let text = String::from_utf8(text).unwrap();
            if text.contains("cluster_state:ok") && text.contains("cluster_known_nodes:3") {
                break;
            }
            assert!(attempt < 500, "{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    nodes.try_into().ok().unwrap()
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn every_key_has_its_node_with_all_its_tiers() {
    let nodes = cluster().await;
    let client = ClusterClient::new(nodes.iter().map(Server::url).collect::<Vec<_>>()).unwrap();
    let store: RedisStore<u32, ClusterClient> =
        RedisStore::new(client, "cluster", u32::to_string).deadline(PATIENT);
    let tiers = [quota(2, HOUR), quota(3, 2 * HOUR)];
    let admit = async |key: u32, further: &[Quota]| -> Result<Admission, Denied> {
        store
            .admit(Charge::new(&key, tiers[0]).further(further))
            .await
    };
    for key in 0..30 {
        assert_eq!(admit(key, &tiers[1..]).await.unwrap().remaining, 1);
        assert_eq!(admit(key, &tiers[1..]).await.unwrap().remaining, 0);
        assert_eq!(admit(key, &tiers[1..]).await.unwrap_err().quota, tiers[0]);
    }
    let mut total = 0;
    for node in &nodes {
        let redis::Value::Int(keys) = node.tell("DBSIZE").await else {
            panic!("DBSIZE is a number");
        };
        assert!(keys > 0);
        total += keys;
    }
    assert_eq!(total, 30);
}
