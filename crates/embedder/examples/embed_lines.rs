//! Embeds the lines of standard input, each a text as a JSON string, and writes the vectors to standard output as
//! little-endian float32; says on standard error how long it took.
//!
//!     embed_lines MODEL_FOLDER RUNTIME_LIBRARY THREADS [ROUNDS] < lines > vectors

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;
use sutra_embedder::{Encoder, Purpose};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, library, threads, rest @ ..] = arguments.as_slice() else {
        return Err("usage: embed_lines MODEL_FOLDER RUNTIME_LIBRARY THREADS [ROUNDS]".into());
    };
    let rounds: usize = rest.first().map_or(Ok(1), |rounds| rounds.parse())?;
    let lines = std::io::stdin().lock().lines().collect::<Result<Vec<_>, _>>()?;
    let texts = lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<Vec<String>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();

    let start = Instant::now();
    let mut encoder = Encoder::open(Path::new(folder), Path::new(library), threads.parse()?)?;
    eprintln!("open: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut vectors = Vec::new();
    for _ in 0..rounds {
        let (start, processor_time, before) = (Instant::now(), processor_time()?, encoder.usage());
        vectors = encoder.encode(&texts, Purpose::Passage, &mut || true)?;
        let seconds = start.elapsed().as_secs_f64();
        let used = self::processor_time()? - processor_time;
        let rate = texts.len() as f64 / seconds;
        let usage = encoder.usage().since(&before);
        let (tokenise, run) = (100.0 * usage.tokenising / seconds, 100.0 * usage.running / seconds);
        eprintln!(
            "encode: {} texts in {seconds:.3} s, {rate:.1} texts/s ({used:.2} cpu s): \
             tokenise {tokenise:.1}%, run {run:.1}%, pool and copy {:.1}%",
            texts.len(),
            100.0 - tokenise - run
        );
    }
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for value in vectors.iter().flatten() {
        output.write_all(&value.to_le_bytes())?;
    }
    output.flush()?;
    if std::env::var_os("EMBED_LINES_MEMORY").is_some() {
        eprint!("{}", std::fs::read_to_string("/proc/self/smaps_rollup")?);
    }
    Ok(())
}

/// Seconds of processor time that this process has used, all threads together.
fn processor_time() -> nix::Result<f64> {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
