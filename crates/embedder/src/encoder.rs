//! A model in use: tokenizer and ONNX Runtime session.

use crate::error::EmbedderError;
use crate::manifest::{Manifest, Pooling, map_asset};
use crate::runtime::{self, SignalsBlocked};
use crate::tokens::{Tokens, readable_part};
use crate::{batch, memory, pooling, prepared};
use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::run_options::{HasSelectedOutputs, OutputSelector, RunOptions};
use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Texts that are tokenised and sorted by length together: enough for batches with little padding, and bounded memory.
const WINDOW: usize = 4096;

/// What a text is embedded for; asymmetric models put another prefix before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A question that is compared with passages.
    Query,
    /// A passage that is stored.
    Passage,
}

/// A loaded model.
pub struct Encoder {
    folder: PathBuf,
    manifest: Manifest,
    model_path: PathBuf,
    tokens: Tokens,
    session: Session,
    options: RunOptions<HasSelectedOutputs>,
    prepared: bool,
    usage: Usage,
}

/// What an encoder has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Texts that became vectors.
    pub texts: u64,
    /// Their tokens as the model read them: special tokens included, padding not.
    pub tokens: u64,
    /// Runs of the model.
    pub batches: u64,
    /// Seconds of all that was done, by the clock.
    pub seconds: f64,
    /// Of these, seconds of tokenising.
    pub tokenising: f64,
    /// Of these, seconds in ONNX Runtime.
    pub running: f64,
}

impl Usage {
    /// What was done since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            texts: self.texts - earlier.texts,
            tokens: self.tokens - earlier.tokens,
            batches: self.batches - earlier.batches,
            seconds: self.seconds - earlier.seconds,
            tokenising: self.tokenising - earlier.tokenising,
            running: self.running - earlier.running,
        }
    }
}

impl Encoder {
    /// Loads the model in `folder` with the ONNX Runtime library at `runtime_library`, to run on `threads` threads.
    ///
    /// The first call of a process decides on the library. The threads of the session, if there are more than one,
    /// have all signals blocked. Do not fork a process that has called this.
    ///
    /// # Errors
    /// A file is missing, unreadable, damaged or not the one the manifest describes, or the parts do not belong
    /// together: the tokenizer, the ONNX file and the manifest are tried on one another before this returns.
    pub fn open(folder: &Path, runtime_library: &Path, threads: usize) -> Result<Self, EmbedderError> {
        let manifest = Manifest::read(folder)?;
        load_runtime(folder, runtime_library)?;
        if let Some((graph, description)) = prepared::find(folder, &manifest) {
            // Whatever is wrong with a prepared model, the plain one is there.
            let opened = Self::open_prepared(folder, &manifest, &graph, &description.probe, threads);
            if let Ok(encoder) = opened {
                return Ok(encoder);
            }
        }
        Self::open_plain(folder, manifest, threads, &|builder| Ok(builder))
    }

    /// Writes a form of the model beside it, in the folder `prepared`, that processes load faster and share in memory;
    /// [`Encoder::open`] uses it where the processor and the version of ONNX Runtime are those of this call. It takes
    /// the space of the weights as 32-bit numbers, up to twice. Returns the encoder that uses it.
    ///
    /// # Errors
    /// Those of [`Encoder::open`], or the files cannot be written.
    pub fn prepare(folder: &Path, runtime_library: &Path) -> Result<Self, EmbedderError> {
        let manifest = Manifest::read(folder)?;
        load_runtime(folder, runtime_library)?;
        let mut plain = Self::open_plain(folder, manifest.clone(), 1, &|builder| Ok(builder))?;
        plain.check_maximum_tokens()?;
        let probe = plain.probe()?;
        prepared::write(folder, &manifest, probe.clone(), |options| {
            Self::open_plain(folder, manifest.clone(), 1, options).map(drop)
        })?;
        let graph = folder.join(prepared::FOLDER).join(&manifest.model.file);
        match prepared::find(folder, &manifest) {
            Some((graph, description)) => Self::open_prepared(folder, &manifest, &graph, &description.probe, 1),
            None => Err(EmbedderError::Model { path: graph, reason: "it was not prepared".into() }),
        }
    }

