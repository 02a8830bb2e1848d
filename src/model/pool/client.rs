//! What a session does: it puts its texts into the queue, waits, and takes the vectors.

use crate::model::known::Known;
use crate::model::pool::memory::{Locked, Memory, own_number};
use pgrx::prelude::*;
use std::cell::Cell;
use std::ops::Range;
use sutra_embedder::queue::{BLOCK, Claim, Outcome, State, Ticket, View};
use sutra_embedder::{Failure, FailureKind, Purpose, protocol, readable_part};

/// Texts and bytes of text in one request: what a helper does in about a tenth of a second, so that a question does not
/// wait long behind a bulk load. One longer text is a request of its own.
const REQUEST_TEXTS: usize = 8;
const REQUEST_BYTES: usize = 2048;

/// Milliseconds after which a waiting session looks whether there is still somebody to wait for.
const LOOK_AGAIN: std::ffi::c_long = 1000;

/// Why texts were not embedded, and the position of the text that is to blame.
pub type Refusal = (usize, Failure);

/// The vectors of `texts`, in their order; `None` when there is no pool, or none that answers.
pub fn embed(model: &Known, texts: &[&str], purpose: Purpose) -> Result<Option<Vec<Vec<f32>>>, Refusal> {
    let Some(memory) = Memory::get() else { return Ok(None) };
    let out_of_memory = |_| (0, out_of_memory(texts.len()));
    let mut parts: Vec<&str> = Vec::new();
    parts.try_reserve_exact(texts.len()).map_err(out_of_memory)?;
    parts.extend(texts.iter().map(|text| readable_part(text)));
    let mut order: Vec<usize> = Vec::new();
    order.try_reserve_exact(texts.len()).map_err(out_of_memory)?;
    order.extend(0..texts.len());
    // Texts of about one length together: little is padded.
    order.sort_by_key(|&text| parts[text].len());
    let mut vectors: Vec<Vec<f32>> = Vec::new();
    vectors.try_reserve_exact(texts.len()).map_err(out_of_memory)?;
    vectors.resize_with(texts.len(), Vec::new);
    let requests = cut(&order, &parts);
    leave_nothing_behind();
    let mut call = Call { memory, model, purpose, parts: &parts, order: &order, vectors, flights: Vec::new() };
    let in_flight = 2 * memory.worker_count() + 1;
    let mut next = 0;
    loop {
        let mut locked = memory.lock();
        if !locked.is_usable() {
            drop(locked);
            return Ok(None);
        }
        while next < requests.len() && call.flights.len() < in_flight {
            let claim = call.claim(&requests[next]);
            if claim.size() > memory.capacity() {
                drop(locked);
                return Ok(None);
            }
            let reserve = memory.backend_count();
            let further = !call.flights.is_empty();
            match locked.queue(|queue| queue.reserve(&claim, further, reserve)) {
                Some(ticket) => call.flights.push(Flight { ticket, members: requests[next].clone(), written: false }),
                None => break,
            }
            next += 1;
        }
        let progress = call.advance(locked)?;
        if next == requests.len() && call.flights.is_empty() {
            return Ok(Some(std::mem::take(&mut call.vectors)));
        }
        if !progress {
            wait();
        }
    }
}

/// Cuts texts, given in the order of their lengths, into requests.
fn cut(order: &[usize], parts: &[&str]) -> Vec<Range<usize>> {
    let mut requests = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (end, &text) in order.iter().enumerate() {
        let length = parts[text].len();
        if end > start && (end - start == REQUEST_TEXTS || bytes + length > REQUEST_BYTES) {
            requests.push(start..end);
            (start, bytes) = (end, 0);
        }
        bytes += length;
    }
    if start < order.len() {
        requests.push(start..order.len());
    }
    requests
}

/// A request on its way.
struct Flight {
    ticket: Ticket,
    /// Its texts, as positions in the order.
    members: Range<usize>,
    written: bool,
}

/// One call of a session. Dropped, by an ERROR too, it leaves no request behind.
struct Call<'a> {
    memory: Memory,
    model: &'a Known,
    purpose: Purpose,
    parts: &'a [&'a str],
    order: &'a [usize],
    vectors: Vec<Vec<f32>>,
    flights: Vec<Flight>,
}

trait Size {
    fn size(&self) -> usize;
}

impl Size for Claim {
    fn size(&self) -> usize {
        (self.request_bytes as usize + self.answer_bytes as usize).next_multiple_of(BLOCK)
    }
}

