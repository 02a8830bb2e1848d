//! The helper: a process of its own that embeds what it is asked to, one request after the other, until its stream ends.

use crate::encoder::Encoder;
use crate::error::EmbedderError;
use crate::failure::{Failure, FailureKind};
use crate::protocol::{MESSAGE_LIMIT, ModelKey, PROTOCOL_VERSION, Reply, Request};
use std::io::{ErrorKind, Read, Result, Write};

/// Models that stay open: the default one and a few that callers name. Another one drives out the one used longest ago.
const OPEN_LIMIT: usize = 3;

/// Replies are gathered up to here before they are written, and at the end of each run of the model.
const BUFFER: usize = 64 << 10;

/// Answers requests from `stream` until it ends.
///
/// # Errors
/// The stream fails, or what comes is no request.
pub fn serve(stream: &mut (impl Read + Write)) -> Result<()> {
    let mut output = Vec::new();
    Reply::Hello { version: PROTOCOL_VERSION }.write(&mut output);
    stream.write_all(&output)?;
    let mut open = Vec::new();
    while let Some(request) = read_request(stream)? {
        answer(&request, &mut open, stream)?;
    }
    Ok(())
}

fn read_request(stream: &mut impl Read) -> Result<Option<Request>> {
    let invalid = || std::io::Error::new(ErrorKind::InvalidData, "what was read is no request");
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MESSAGE_LIMIT {
        return Err(invalid());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Request::read(&message).map(Some).ok_or_else(invalid)
}

/// An open model; the one used last comes last.
struct Open {
    key: ModelKey,
    threads: u32,
    encoder: Encoder,
}

fn answer(request: &Request, open: &mut Vec<Open>, stream: &mut impl Write) -> Result<()> {
    let id = request.id;
    let mut output = Vec::new();
    let position = open.iter().position(|open| open.key == request.model && open.threads == request.threads);
    let mut used = match position {
        Some(position) => open.remove(position),
        None => {
            Reply::Opening { id }.write(&mut output);
            stream.write_all(&output)?;
            output.clear();
            // The same model with other files or threads is of no use any more, and makes way before.
            open.retain(|open| open.key.folder != request.model.folder);
            open.drain(..(open.len() + 1).saturating_sub(OPEN_LIMIT));
            match open_model(request) {
                Ok(encoder) => Open { key: request.model.clone(), threads: request.threads, encoder },
                Err(failure) => {
                    Reply::ModelFailed { id, failure }.write(&mut output);
                    return stream.write_all(&output);
                }
            }
        }
    };
    let before = used.encoder.usage();
    let texts: Vec<_> = request.texts.iter().map(|(purpose, text)| (*purpose, text.as_str())).collect();
    let mut written = Ok(());
    let pending = std::cell::RefCell::new((output, stream));
    let flush = |limit: usize| {
        let (output, stream) = &mut *pending.borrow_mut();
        if output.len() <= limit {
            return Ok(());
        }
        let result = stream.write_all(output);
        output.clear();
        result
    };
    // A stream that fails has no reader any more: the rest is not embedded.
    let ended = used.encoder.encode_each(&texts, &mut || flush(0).is_ok(), &mut |text, result| {
        let text = text as u32;
        let reply = match result {
            Ok(vector) => Reply::Vector { id, text, vector },
            Err(error) => Reply::TextFailed { id, text, failure: Failure::from(&error) },
        };
        reply.write(&mut pending.borrow_mut().0);
        written = flush(BUFFER);
        written.is_ok()
    });
    written?;
    let (mut output, stream) = pending.into_inner();
    if ended.is_err() {
        return Err(ErrorKind::BrokenPipe.into());
    }
    let usage = used.encoder.usage().since(&before);
    let nanoseconds = (usage.seconds * 1e9) as u64;
    Reply::Done { id, tokens: usage.tokens, batches: usage.batches, nanoseconds }.write(&mut output);
    stream.write_all(&output)?;
    open.push(used);
    Ok(())
}

fn open_model(request: &Request) -> std::result::Result<Encoder, Failure> {
    let key = &request.model;
    let failure = |error: &EmbedderError| Failure::from(error);
    let encoder =
        Encoder::open(&key.folder, &key.library, request.threads.max(1) as usize).map_err(|error| failure(&error))?;
    let found = &encoder.manifest().model.sha256;
    if *found != key.sha256 {
        return Err(Failure {
            kind: FailureKind::Damaged,
            message: format!("embedding model \"{}\" was replaced while it was asked for", encoder.manifest().name),
            detail: format!("Asked for was the model with SHA-256 {}, installed is {found}.", key.sha256),
            remedy: "Try again.".into(),
        });
    }
    Ok(encoder)
}
