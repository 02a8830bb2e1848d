//! Whether there is memory for what comes next.
//!
//! ONNX Runtime reports that memory ran out. The tokenizer, and most of Rust, end the process instead. So what is about
//! to be taken is asked for in one piece before: where the process, the container or the machine is at a limit, that
//! fails, and the caller gets an error.

use crate::error::EmbedderError;
use memmap2::MmapMut;
use std::path::Path;

/// What is taken besides what can be reckoned, in bytes.
const MARGIN: u64 = 8 << 20;
/// Bytes that one byte of tokenizer.json becomes in memory: the words, and the tables that find them.
const PER_TOKENIZER_BYTE: u64 = 16;
/// Bytes that one byte of text takes while it is tokenised: the text, its normal form, where each character came from.
const PER_TEXT_BYTE: u64 = 64;
/// Values that a run of a model keeps of one token, in multiples of the vector's dimension: the attention over 256 tokens
/// and the inner layer of the feed-forward network are the largest.
const PER_TOKEN: u64 = 40;

/// Fails unless a runtime library of so many bytes can be loaded and started. One that ran out of memory while it started cannot be started again by the
/// same process.
pub(crate) fn for_library(folder: &Path, bytes: u64) -> Result<(), EmbedderError> {
    ask(folder, bytes + 6 * MARGIN)
}

/// Fails unless a plain model can be loaded: as it is on disk, and once more as the kernels read it.
pub(crate) fn for_plain_model(folder: &Path, model: usize, tokenizer: usize) -> Result<(), EmbedderError> {
    ask(folder, 2 * model as u64 + PER_TOKENIZER_BYTE * tokenizer as u64 + 4 * MARGIN)
}

/// Fails unless a prepared model can be loaded, whose weights stay in their file.
pub(crate) fn for_prepared_model(folder: &Path, tokenizer: usize) -> Result<(), EmbedderError> {
    ask(folder, PER_TOKENIZER_BYTE * tokenizer as u64 + 4 * MARGIN)
}

/// Fails unless a text of so many bytes can be tokenised.
pub(crate) fn for_text(folder: &Path, bytes: usize) -> Result<(), EmbedderError> {
    ask(folder, PER_TEXT_BYTE * bytes as u64 + MARGIN)
}

/// Fails unless the model can run on so many tokens, padding included.
pub(crate) fn for_run(folder: &Path, tokens: usize, dimension: usize) -> Result<(), EmbedderError> {
    ask(folder, PER_TOKEN * tokens as u64 * dimension as u64 * size_of::<f32>() as u64 + MARGIN)
}

fn ask(folder: &Path, bytes: u64) -> Result<(), EmbedderError> {
    // Pages that nobody touches cost nothing; that they may be had is what is asked.
    match usize::try_from(bytes).map(MmapMut::map_anon) {
        Ok(Ok(_)) => Ok(()),
        _ => Err(EmbedderError::MemoryLimit { folder: folder.to_owned(), bytes: Some(bytes) }),
    }
}

/// Whether ONNX Runtime says that memory ran out: it has no code for it.
pub(crate) fn ran_out(message: &str) -> bool {
    ["bad_alloc", "Failed to allocate", "Cannot allocate memory"].iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::{for_plain_model, for_run, ran_out};
    use crate::error::EmbedderError;
    use std::path::Path;

    #[test]
    fn what_no_machine_has_is_refused_and_what_any_has_is_not() {
        let folder = Path::new("/models/m");
        assert!(for_run(folder, 256, 384).is_ok());
        let error = for_plain_model(folder, 1 << 60, 0).unwrap_err();
        assert!(matches!(error, EmbedderError::MemoryLimit { bytes: Some(bytes), .. } if bytes > 1 << 61), "{error}");
        assert!(error.to_string().contains("/models/m"), "{error}");
    }

    #[test]
    fn the_runtimes_words_for_it_are_known() {
        assert!(ran_out("Exception during initialization: std::bad_alloc"));
        assert!(!ran_out("Protobuf parsing failed."));
    }
}
