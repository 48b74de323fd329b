use sqlx::{AssertSqlSafe, Row};

use crate::house::House;

/// Every statement but the operator's, read from the source: none can be forgotten.
fn statements() -> Vec<String> {
    let sources = [
        include_str!("../../src/account.rs"),
        include_str!("../../src/api.rs"),
        include_str!("../../src/lease.rs"),
        include_str!("../../src/run.rs"),
    ];
    let mut found = Vec::new();
    for source in sources {
        for literal in source.split('"').skip(1).step_by(2) {
            let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
            if verbs.iter().any(|verb| literal.starts_with(verb)) {
                found.push(literal.replace("\\\n", " "));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let house = House::on_a_file().await;
    let mut connection = house.connection().await;
    let statements = statements();
    assert!(statements.len() >= 20, "only {} found", statements.len());
    for statement in statements {
        // The readiness check takes whatever row comes first.
        if statement == "SELECT id FROM organizations LIMIT 1" {
            continue;
        }
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for step in plan {
            let step: String = step.get("detail");
            // The open runs are few, and are read through an index that holds only them.
            let open_runs = step.ends_with("USING COVERING INDEX agent_runs_open")
                || step.ends_with("USING INDEX agent_runs_open");
            assert!(
                !step.starts_with("SCAN") || open_runs,
                "{step}: {statement}"
            );
            assert!(!step.contains("TEMP B-TREE"), "{step}: {statement}");
        }
    }
}

#[tokio::test]
async fn every_table_of_an_organization_has_an_index_that_starts_with_it() {
    let house = House::on_a_file().await;
    let mut connection = house.connection().await;
    let missing: Vec<String> = sqlx::query_scalar(
        "SELECT t.name FROM sqlite_master t \
         JOIN pragma_table_info(t.name) c ON c.name = 'organization_id' \
         WHERE t.type = 'table' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) i \
             JOIN pragma_index_info(i.name) f ON f.seqno = 0 AND f.name = 'organization_id')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(missing, [""; 0]);
}
