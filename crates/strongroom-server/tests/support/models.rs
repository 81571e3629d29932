//! The service models of AWS.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::clients::{python_environment, scripts, succeeds};

/// A shape of a model.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Shape {
    pub(crate) r#type: String,
    #[serde(default)]
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) members: BTreeMap<String, Shape>,
    pub(crate) each: Option<Box<Shape>>,
}

pub(crate) type Members = BTreeMap<String, Shape>;
pub(crate) type Models = BTreeMap<String, BTreeMap<String, Members>>;

/// The models of the release of botocore that `clients/models.txt` names.
pub(crate) fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        let bin = python_environment("models", &scripts().join("models.txt"));
        let mut python = std::process::Command::new(bin.join("python"));
        let output = succeeds(python.arg(scripts().join("models.py")));
        serde_json::from_slice(&output.stdout).unwrap()
    })
}
