//! A model prepared for this machine: the graph as ONNX Runtime optimised it, and its weights unpacked and laid out
//! as the matrix kernels read them, in one file that is mapped.
//!
//! A plain model is parsed, optimised and packed anew by each process, into memory of its own: for the default model
//! 150 MiB and some 300 milliseconds. Prepared, the processes share the pages of the file. The layout depends on the
//! processor and on the version of ONNX Runtime, so a prepared model is used only where both are those it was made
//! with, and only while it gives the vector that the plain model gave; otherwise the plain model is loaded.

use crate::error::EmbedderError;
use crate::manifest::Manifest;
use crate::runtime;
use ort::session::builder::SessionBuilder;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the folder inside the model's folder.
pub(crate) const FOLDER: &str = "prepared";
const GRAPH: &str = "model.onnx";
const WEIGHTS: &str = "model.onnx.data";
const DESCRIPTION: &str = "prepared.json";

/// What a prepared model was made from, and the vector by which it is recognised.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// SHA-256 of the plain model.
    model_sha256: String,
    /// SHA-256 of the tokenizer, which decides on the probe's tokens.
    tokenizer_sha256: String,
    /// Version of ONNX Runtime.
    runtime: String,
    /// See [`processor`].
    processor: String,
    /// Size of the weights file in bytes: a cut file must not be mapped.
    weights_bytes: u64,
    /// The vector that the plain model makes of the probe.
    pub(crate) probe: Vec<f32>,
}

/// A usable prepared model: the path of its graph, and its description.
pub(crate) fn find(folder: &Path, manifest: &Manifest) -> Option<(PathBuf, Description)> {
    let folder = folder.join(FOLDER);
    let description: Description = serde_json::from_slice(&fs::read(folder.join(DESCRIPTION)).ok()?).ok()?;
    let weights_bytes = fs::metadata(folder.join(WEIGHTS)).ok()?.len();
    let wanted = describe(manifest, weights_bytes, description.probe.clone());
    (description == wanted).then(|| (folder.join(GRAPH), description))
}

/// Whether a vector is the one that the plain model made, but for rounding.
pub(crate) fn recognised(probe: &[f32], vector: &[f32]) -> bool {
    probe.len() == vector.len() && probe.iter().zip(vector).all(|(a, b)| (a - b).abs() <= 1e-4 * a.abs().max(1.0))
}

/// Writes the prepared model of `folder`; `run` loads the plain model with the options it is handed, which make ONNX
/// Runtime write down what it has optimised. Readers see the former one or this one, never a part.
pub(crate) fn write(
    folder: &Path,
    manifest: &Manifest,
    probe: Vec<f32>,
    run: impl FnOnce(&dyn Fn(SessionBuilder) -> ort::Result<SessionBuilder>) -> Result<(), EmbedderError>,
) -> Result<(), EmbedderError> {
    let unwritable = |path: &Path, error: std::io::Error| EmbedderError::FileUnwritable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let target = folder.join(FOLDER);
    let work = folder.join(format!(".{FOLDER}-{}", std::process::id()));
    let former = folder.join(format!(".{FOLDER}-{}-former", std::process::id()));
    fs::create_dir(&work).map_err(|error| unwritable(&work, error))?;
    let result = (|| {
        let graph = work.join(GRAPH);
        run(&|builder: SessionBuilder| {
            builder
                .with_optimized_model_path(&graph)?
                .with_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)?
                .with_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")?
                .with_config_entry("session.save_external_prepacked_constant_initializers", "1")
        })?;
        let weights = work.join(WEIGHTS);
        let bytes = fs::metadata(&weights).map_err(|error| unwritable(&weights, error))?.len();
        let text = serde_json::to_vec_pretty(&describe(manifest, bytes, probe)).unwrap_or_default();
        let description = work.join(DESCRIPTION);
        fs::write(&description, text).map_err(|error| unwritable(&description, error))?;
        if target.exists() {
            // Processes that have the former weights mapped keep them: only the name goes.
            fs::rename(&target, &former).map_err(|error| unwritable(&target, error))?;
        }
        fs::rename(&work, &target).map_err(|error| unwritable(&target, error))
    })();
    for leftover in [&work, &former] {
        // What cannot be removed now does no harm; the next preparation makes folders of its own.
        let _ = fs::remove_dir_all(leftover);
    }
    result
}

fn describe(manifest: &Manifest, weights_bytes: u64, probe: Vec<f32>) -> Description {
    Description {
        model_sha256: manifest.model.sha256.clone(),
        tokenizer_sha256: manifest.tokenizer.sha256.clone(),
        runtime: runtime::runtime_version().unwrap_or_default(),
        processor: processor(),
        weights_bytes,
        probe,
    }
}

/// The instruction sets by which ONNX Runtime chooses its kernels, and with them the layout of the weights.
fn processor() -> String {
    let mut name = std::env::consts::ARCH.to_owned();
    #[cfg(target_arch = "x86_64")]
    for (feature, present) in [
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
    ] {
        if present {
            name.push(' ');
            name.push_str(feature);
        }
    }
    #[cfg(target_arch = "aarch64")]
    for (feature, present) in [
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
        ("sve", std::arch::is_aarch64_feature_detected!("sve")),
    ] {
        if present {
            name.push(' ');
            name.push_str(feature);
        }
    }
    name
}
