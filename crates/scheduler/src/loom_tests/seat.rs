//! The seat goes from hand to hand: in the protocol alone, over a parker for each worker, then in whole pools.

use std::future::poll_fn;
use std::io;
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_base::parker::{self, Parker};
use unstuck_base::sync::{Arc, thread};
use unstuck_driver::Driver;
use unstuck_task::JoinHandle;

use super::model_with;
use super::spares::{Part, spawn_parts, until_asleep};
use crate::bare::{self, Runtime};
use crate::pool::idle::Idle;
use crate::pool::seat::Seat;
use crate::{Hooks, Pool};

struct NoDriver;

impl Driver for NoDriver {
    fn park(&mut self, _deadline: Option<Instant>, _woken: &mut WakeBatch) -> io::Result<()> {
        Ok(())
    }

    fn poll(&mut self, _woken: &mut WakeBatch) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self, _woken: &mut WakeBatch) {}
}

/// Workers that have nothing to do but to see that one of them sits.
struct Toy {
    idle: Idle,
    seat: Seat,
    parkers: [Parker; 3],
}

impl Toy {
    fn new() -> Arc<Toy> {
        Arc::new(Toy {
            idle: Idle::new(3),
            seat: Seat::new(Box::new(NoDriver)),
            parkers: [Parker::new(), Parker::new(), Parker::new()],
        })
    }

    /// Goes to sleep, in the driver if that is free; says whether it was.
    fn sleep(&self, name: usize) -> bool {
        self.idle.sleep(name, false);
        let seated = self.seat.try_sit();
        let sat = seated.is_some();
        if !sat {
            self.parkers[name].park();
        }
        drop(seated);
        self.idle.stay_awake(name);
        let _last = self.idle.stop_searching();
        sat
    }

    /// Sleeps until it has had the seat: for ever, if nobody gives it.
    fn sleep_until_seated(&self, name: usize) {
        while !self.sleep(name) {}
    }

    fn offer(&self) {
        if let Some(name) = self.seat.offer(&self.idle) {
            self.parkers[name].unpark();
        }
    }

    /// Looks at the driver, and goes.
    fn look_and_leave(&self) {
        drop(self.seat.try_sit());
        self.offer();
    }
}

#[test]
fn loom_seat_who_found_it_taken_gets_it_when_the_other_leaves() {
    loom::model(|| {
        let toy = Toy::new();
        let sleeper = thread::spawn({
            let toy = toy.clone();
            move || toy.sleep_until_seated(0)
        });
        toy.look_and_leave();
        sleeper.join().unwrap();
    });
}

#[test]
fn loom_seat_two_that_leave_do_not_rely_on_each_other() {
    model_with(2, || {
        let toy = Toy::new();
        let sleeper = thread::spawn({
            let toy = toy.clone();
            move || toy.sleep_until_seated(0)
        });
        let leaving = thread::spawn({
            let toy = toy.clone();
            move || toy.look_and_leave()
        });
        toy.look_and_leave();
        sleeper.join().unwrap();
        leaving.join().unwrap();
    });
}

#[test]
fn loom_seat_a_chain_of_sleepers_hands_it_on() {
    model_with(2, || {
        let toy = Toy::new();
        let sleepers = [0, 1].map(|name| {
            let toy = toy.clone();
            thread::spawn(move || {
                toy.sleep_until_seated(name);
                // A worker that has sat and then goes.
                toy.offer();
            })
        });
        toy.look_and_leave();
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
    });
}

/// A task that ends when the driver has seen so much news.
fn spawn_reader(runtime: &Runtime<Pool>, count: usize) -> JoinHandle<()> {
    let kernel = runtime.kernel.clone();
    runtime.handle.spawn(poll_fn(move |cx| kernel.poll_news(count, cx)))
}

/// One of two workers brings news from the driver, and is in a blocking part then: the other must take the seat.
fn news_reach_a_task_while_the_worker_that_sat_blocks(runtime: &Runtime<Pool>) {
    let part = Arc::new(Part::default());
    let reader = spawn_reader(runtime, 2);
    let blocking = runtime.handle.spawn({
        let (handle, kernel, part) = (runtime.handle.clone(), runtime.kernel.clone(), part.clone());
        async move {
            poll_fn(|cx| kernel.poll_news(1, cx)).await;
            part.run(&handle);
        }
    });
    until_asleep(runtime, 2);
    runtime.kernel.bring_news();
    part.begun.park();
    runtime.kernel.bring_news();
    parker::block_on(reader).unwrap();
    part.end.unpark();
    parker::block_on(blocking).unwrap();
    runtime.shut_down();
}

#[test]
fn loom_seat_news_reach_a_task_while_nobody_stands_in_for_the_worker_that_sat() {
    model_with(0, || news_reach_a_task_while_the_worker_that_sat_blocks(&bare::pool_of(2, 0, 0, Hooks::default())));
}

#[test]
fn loom_seat_news_reach_a_task_while_the_spare_waits_for_a_thread() {
    model_with(0, || news_reach_a_task_while_the_worker_that_sat_blocks(&bare::pool_of(2, 1, 0, Hooks::default())));
}

#[test]
fn loom_seat_news_reach_a_task_after_the_spare_that_sat_has_ended() {
    model_with(0, || {
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let part = Arc::new(Part::default());
        let reader = spawn_reader(&runtime, 1);
        let blocking = spawn_parts(&runtime, &[part.clone()]);
        part.begun.park();
        // The spare sits in the driver when the part ends.
        until_asleep(&runtime, 1);
        part.end.unpark();
        parker::block_on(blocking).unwrap();
        runtime.kernel.bring_news();
        parker::block_on(reader).unwrap();
        runtime.shut_down();
    });
}

#[test]
fn loom_seat_news_reach_a_task_while_a_spare_goes_and_another_comes() {
    model_with(0, || {
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let parts = [Arc::new(Part::default()), Arc::new(Part::default())];
        let reader = spawn_reader(&runtime, 1);
        let blocking = spawn_parts(&runtime, &parts);
        let [first, second] = parts;
        first.begun.park();
        until_asleep(&runtime, 1);
        first.end.unpark();
        second.begun.park();
        runtime.kernel.bring_news();
        parker::block_on(reader).unwrap();
        second.end.unpark();
        parker::block_on(blocking).unwrap();
        runtime.shut_down();
    });
}

#[test]
fn loom_seat_news_that_come_while_the_pool_ends_hold_nothing_up() {
    model_with(2, || {
        let runtime = bare::pool_with_spares(1, 0, Hooks::default());
        let reader = spawn_reader(&runtime, 1);
        let bringing = thread::spawn({
            let kernel = runtime.kernel.clone();
            move || kernel.bring_news()
        });
        runtime.shut_down();
        assert!(reader.is_finished());
        bringing.join().unwrap();
    });
}

#[test]
fn loom_seat_the_pool_ends_while_a_spare_does() {
    model_with(1, || {
        let runtime = bare::pool_with_spares(1, 1, Hooks::default());
        let reader = spawn_reader(&runtime, 1);
        let handle = runtime.handle.clone();
        let blocking = runtime.handle.spawn(async move {
            drop(handle.parts().scheduler.begin_blocking());
        });
        parker::block_on(blocking).unwrap();
        // The spare is about to start, to sleep in the driver, or to end.
        runtime.shut_down();
        assert!(reader.is_finished());
    });
}
