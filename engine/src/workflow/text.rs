//! The texts of a workflow and everything it uses: they are hashed for the version, and stored.

use super::model::Workflow;
use crate::store::VersionHash;
use ecow::EcoString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The texts of one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowText {
    /// The version of this encoding.
    format: u32,
    /// The workflow's id.
    pub id: String,
    /// The workflow's file.
    pub source: String,
    /// The modules it uses, text by name.
    pub modules: BTreeMap<String, String>,
    /// The workflows it calls, source by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workflows: BTreeMap<String, String>,
}

/// The encoding written. A change of its contents, and so of all versions, needs a new number.
const FORMAT: u32 = 1;

impl WorkflowText {
    /// The texts of a workflow with the modules it uses and the workflows it calls.
    pub fn new(
        id: &str,
        source: &str,
        modules: &BTreeMap<EcoString, Arc<str>>,
        called: &BTreeMap<String, Arc<Workflow>>,
    ) -> Self {
        let modules = modules.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        let mut text =
            Self { format: FORMAT, id: id.to_owned(), source: source.to_owned(), modules, workflows: BTreeMap::new() };
        for reached in called.values().filter_map(|callee| Self::decode(&callee.text).ok()) {
            text.workflows.insert(reached.id, reached.source);
            text.workflows.extend(reached.workflows);
            text.modules.extend(reached.modules);
        }
        text
    }

    /// All texts: of the workflow, of its modules, of the workflows it calls.
    pub fn sources(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.source).chain(self.modules.values()).chain(self.workflows.values())
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a map with text keys can always be written as JSON")
    }

    /// The texts from stored bytes. The error says why they cannot be read.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let text: Self = serde_json::from_slice(bytes).map_err(|e| format!("the text of a version is damaged: {e}"))?;
        if text.format != FORMAT {
            return Err(format!("the text of a version has the format {}; this program reads {FORMAT}", text.format));
        }
        Ok(text)
    }

    /// The name of the version: the SHA-256 of its bytes.
    pub fn hash(&self) -> VersionHash {
        VersionHash(Sha256::digest(self.encode()).into())
    }
}