    fn open_plain(
        folder: &Path,
        manifest: Manifest,
        threads: usize,
        options: &dyn Fn(SessionBuilder) -> ort::Result<SessionBuilder>,
    ) -> Result<Self, EmbedderError> {
        let (tokenizer_path, tokenizer_bytes) = map_asset(folder, &manifest.tokenizer)?;
        let (model_path, model_bytes) = map_asset(folder, &manifest.model)?;
        memory::for_plain_model(folder, model_bytes.len(), tokenizer_bytes.len())?;
        let tokens = Tokens::read(&tokenizer_path, &tokenizer_bytes, &manifest)?;
        let session = session_builder(threads)
            .and_then(options)
            .and_then(|builder| with_signals_blocked(|| builder.commit_from_memory(&model_bytes)))
            .map_err(|error| refusal(folder, &model_path, &error))?;
        let mut encoder = Self::new(folder, manifest, model_path, tokens, session, false)?;
        encoder.check_interface()?;
        encoder.check_vocabulary(tokenizer_path)?;
        Ok(encoder)
    }

    fn open_prepared(
        folder: &Path,
        manifest: &Manifest,
        graph: &Path,
        probe: &[f32],
        threads: usize,
    ) -> Result<Self, EmbedderError> {
        let (tokenizer_path, tokenizer_bytes) = map_asset(folder, &manifest.tokenizer)?;
        memory::for_prepared_model(folder, tokenizer_bytes.len())?;
        let tokens = Tokens::read(&tokenizer_path, &tokenizer_bytes, manifest)?;
        let session = session_builder(threads)
            .and_then(|builder| builder.with_optimization_level(GraphOptimizationLevel::Disable))
            .and_then(|builder| with_signals_blocked(|| builder.commit_from_file(graph)))
            .map_err(|error| refusal(folder, graph, &error))?;
        let mut encoder = Self::new(folder, manifest.clone(), graph.to_owned(), tokens, session, true)?;
        encoder.check_interface()?;
        if !prepared::recognised(probe, &encoder.probe()?) {
            return Err(encoder.disagreement("it gives another vector than when it was prepared".into()));
        }
        Ok(encoder)
    }

    fn new(
        folder: &Path,
        manifest: Manifest,
        model_path: PathBuf,
        tokens: Tokens,
        session: Session,
        prepared: bool,
    ) -> Result<Self, EmbedderError> {
        let options = RunOptions::new()
            .map_err(|error| refusal(folder, &model_path, &error))?
            .with_outputs(OutputSelector::no_default().with(&manifest.output));
        let folder = folder.to_owned();
        Ok(Self { folder, manifest, model_path, tokens, session, options, prepared, usage: Usage::default() })
    }

    /// Whether the model was prepared for this machine, see [`Encoder::prepare`].
    pub fn is_prepared(&self) -> bool {
        self.prepared
    }

    /// What this encoder has done since it was opened.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// What is known about the model.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Runs the model on a text of the maximum length, which [`Encoder::open`] leaves out because it takes a while.
    ///
    /// # Errors
    /// The model does not take as many tokens as its manifest says.
    pub fn check_maximum_tokens(&mut self) -> Result<(), EmbedderError> {
        let ids = vec![0; self.manifest.maximum_tokens];
        self.run(&[ids], &[0]).map(drop).map_err(|error| match error {
            EmbedderError::MemoryLimit { .. } => error,
            other => {
                let tokens = self.manifest.maximum_tokens;
                self.disagreement(format!("it fails on {tokens} tokens: {}", reason_of(other)))
            }
        })
    }

    /// The vectors of `texts`, in their order, each of [`Manifest::dimension`] values.
    ///
    /// `go_on` is called every few milliseconds of tokenising and before each run of the model, which is of bounded
    /// size (some 100 milliseconds on one thread); it returns false to stop.
    ///
    /// # Errors
    /// A text has no token, memory runs out, the model fails, or `go_on` returned false.
    pub fn encode(
        &mut self,
        texts: &[&str],
        purpose: Purpose,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let out_of_memory = |_| EmbedderError::OutOfMemory { texts: texts.len() };
        let mut vectors: Vec<Vec<f32>> = Vec::new();
        vectors.try_reserve_exact(texts.len()).map_err(out_of_memory)?;
        vectors.resize_with(texts.len(), Vec::new);
        let mut requests: Vec<(Purpose, &str)> = Vec::new();
        requests.try_reserve_exact(texts.len()).map_err(out_of_memory)?;
        requests.extend(texts.iter().map(|text| (purpose, *text)));
        let mut failure = None;
        let ended = self.encode_each(&requests, go_on, &mut |text, result| match result {
            Ok(vector) => {
                vectors[text] = vector;
                true
            }
            Err(error) => {
                failure = Some(error);
                false
            }
        });
        match failure {
            Some(error) => Err(error),
            None => ended.map(|()| vectors),
        }
    }

