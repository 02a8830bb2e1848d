//! The bookkeeping of a queue of requests, over memory that the caller provides and guards with a lock.
//!
//! Processes that want texts embedded (owners) hand them to processes that have them embedded (workers). Each request has
//! a slot, and a chain of blocks that holds its texts and makes room for the answer, so that nothing is allocated while
//! a request waits. Both are bounded: what finds no blocks waits for them, in order.
//!
//! A slot goes through the states
//!
//! ```text
//! Free -> Waiting -> Filling -> Queued -> Running -> Done -> Free
//!         for blocks  texts     worker     answer
//! ```
//!
//! | state | who may touch the blocks | who moves it on |
//! |---|---|---|
//! | Waiting | nobody, it has none | the queue, when blocks are free |
//! | Filling | the owner | the owner |
//! | Queued | nobody | a worker |
//! | Running | that worker | that worker; back to Queued when its helper died |
//! | Done | the owner | the owner |
//!
//! An owner may leave at any time (a cancel, a timeout, its end). In every state but Running that frees the slot at once;
//! a running request is only marked, and the worker frees it: its blocks are never given to another request while a
//! worker may still write to them. A [`Ticket`] has a number that no other request ever had, so who comes late with the
//! ticket of a former request finds nothing.
//!
//! Order is fair between roles, by start-time fair queueing (Goyal, Vin and Cheng, 1996): a request starts at the virtual
//! time at which the requests of its role before it end, or now if there is none, and lasts as long as its texts are. What starts first
//! is served first, and gets blocks first. A role with many requests is thus served in turn with a role that has one.

/// Bytes of a block.
pub const BLOCK: usize = 4096;

/// Marks the end of a chain.
const NONE: u32 = u32::MAX;

/// Requests that one worker takes at once, at most.
pub const TAKE_LIMIT: usize = 16;

/// Where a request is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// No request.
    Free,
    /// For blocks.
    Waiting,
    /// Its owner writes the texts.
    Filling,
    /// For a worker.
    Queued,
    /// A worker has it.
    Running,
    /// The answer is there.
    Done,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Outcome {
    /// The vectors, one after the other.
    Vectors,
    /// A failure and the text it is about.
    Failed,
}

/// What is common to the queue.
#[derive(Debug)]
#[repr(C)]
pub struct Totals {
    /// Blocks that are in no chain.
    free_blocks: u32,
    /// First of them.
    first_free: u32,
    /// Slots from here on are free.
    used_slots: u32,
    /// Slots that are in use.
    occupied: u32,
    /// Start of the request that was taken last.
    virtual_time: u64,
    /// Number of the last request.
    last_number: u64,
}

/// A place for one request.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Slot {
    number: u64,
    state: State,
    outcome: Outcome,
    /// Whether the owner has left while it was running.
    abandoned: bool,
    owner: i32,
    role: u32,
    worker: u32,
    start: u64,
    finish: u64,
    key: [u8; 32],
    first_block: u32,
    blocks: u32,
    request_bytes: u32,
    answer_bytes: u32,
    texts: u32,
    dimension: u32,
    /// What counts against it: helpers that died while they had this request and no other.
    deaths: u32,
    /// Whether it must have a helper for itself, because one died that had it with others.
    alone: bool,
}

/// What an owner asks for.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Number of the owner's process.
    pub owner: i32,
    /// The role it works for.
    pub role: u32,
    /// Requests with the same key can run together.
    pub key: [u8; 32],
    /// Number of texts.
    pub texts: u32,
    /// Dimension of the vectors.
    pub dimension: u32,
    /// Bytes of the texts as they are written to the blocks.
    pub request_bytes: u32,
    /// Bytes of the answer at most.
    pub answer_bytes: u32,
}

/// The right to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    slot: u32,
    number: u64,
}

/// What its owner or its worker has to know about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Where it is.
    pub state: State,
    /// What came of it, once it is done.
    pub outcome: Outcome,
    /// First block of the chain.
    pub first_block: u32,
    /// Bytes of the texts; the answer comes after them.
    pub request_bytes: u32,
    /// Bytes of the answer.
    pub answer_bytes: u32,
    /// Number of texts.
    pub texts: u32,
    /// Dimension of the vectors.
    pub dimension: u32,
    /// What counts against it: the weights of [`Death::Alone`], added up.
    pub deaths: u32,
}

impl Totals {
    /// Of a queue that [`Queue::reset`] has not seen yet.
    pub const fn new() -> Self {
        Self { free_blocks: 0, first_free: NONE, used_slots: 0, occupied: 0, virtual_time: 0, last_number: 0 }
    }
}

impl Default for Totals {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    /// A slot without a request.
    pub const fn new() -> Self {
        Self {
            number: 0,
            state: State::Free,
            outcome: Outcome::Vectors,
            abandoned: false,
            owner: 0,
            role: 0,
            worker: 0,
            start: 0,
            finish: 0,
            key: [0; 32],
            first_block: NONE,
            blocks: 0,
            request_bytes: 0,
            answer_bytes: 0,
            texts: 0,
            dimension: 0,
            deaths: 0,
            alone: false,
        }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

/// Blocks that a request of so many bytes takes.
pub const fn blocks_of(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK)
}

/// The queue, while its lock is held.
pub struct Queue<'a> {
    totals: &'a mut Totals,
    slots: &'a mut [Slot],
    /// The block after each block in its chain.
    links: &'a mut [u32],
    /// Wakes the owner of that number.
    wake: &'a mut dyn FnMut(i32),
}

