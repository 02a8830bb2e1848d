//! A worker: a background worker of PostgreSQL that takes requests from the queue and has its helper answer them.
//!
//! It runs no native code but its own, touches no database, and sleeps while there is nothing to do.

use crate::model::pool::helper::{self, Ended, Helper, Next};
use crate::model::pool::memory::{Memory, WorkerState};
use crate::model::registry;
use crate::settings;
use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, BgWorkerStartTime, SignalWakeFlags};
use pgrx::prelude::*;
use std::time::{Duration, Instant};
use sutra_embedder::protocol::{self, ModelKey, PROTOCOL_VERSION, Reply, Request};
use sutra_embedder::queue::{Death, Outcome, Ticket, View};
use sutra_embedder::{Failure, FailureKind, Manifest, Purpose};

/// Texts and bytes of text that a helper gets at once: the requests of several sessions together, see `REQUEST_BYTES` of
/// the client.
const TAKE_TEXTS: u32 = 32;
const TAKE_BYTES: u32 = 8192;

/// A helper says something after each run of the model, which takes a tenth of a second. One that is silent for so long
/// is wedged, unless the machine is very busy: so each further try is given twice the time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while it opens a model, which may come from a slow disk.
const PATIENCE_OPENING: Duration = Duration::from_secs(120);
/// How long a new helper may take to say hello.
const PATIENCE_STARTING: Duration = Duration::from_secs(60);

/// What the end of a helper counts against the only request it had. Crashes are most likely the request's doing, a
/// SIGKILL is most likely not.
const CRASHED: u32 = 10;
const WEDGED: u32 = 6;
const KILLED: u32 = 3;
/// A request against which so much counts is answered by an error.
const DEATH_LIMIT: u32 = 30;

/// Starts in a row that fail before the pool is given up for a while.
const FAILED_STARTS: u32 = 3;
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Pause before the next try once the pool was given up.
const PAUSE_WHEN_DOWN: Duration = Duration::from_secs(10);

/// Registers the worker of that number with the postmaster.
pub fn register(number: usize) {
    BackgroundWorkerBuilder::new(&format!("sutra embedding worker {}", number + 1))
        .set_type("sutra embedding worker")
        .set_library("sutra")
        .set_function("sutra_embedding_worker")
        .set_argument(Some(pg_sys::Datum::from(number)))
        .enable_shmem_access(None)
        // On a standby too, as soon as sessions may connect.
        .set_start_time(BgWorkerStartTime::ConsistentState)
        .set_restart_time(Some(Duration::from_secs(1)))
        .load();
}

/// Where the process of a worker begins.
#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn sutra_embedding_worker(argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP | SignalWakeFlags::SIGTERM);
    let Some(memory) = Memory::get() else { return };
    let number = argument.value();
    if number >= memory.worker_count() {
        return;
    }
    // SAFETY: the callback gets the number that it was registered with.
    unsafe { pg_sys::before_shmem_exit(Some(leave), argument) };
    {
        let mut locked = memory.lock();
        // What a former process of this number had, should it have left without a word.
        locked.queue(|queue| queue.give_back_all(number as u32));
        locked.set_worker(number, WorkerState::Present);
    }
    Worker::new(memory, number).run();
}

#[pg_guard]
unsafe extern "C-unwind" fn leave(_code: std::ffi::c_int, argument: pg_sys::Datum) {
    if let Some(memory) = Memory::get() {
        let mut locked = memory.lock();
        locked.queue(|queue| queue.give_back_all(argument.value() as u32));
        locked.set_worker(argument.value(), WorkerState::Absent);
    }
}

struct Worker {
    memory: Memory,
    number: usize,
    helper: Option<Helper>,
    /// The library that the helper has loaded, or is about to: a process loads one.
    library: Option<std::path::PathBuf>,
    /// Whether the helper was asked to open the default model.
    warm: bool,
    next_id: u64,
    /// Starts that failed, in a row.
    failed_starts: u32,
    pause: Duration,
    not_before: Instant,
}