    /// Hands the vector of each text, or what is wrong with it, to `take` as soon as it is known, with the position of
    /// the text in `texts`; short texts come first. One text that fails does not fail the others.
    ///
    /// `go_on` is called as [`Encoder::encode`] does. It and `take` return false to stop.
    ///
    /// # Errors
    /// [`EmbedderError::Cancelled`] when `go_on` or `take` returned false.
    pub fn encode_each(
        &mut self,
        texts: &[(Purpose, &str)],
        go_on: &mut dyn FnMut() -> bool,
        take: &mut dyn FnMut(usize, Result<Vec<f32>, EmbedderError>) -> bool,
    ) -> Result<(), EmbedderError> {
        let mut since = Instant::now();
        for (window, part) in texts.chunks(WINDOW).enumerate() {
            let first = window * WINDOW;
            let ids = self.tokenise(part, first, go_on, take)?;
            self.usage.tokenising += since.elapsed().as_secs_f64();
            let mut order: Vec<usize> = (0..ids.len()).filter(|&text| !ids[text].is_empty()).collect();
            order.sort_by_key(|&text| ids[text].len());
            let lengths: Vec<usize> = order.iter().map(|&text| ids[text].len()).collect();
            for range in batch::cut(&lengths) {
                if !go_on() {
                    return Err(EmbedderError::Cancelled);
                }
                let members = &order[range];
                let results = self.run_apart(&ids, members);
                for (&text, result) in members.iter().zip(results) {
                    if result.is_ok() {
                        self.usage.texts += 1;
                        self.usage.tokens += ids[text].len() as u64;
                    }
                    if !take(first + text, result) {
                        return Err(EmbedderError::Cancelled);
                    }
                }
                let now = Instant::now();
                self.usage.seconds += (now - since).as_secs_f64();
                since = now;
            }
        }
        Ok(())
    }

    /// Runs the model on the texts `members` of `ids` together; where that fails, on each alone.
    fn run_apart(&mut self, ids: &[Vec<u32>], members: &[usize]) -> Vec<Result<Vec<f32>, EmbedderError>> {
        self.usage.batches += 1;
        match self.run(ids, members) {
            Ok(vectors) => vectors.into_iter().map(Ok).collect(),
            Err(error) if members.len() == 1 => vec![Err(error)],
            Err(_) => members
                .iter()
                .map(|&text| {
                    self.usage.batches += 1;
                    self.run(ids, &[text]).map(|mut vectors| vectors.remove(0))
                })
                .collect(),
        }
    }

    /// The token ids of each text; none for a text that has failed.
    fn tokenise(
        &self,
        texts: &[(Purpose, &str)],
        first: usize,
        go_on: &mut dyn FnMut() -> bool,
        take: &mut dyn FnMut(usize, Result<Vec<f32>, EmbedderError>) -> bool,
    ) -> Result<Vec<Vec<u32>>, EmbedderError> {
        let mut all = Vec::with_capacity(texts.len());
        let mut bytes = 0;
        for (index, (purpose, text)) in texts.iter().enumerate() {
            bytes += text.len();
            if bytes > 1 << 16 {
                bytes = 0;
                if !go_on() {
                    return Err(EmbedderError::Cancelled);
                }
            }
            let prefix = match purpose {
                Purpose::Query => &self.manifest.query_prefix,
                Purpose::Passage => &self.manifest.passage_prefix,
            };
            let ids = memory::for_text(&self.folder, readable_part(text).len())
                .and_then(|()| self.tokens.encode(prefix, text).map_err(|reason| self.inference(reason)));
            let failure = match ids {
                Ok(Some(ids)) => {
                    all.push(ids);
                    continue;
                }
                Ok(None) => EmbedderError::EmptyText { index: first + index },
                Err(error) => error,
            };
            if !take(first + index, Err(failure)) {
                return Err(EmbedderError::Cancelled);
            }
            all.push(Vec::new());
        }
        Ok(all)
    }

