use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

struct Memory {
    totals: Totals,
    slots: Vec<Slot>,
    links: Vec<u32>,
    woken: Vec<i32>,
}

impl Memory {
    fn new(slots: usize, blocks: usize) -> Self {
        let mut memory =
            Self { totals: Totals::new(), slots: vec![Slot::new(); slots], links: vec![0; blocks], woken: Vec::new() };
        memory.with(|queue| queue.reset());
        memory
    }

    fn with<T>(&mut self, run: impl FnOnce(&mut Queue) -> T) -> T {
        let woken = &mut self.woken;
        let mut wake = |owner| woken.push(owner);
        run(&mut Queue::new(&mut self.totals, &mut self.slots, &mut self.links, &mut wake))
    }

    /// Makes a request and writes its texts.
    fn queue(&mut self, owner: i32, role: u32, bytes: u32) -> Ticket {
        let ticket = self.with(|queue| queue.reserve(&claim(owner, role, bytes), false, 0)).unwrap();
        self.with(|queue| queue.publish(ticket));
        ticket
    }

    fn take(&mut self, worker: u32, texts: u32) -> Vec<Ticket> {
        let mut taken = Vec::new();
        self.with(|queue| queue.take(worker, texts, 1 << 20, &mut taken));
        taken
    }

    fn state(&mut self, ticket: Ticket) -> Option<State> {
        self.with(|queue| queue.view(ticket)).map(|view| view.state)
    }

    /// Every block is in one chain or free, and the counts are right.
    fn check(&self) {
        let mut seen = HashSet::new();
        let mut walk = |mut block: u32, count: u32| {
            for _ in 0..count {
                assert!(seen.insert(block), "block {block} is in two chains");
                block = self.links[block as usize];
            }
            assert_eq!(block, NONE, "the chain is longer than its count");
        };
        walk(self.totals.first_free, self.totals.free_blocks);
        let in_use = self.slots.iter().filter(|slot| slot.state != State::Free);
        assert_eq!(in_use.clone().count(), self.totals.occupied as usize);
        in_use.filter(|slot| slot.state != State::Waiting).for_each(|slot| walk(slot.first_block, slot.blocks));
        assert_eq!(seen.len(), self.links.len(), "a block is lost");
        assert!(self.slots[self.totals.used_slots as usize..].iter().all(|slot| slot.state == State::Free));
    }
}

fn claim(owner: i32, role: u32, bytes: u32) -> Claim {
    Claim { owner, role, key: [0; 32], texts: 1, dimension: 4, request_bytes: bytes, answer_bytes: 16 }
}

#[test]
fn requests_of_several_owners_run_together() {
    let mut memory = Memory::new(8, 8);
    let tickets: Vec<_> = (0..3).map(|owner| memory.queue(owner, 1, 10)).collect();
    let mut other = claim(9, 1, 10);
    other.key = [1; 32];
    let other = memory.with(|queue| queue.reserve(&other, false, 0)).unwrap();
    memory.with(|queue| queue.publish(other));
    assert_eq!(memory.take(0, 16), tickets, "the same key, in order");
    assert_eq!(memory.take(1, 16), [other]);
    for ticket in tickets {
        memory.woken.clear();
        memory.with(|queue| queue.finish(ticket, Outcome::Vectors, 16));
        assert_eq!(memory.woken.len(), 1);
        assert_eq!(memory.state(ticket), Some(State::Done));
        memory.with(|queue| queue.withdraw(ticket));
        assert_eq!(memory.state(ticket), None);
    }
    memory.check();
}

#[test]
fn a_role_with_one_request_is_not_kept_waiting_by_a_role_with_many() {
    let mut memory = Memory::new(64, 64);
    for owner in 0..40 {
        memory.queue(owner, 1, 1000);
    }
    let first = memory.take(0, 1)[0];
    memory.with(|queue| queue.finish(first, Outcome::Vectors, 16));
    let late = memory.queue(50, 2, 1000);
    let next = memory.take(0, 1)[0];
    assert!(next == late || memory.take(0, 1)[0] == late, "the other role is among the next two");
}

#[test]
fn a_role_that_fills_the_queue_does_not_keep_another_out() {
    let mut memory = Memory::new(64, 4);
    let filling: Vec<_> = (0..4).map(|owner| memory.queue(owner, 1, 4000)).collect();
    let waiting: Vec<_> =
        (4..20).map(|owner| memory.with(|queue| queue.reserve(&claim(owner, 1, 4000), false, 0)).unwrap()).collect();
    let other = memory.with(|queue| queue.reserve(&claim(30, 2, 4000), false, 0)).unwrap();
    assert_eq!(memory.state(other), Some(State::Waiting), "the queue is full");
    memory.with(|queue| queue.withdraw(filling[3]));
    assert_eq!(memory.state(other), Some(State::Filling), "the first block that is free goes to the other role");
    assert!(waiting.iter().all(|&ticket| memory.with(|queue| queue.view(ticket)).unwrap().state == State::Waiting));
}

