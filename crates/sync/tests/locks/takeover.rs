//! Grants that a task does not fetch: when another future of the task may have them, and that nothing is lost.

use std::collections::VecDeque;
use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use proptest::prelude::*;
use unstuck_base::local;
use unstuck_sync::{AcquireError, Mutex, OwnedSemaphorePermit, RwLock, Semaphore};

use crate::support::{Task as Future1, as_task};

/// A task: who it is, and how often it was polled.
struct Who {
    id: NonZeroU64,
    polls: u32,
}

impl Who {
    fn new() -> Self {
        Who { id: local::next_task_id(), polls: 0 }
    }

    /// One poll of the task.
    fn poll<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        self.polls += 1;
        as_task(self.id, self.polls, poll).0
    }
}

#[test]
fn a_whole_poll_must_go_by_without_the_granted_one() {
    let lock = Mutex::new(());
    let mut task = Who::new();
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| (first.pending(), second.pending()));
    drop(guard);
    assert!(first.is_woken() && second.is_woken(), "each through its own waker");
    // The first look may come in the middle of a poll that has begun before the grant.
    task.poll(|| second.pending());
    assert!(second.is_woken(), "it wakes itself to look again");
    // In this poll the granted one may still come.
    task.poll(|| second.pending());
    assert!(second.is_woken());
    let guard = task.poll(|| second.ready());
    // Now it is first in line again, since nobody else came.
    task.poll(|| first.pending());
    drop(guard);
    drop(task.poll(|| first.ready()));
}

#[test]
fn one_that_is_polled_in_each_poll_keeps_its_grant() {
    let lock = Mutex::new(());
    let mut task = Who::new();
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| (first.pending(), second.pending()));
    drop(guard);
    task.poll(|| second.pending());
    let guard = task.poll(|| (second.pending(), first.ready()).1);
    assert!(second.is_woken());
    task.poll(|| second.pending());
    assert!(!second.is_woken(), "there is nothing to look for any more");
    drop(guard);
    drop(task.poll(|| second.ready()));
}

#[test]
fn one_that_was_refused_ends_also_if_another_task_polls_it_then_without_budget() {
    let semaphore = Semaphore::new(1);
    let (mut former, mut task) = (Who::new(), Who::new());
    let permit = semaphore.try_acquire().unwrap();
    let (mut granted, mut refused) = (Future1::new(semaphore.acquire()), Future1::new(semaphore.acquire()));
    task.poll(|| granted.pending());
    former.poll(|| refused.pending());
    drop(permit);
    semaphore.close();
    task.poll(|| {
        while let Some(charge) = local::try_charge() {
            charge.made_progress();
        }
        refused.pending();
    });
    assert!(refused.is_woken());
    assert!(task.poll(|| refused.ready()).is_err());
    assert!(task.poll(|| granted.ready()).is_err());
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn many_looks_in_one_poll_prove_nothing_and_come_to_an_end() {
    let lock = Mutex::new(());
    let mut task = Who::new();
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| (first.pending(), second.pending()));
    drop(guard);
    task.poll(|| {
        let mut looks = 0;
        while second.is_woken() {
            second.pending();
            looks += 1;
            assert!(looks < 100, "an executor inside the task would never return");
        }
    });
    drop(task.poll(|| first.ready()));
}

#[test]
fn one_who_is_known_to_be_left_is_passed_at_once_until_it_is_polled() {
    let lock = Mutex::new(());
    let mut task = Who::new();
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| (first.pending(), second.pending()));
    drop(guard);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    drop(task.poll(|| second.ready()));
    // It has the lock again, and again it does not fetch it.
    drop(task.poll(|| Future1::new(lock.lock()).ready()));
    let guard = task.poll(|| Future1::new(lock.lock()).ready());
    task.poll(|| first.pending());
    drop(guard);
    // It was polled since: this may not pass it.
    let mut third = Future1::new(lock.lock());
    task.poll(|| third.pending());
    task.poll(|| (third.pending(), drop(first.ready())));
    drop(task.poll(|| third.ready()));
}

#[test]
fn a_task_that_grants_to_itself_wakes_the_others_when_its_poll_ends() {
    let permits = Semaphore::new(2);
    let mut task = Who::new();
    let (one, two) = (permits.try_acquire().unwrap(), permits.try_acquire().unwrap());
    let (mut first, mut second) = (Future1::new(permits.acquire()), Future1::new(permits.acquire()));
    task.poll(|| {
        first.pending();
        second.pending();
        drop(one);
        assert!(first.is_woken() && !second.is_woken(), "nothing is there for it so far");
    });
    assert!(second.is_woken(), "it may have to look");
    task.poll(|| second.pending());
    task.poll(|| {
        drop(two);
        assert!(second.is_woken(), "it was granted");
        drop((second.ready().unwrap(), first.ready().unwrap()));
    });
    assert_eq!(permits.available_permits(), 2);
}

