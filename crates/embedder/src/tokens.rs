//! Text to token ids.

use crate::error::EmbedderError;
use crate::manifest::Manifest;
use std::path::Path;
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

/// Bytes of text tokenised at first per token wanted; words of natural language take 4 to 8.
const BYTES_PER_TOKEN: usize = 16;
/// Bytes of a text that are looked at, at most: what comes later is not embedded even if nothing before it was a token.
const BYTES_LIMIT: usize = 1 << 20;

/// The part of a text that decides on its vector: what a process that hands texts to another need not pass on is left out.
pub fn readable_part(text: &str) -> &str {
    head(text.trim_start(), BYTES_LIMIT)
}

/// A tokenizer that bounds the time of one text, whatever the text is.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    maximum: usize,
}

impl Tokens {
    /// Reads the tokenizer of a model.
    pub(crate) fn read(path: &Path, bytes: &[u8], manifest: &Manifest) -> Result<Self, EmbedderError> {
        let wrong = |reason: String| EmbedderError::Tokenizer { path: path.to_owned(), reason };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| wrong(error.to_string()))?;
        // A tokenizer.json often pads and cuts to a length of its own, 128 for MiniLM: the manifest decides instead,
        // and padding is a matter of the batch.
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams {
                direction: TruncationDirection::Right,
                max_length: manifest.maximum_tokens,
                strategy: TruncationStrategy::LongestFirst,
                stride: 0,
            }))
            .map_err(|error| wrong(error.to_string()))?;
        // "[SEP]" in a text is five characters, not a control token.
        tokenizer.set_encode_special_tokens(true);
        if tokenizer.get_vocab_size(true) == 0 {
            return Err(wrong("its vocabulary is empty".into()));
        }
        Ok(Self { tokenizer, maximum: manifest.maximum_tokens })
    }

    /// The highest token id that the tokenizer can make.
    pub(crate) fn highest_id(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or(0)
    }

    /// Number of tokens in the vocabulary.
    pub(crate) fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Token ids of `prefix` followed by `text`, special tokens included, cut to the maximum; `None` when the text
    /// has no token of its own.
    pub(crate) fn encode(&self, prefix: &str, text: &str) -> Result<Option<Vec<u32>>, String> {
        let text = text.trim_start();
        let mut bytes = self.maximum * BYTES_PER_TOKEN;
        loop {
            let part = head(text, bytes.min(BYTES_LIMIT));
            let ids = self.encode_part(prefix, part)?;
            // A shortfall may be due to the cut: look further. What filled the maximum cannot change any more.
            let complete = part.len() == text.len() || bytes >= BYTES_LIMIT;
            if complete || ids.as_ref().is_some_and(|ids| ids.len() >= self.maximum) {
                return Ok(ids);
            }
            bytes = bytes.saturating_mul(8);
        }
    }

    fn encode_part(&self, prefix: &str, text: &str) -> Result<Option<Vec<u32>>, String> {
        if !prefix.is_empty() {
            // The prefix alone would make tokens, so whether the text has any is asked first.
            if self.encode_part("", text)?.is_none() {
                return Ok(None);
            }
            return self.encode_part("", &format!("{prefix}{text}"));
        }
        let encoding = self.tokenizer.encode_fast(text, true).map_err(|error| error.to_string())?;
        if encoding.get_special_tokens_mask().iter().all(|&special| special == 1) {
            return Ok(None);
        }
        Ok(Some(encoding.get_ids().to_vec()))
    }
}

/// The first `bytes` bytes of `text`, or a little less: cut at white space where there is some, so that no word is
/// halved, else between two characters.
fn head(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let part = &text[..end];
    match part.rfind(char::is_whitespace) {
        Some(blank) if blank > end / 2 => &part[..blank],
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::head;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn head_is_a_prefix_of_bounded_length(text in "\\PC{0,60}", bytes in 4usize..80) {
            let part = head(&text, bytes);
            prop_assert!(text.starts_with(part));
            prop_assert!(part.len() <= bytes);
            prop_assert!(part.len() == text.len() || part.len() + 4 > bytes / 2);
        }
    }

    #[test]
    fn head_does_not_halve_a_word() {
        assert_eq!(head("alpha beta gamma", 12), "alpha beta");
        assert_eq!(head("éééé", 3), "é");
    }
}