    /// Runs the model once on the texts `members` of `ids` and returns their vectors in that order.
    fn run(&mut self, ids: &[Vec<u32>], members: &[usize]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let rows = members.len();
        let width = members.iter().map(|&text| ids[text].len()).max().unwrap_or(0);
        let size = rows * width;
        memory::for_run(&self.folder, size, self.manifest.dimension)?;
        let (mut token_ids, mut mask) = (vec![0i64; size], vec![0i64; size]);
        for (row, &text) in members.iter().enumerate() {
            let start = row * width;
            for (position, &id) in ids[text].iter().enumerate() {
                token_ids[start + position] = i64::from(id);
                mask[start + position] = 1;
            }
        }
        let types = if self.manifest.inputs.token_types.is_some() { vec![0i64; size] } else { Vec::new() };
        let output = self.infer([rows, width], &token_ids, &mask, &types).map_err(|error| {
            match memory::ran_out(error.message()) {
                true => EmbedderError::MemoryLimit { folder: self.folder.clone(), bytes: None },
                false => self.inference(one_line(&error)),
            }
        })?;
        let dimension = self.manifest.dimension;
        let tokens_of_row = if self.manifest.pooling == Pooling::None { 1 } else { width };
        let row_size = tokens_of_row * dimension;
        let expected: &[i64] = match self.manifest.pooling {
            Pooling::None => &[rows as i64, dimension as i64],
            _ => &[rows as i64, width as i64, dimension as i64],
        };
        if output.shape != expected || output.values.len() != rows * row_size {
            return Err(self.disagreement(format!(
                "output \"{}\" has shape {:?} where the manifest makes it {expected:?}",
                self.manifest.output, output.shape
            )));
        }
        let mut vectors = Vec::with_capacity(rows);
        for (&text, row) in members.iter().zip(output.values.chunks_exact(row_size)) {
            let mut vector = Vec::new();
            vector.try_reserve_exact(dimension).map_err(|_| EmbedderError::OutOfMemory { texts: rows })?;
            match self.manifest.pooling {
                Pooling::Mean => {
                    vector.resize(dimension, 0.0);
                    pooling::mean(row, ids[text].len(), &mut vector);
                }
                Pooling::Cls | Pooling::None => vector.extend_from_slice(&row[..dimension]),
            }
            if self.manifest.normalise {
                pooling::normalise(&mut vector);
            }
            if !vector.iter().all(|value| value.is_finite()) {
                return Err(self.inference("its output is not a finite number".into()));
            }
            vectors.push(vector);
        }
        Ok(vectors)
    }

    fn infer(&mut self, shape: [usize; 2], ids: &[i64], mask: &[i64], types: &[i64]) -> ort::Result<Output> {
        let names = &self.manifest.inputs;
        let tensor = |values| TensorRef::from_array_view((shape, values)).map(SessionInputValue::from);
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = vec![
            (names.token_ids.as_str().into(), tensor(ids)?),
            (names.attention_mask.as_str().into(), tensor(mask)?),
        ];
        if let Some(name) = &names.token_types {
            inputs.push((name.as_str().into(), tensor(types)?));
        }
        let start = Instant::now();
        let outputs = self.session.run_with_options(inputs, &self.options)?;
        self.usage.running += start.elapsed().as_secs_f64();
        let (shape, values) = outputs[0].try_extract_tensor::<f32>()?;
        Ok(Output { shape: shape.to_vec(), values: values.to_vec() })
    }