#[test]
fn a_large_request_is_not_overtaken_for_ever() {
    let mut memory = Memory::new(16, 4);
    let small: Vec<_> = (0..4).map(|owner| memory.queue(owner, 1, 4000)).collect();
    let large = memory.with(|queue| queue.reserve(&claim(8, 2, 12_000), false, 0)).unwrap();
    let later = memory.with(|queue| queue.reserve(&claim(9, 1, 4000), false, 0)).unwrap();
    for ticket in &small[..2] {
        memory.with(|queue| queue.withdraw(*ticket));
        assert_eq!(memory.state(later), Some(State::Waiting));
    }
    memory.with(|queue| queue.withdraw(small[2]));
    assert_eq!(memory.state(large), Some(State::Filling));
    assert_eq!(memory.with(|queue| queue.reserve(&claim(9, 1, 1 << 20), false, 0)), None, "larger than the queue");
}

#[test]
fn what_an_owner_has_left_is_freed_by_the_worker_and_a_late_ticket_finds_nothing() {
    let mut memory = Memory::new(2, 2);
    let ticket = memory.queue(1, 1, 10);
    assert_eq!(memory.take(0, 16), [ticket]);
    memory.with(|queue| queue.withdraw(ticket));
    assert_eq!(memory.state(ticket), Some(State::Running), "its blocks stay with the worker");
    assert!(memory.with(|queue| queue.is_abandoned(ticket)));
    memory.woken.clear();
    memory.with(|queue| queue.finish(ticket, Outcome::Vectors, 16));
    assert_eq!((memory.state(ticket), memory.woken.len()), (None, 0));
    let next = memory.queue(2, 1, 10);
    assert_eq!((next.slot, memory.take(0, 16)), (ticket.slot, vec![next]), "the slot is used again");
    memory.with(|queue| {
        queue.finish(ticket, Outcome::Vectors, 16);
        queue.give_back(ticket, Death::Alone(1));
        queue.withdraw(ticket);
        queue.publish(ticket);
    });
    assert_eq!(memory.state(next), Some(State::Running), "the former ticket moves nothing");
    assert_eq!(memory.with(|queue| queue.view(next)).unwrap().deaths, 0);
}

#[test]
fn what_a_dead_worker_had_is_taken_by_another_and_suspects_run_alone() {
    let mut memory = Memory::new(8, 8);
    let tickets: Vec<_> = (0..2).map(|owner| memory.queue(owner, 1, 10)).collect();
    assert_eq!(memory.take(0, 16), tickets);
    memory.with(|queue| queue.give_back_all(0));
    assert_eq!(memory.take(1, 16), tickets, "nothing is held against them");
    memory.with(|queue| tickets.iter().for_each(|&ticket| queue.give_back(ticket, Death::Together)));
    assert_eq!(memory.take(0, 16), tickets[..1]);
    assert_eq!(memory.take(1, 16), tickets[1..]);
    memory.with(|queue| queue.give_back(tickets[0], Death::Alone(1)));
    assert_eq!(memory.with(|queue| queue.view(tickets[0])).unwrap().deaths, 1);
}

#[test]
fn further_requests_of_an_owner_leave_room_for_others() {
    let mut memory = Memory::new(8, 8);
    let further = |memory: &mut Memory| memory.with(|queue| queue.reserve(&claim(1, 1, 4000), true, 4));
    let granted = (0..8).filter(|_| further(&mut memory).is_some()).count();
    assert_eq!(granted, 4, "half the blocks, all but four slots");
    assert!(memory.with(|queue| queue.reserve(&claim(2, 1, 4000), false, 4)).is_some());
}

proptest! {
    #[test]
    fn no_block_is_lost_or_given_twice(steps in prop::collection::vec((0u8..8, 0i32..6, 0u32..20_000, 0usize..8), 0..200)) {
        let mut memory = Memory::new(10, 12);
        let mut tickets: Vec<Ticket> = Vec::new();
        for (step, owner, bytes, pick) in steps {
            let ticket = tickets.get(pick % tickets.len().max(1)).copied();
            match (step, ticket) {
                (0 | 1, _) => tickets.extend(memory.with(|queue| queue.reserve(&claim(owner, owner as u32 % 2, bytes), step == 1, 3))),
                (2, Some(ticket)) => memory.with(|queue| queue.publish(ticket)),
                (3, _) => drop(memory.take(owner as u32 % 2, 4)),
                (4, Some(ticket)) => memory.with(|queue| queue.finish(ticket, Outcome::Vectors, 16)),
                (5, Some(ticket)) => memory.with(|queue| queue.withdraw(ticket)),
                (6, _) => memory.with(|queue| queue.withdraw_all(owner)),
                (7, _) => memory.with(|queue| queue.give_back_all(owner as u32 % 2)),
                _ => {}
            }
            memory.check();
        }
        for owner in 0..6 {
            memory.with(|queue| queue.withdraw_all(owner));
        }
        for worker in 0..2 {
            memory.with(|queue| queue.give_back_all(worker));
        }
        memory.check();
        prop_assert_eq!(memory.totals.free_blocks, 12);
        prop_assert_eq!(memory.totals.occupied, 0);
    }
}