#[test]
fn another_task_does_not_take_over() {
    let lock = Mutex::new(());
    let (mut task, mut other) = (Who::new(), Who::new());
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| first.pending());
    other.poll(|| second.pending());
    drop(guard);
    for _ in 0..10 {
        task.poll(|| ());
        assert!(!second.is_woken());
        other.poll(|| second.pending());
    }
    drop(task.poll(|| first.ready()));
    drop(other.poll(|| second.ready()));
}

#[test]
fn code_outside_any_task_does_not_take_over() {
    let lock = Mutex::new(());
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    first.pending();
    second.pending();
    drop(guard);
    for _ in 0..10 {
        assert!(!second.is_woken());
        second.pending();
    }
    drop(first.ready());
    drop(second.ready());
}

#[test]
fn the_two_change_places() {
    let lock = Mutex::new(());
    let (mut task, mut other) = (Who::new(), Who::new());
    let guard = lock.try_lock().unwrap();
    let mut first = Future1::new(lock.lock());
    let mut between = Future1::new(lock.lock());
    let mut second = Future1::new(lock.lock());
    task.poll(|| first.pending());
    other.poll(|| between.pending());
    task.poll(|| second.pending());
    drop(guard);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    drop(task.poll(|| second.ready()));
    // The task had its turn: now it is the other's, and then the task's second one.
    assert!(between.is_woken());
    task.poll(|| first.pending());
    drop(other.poll(|| between.ready()));
    drop(task.poll(|| first.ready()));
}

#[test]
fn who_needs_more_than_was_granted_keeps_the_turn_and_gets_what_others_had_in_part() {
    let permits = Semaphore::new(5);
    let (mut task, mut other) = (Who::new(), Who::new());
    let (three, two) = (permits.try_acquire_many(3).unwrap(), permits.try_acquire_many(2).unwrap());
    let mut first = Future1::new(permits.acquire_many(3));
    let mut between = Future1::new(permits.acquire_many(4));
    let mut second = Future1::new(permits.acquire_many(5));
    task.poll(|| first.pending());
    other.poll(|| between.pending());
    task.poll(|| second.pending());
    drop(three);
    // Two of the four that it needs are set aside for the one between.
    drop(two);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    drop(task.poll(|| second.ready()).unwrap());
    drop(other.poll(|| between.ready()).unwrap());
    drop(task.poll(|| first.ready()).unwrap());
    assert_eq!(permits.available_permits(), 5);
}

#[test]
fn what_is_not_needed_goes_to_the_next_in_line() {
    let lock = RwLock::new(());
    let (mut task, mut other) = (Who::new(), Who::new());
    let writer = lock.try_write().unwrap();
    let mut first = Future1::new(lock.write());
    let mut reader = Future1::new(lock.read());
    let mut second = Future1::new(lock.read());
    task.poll(|| first.pending());
    other.poll(|| reader.pending());
    task.poll(|| second.pending());
    drop(writer);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    let second = task.poll(|| second.ready());
    let reader = other.poll(|| reader.ready());
    task.poll(|| first.pending());
    drop((second, reader));
    drop(task.poll(|| first.ready()));
}

#[test]
fn a_close_ends_all_and_what_was_taken_comes_back() {
    let permits = Semaphore::new(2);
    let mut task = Who::new();
    let held = permits.try_acquire_many(2).unwrap();
    let mut first = Future1::new(permits.acquire_many(2));
    let mut second = Future1::new(permits.acquire());
    task.poll(|| (first.pending(), second.pending()));
    drop(held);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    let second = task.poll(|| second.ready()).unwrap();
    permits.close();
    assert!(task.poll(|| first.ready()).is_err());
    drop(second);
    assert_eq!(permits.available_permits(), 2);
}

#[test]
fn a_task_without_budget_keeps_what_it_took_over() {
    let lock = Mutex::new(());
    let mut task = Who::new();
    let guard = lock.try_lock().unwrap();
    let (mut first, mut second) = (Future1::new(lock.lock()), Future1::new(lock.lock()));
    task.poll(|| (first.pending(), second.pending()));
    drop(guard);
    task.poll(|| second.pending());
    task.poll(|| second.pending());
    task.poll(|| {
        crate::support::spend_budget();
        second.pending();
    });
    assert!(second.is_woken());
    task.poll(|| first.pending());
    drop(task.poll(|| second.ready()));
    drop(task.poll(|| first.ready()));
}

type Acquire = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>>>>;

/// A future that waits for permits, and the task that polls it (`None`: code outside any task).
struct Waiting {
    number: usize,
    /// When it was polled.
    polled: usize,
    owner: Option<usize>,
    future: Future1<Acquire>,
}

