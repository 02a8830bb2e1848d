//! The helper over a real socket: replies in order of their runs, models that cannot be opened, nonsense.

mod common;

use common::{SmallModel, cosine, minilm, runtime, write_manifest};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use sutra_embedder::protocol::{ModelKey, PROTOCOL_VERSION, Reply, Request};
use sutra_embedder::{Encoder, FailureKind, Manifest, Purpose, helper};

struct Helper {
    stream: UnixStream,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Helper {
    fn start() -> Self {
        let (stream, mut theirs) = UnixStream::pair().unwrap();
        let thread = std::thread::spawn(move || helper::serve(&mut theirs));
        let mut helper = Self { stream, thread };
        assert_eq!(helper.reply(), Reply::Hello { version: PROTOCOL_VERSION });
        helper
    }

    fn ask(&mut self, id: u64, model: &ModelKey, texts: &[(Purpose, &str)]) {
        let texts = texts.iter().map(|(purpose, text)| (*purpose, (*text).to_owned())).collect();
        let mut message = Vec::new();
        Request { id, threads: 1, model: model.clone(), texts }.write(&mut message);
        self.stream.write_all(&message).unwrap();
    }

    fn reply(&mut self) -> Reply {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_le_bytes(length) as usize];
        self.stream.read_exact(&mut message).unwrap();
        Reply::read(&message).unwrap()
    }

    fn end(self) -> std::io::Result<()> {
        drop(self.stream);
        self.thread.join().unwrap()
    }
}

fn key(folder: &std::path::Path) -> ModelKey {
    let sha256 = Manifest::read(folder).unwrap().model.sha256;
    ModelKey { folder: folder.to_owned(), library: runtime(), sha256 }
}

#[test]
fn short_texts_come_first_and_one_bad_text_fails_alone() {
    let long = "shares of banks rose on news ".repeat(60);
    let texts = [(Purpose::Passage, long.as_str()), (Purpose::Query, "  "), (Purpose::Query, "What rose?")];
    let mut helper = Helper::start();
    helper.ask(7, &key(&minilm()), &texts);
    assert_eq!(helper.reply(), Reply::Opening { id: 7 });
    let Reply::TextFailed { id: 7, text: 1, failure } = helper.reply() else { panic!("the empty text fails") };
    assert_eq!(failure.kind, FailureKind::EmptyText);
    let mut expected = Encoder::open(&minilm(), &runtime(), 1).unwrap();
    for wanted in [2, 0] {
        let Reply::Vector { id: 7, text, vector } = helper.reply() else { panic!("a vector is next") };
        assert_eq!(text, wanted);
        let (purpose, content) = texts[text as usize];
        let alone = expected.encode(&[content], purpose, &mut || true).unwrap().remove(0);
        assert!(cosine(&vector, &alone) > 0.999999);
    }
    let Reply::Done { id: 7, tokens, batches: 2, nanoseconds } = helper.reply() else { panic!("it is done") };
    assert!(tokens > 256 && nanoseconds > 0);
    helper.end().unwrap();
}

#[test]
fn a_model_that_cannot_be_opened_fails_the_request_and_not_the_helper() {
    let folder = tempfile::tempdir().unwrap();
    let small = SmallModel::default().write(folder.path());
    write_manifest(folder.path(), &small);
    let mut helper = Helper::start();
    let mut missing = key(folder.path());
    missing.folder = folder.path().join("no");
    let mut replaced = key(folder.path());
    replaced.sha256 = "0".repeat(64);
    for (id, model, kind) in [(1, missing, FailureKind::ModelMissing), (2, replaced, FailureKind::Damaged)] {
        helper.ask(id, &model, &[(Purpose::Query, "w1")]);
        assert_eq!(helper.reply(), Reply::Opening { id });
        let Reply::ModelFailed { failure, .. } = helper.reply() else { panic!("it fails") };
        assert_eq!(failure.kind, kind, "{failure:?}");
    }
    helper.ask(3, &key(folder.path()), &[]);
    assert_eq!(helper.reply(), Reply::Opening { id: 3 });
    assert_eq!(helper.reply(), Reply::Done { id: 3, tokens: 0, batches: 0, nanoseconds: 0 });
    helper.ask(4, &key(folder.path()), &[(Purpose::Query, "w1")]);
    assert!(matches!(helper.reply(), Reply::Vector { id: 4, text: 0, .. }), "it stays open");
    assert!(matches!(helper.reply(), Reply::Done { id: 4, .. }));
    helper.end().unwrap();
}

#[test]
fn nonsense_ends_it() {
    for message in [&[255, 255, 255, 255][..], &[3, 0, 0, 0, 1, 2, 3]] {
        let mut helper = Helper::start();
        helper.stream.write_all(message).unwrap();
        assert!(helper.end().is_err());
    }
}