impl<'a> Queue<'a> {
    /// The queue over that memory; `wake` is called with the number of each owner for whom something has changed.
    pub fn new(
        totals: &'a mut Totals,
        slots: &'a mut [Slot],
        links: &'a mut [u32],
        wake: &'a mut dyn FnMut(i32),
    ) -> Self {
        Self { totals, slots, links, wake }
    }

    /// Makes the queue empty.
    pub fn reset(&mut self) {
        *self.totals = Totals::new();
        self.slots.fill(Slot::new());
        for (block, link) in self.links.iter_mut().enumerate() {
            *link = if block == 0 { NONE } else { block as u32 - 1 };
        }
        self.totals.free_blocks = self.links.len() as u32;
        self.totals.first_free = self.totals.free_blocks.wrapping_sub(1);
    }

    /// Makes a request. It has its blocks when its state is Filling, and waits for them before.
    ///
    /// A `further` request, of an owner that has one on its way already, must leave `reserve` slots and half the blocks to
    /// others. `None` when there is no slot, or when the request is larger than the queue.
    pub fn reserve(&mut self, claim: &Claim, further: bool, reserve: usize) -> Option<Ticket> {
        let blocks = blocks_of(claim.request_bytes as usize + claim.answer_bytes as usize);
        if blocks > self.links.len() {
            return None;
        }
        if further {
            let free_after = (self.totals.free_blocks as usize).saturating_sub(blocks);
            let waiting = self.used().iter().any(|slot| slot.state == State::Waiting);
            if self.slots.len() - self.totals.occupied as usize <= reserve
                || free_after < self.links.len() / 2
                || waiting
            {
                return None;
            }
        }
        let slot = self.slots.iter().position(|slot| slot.state == State::Free)?;
        let before = self.used().iter().filter(|slot| slot.state != State::Free && slot.role == claim.role);
        let start = before.map(|slot| slot.finish).fold(self.totals.virtual_time, u64::max);
        self.totals.last_number += 1;
        let number = self.totals.last_number;
        // The cost of a text is about in proportion to its bytes; 16 stand for what any text costs.
        let cost = u64::from(claim.request_bytes) + 16 * u64::from(claim.texts);
        self.slots[slot] = Slot {
            number,
            state: State::Waiting,
            owner: claim.owner,
            role: claim.role,
            start,
            finish: start + cost,
            key: claim.key,
            blocks: blocks as u32,
            request_bytes: claim.request_bytes,
            answer_bytes: claim.answer_bytes,
            texts: claim.texts,
            dimension: claim.dimension,
            ..Slot::new()
        };
        self.totals.occupied += 1;
        self.totals.used_slots = self.totals.used_slots.max(slot as u32 + 1);
        self.grant();
        Some(Ticket { slot: slot as u32, number })
    }

    /// What is known of a request; `None` when it is gone.
    pub fn view(&self, ticket: Ticket) -> Option<View> {
        let slot = self.slots.get(ticket.slot as usize).filter(|slot| slot.number == ticket.number)?;
        (slot.state != State::Free).then_some(View {
            state: slot.state,
            outcome: slot.outcome,
            first_block: slot.first_block,
            request_bytes: slot.request_bytes,
            answer_bytes: slot.answer_bytes,
            texts: slot.texts,
            dimension: slot.dimension,
            deaths: slot.deaths,
        })
    }

    /// The owner has written the texts.
    pub fn publish(&mut self, ticket: Ticket) {
        if let Some(slot) = self.find(ticket, State::Filling) {
            slot.state = State::Queued;
        }
    }

    /// The owner does not want the request any more, or has read its answer.
    pub fn withdraw(&mut self, ticket: Ticket) {
        match self.view(ticket).map(|view| view.state) {
            None | Some(State::Free) => {}
            Some(State::Running) => self.slots[ticket.slot as usize].abandoned = true,
            Some(_) => {
                self.free(ticket.slot as usize);
                self.grant();
            }
        }
    }

    /// Withdraws all requests of an owner.
    pub fn withdraw_all(&mut self, owner: i32) {
        for slot in 0..self.totals.used_slots {
            let request = &self.slots[slot as usize];
            if request.state != State::Free && request.owner == owner {
                self.withdraw(Ticket { slot, number: request.number });
            }
        }
    }