/// One semaphore, some tasks, and what they do.
struct World {
    permits: Arc<Semaphore>,
    tasks: Vec<Who>,
    waiting: Vec<Waiting>,
    out: Vec<OwnedSemaphorePermit>,
    asked: usize,
    polls: usize,
}

#[derive(Clone, Debug)]
enum Event {
    /// A task polls a new future, for so many permits.
    Ask(usize, u32),
    /// A task is polled, and polls those of its futures whose bit is set.
    Poll(usize, u16),
    GiveUp(usize),
    GiveBack(usize),
    /// A future goes to another task, or out of any, and is polled there.
    Move(usize, usize),
}

const TASKS: usize = 3;

fn events(needs: u32, moves: u32) -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        6 => (0..TASKS, 1..=needs).prop_map(|(task, n)| Event::Ask(task, n)),
        8 => (0..TASKS, any::<u16>()).prop_map(|(task, which)| Event::Poll(task, which)),
        2 => any::<usize>().prop_map(Event::GiveUp),
        6 => any::<usize>().prop_map(Event::GiveBack),
        moves => (any::<usize>(), 0..=TASKS).prop_map(|(which, task)| Event::Move(which, task)),
    ];
    prop::collection::vec(event, 0..100)
}

/// What came of an event.
#[derive(Debug)]
enum Seen {
    /// This future began to wait.
    Waits(usize),
    /// It got its permits.
    Got(usize, bool),
    /// It was dropped.
    Gone(usize),
    /// Somebody gave back.
    Back,
}

impl World {
    fn new(permits: usize) -> Self {
        World {
            permits: Arc::new(Semaphore::new(permits)),
            tasks: (0..TASKS).map(|_| Who::new()).collect(),
            waiting: Vec::new(),
            out: Vec::new(),
            asked: 0,
            polls: 0,
        }
    }

    /// Polls one future on behalf of its owner, in the poll of that task with this number. Whether it is done.
    fn poll(&mut self, at: usize) -> bool {
        let waiting = &mut self.waiting[at];
        self.polls += 1;
        waiting.polled = self.polls;
        let polled = match waiting.owner {
            Some(owner) => {
                let task = &self.tasks[owner];
                as_task(task.id, task.polls, || waiting.future.poll()).0
            }
            None => waiting.future.poll(),
        };
        match polled {
            Poll::Pending => false,
            Poll::Ready(permit) => {
                self.out.push(permit.expect("it is not closed"));
                self.waiting.swap_remove(at);
                true
            }
        }
    }

