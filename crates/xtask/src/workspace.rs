//! What cargo knows of this workspace.

use std::{collections::HashMap, path::PathBuf};

use serde::Deserialize;

use crate::{
    error::{Error, Result},
    process,
};

#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// As written in a manifest.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<Kind>,
    pub(crate) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Dev,
    Build,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    kind: Option<Kind>,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let metadata = process::output(process::cargo().args([
            "metadata",
            "--format-version=1",
            "--all-features",
            "--locked",
        ]))?;
        Self::parse(&metadata)
    }

    pub(crate) fn parse(metadata: &str) -> Result<Self> {
        serde_json::from_str(metadata)
            .map_err(|error| Error::new(format!("cannot read `cargo metadata`: {error}")))
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The members that are layers: of everybody's use, and ignorant of the product.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|member| is_layer(&member.name))
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The names of everything a package is built from, with the switches of its own that are off
    /// by default left off.
    pub(crate) fn tree(&self, package: &Package) -> Vec<&str> {
        let nodes: HashMap<&str, &Node> = (self.resolve.nodes.iter())
            .map(|node| (node.id.as_str(), node))
            .collect();
        let names: HashMap<&str, &str> = (self.packages.iter())
            .map(|package| (package.id.as_str(), package.name.as_str()))
            .collect();
        let optional: Vec<&str> = (package.dependencies.iter())
            .filter(|dependency| dependency.optional)
            .map(|dependency| dependency.name.as_str())
            .collect();

        let mut seen: Vec<&str> = Vec::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            for edge in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
                let Some(name) = names.get(edge.pkg.as_str()) else {
                    continue;
                };
                let own = id == package.id;
                let built = (edge.dep_kinds.iter()).any(|edge| own || edge.kind != Some(Kind::Dev));
                let chosen = !(own && optional.contains(name));
                if built && chosen && !seen.contains(&edge.pkg.as_str()) {
                    seen.push(&edge.pkg);
                    open.push(&edge.pkg);
                }
            }
        }
        seen.into_iter().map(|id| names[id]).collect()
    }
}

pub(crate) fn is_layer(name: &str) -> bool {
    name.starts_with("tower-")
}
