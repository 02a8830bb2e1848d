//! What a process and its embedding helper say to one another, over a stream of bytes.
//!
//! A message is its length (four bytes, little-endian, without themselves), a number for its kind, and its fields in
//! order; numbers are little-endian, texts and lists start with their length. Both ends are of one version, which the
//! helper's first message says, so nothing here need be understood by a later one.

use crate::encoder::Purpose;
use crate::failure::{Failure, FailureKind};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Changes with every change of a message.
pub const PROTOCOL_VERSION: u32 = 1;

/// A longer message is a mistake: the stream is out of step.
pub const MESSAGE_LIMIT: usize = 64 << 20;

/// Which model texts are embedded with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelKey {
    /// The model's folder.
    pub folder: PathBuf,
    /// The ONNX Runtime library.
    pub library: PathBuf,
    /// SHA-256 of the ONNX file, hexadecimal: a model that was replaced is opened again.
    pub sha256: String,
}

impl ModelKey {
    /// SHA-256 of all that makes the key: equal for equal keys only.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        write_model(&mut Writer(&mut bytes), self);
        Sha256::digest(&bytes).into()
    }
}

/// Asks a helper to embed texts. Without a text it opens the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Comes back with every reply.
    pub id: u64,
    /// Threads that run the model.
    pub threads: u32,
    /// The model.
    pub model: ModelKey,
    /// The texts.
    pub texts: Vec<(Purpose, String)>,
}

/// What a helper says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// First of all: it is there.
    Hello {
        /// [`PROTOCOL_VERSION`] of the helper.
        version: u32,
    },
    /// It is about to open a model, which may take a while.
    Opening {
        /// Of the request.
        id: u64,
    },
    /// The vector of one text.
    Vector {
        /// Of the request.
        id: u64,
        /// Position of the text in the request.
        text: u32,
        /// The vector.
        vector: Vec<f32>,
    },
    /// One text could not be embedded.
    TextFailed {
        /// Of the request.
        id: u64,
        /// Position of the text in the request.
        text: u32,
        /// Why.
        failure: Failure,
    },
    /// The model could not be opened: no text of the request is embedded.
    ModelFailed {
        /// Of the request.
        id: u64,
        /// Why.
        failure: Failure,
    },
    /// Nothing more comes for this request.
    Done {
        /// Of the request.
        id: u64,
        /// Tokens that were read.
        tokens: u64,
        /// Runs of the model.
        batches: u64,
        /// Nanoseconds of tokenising and running.
        nanoseconds: u64,
    },
}

impl Request {
    /// Appends the message to `output`.
    pub fn write(&self, output: &mut Vec<u8>) {
        message(output, |writer| {
            writer.u64(self.id);
            writer.u32(self.threads);
            write_model(writer, &self.model);
            writer.u32(self.texts.len() as u32);
            for (purpose, text) in &self.texts {
                writer.u8(u8::from(*purpose == Purpose::Query));
                writer.text(text);
            }
        });
    }

    /// Reads a message without its length. `None` when it is none.
    pub fn read(message: &[u8]) -> Option<Self> {
        let mut reader = Reader(message);
        let (id, threads) = (reader.u64()?, reader.u32()?);
        let model = read_model(&mut reader)?;
        let count = reader.u32()?;
        let texts = (0..count).map(|_| read_text(&mut reader)).collect::<Option<_>>()?;
        reader.end()?;
        Some(Self { id, threads, model, texts })
    }
}

impl Reply {
    /// Appends the message to `output`.
    pub fn write(&self, output: &mut Vec<u8>) {
        message(output, |writer| match self {
            Self::Hello { version } => {
                writer.u8(1);
                writer.u32(*version);
            }
            Self::Opening { id } => {
                writer.u8(2);
                writer.u64(*id);
            }
            Self::Vector { id, text, vector } => {
                writer.u8(3);
                writer.u64(*id);
                writer.u32(*text);
                writer.u32(vector.len() as u32);
                vector.iter().for_each(|value| writer.0.extend_from_slice(&value.to_le_bytes()));
            }
            Self::TextFailed { id, text, failure } => {
                writer.u8(4);
                writer.u64(*id);
                writer.u32(*text);
                write_failure(writer, failure);
            }
            Self::ModelFailed { id, failure } => {
                writer.u8(5);
                writer.u64(*id);
                write_failure(writer, failure);
            }
            Self::Done { id, tokens, batches, nanoseconds } => {
                writer.u8(6);
                [*id, *tokens, *batches, *nanoseconds].into_iter().for_each(|value| writer.u64(value));
            }
        });
    }