    fn happen(&mut self, event: Event) -> Vec<Seen> {
        match event {
            Event::Ask(owner, needs) => {
                let future: Acquire = Box::pin(self.permits.clone().acquire_many_owned(needs));
                let number = self.asked;
                self.asked += 1;
                self.waiting.push(Waiting { number, polled: 0, owner: Some(owner), future: Future1::new(future) });
                self.tasks[owner].polls += 1;
                let done = self.poll(self.waiting.len() - 1);
                vec![if done { Seen::Got(number, true) } else { Seen::Waits(number) }]
            }
            Event::Poll(owner, which) => {
                self.tasks[owner].polls += 1;
                let all = self.waiting.iter().filter(|waiting| waiting.owner == Some(owner));
                let numbers: Vec<_> = all.map(|waiting| waiting.number).collect();
                let mut seen = Vec::new();
                for (bit, number) in numbers.into_iter().enumerate() {
                    let at = self.waiting.iter().position(|waiting| waiting.number == number).unwrap();
                    if which >> (bit % 16) & 1 == 1 && self.poll(at) {
                        seen.push(Seen::Got(number, false));
                    }
                }
                seen
            }
            Event::GiveUp(at) if !self.waiting.is_empty() => {
                let waiting = self.waiting.swap_remove(at % self.waiting.len());
                vec![Seen::Gone(waiting.number)]
            }
            Event::GiveBack(at) if !self.out.is_empty() => {
                drop(self.out.swap_remove(at % self.out.len()));
                vec![Seen::Back]
            }
            Event::Move(at, to) if !self.waiting.is_empty() => {
                let at = at % self.waiting.len();
                let waiting = &mut self.waiting[at];
                let to = (to < TASKS).then_some(to);
                if waiting.owner == to {
                    return Vec::new();
                }
                waiting.owner = to;
                let number = waiting.number;
                self.tasks.iter_mut().for_each(|task| task.polls += 1);
                if self.poll(at) { vec![Seen::Got(number, false)] } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// The wakes so far of all futures of this task.
    fn wakes(&self, owner: usize) -> usize {
        let of_task = self.waiting.iter().filter(|waiting| waiting.owner == Some(owner));
        of_task.map(|waiting| waiting.future.wakes.count()).sum()
    }

    /// All that was acquired is given back. From now on each task polls one of its futures, and no other; when that is
    /// done the task is over. Whether all come to their end.
    ///
    /// With `one_waker` any of a task's futures wakes it, as in a `select!` by reference: it is the `which`th that it
    /// polls. Without, each is polled only when its own waker was woken, as in a `FuturesUnordered`; then a task has two
    /// futures, and polls the one that it polled last.
    fn ends(&mut self, one_waker: bool, which: usize) -> bool {
        let mut live = [None; TASKS];
        for (owner, live) in live.iter_mut().enumerate() {
            let of_task = |waiting: &&Waiting| waiting.owner == Some(owner);
            let mut all: Vec<_> =
                self.waiting.iter().filter(of_task).map(|waiting| (waiting.polled, waiting.number)).collect();
            all.sort();
            if all.is_empty() {
                continue;
            }
            *live = Some(if one_waker { all[which % all.len()].1 } else { all[all.len() - 1].1 });
            if !one_waker {
                let gone = &all[1.min(all.len() - 1)..all.len() - 1];
                self.waiting.retain(|waiting| !gone.iter().any(|(_, number)| *number == waiting.number));
            }
        }
        self.out.clear();
        let mut seen = [None; TASKS];
        loop {
            let mut progress = false;
            // Who is outside any task is polled whenever it was woken.
            let outside = |waiting: &Waiting| waiting.owner.is_none() && waiting.future.is_woken();
            while let Some(at) = self.waiting.iter().position(outside) {
                self.poll(at);
                self.out.clear();
                progress = true;
            }
            for owner in 0..TASKS {
                let Some(number) = live[owner] else { continue };
                let at = self.waiting.iter().position(|waiting| waiting.number == number).unwrap();
                let wakes = Some(self.wakes(owner));
                if if one_waker { seen[owner] == wakes } else { !self.waiting[at].future.is_woken() } {
                    continue;
                }
                (seen[owner], progress) = (wakes, true);
                self.tasks[owner].polls += 1;
                if self.poll(at) {
                    self.out.clear();
                    self.waiting.retain(|waiting| waiting.owner != Some(owner));
                    live[owner] = None;
                }
            }
            if !progress {
                return self.waiting.is_empty();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_permit_is_lost_and_no_task_waits_for_itself(
        permits in 1..5usize,
        events in (1..5u32).prop_flat_map(|needs| events(needs, 2)),
        one_waker: bool,
        which: usize,
    ) {
        let mut world = World::new(permits);
        for event in events {
            // More than there is would never come.
            let event = match event {
                Event::Ask(task, n) => Event::Ask(task, n.min(permits as u32)),
                other => other,
            };
            let _ = world.happen(event);
            let out: usize = world.out.iter().map(OwnedSemaphorePermit::num_permits).sum();
            prop_assert!(out + world.permits.available_permits() <= permits, "more permits than there are");
        }
        prop_assert!(world.ends(one_waker, which), "{} futures wait for ever", world.waiting.len());
        prop_assert_eq!(world.permits.available_permits(), permits);
    }

    #[test]
    fn first_come_first_served_holds_between_tasks(events in events(1, 0)) {
        // One permit: so at most one is granted at a time, and it is known with whom a future changes places.
        let mut world = World::new(1);
        let mut line: VecDeque<usize> = VecDeque::new();
        let mut granted: Option<usize> = None;
        let mut owners = Vec::new();
        let mut is_out = false;
        for event in events {
            if let Event::Ask(owner, _) = event {
                owners.push(owner);
            }
            for seen in world.happen(event) {
                match seen {
                    Seen::Waits(number) => {
                        prop_assert!(is_out || granted.is_some() || !line.is_empty());
                        line.push_back(number);
                    }
                    Seen::Got(number, at_once) if granted == Some(number) => {
                        prop_assert!(!at_once && !is_out);
                        granted = None;
                        is_out = true;
                    }
                    Seen::Got(number, at_once) => {
                        prop_assert!(!is_out);
                        is_out = true;
                        if let Some(left) = granted.take() {
                            prop_assert_eq!(owners[left], owners[number], "another task's turn was taken");
                            match line.iter().position(|waits| *waits == number) {
                                Some(at) => line[at] = left,
                                None => line.push_back(left),
                            }
                        } else {
                            prop_assert!(at_once && line.is_empty());
                        }
                    }
                    Seen::Gone(number) => {
                        line.retain(|waits| *waits != number);
                        if granted == Some(number) {
                            granted = None;
                        }
                    }
                    Seen::Back => is_out = false,
                }
            }
            if !is_out && granted.is_none() {
                granted = line.pop_front();
            }
            prop_assert_eq!(world.permits.available_permits(), usize::from(!is_out && granted.is_none()));
        }
    }
}