    /// Checks the names and the number of inputs and the output against the manifest.
    fn check_interface(&self) -> Result<(), EmbedderError> {
        let names = &self.manifest.inputs;
        let given: Vec<&String> =
            [&names.token_ids, &names.attention_mask].into_iter().chain(&names.token_types).collect();
        let wanted: Vec<&String> = self.session.inputs.iter().map(|input| &input.name).collect();
        if let Some(name) = given.iter().find(|name| !wanted.contains(name)) {
            return Err(self.disagreement(format!("it has no input \"{name}\", it has {wanted:?}")));
        }
        if let Some(name) = wanted.iter().find(|name| !given.contains(name)) {
            return Err(self.disagreement(format!("it wants an input \"{name}\" that the manifest does not name")));
        }
        let outputs: Vec<&String> = self.session.outputs.iter().map(|output| &output.name).collect();
        if !outputs.contains(&&self.manifest.output) {
            return Err(self.disagreement(format!("it has no output \"{}\", it has {outputs:?}", self.manifest.output)));
        }
        Ok(())
    }

    /// Runs the model on two texts of different length, then on the highest token id, which a tokenizer of another
    /// model would have beyond the embedding table.
    fn check_vocabulary(&mut self, tokenizer: PathBuf) -> Result<(), EmbedderError> {
        self.run(&[vec![0; 3], vec![0; 2]], &[0, 1]).map_err(|error| match error {
            EmbedderError::Inference { reason, .. } => self.disagreement(reason),
            other => other,
        })?;
        self.run(&[vec![self.tokens.highest_id()]], &[0]).map(drop).map_err(|error| match error {
            EmbedderError::MemoryLimit { .. } => error,
            other => {
                EmbedderError::Vocabulary { tokenizer, tokens: self.tokens.vocabulary(), reason: reason_of(other) }
            }
        })
    }

    /// The vector of tokens from all over the vocabulary, by which a model is recognised.
    fn probe(&mut self) -> Result<Vec<f32>, EmbedderError> {
        let (length, vocabulary) = (self.manifest.maximum_tokens.min(16), self.tokens.vocabulary());
        let ids = (0..length).map(|position| (position * vocabulary / length) as u32).collect();
        Ok(self.run(&[ids], &[0])?.remove(0))
    }

    fn disagreement(&self, reason: String) -> EmbedderError {
        EmbedderError::Disagreement { path: self.model_path.clone(), reason }
    }

    fn inference(&self, reason: String) -> EmbedderError {
        EmbedderError::Inference { model: self.manifest.name.clone(), reason }
    }
}

/// The output tensor of one run.
struct Output {
    shape: Vec<i64>,
    values: Vec<f32>,
}

fn session_builder(threads: usize) -> ort::Result<SessionBuilder> {
    Session::builder()?
        .with_log_level(LogLevel::Fatal)?
        .with_intra_threads(threads.max(1))?
        .with_inter_threads(1)?
        // A backend that has nothing to embed must not burn a core.
        .with_config_entry("session.force_spinning_stop", "1")?
        // Lengths differ from run to run: remembering the allocations of each would only use memory.
        .with_memory_pattern(false)
}

/// Why ONNX Runtime did not take a file.
fn refusal(folder: &Path, path: &Path, error: &ort::Error) -> EmbedderError {
    match memory::ran_out(error.message()) {
        true => EmbedderError::MemoryLimit { folder: folder.to_owned(), bytes: None },
        false => EmbedderError::Model { path: path.to_owned(), reason: one_line(error) },
    }
}

/// ONNX Runtime makes its threads when it makes the session.
fn with_signals_blocked<T>(make: impl FnOnce() -> T) -> T {
    let _blocked = SignalsBlocked::new();
    make()
}

/// ONNX Runtime's messages have line breaks and lists of operators; the first line says what happened.
fn one_line(error: &ort::Error) -> String {
    error.message().lines().next().unwrap_or_default().trim().to_owned()
}

/// Loads ONNX Runtime for the model in `folder`, unless the process has it already.
fn load_runtime(folder: &Path, library: &Path) -> Result<(), EmbedderError> {
    if runtime::runtime_version().is_none() {
        let bytes = std::fs::metadata(library).map_or(0, |library| library.len());
        memory::for_library(folder, bytes)?;
    }
    runtime::load(library).map_err(|error| match error {
        // There was memory for the library and not for what it makes when it starts.
        EmbedderError::RuntimeUnusable { reason, .. } if memory::ran_out(&reason) => {
            EmbedderError::MemoryLimit { folder: folder.to_owned(), bytes: None }
        }
        other => other,
    })
}

fn reason_of(error: EmbedderError) -> String {
    match error {
        EmbedderError::Inference { reason, .. } => reason,
        other => other.to_string(),
    }
}