/// A request that a helper is at work on.
struct Member {
    ticket: Ticket,
    view: View,
    /// Position of its first text among those of all.
    first: usize,
    /// The vectors, as bytes, one after the other.
    answer: Vec<u8>,
    received: usize,
    finished: bool,
}

/// How it went with what a helper was asked.
enum End {
    /// It was answered.
    Answered,
    /// The helper is gone, or must go.
    Lost { wedged: bool },
    /// The helper uses another library than the request wants.
    OtherLibrary,
}

impl Worker {
    fn new(memory: Memory, number: usize) -> Self {
        Self {
            memory,
            number,
            helper: None,
            library: None,
            warm: false,
            next_id: 0,
            failed_starts: 0,
            pause: SHORTEST_PAUSE,
            not_before: Instant::now(),
        }
    }

    fn run(&mut self) -> ! {
        loop {
            if self.helper.is_none() {
                self.pass_on();
                if !self.start_helper() {
                    let until = self.not_before;
                    self.sleep(None, Some(until));
                    continue;
                }
            }
            let mut taken = Vec::with_capacity(sutra_embedder::queue::TAKE_LIMIT);
            let mut views = Vec::with_capacity(sutra_embedder::queue::TAKE_LIMIT);
            {
                let mut locked = self.memory.lock();
                locked.queue(|queue| {
                    queue.take(self.number as u32, TAKE_TEXTS, TAKE_BYTES, &mut taken);
                    views.extend(taken.iter().filter_map(|&ticket| queue.view(ticket)));
                });
                locked.workers()[self.number].idle = taken.is_empty() && self.warm;
            }
            if !taken.is_empty() {
                self.answer(&taken, &views);
            } else if !self.warm {
                self.warm_up();
            } else {
                let descriptor = self.helper.as_ref().map(Helper::descriptor);
                self.sleep(descriptor, None);
                self.look_after_helper();
            }
        }
    }

    /// Without a helper it cannot answer what it may just have been woken for: another may.
    fn pass_on(&self) {
        let mut locked = self.memory.lock();
        locked.workers()[self.number].idle = false;
        locked.wake_worker();
    }

    /// Sleeps until it is woken, the helper says something, or that moment. Ends the process when it is asked to.
    fn sleep(&mut self, descriptor: Option<i32>, until: Option<Instant>) {
        self.sleep_for(descriptor, pg_sys::WL_SOCKET_READABLE, until);
    }

    fn sleep_for(&mut self, descriptor: Option<i32>, socket_events: u32, until: Option<Instant>) {
        let mut events = pg_sys::WL_LATCH_SET | pg_sys::WL_EXIT_ON_PM_DEATH;
        let mut timeout = -1;
        if let Some(until) = until {
            events |= pg_sys::WL_TIMEOUT;
            timeout = until.saturating_duration_since(Instant::now()).as_millis() as std::ffi::c_long + 1;
        }
        if descriptor.is_some() {
            events |= socket_events;
        }
        // SAFETY: MyLatch is this process's own, and the descriptor is open.
        unsafe {
            let socket = descriptor.unwrap_or(-1);
            pg_sys::WaitLatchOrSocket(pg_sys::MyLatch, events as i32, socket, timeout, pg_sys::PG_WAIT_EXTENSION);
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
        check_for_interrupts!();
        if BackgroundWorker::sigterm_received() {
            // 1 and not 0: a worker that somebody ended comes back.
            // SAFETY: ends the process in order; `leave` gives back what it has.
            unsafe { pg_sys::proc_exit(1) };
        }
        if BackgroundWorker::sighup_received() {
            // SAFETY: between two requests or two messages nothing depends on a setting.
            unsafe { pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP) };
        }
    }

