//! Spawn, run, wake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use unstuck_base::local;
use unstuck_task::Origin;

use crate::fifo::Fifo;
use crate::tools::{Drops, Gate, ready};

#[test]
fn a_task_runs_when_it_is_run_and_not_before() {
    let fifo = Fifo::new(1);
    let join = fifo.spawn(async { 6 * 7 });
    assert!(!join.is_finished());
    assert_eq!((fifo.tasks().len(), fifo.queued()), (1, 1));
    assert!(!fifo.tasks().is_empty());
    assert_eq!(fifo.run_all(), 1);
    assert!(join.is_finished());
    assert!(fifo.tasks().is_empty());
    assert_eq!(ready(join).unwrap(), 42);
}

#[test]
fn tasks_run_in_the_order_of_the_queue() {
    let fifo = Fifo::new(1);
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    for number in 0..5 {
        let order = order.clone();
        drop(fifo.spawn(async move { order.lock().unwrap().push(number) }));
    }
    assert_eq!(fifo.run_all(), 5);
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[test]
fn an_idle_task_is_queued_by_a_wake() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let join = fifo.spawn(gate.pass());
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(fifo.queued(), 0);
    gate.open();
    assert_eq!(fifo.run_all(), 1);
    assert!(join.is_finished());
}

#[test]
fn woken_twice_is_queued_once() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let _join = fifo.spawn(gate.pass());
    fifo.run_all();
    let wakers = gate.wakers();
    wakers[0].wake_by_ref();
    wakers[0].wake_by_ref();
    let copy = wakers[0].clone();
    copy.wake();
    assert_eq!(fifo.queued(), 1);
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(gate.polls(), 2);
}

#[test]
fn woken_while_running_runs_again() {
    let fifo = Fifo::new(1);
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let join = fifo.spawn(std::future::poll_fn(move |cx| {
        if counted.fetch_add(1, Ordering::Relaxed) == 2 {
            return Poll::Ready("third time");
        }
        cx.waker().wake_by_ref();
        let copy = cx.waker().clone();
        copy.wake();
        Poll::Pending
    }));
    assert!(fifo.run_one());
    assert_eq!((fifo.queued(), fifo.rescheduled()), (1, 1));
    assert_eq!(fifo.run_all(), 2);
    assert_eq!(fifo.rescheduled(), 2);
    assert_eq!(ready(join).unwrap(), "third time");
}

#[test]
fn woken_in_the_poll_that_ends_it_is_not_queued() {
    let fifo = Fifo::new(1);
    let join = fifo.spawn(std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    }));
    assert_eq!(fifo.run_all(), 1);
    assert_eq!(fifo.queued(), 0);
    ready(join).unwrap();
}

#[test]
fn a_waker_may_outlive_its_task_and_its_scheduler() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let finished = fifo.spawn(gate.pass());
    let waiting = Gate::new();
    let cancelled = fifo.spawn(waiting.pass());
    fifo.run_all();
    let mut wakers = gate.wakers();
    wakers.push(wakers[0].clone());
    gate.open_silently();
    wakers[0].wake_by_ref();
    fifo.run_all();
    wakers[0].wake_by_ref();
    assert_eq!(fifo.queued(), 0);
    drop(fifo);
    wakers.extend(waiting.wakers());
    for waker in wakers {
        waker.wake_by_ref();
        let copy = waker.clone();
        copy.wake();
        drop(waker);
    }
    ready(finished).unwrap();
    assert!(ready(cancelled).unwrap_err().is_cancelled());
}

#[test]
fn the_future_is_dropped_by_the_poll_that_ends_it() {
    let fifo = Fifo::new(1);
    let (future, output) = (Drops::new(), Drops::new());
    let (held, given) = (future.token(), output.token());
    let join = fifo.spawn(async move {
        let _held = held;
        given
    });
    assert_eq!(future.count(), 0);
    fifo.run_all();
    assert_eq!((future.count(), output.count()), (1, 0));
    assert_eq!(future.thread(), Some(std::thread::current().id()));
    let output_token = ready(join).unwrap();
    assert_eq!(output.count(), 0);
    drop(output_token);
    assert_eq!((future.count(), output.count()), (1, 1));
}

#[test]
fn a_task_knows_itself_while_it_is_polled_and_while_its_parts_are_dropped() {
    struct Says(std::sync::mpsc::Sender<Option<std::num::NonZeroU64>>);
    impl Drop for Says {
        fn drop(&mut self) {
            self.0.send(local::current_task().map(|task| task.id)).unwrap();
        }
    }
    let fifo = Fifo::new(1);
    let (send, receive) = std::sync::mpsc::channel();
    let spawn = || {
        let (in_future, in_output, polled) = (Says(send.clone()), Says(send.clone()), send.clone());
        fifo.spawn(async move {
            let _in_future = in_future;
            polled.send(local::current_task().map(|task| task.id)).unwrap();
            in_output
        })
    };
    let join = spawn();
    let id = join.id().number();
    drop(join);
    fifo.run_all();
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Some(id); 3]);

    let join = spawn();
    let id = join.id().number();
    fifo.run_all();
    drop(join);
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Some(id); 3]);

    let join = spawn();
    let id = join.id().number();
    join.abort();
    fifo.run_all();
    assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Some(id); 2]);
    assert_eq!(local::current_task(), None);
}

