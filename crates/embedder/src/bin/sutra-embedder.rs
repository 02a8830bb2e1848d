//! `sutra-embedder prepare MODEL_FOLDER RUNTIME_LIBRARY`: prepares a model for the processor of this machine, so that
//! the server's processes load it faster and share its weights. Run it where the server runs; `make install` does.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use sutra_embedder::{EmbedderError, Encoder};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, folder, library] = arguments.as_slice() else { return usage() };
    if command != "prepare" {
        return usage();
    }
    match prepare(Path::new(folder), Path::new(library)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sutra-embedder: {error}");
            for line in [error.detail().as_str(), error.remedy()].into_iter().filter(|line| !line.is_empty()) {
                eprintln!("{line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: sutra-embedder prepare MODEL_FOLDER RUNTIME_LIBRARY");
    ExitCode::from(2)
}

fn prepare(folder: &Path, library: &Path) -> Result<(), EmbedderError> {
    // A model that is prepared already, for this processor and this runtime, is left alone: it may be in use.
    if Encoder::open(folder, library, 1)?.is_prepared() {
        println!("{} is prepared already", folder.display());
        return Ok(());
    }
    Encoder::prepare(folder, library)?;
    let start = Instant::now();
    Encoder::open(folder, library, 1)?;
    println!("prepared {}: it opens in {} ms", folder.display(), start.elapsed().as_millis());
    Ok(())
}