    /// Starts a helper unless it is too early; false when there is none after that.
    fn start_helper(&mut self) -> bool {
        if Instant::now() < self.not_before {
            return false;
        }
        let program = helper::program();
        let started = Helper::start(&program).map_err(|error| error.to_string());
        match started.and_then(|helper| self.greet(helper)) {
            Ok(helper) => {
                if self.failed_starts >= FAILED_STARTS {
                    log!("sutra embedding worker {} has a helper again", self.number + 1);
                }
                self.failed_starts = 0;
                self.helper = Some(helper);
                (self.warm, self.library) = (false, None);
                self.memory.lock().set_worker(self.number, WorkerState::Present);
                true
            }
            Err(reason) => {
                self.failed_starts += 1;
                self.back_off();
                if self.failed_starts >= FAILED_STARTS {
                    self.not_before = Instant::now() + PAUSE_WHEN_DOWN;
                    if self.failed_starts == FAILED_STARTS {
                        ereport!(
                            PgLogLevel::WARNING,
                            PgSqlErrorCode::ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
                            format!("could not start \"{}\": {reason}", program.display()),
                            "Sessions embed by themselves meanwhile. Install the extension again if the file is missing or of another version."
                        );
                    }
                    self.memory.lock().set_worker(self.number, WorkerState::Down);
                }
                false
            }
        }
    }

    /// Waits for a helper's first message.
    fn greet(&mut self, mut helper: Helper) -> Result<Helper, String> {
        let until = Instant::now() + PATIENCE_STARTING;
        loop {
            match helper.next() {
                Next::Reply(Reply::Hello { version: PROTOCOL_VERSION }) => return Ok(helper),
                Next::Reply(_) => return Err("it is of another version".into()),
                Next::Nothing if Instant::now() < until => self.sleep(Some(helper.descriptor()), Some(until)),
                Next::Nothing | Next::End => {
                    let ended = helper.end();
                    return Err(format!("{ended} {}", ended.words));
                }
            }
        }
    }

