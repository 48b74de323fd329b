//! Who may depend on whom.

use crate::{
    error::{Error, Result},
    workspace::{Kind, Package, Workspace, is_layer},
};

/// The kit that tests layers.
const CONFORMANCE: &str = "tower-conformance";

pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let broken = violations(workspace);
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::new(broken.join("; ")))
    }
}

fn violations(workspace: &Workspace) -> Vec<String> {
    let members: Vec<&str> = workspace
        .members()
        .map(|member| member.name.as_str())
        .collect();
    let mut broken = Vec::new();
    for member in workspace.members() {
        for dependency in &member.dependencies {
            let ours = members.contains(&dependency.name.as_str());
            if ours && !allowed(member, &dependency.name, dependency.kind) {
                broken.push(format!(
                    "{} may not depend on {}",
                    member.name, dependency.name
                ));
            }
        }
    }
    for layer in workspace.layers() {
        if workspace.tree(layer).contains(&"axum") {
            broken.push(format!(
                "{} needs axum, a layer needs no framework",
                layer.name
            ));
        }
    }
    broken
}

/// Whether one member may use another one. Tests of a product crate may use what they like.
fn allowed(member: &Package, on: &str, kind: Option<Kind>) -> bool {
    let name = member.name.as_str();
    if on == name {
        // A crate names itself among its dev-dependencies to switch features on for its tests.
        return kind == Some(Kind::Dev);
    }
    if on == CONFORMANCE {
        return kind == Some(Kind::Dev);
    }
    if is_layer(name) {
        return false;
    }
    if !name.starts_with("codegen-") {
        return true;
    }
    if kind == Some(Kind::Dev) {
        return on.starts_with("codegen-") || is_layer(on);
    }
    match name {
        "codegen-api" => is_layer(on),
        "codegen-agents" => on == "codegen-api",
        // It implements the traits of the others.
        "codegen-store" => on.starts_with("codegen-"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Packages named `other:…` come from elsewhere; edges are (from, to, kind, optional).
    fn workspace(edges: &[(&str, &str, Option<&str>, bool)]) -> Workspace {
        let mut names: Vec<&str> = edges.iter().flat_map(|edge| [edge.0, edge.1]).collect();
        names.sort_unstable();
        names.dedup();
        let of = |name: &str| {
            edges
                .iter()
                .filter(move |edge| edge.0 == name)
                .collect::<Vec<_>>()
        };
        let package = |name: &&str| {
            let dependencies: Vec<Value> = of(name)
                .iter()
                .map(|(_, to, kind, optional)| {
                    json!({"name": plain(to), "kind": kind, "optional": optional})
                })
                .collect();
            json!({
                "id": name, "name": plain(name), "version": "0.1.0",
                "dependencies": dependencies, "targets": [],
            })
        };
        let node = |name: &&str| {
            let deps: Vec<Value> = of(name)
                .iter()
                .map(|(_, to, kind, _)| json!({"pkg": to, "dep_kinds": [{"kind": kind}]}))
                .collect();
            json!({"id": name, "deps": deps})
        };
        let members: Vec<&&str> = names
            .iter()
            .filter(|name| !name.starts_with("other:"))
            .collect();
        let metadata = json!({
            "workspace_root": "/", "target_directory": "/target",
            "packages": names.iter().map(package).collect::<Vec<_>>(),
            "workspace_members": members,
            "resolve": {"nodes": names.iter().map(node).collect::<Vec<_>>()},
        });
        Workspace::parse(&metadata.to_string()).unwrap()
    }

    fn plain(name: &str) -> &str {
        name.strip_prefix("other:").unwrap_or(name)
    }

    #[test]
    fn the_product_stands_on_the_layers() {
        let allowed = workspace(&[
            ("codegen-api", "tower-a", None, false),
            ("codegen-store", "codegen-agents", None, false),
            ("codegen-agents", "codegen-api", None, true),
            ("codegen-api", "codegen-store", Some("dev"), false),
            ("tower-a", "tower-conformance", Some("dev"), false),
            ("tower-a", "other:tower-service", None, false),
            ("server", "codegen-store", None, false),
            ("benches", "tower-a", Some("dev"), false),
        ]);
        assert_eq!(violations(&allowed), [""; 0]);
    }

    #[test]
    fn every_arrow_the_other_way_is_refused() {
        for (from, to, kind) in [
            ("tower-a", "codegen-api", None),
            ("tower-a", "codegen-api", Some("dev")),
            ("tower-a", "tower-b", None),
            ("tower-a", "tower-b", Some("dev")),
            ("tower-a", "tower-conformance", None),
            ("server", "tower-conformance", None),
            ("codegen-api", "codegen-store", None),
            ("codegen-agents", "codegen-store", None),
            ("codegen-events", "codegen-prompts", None),
            ("codegen-api", "server", Some("dev")),
        ] {
            let broken = violations(&workspace(&[(from, to, kind, false)]));
            assert_eq!(broken, [format!("{from} may not depend on {to}")]);
        }
    }

    #[test]
    fn a_framework_is_found_however_deep_but_not_behind_a_switch() {
        let deep = [
            ("tower-a", "other:b", None, false),
            ("other:b", "other:axum", None, false),
        ];
        assert_eq!(violations(&workspace(&deep)).len(), 1);

        let in_tests = [("tower-a", "other:axum", Some("dev"), false)];
        assert_eq!(violations(&workspace(&in_tests)).len(), 1);

        let switched = [("tower-a", "other:axum", None, true)];
        assert_eq!(violations(&workspace(&switched)), [""; 0]);

        let tests_of_others = [
            ("tower-a", "other:b", None, false),
            ("other:b", "other:axum", Some("dev"), false),
        ];
        assert_eq!(violations(&workspace(&tests_of_others)), [""; 0]);
    }
}