impl Call<'_> {
    fn texts(&self, members: &Range<usize>) -> Vec<&str> {
        self.order[members.clone()].iter().map(|&text| self.parts[text]).collect()
    }

    fn claim(&self, members: &Range<usize>) -> Claim {
        let texts = self.texts(members);
        let answer = texts.len() * self.model.dimension * size_of::<f32>();
        Claim {
            owner: own_number(),
            // SAFETY: GetOuterUserId returns a value of this process: the role that the session has set, whatever
            // function of another role it is in.
            role: unsafe { pg_sys::GetOuterUserId() }.to_u32(),
            key: self.model.digest,
            texts: texts.len() as u32,
            dimension: self.model.dimension as u32,
            request_bytes: protocol::size_of_texts(&self.model.key, &texts) as u32,
            answer_bytes: answer.max(protocol::FAILURE_LIMIT) as u32,
        }
    }

    /// Writes the texts of requests that have got their blocks, and takes the answers that are there. Returns whether
    /// there was any.
    fn advance(&mut self, locked: Locked) -> Result<bool, Refusal> {
        let mut locked = Some(locked);
        let mut progress = false;
        let mut index = 0;
        while index < self.flights.len() {
            let ticket = self.flights[index].ticket;
            let mut lock = locked.take().unwrap_or_else(|| self.memory.lock());
            match lock.queue(|queue| queue.view(ticket)) {
                Some(view) if view.state == State::Filling && !self.flights[index].written => {
                    drop(lock);
                    self.write(index, &view);
                    self.flights[index].written = true;
                    let mut lock = self.memory.lock();
                    lock.queue(|queue| queue.publish(ticket));
                    lock.wake_worker();
                    locked = Some(lock);
                    index += 1;
                }
                Some(view) if view.state == State::Done => {
                    drop(lock);
                    let answer = self.read(index, &view);
                    let members = self.flights.remove(index).members;
                    self.memory.lock().queue(|queue| queue.withdraw(ticket));
                    self.keep(members, &view, answer)?;
                    progress = true;
                }
                Some(_) => {
                    locked = Some(lock);
                    index += 1;
                }
                // Nobody but this session withdraws its requests.
                None => unreachable!("a request of this session is gone"),
            }
        }
        Ok(progress)
    }

    fn write(&self, index: usize, view: &View) {
        let texts = self.texts(&self.flights[index].members);
        let mut bytes = Vec::with_capacity(view.request_bytes as usize);
        protocol::write_texts(&mut bytes, &self.model.key, self.purpose, &texts);
        assert_eq!(bytes.len(), view.request_bytes as usize, "the size of a request was computed before");
        self.memory.write(view.first_block, 0, &bytes);
    }

    fn read(&self, _index: usize, view: &View) -> Vec<u8> {
        self.memory.read(view.first_block, view.request_bytes as usize, view.answer_bytes as usize)
    }

    fn keep(&mut self, members: Range<usize>, view: &View, answer: Vec<u8>) -> Result<(), Refusal> {
        if view.outcome == Outcome::Failed {
            let (text, failure) = protocol::read_text_failure(&answer).unwrap_or((0, garbled()));
            return Err((self.order[members].get(text as usize).copied().unwrap_or(0), failure));
        }
        let bytes_of_vector = self.model.dimension * size_of::<f32>();
        if answer.len() != members.len() * bytes_of_vector {
            return Err((0, garbled()));
        }
        for (&text, bytes) in self.order[members].iter().zip(answer.chunks_exact(bytes_of_vector)) {
            self.vectors[text] = protocol::floats(bytes);
        }
        Ok(())
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.flights.is_empty() {
            let mut locked = self.memory.lock();
            self.flights.iter().for_each(|flight| locked.queue(|queue| queue.withdraw(flight.ticket)));
        }
    }
}

/// Sleeps until something has happened, at most [`LOOK_AGAIN`]; a cancel or a timeout ends it by an ERROR.
fn wait() {
    // SAFETY: MyLatch is this process's own.
    unsafe {
        let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
        pg_sys::WaitLatch(pg_sys::MyLatch, events as i32, LOOK_AGAIN, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    check_for_interrupts!();
}

/// A session that ends while it waits does not unwind: its requests are withdrawn when it leaves shared memory.
fn leave_nothing_behind() {
    thread_local! {
        static REGISTERED: Cell<bool> = const { Cell::new(false) };
    }
    #[pg_guard]
    unsafe extern "C-unwind" fn leave(_code: std::ffi::c_int, _argument: pg_sys::Datum) {
        if let Some(memory) = Memory::get() {
            memory.lock().queue(|queue| queue.withdraw_all(own_number()));
        }
    }
    if !REGISTERED.replace(true) {
        // SAFETY: the callback takes no argument and lives as long as the library, which is never unloaded.
        unsafe { pg_sys::before_shmem_exit(Some(leave), pg_sys::Datum::from(0)) };
    }
}

fn garbled() -> Failure {
    Failure {
        kind: FailureKind::Runtime,
        message: "the embedding pool gave an answer that does not fit its request".into(),
        detail: String::new(),
        remedy: "Restart the server if it was upgraded while it ran.".into(),
    }
}

fn out_of_memory(texts: usize) -> Failure {
    Failure::from(&sutra_embedder::EmbedderError::OutOfMemory { texts })
}