    fn back_off(&mut self) {
        self.not_before = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// A helper that says something unasked, or is gone, is replaced.
    fn look_after_helper(&mut self) {
        let Some(helper) = self.helper.as_mut() else { return };
        helper.listen();
        match helper.next() {
            Next::Nothing => {}
            Next::Reply(_) | Next::End => drop(self.lose_helper(false)),
        }
    }

    /// Ends the helper and says so in the log.
    fn lose_helper(&mut self, wedged: bool) -> Option<Ended> {
        let helper = self.helper.take()?;
        let process = helper.process();
        let ended = helper.end();
        let how = if wedged { "did not answer and was ended".to_owned() } else { format!("ended ({ended})") };
        let words = if ended.words.is_empty() { String::new() } else { format!(": {}", ended.words) };
        log!("embedding helper {process} {how}; sutra embedding worker {} starts another{words}", self.number + 1);
        self.memory.lock().counters().restarts += 1;
        self.back_off();
        Some(ended)
    }

    /// Has the helper open the model that most sessions will want.
    fn warm_up(&mut self) {
        self.warm = true;
        let name = match settings::text(&settings::MODEL) {
            name if name.is_empty() => registry::DEFAULT_MODEL.to_owned(),
            name => name,
        };
        if !registry::is_name(&name) {
            return;
        }
        let folder = registry::folder(&name);
        // Whoever asks for a model that is not there is told so; the log of the server need not be.
        let Ok(manifest) = Manifest::read(&folder) else { return };
        let model = ModelKey { folder, library: registry::runtime_library(), sha256: manifest.model.sha256 };
        match self.converse(model, Vec::new(), &mut [], PATIENCE) {
            End::Answered => self.pause = SHORTEST_PAUSE,
            End::Lost { wedged } => drop(self.lose_helper(wedged)),
            End::OtherLibrary => self.helper = None,
        }
    }

    /// Has the helper answer requests that were taken.
    fn answer(&mut self, taken: &[Ticket], views: &[View]) {
        let mut texts = Vec::new();
        let mut members = Vec::new();
        let mut model = None;
        for (&ticket, view) in taken.iter().zip(views) {
            if view.deaths >= DEATH_LIMIT {
                self.refuse(ticket, view, 0, &given_up(view.texts));
                continue;
            }
            let bytes = self.memory.read(view.first_block, 0, view.request_bytes as usize);
            let Some((key, own)) = protocol::read_texts(&bytes, view.texts as usize) else {
                self.refuse(ticket, view, 0, &garbled());
                continue;
            };
            let first = texts.len();
            texts.extend(own);
            let answer = Vec::with_capacity(0);
            members.push(Member { ticket, view: *view, first, answer, received: 0, finished: false });
            model.get_or_insert(key);
        }
        let Some(model) = model else { return };
        if self.library.as_ref().is_some_and(|library| *library != model.library) {
            return self.give_back(&members, &End::OtherLibrary);
        }
        self.library = Some(model.library.clone());
        let tries = members[0].view.deaths / KILLED;
        let end = self.converse(model, texts, &mut members, PATIENCE * 2u32.pow(tries.min(3)));
        self.give_back(&members, &end);
    }

    /// Replaces a helper that was lost, and gives back what it has not answered.
    fn give_back(&mut self, members: &[Member], end: &End) {
        let death = match end {
            End::Answered => {
                (self.pause, self.not_before) = (SHORTEST_PAUSE, Instant::now());
                return;
            }
            End::OtherLibrary => {
                self.helper = None;
                Death::None
            }
            End::Lost { wedged } => {
                let ended = self.lose_helper(*wedged);
                let open = members.iter().filter(|member| !member.finished).count();
                match (open, wedged, ended.is_some_and(|ended| ended.is_crash())) {
                    (0 | 1, true, _) => Death::Alone(WEDGED),
                    (0 | 1, _, true) => Death::Alone(CRASHED),
                    (0 | 1, _, false) => Death::Alone(KILLED),
                    _ => Death::Together,
                }
            }
        };
        let mut locked = self.memory.lock();
        for member in members.iter().filter(|member| !member.finished) {
            locked.queue(|queue| queue.give_back(member.ticket, death));
        }
        // Another worker may be idle, while this one starts a helper.
        locked.wake_worker();
    }

    /// Sends a request and takes the replies until it is answered. Each member is answered as soon as it is complete.
    fn converse(
        &mut self,
        model: ModelKey,
        texts: Vec<(Purpose, String)>,
        members: &mut [Member],
        patience: Duration,
    ) -> End {
        let lost = End::Lost { wedged: false };
        let count = texts.len();
        self.next_id += 1;
        let own_id = self.next_id;
        let threads = settings::EMBEDDING_THREADS.get().max(1) as u32;
        {
            let Some(helper) = self.helper.as_mut() else { return lost };
            helper.ask(&Request { id: own_id, threads, model, texts });
        }
        let mut until = Instant::now() + patience;
        loop {
            let Some(helper) = self.helper.as_mut() else { return lost };
            if !helper.write() {
                return lost;
            }
            let next = helper.next();
            let events = match helper.is_sent() {
                true => pg_sys::WL_SOCKET_READABLE,
                false => pg_sys::WL_SOCKET_READABLE | pg_sys::WL_SOCKET_WRITEABLE,
            };
            let descriptor = helper.descriptor();
            let reply = match next {
                Next::End => return lost,
                Next::Reply(reply) => reply,
                Next::Nothing if Instant::now() >= until => return End::Lost { wedged: true },
                Next::Nothing => {
                    self.sleep_for(Some(descriptor), events, Some(until));
                    continue;
                }
            };
            until = Instant::now() + patience;
            match reply {
                Reply::Opening { id } if id == own_id => until = Instant::now() + PATIENCE_OPENING.max(patience),
                Reply::Vector { id, text, vector } if id == own_id && (text as usize) < count => {
                    if !self.take_vector(members, text as usize, &vector) {
                        return lost;
                    }
                }
                Reply::TextFailed { id, text, failure } if id == own_id && (text as usize) < count => {
                    let text = text as usize;
                    let Some(member) = member_of(members, text) else { return lost };
                    if !member.finished {
                        member.finished = true;
                        let (ticket, view, text) = (member.ticket, member.view, text - member.first);
                        self.refuse(ticket, &view, text as u32, &failure);
                    }
                }
                Reply::ModelFailed { id, failure } if id == own_id => {
                    if failure.kind == FailureKind::InUse {
                        return End::OtherLibrary;
                    }
                    for member in members.iter_mut().filter(|member| !member.finished) {
                        member.finished = true;
                        self.refuse(member.ticket, &member.view, 0, &failure);
                    }
                    return End::Answered;
                }
                Reply::Done { id, tokens, batches, nanoseconds } if id == own_id => {
                    let mut locked = self.memory.lock();
                    let counters = locked.counters();
                    counters.tokens += tokens;
                    counters.batches += batches;
                    counters.nanoseconds += nanoseconds;
                    drop(locked);
                    if let Some(helper) = self.helper.as_mut() {
                        helper.listen();
                    }
                    // An answer that is not complete is none.
                    return if members.iter().all(|member| member.finished) { End::Answered } else { lost };
                }
                _ => return lost,
            }
        }
    }

    /// Keeps the vector of one text; false when it is none that was asked for.
    fn take_vector(&self, members: &mut [Member], text: usize, vector: &[f32]) -> bool {
        let Some(member) = member_of(members, text) else { return false };
        let (texts, dimension) = (member.view.texts as usize, member.view.dimension as usize);
        if vector.len() != dimension {
            if !member.finished {
                member.finished = true;
                self.refuse(member.ticket, &member.view, 0, &other_dimension(vector.len(), dimension));
            }
            return true;
        }
        let size = dimension * size_of::<f32>();
        member.answer.resize(texts * size, 0);
        let place = (text - member.first) * size;
        for (place, value) in member.answer[place..place + size].chunks_exact_mut(4).zip(vector) {
            place.copy_from_slice(&value.to_le_bytes());
        }
        member.received += 1;
        if member.received == texts && !member.finished {
            member.finished = true;
            self.finish(member.ticket, &member.view, Outcome::Vectors, &member.answer);
        }
        true
    }

    fn refuse(&self, ticket: Ticket, view: &View, text: u32, failure: &Failure) {
        let mut bytes = Vec::new();
        protocol::write_text_failure(&mut bytes, text, failure);
        self.finish(ticket, view, Outcome::Failed, &bytes);
    }

    fn finish(&self, ticket: Ticket, view: &View, outcome: Outcome, answer: &[u8]) {
        self.memory.write(view.first_block, view.request_bytes as usize, answer);
        let mut locked = self.memory.lock();
        locked.queue(|queue| queue.finish(ticket, outcome, answer.len() as u32));
        let counters = locked.counters();
        counters.requests += 1;
        if outcome == Outcome::Vectors {
            counters.texts += u64::from(view.texts);
        }
    }
}

fn member_of(members: &mut [Member], text: usize) -> Option<&mut Member> {
    members.iter_mut().find(|member| (member.first..member.first + member.view.texts as usize).contains(&text))
}

fn given_up(texts: u32) -> Failure {
    let detail = match texts {
        1 => "It was tried several times, at last alone.".to_owned(),
        texts => format!("It is one of {texts} texts that were tried several times, at last without those of others."),
    };
    Failure {
        kind: FailureKind::Runtime,
        message: "the embedding helper dies of this text".into(),
        detail,
        remedy: "The server's log says how the helper ended. Check that the model and memory are in order.".into(),
    }
}

fn garbled() -> Failure {
    Failure {
        kind: FailureKind::Runtime,
        message: "a request to the embedding pool could not be read".into(),
        detail: String::new(),
        remedy: "Restart the server if it was upgraded while it ran.".into(),
    }
}

fn other_dimension(found: usize, expected: usize) -> Failure {
    Failure {
        kind: FailureKind::Configuration,
        message: format!("the embedding model gave {found} dimensions where its manifest says {expected}"),
        detail: String::new(),
        remedy: "Correct the manifest, and reconnect.".into(),
    }
}
