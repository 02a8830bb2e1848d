//! When two contents are the same concept, and what its id is.
//!
//! The digest is SHA-256 over space, kind and the normalised content, separated by NUL bytes (PostgreSQL's text holds
//! none, so no two triples give one input). The id is its first 8 bytes, most significant first; the whole digest is
//! kept beside it, so that a collision of ids is seen.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// SHA-256 over space, kind and normalised content.
pub type ContentDigest = [u8; 32];

/// The content as it is compared: Unicode NFC, trimmed, each run of white space as one blank.
pub fn normalise(content: &str) -> String {
    let mut normalised = String::with_capacity(content.len());
    normalised.extend(normalised_chars(content));
    normalised
}

/// Digest of a content; the normalised text is hashed as it is made and never held as a whole.
pub fn digest(space: &str, kind: &str, content: &str) -> ContentDigest {
    let mut hasher = Sha256::new();
    hasher.update(space.as_bytes());
    hasher.update([0]);
    hasher.update(kind.as_bytes());
    hasher.update([0]);
    let mut buffer = [0_u8; 512];
    let mut used = 0;
    for character in normalised_chars(content) {
        if used + character.len_utf8() > buffer.len() {
            hasher.update(&buffer[..used]);
            used = 0;
        }
        used += character.encode_utf8(&mut buffer[used..]).len();
    }
    hasher.update(&buffer[..used]);
    hasher.finalize().into()
}

/// The id of a digest: its first 8 bytes as one number, most significant byte first.
pub fn id(digest: &ContentDigest) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(bytes)
}

fn normalised_chars(content: &str) -> impl Iterator<Item = char> + '_ {
    let mut characters = content.nfc().peekable();
    let mut started = false;
    std::iter::from_fn(move || {
        let mut blank = false;
        while characters.next_if(|character| character.is_whitespace()).is_some() {
            blank = true;
        }
        // White space at either end gives nothing; a run inside gives one blank, before the character it precedes.
        if blank && started && characters.peek().is_some() {
            return Some(' ');
        }
        started = true;
        characters.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn white_space_and_composition_do_not_change_identity() {
        let written = digest("default", "statement", "Caf\u{e9} prices\trose\u{a0}\r\n in May. ");
        let decomposed = digest("default", "statement", "  Cafe\u{301} prices rose in May.");
        assert_eq!(written, decomposed);
        assert_eq!(normalise(" a \n\n b\u{3000}c "), "a b c");
        assert_eq!(normalise(" \t\n "), "");
    }

    #[test]
    fn space_kind_case_and_punctuation_change_identity() {
        let one = digest("default", "statement", "Apple rose");
        assert_ne!(one, digest("other", "statement", "Apple rose"));
        assert_ne!(one, digest("default", "entity", "Apple rose"));
        assert_ne!(one, digest("default", "statement", "apple rose"));
        assert_ne!(one, digest("default", "statement", "Apple rose."));
        assert_ne!(digest("ab", "c", "d"), digest("a", "bc", "d"));
    }

    /// The bytes below were computed with a different implementation: printf 'default\0statement\0abc' | sha256sum.
    #[test]
    fn the_digest_is_sha_256_of_the_three_parts() {
        let value = digest("default", "statement", " abc\n");
        assert_eq!(value, <[u8; 32]>::from(Sha256::digest(b"default\0statement\0abc")));
        assert_eq!(id(&value), u64::from_be_bytes(value[..8].try_into().unwrap()));
        assert_eq!(format!("{:016x}", id(&value)), "6477541e0d94418c");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC*|[ \\t\\n\\u{300}-\\u{310}a-e\\u{2000}\\u{3000}\\u{ac00}\\u{1100}\\u{1161}]*") {
            let once = normalise(&text);
            prop_assert_eq!(&normalise(&once), &once);
            prop_assert_eq!(digest("s", "statement", &once), digest("s", "statement", &text));
        }

        #[test]
        fn normalised_text_is_trimmed_and_composed(text in ".*") {
            let once = normalise(&text);
            prop_assert_eq!(once.trim(), &once);
            prop_assert!(!once.contains("  "));
            prop_assert!(unicode_normalization::is_nfc(&once));
        }
    }
}
