//! `sutra-embedder prepare MODEL_FOLDER RUNTIME_LIBRARY`: prepares a model for the processor of this machine, so that
//! the server's processes load it faster and share its weights. Run it where the server runs; `make install` does.
//!
//! `sutra-embedder serve`: embeds what comes through the socket that is its standard input; the workers of the server's
//! pool start it.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use sutra_embedder::{EmbedderError, Encoder};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["prepare", folder, library] => report(prepare(Path::new(folder), Path::new(library))),
        ["serve"] => match serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("sutra-embedder: {error}");
                ExitCode::FAILURE
            }
        },
        _ => usage(),
    }
}

fn serve() -> std::io::Result<()> {
    // Where memory runs out, this process goes before any of the server's. It is a wish: not every container allows it.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    let mut stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    sutra_embedder::helper::serve(&mut stream)
}

fn report(result: Result<(), EmbedderError>) -> ExitCode {
    match result {
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
    eprintln!("usage: sutra-embedder prepare MODEL_FOLDER RUNTIME_LIBRARY | serve");
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