    /// Reads a message without its length. `None` when it is none.
    pub fn read(message: &[u8]) -> Option<Self> {
        let mut reader = Reader(message);
        let reply = match reader.u8()? {
            1 => Self::Hello { version: reader.u32()? },
            2 => Self::Opening { id: reader.u64()? },
            3 => {
                let (id, text, count) = (reader.u64()?, reader.u32()?, reader.u32()? as usize);
                let bytes = reader.bytes(count.checked_mul(4)?)?;
                Self::Vector { id, text, vector: floats(bytes) }
            }
            4 => Self::TextFailed { id: reader.u64()?, text: reader.u32()?, failure: read_failure(&mut reader)? },
            5 => Self::ModelFailed { id: reader.u64()?, failure: read_failure(&mut reader)? },
            6 => Self::Done {
                id: reader.u64()?,
                tokens: reader.u64()?,
                batches: reader.u64()?,
                nanoseconds: reader.u64()?,
            },
            _ => return None,
        };
        reader.end()?;
        Some(reply)
    }
}

/// The length of the message that `input` starts with, without the four bytes of the length: `None` while there are too
/// few bytes to tell.
pub fn message_length(input: &[u8]) -> Option<usize> {
    let length: [u8; 4] = input.get(..4)?.try_into().ok()?;
    Some(u32::from_le_bytes(length) as usize)
}

/// Some texts and their model, as they are handed from one process to another in shared memory.
pub fn write_texts(output: &mut Vec<u8>, model: &ModelKey, purpose: Purpose, texts: &[&str]) {
    let mut writer = Writer(output);
    write_model(&mut writer, model);
    for text in texts {
        writer.u8(u8::from(purpose == Purpose::Query));
        writer.text(text);
    }
}

/// Reads what [`write_texts`] has written. `None` when it is something else.
pub fn read_texts(input: &[u8], count: usize) -> Option<(ModelKey, Vec<(Purpose, String)>)> {
    let mut reader = Reader(input);
    let model = read_model(&mut reader)?;
    let texts = (0..count).map(|_| read_text(&mut reader)).collect::<Option<_>>()?;
    reader.end()?;
    Some((model, texts))
}

/// Bytes that [`write_texts`] needs.
pub fn size_of_texts(model: &ModelKey, texts: &[&str]) -> usize {
    let paths = model.folder.as_os_str().len() + model.library.as_os_str().len();
    12 + paths + model.sha256.len() + texts.iter().map(|text| 5 + text.len()).sum::<usize>()
}

/// A failure and the text it is about, as bytes; long messages are cut, so that it takes [`FAILURE_LIMIT`] at most.
pub fn write_text_failure(output: &mut Vec<u8>, text: u32, failure: &Failure) {
    let mut writer = Writer(output);
    writer.u32(text);
    write_failure(&mut writer, failure);
}

/// Reads what [`write_text_failure`] has written.
pub fn read_text_failure(input: &[u8]) -> Option<(u32, Failure)> {
    let mut reader = Reader(input);
    let text = reader.u32()?;
    Some((text, read_failure(&mut reader)?))
}

/// Bytes of a failure at most, with the number of its text.
pub const FAILURE_LIMIT: usize = 3 * (TEXT_OF_FAILURE_LIMIT + 4) + 5;
const TEXT_OF_FAILURE_LIMIT: usize = 1000;

/// Little-endian 32-bit floats.
pub fn floats(bytes: &[u8]) -> Vec<f32> {
    let value = |chunk: &[u8]| f32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
    bytes.chunks_exact(4).map(value).collect()
}

fn write_model(writer: &mut Writer, model: &ModelKey) {
    for path in [&model.folder, &model.library] {
        writer.bytes(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    }
    writer.text(&model.sha256);
}

fn read_model(reader: &mut Reader) -> Option<ModelKey> {
    let path = |reader: &mut Reader| {
        let bytes = reader.list()?.to_vec();
        Some(PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes)))
    };
    Some(ModelKey { folder: path(reader)?, library: path(reader)?, sha256: reader.text()? })
}

fn read_text(reader: &mut Reader) -> Option<(Purpose, String)> {
    let purpose = if reader.u8()? == 1 { Purpose::Query } else { Purpose::Passage };
    Some((purpose, reader.text()?))
}