    /// Gives `worker` the request whose turn it is, and with it those after it that can run together with it, while all
    /// have at most `texts` texts and `bytes` bytes. They are appended to `taken`, which is left empty when none waits.
    pub fn take(&mut self, worker: u32, texts: u32, bytes: u32, taken: &mut Vec<Ticket>) {
        let mut key = None;
        let (mut texts_left, mut bytes_left) = (texts, bytes);
        while taken.len() < TAKE_LIMIT {
            let queued = self.used().iter().enumerate().filter(|(_, slot)| slot.state == State::Queued);
            let fitting = queued.filter(|(_, slot)| match key {
                None => true,
                Some(key) => {
                    slot.key == key && !slot.alone && slot.texts <= texts_left && slot.request_bytes <= bytes_left
                }
            });
            let Some(next) = fitting.min_by_key(|(_, slot)| (slot.start, slot.number)).map(|(next, _)| next) else {
                return;
            };
            let slot = &mut self.slots[next];
            slot.state = State::Running;
            slot.worker = worker;
            if key.is_none() {
                self.totals.virtual_time = self.totals.virtual_time.max(slot.start);
            }
            key = Some(slot.key);
            texts_left = texts_left.saturating_sub(slot.texts);
            bytes_left = bytes_left.saturating_sub(slot.request_bytes);
            taken.push(Ticket { slot: next as u32, number: slot.number });
            if slot.alone {
                return;
            }
        }
    }

    /// Whether the owner of a request that runs has left.
    pub fn is_abandoned(&self, ticket: Ticket) -> bool {
        self.slots.get(ticket.slot as usize).is_none_or(|slot| slot.number != ticket.number || slot.abandoned)
    }

    /// The worker has written the answer.
    pub fn finish(&mut self, ticket: Ticket, outcome: Outcome, answer_bytes: u32) {
        let Some(slot) = self.find(ticket, State::Running) else { return };
        slot.state = State::Done;
        slot.outcome = outcome;
        slot.answer_bytes = answer_bytes;
        let (owner, abandoned) = (slot.owner, slot.abandoned);
        if abandoned {
            self.free(ticket.slot as usize);
            self.grant();
        } else {
            (self.wake)(owner);
        }
    }

    /// The worker could not have the request answered, and it or another tries again.
    pub fn give_back(&mut self, ticket: Ticket, death: Death) {
        let Some(slot) = self.find(ticket, State::Running) else { return };
        if slot.abandoned {
            self.free(ticket.slot as usize);
            self.grant();
            return;
        }
        slot.state = State::Queued;
        match death {
            Death::None => {}
            Death::Together => slot.alone = true,
            Death::Alone(weight) => slot.deaths += weight,
        }
    }

    /// Gives back all that a worker has: it is gone.
    pub fn give_back_all(&mut self, worker: u32) {
        for slot in 0..self.totals.used_slots {
            let request = &self.slots[slot as usize];
            if request.state == State::Running && request.worker == worker {
                self.give_back(Ticket { slot, number: request.number }, Death::None);
            }
        }
    }

    /// Requests that wait for blocks or for a worker.
    pub fn depth(&self) -> usize {
        self.used().iter().filter(|slot| matches!(slot.state, State::Waiting | State::Filling | State::Queued)).count()
    }

    fn used(&self) -> &[Slot] {
        &self.slots[..self.totals.used_slots as usize]
    }

    fn find(&mut self, ticket: Ticket, state: State) -> Option<&mut Slot> {
        self.slots.get_mut(ticket.slot as usize).filter(|slot| slot.number == ticket.number && slot.state == state)
    }

    /// Gives blocks to those that wait for them, in order. One that does not fit holds up those after it, so that a large
    /// request is not overtaken for ever.
    fn grant(&mut self) {
        loop {
            let waiting = self.used().iter().enumerate().filter(|(_, slot)| slot.state == State::Waiting);
            let Some((next, slot)) = waiting.min_by_key(|(_, slot)| (slot.start, slot.number)) else { return };
            if slot.blocks > self.totals.free_blocks {
                return;
            }
            let (blocks, owner) = (slot.blocks, slot.owner);
            let first = self.totals.first_free;
            let mut last = first;
            for _ in 1..blocks {
                last = self.links[last as usize];
            }
            if blocks > 0 {
                self.totals.first_free = self.links[last as usize];
                self.links[last as usize] = NONE;
            }
            self.totals.free_blocks -= blocks;
            let slot = &mut self.slots[next];
            slot.first_block = first;
            slot.state = State::Filling;
            (self.wake)(owner);
        }
    }

    fn free(&mut self, index: usize) {
        let Slot { state, first_block, blocks, .. } = self.slots[index];
        if state != State::Waiting && blocks > 0 {
            let mut last = first_block;
            for _ in 1..blocks {
                last = self.links[last as usize];
            }
            self.links[last as usize] = self.totals.first_free;
            self.totals.first_free = first_block;
            self.totals.free_blocks += blocks;
        }
        self.slots[index] = Slot::new();
        self.totals.occupied -= 1;
        while self.totals.used_slots > 0 && self.slots[self.totals.used_slots as usize - 1].state == State::Free {
            self.totals.used_slots -= 1;
        }
    }
}

/// Whether a helper died of what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// None did.
    None,
    /// One that had other requests too.
    Together,
    /// One that had this request only; so much counts against the request.
    Alone(u32),
}

#[cfg(test)]
mod tests;