#[test]
fn each_poll_has_the_next_number() {
    let fifo = Fifo::new(1);
    let numbers = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = numbers.clone();
    drop(fifo.spawn(std::future::poll_fn(move |cx| {
        let mut seen = seen.lock().unwrap();
        seen.push(local::current_task().unwrap().poll);
        cx.waker().wake_by_ref();
        if seen.len() == 3 { Poll::Ready(()) } else { Poll::Pending }
    })));
    fifo.run_all();
    let numbers = numbers.lock().unwrap();
    assert_eq!(*numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
}

#[test]
fn a_future_of_twenty_kibibytes_and_one_of_a_whole_page_alignment_work() {
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let (large, aligned) = (gate.pass(), gate.pass());
    let large = fifo.spawn(async move {
        let room: [u8; 20 * 1024] = std::array::from_fn(|at| at as u8);
        large.await;
        room.iter().map(|byte| u64::from(*byte)).sum::<u64>()
    });
    let aligned = fifo.spawn(async move {
        let page = Page([7; 4096]);
        aligned.await;
        (std::ptr::from_ref(&page).addr() % 4096, page.0[4095])
    });
    fifo.run_all();
    gate.open();
    fifo.run_all();
    assert_eq!(ready(large).unwrap(), 80 * (0..256).sum::<u64>());
    assert_eq!(ready(aligned).unwrap(), (0, 7));
}

#[test]
fn a_runnable_says_whose_it_is_and_survives_being_a_pointer() {
    let fifo = Fifo::new(1);
    let id = unstuck_task::Id::from_number(local::next_task_id());
    let here = std::panic::Location::caller();
    let (runnable, join) = unstuck_task::unlisted(async { 5 }, fifo.home(), Origin::new(id, here));
    assert_eq!((runnable.id(), runnable.spawned_at(), join.id()), (id, here, id));
    assert!(format!("{runnable:?}").contains(&id.to_string()));
    let raw = runnable.into_raw();
    // SAFETY: `raw` is a runnable's, and is made one again, once.
    let runnable = unsafe {
        unstuck_task::Runnable::link(raw).store(raw.as_ptr(), Ordering::Relaxed);
        unstuck_task::Runnable::from_raw(raw)
    };
    runnable.run();
    assert_eq!(ready(join).unwrap(), 5);
}

#[test]
fn an_unlisted_task_that_would_wait_is_cancelled_since_shutdown_could_not_find_it() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let drops = Drops::new();
    let (pass, token) = (gate.pass(), drops.token());
    let future = async move {
        let _token = token;
        pass.await;
    };
    let id = unstuck_task::Id::from_number(local::next_task_id());
    let (runnable, join) = unstuck_task::unlisted(future, fifo.home(), Origin::new(id, std::panic::Location::caller()));
    assert!(fifo.tasks().is_empty());
    runnable.run();
    assert_eq!(drops.count(), 1);
    drop(fifo);
    gate.open();
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn an_unlisted_task_whose_runnable_is_dropped_is_cancelled() {
    let fifo = Fifo::new(1);
    let drops = Drops::new();
    let token = drops.token();
    let future = async move {
        let _token = token;
    };
    let id = unstuck_task::Id::from_number(local::next_task_id());
    let (runnable, join) = unstuck_task::unlisted(future, fifo.home(), Origin::new(id, std::panic::Location::caller()));
    drop(runnable);
    assert_eq!(drops.count(), 1);
    assert!(ready(join).unwrap_err().is_cancelled());
}

#[test]
fn a_future_that_is_not_send_works_where_the_scheduler_keeps_to_one_thread() {
    let fifo = Fifo::new(0);
    let shared = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = shared.clone();
    let id = unstuck_task::Id::from_number(local::next_task_id());
    let future = async move {
        counted.set(counted.get() + 1);
        counted
    };
    // SAFETY: this test has one thread.
    let (join, runnable) =
        unsafe { fifo.tasks().spawn_unchecked(future, fifo.home(), Origin::new(id, std::panic::Location::caller())) };
    runnable.unwrap().run();
    assert_eq!(ready(join).unwrap().get(), 1);
    assert_eq!(std::rc::Rc::strong_count(&shared), 1);
}

#[test]
fn the_place_of_a_thread_need_not_be_one_of_the_list() {
    let fifo = Fifo::new(1);
    let before = local::set_home(std::ptr::null(), 1_000_001);
    let join = fifo.spawn(async {});
    assert_eq!(fifo.tasks().len(), 1);
    fifo.run_all();
    local::set_home(before.0, before.1);
    assert!(fifo.tasks().is_empty());
    ready(join).unwrap();
}

#[test]
fn a_thread_that_says_it_keeps_the_scheduler_wakes_without_a_guard() {
    let fifo = Fifo::new(1);
    let gate = Gate::new();
    let join = fifo.spawn(gate.pass());
    let before = local::set_home(fifo.home().get().key(), 1);
    fifo.run_all();
    gate.open();
    assert_eq!(fifo.run_all(), 1);
    local::set_home(before.0, before.1);
    ready(join).unwrap();
    assert!(format!("{:?}", fifo.home()).contains("Home"));
}