fn write_failure(writer: &mut Writer, failure: &Failure) {
    writer.u8(failure.kind as u8);
    for text in [&failure.message, &failure.detail, &failure.remedy] {
        let mut end = text.len().min(TEXT_OF_FAILURE_LIMIT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        writer.text(&text[..end]);
    }
}

fn read_failure(reader: &mut Reader) -> Option<Failure> {
    let kind = FailureKind::from_number(reader.u8()?)?;
    Some(Failure { kind, message: reader.text()?, detail: reader.text()?, remedy: reader.text()? })
}

/// Writes a message with its length before it.
fn message(output: &mut Vec<u8>, fields: impl FnOnce(&mut Writer)) {
    let start = output.len();
    output.extend_from_slice(&[0; 4]);
    fields(&mut Writer(output));
    let length = (output.len() - start - 4) as u32;
    output[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn list(&mut self) -> Option<&'a [u8]> {
        let count = self.u32()? as usize;
        self.bytes(count)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.list()?.to_vec()).ok()
    }

    /// Nothing may be left over.
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn model() -> impl Strategy<Value = ModelKey> {
        ("\\PC{0,30}", "\\PC{0,30}", "[0-9a-f]{64}").prop_map(|(folder, library, sha256)| ModelKey {
            folder: folder.into(),
            library: library.into(),
            sha256,
        })
    }

    fn texts() -> impl Strategy<Value = Vec<(Purpose, String)>> {
        let purpose = prop_oneof![Just(Purpose::Query), Just(Purpose::Passage)];
        prop::collection::vec((purpose, "(?s).{0,40}"), 0..10)
    }

    fn failure() -> impl Strategy<Value = Failure> {
        (1u8..=12, "\\PC{0,50}", "\\PC{0,50}", "\\PC{0,50}").prop_map(|(kind, message, detail, remedy)| Failure {
            kind: FailureKind::from_number(kind).unwrap(),
            message,
            detail,
            remedy,
        })
    }

    fn reply() -> impl Strategy<Value = Reply> {
        prop_oneof![
            any::<u32>().prop_map(|version| Reply::Hello { version }),
            any::<u64>().prop_map(|id| Reply::Opening { id }),
            (any::<u64>(), any::<u32>(), prop::collection::vec(-1e9f32..1e9, 0..20))
                .prop_map(|(id, text, vector)| Reply::Vector { id, text, vector }),
            (any::<u64>(), any::<u32>(), failure()).prop_map(|(id, text, failure)| Reply::TextFailed {
                id,
                text,
                failure
            }),
            (any::<u64>(), failure()).prop_map(|(id, failure)| Reply::ModelFailed { id, failure }),
            any::<(u64, u64, u64, u64)>().prop_map(|(id, tokens, batches, nanoseconds)| Reply::Done {
                id,
                tokens,
                batches,
                nanoseconds
            }),
        ]
    }

    fn body(message: &[u8]) -> &[u8] {
        assert_eq!(message_length(message), Some(message.len() - 4));
        &message[4..]
    }

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(id: u64, threads: u32, model in model(), texts in texts()) {
            let request = Request { id, threads, model, texts };
            let mut bytes = Vec::new();
            request.write(&mut bytes);
            prop_assert_eq!(Request::read(body(&bytes)), Some(request));
        }

        #[test]
        fn a_reply_is_read_as_it_was_written(reply in reply(), cut in 0usize..10_000) {
            let mut bytes = Vec::new();
            reply.write(&mut bytes);
            let body = body(&bytes);
            prop_assert_eq!(Reply::read(&body[..cut % body.len()]), None, "a part is no message");
            prop_assert_eq!(Reply::read(&[body, &[0]].concat()), None, "nor is more than one");
            prop_assert_eq!(Reply::read(body), Some(reply));
        }

        #[test]
        fn texts_take_the_bytes_that_were_computed(model in model(), texts in prop::collection::vec("(?s).{0,40}", 0..10)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut bytes = Vec::new();
            write_texts(&mut bytes, &model, Purpose::Query, &texts);
            prop_assert_eq!(bytes.len(), size_of_texts(&model, &texts));
            let (found, read) = read_texts(&bytes, texts.len()).unwrap();
            prop_assert_eq!(found, model);
            prop_assert_eq!(read, texts.iter().map(|text| (Purpose::Query, (*text).to_owned())).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (Request::read(&bytes), Reply::read(&bytes), read_texts(&bytes, 3), read_text_failure(&bytes));
        }
    }

    #[test]
    fn a_failure_is_cut_to_its_limit() {
        let long = "é".repeat(5000);
        let failure = Failure { kind: FailureKind::Runtime, message: long.clone(), detail: long.clone(), remedy: long };
        let mut bytes = Vec::new();
        write_text_failure(&mut bytes, 7, &failure);
        assert!(bytes.len() <= FAILURE_LIMIT);
        let (text, read) = read_text_failure(&bytes).unwrap();
        assert_eq!((text, read.kind), (7, FailureKind::Runtime));
        assert!(failure.message.starts_with(&read.message));
    }
}
