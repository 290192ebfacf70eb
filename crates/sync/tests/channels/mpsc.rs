//! Mpsc channels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use unstuck_base::local::WaitKind;
use unstuck_base::{alarm, entered, parker::block_on};
use unstuck_sync::mpsc::{self, error::SendTimeoutError, error::TryRecvError, error::TrySendError};

use crate::support::{Census, Task, Wakes, acting_waker, as_task, budget_of, now, panicking_waker};

fn send_and_receive<T: PartialEq + std::fmt::Debug + 'static>(make: impl Fn(usize) -> T) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut sent = 0;
    let mut received = 0;
    // Runs of every length up to several blocks, so that each place in a block is once the end.
    for run in 0..40 {
        for _ in 0..run {
            sender.send(make(sent)).unwrap();
            sent += 1;
        }
        assert_eq!(receiver.len(), sent - received);
        assert_eq!(receiver.is_empty(), sent == received);
        for left in (0..receiver.len().saturating_sub(run % 3)).rev() {
            assert_eq!(receiver.try_recv(), Ok(make(received)));
            received += 1;
            assert_eq!(receiver.len(), left + run % 3);
        }
    }
    drop(sender);
    while received < sent {
        assert_eq!(now(receiver.recv()), Some(make(received)));
        received += 1;
    }
    assert_eq!(now(receiver.recv()), None);
}

#[test]
fn messages_of_every_size_arrive_in_order() {
    send_and_receive(|_| ());
    send_and_receive(|n| n as u8);
    send_and_receive(|n| n);
    send_and_receive(|n| [n; 8]);
    send_and_receive(|n| [n; 25]);
    send_and_receive(|n| [n; 512]);
    send_and_receive(|n| format!("message {n}"));
}

#[repr(align(256))]
#[derive(Debug, PartialEq)]
struct Aligned(usize);

#[test]
fn aligned_messages_stay_aligned() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for n in 0..100 {
        sender.send(Aligned(n)).unwrap();
    }
    for n in 0..100 {
        let message = receiver.try_recv().unwrap();
        assert_eq!(message, Aligned(n));
        assert_eq!(std::ptr::from_ref(&message).addr() % 256, 0);
    }
}

#[test]
fn a_message_wakes_the_receiver_that_waits_and_only_once() {
    let (sender, mut receiver) = mpsc::channel(10);
    let mut receiving = Task::new(receiver.recv());
    receiving.pending();
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    assert_eq!(receiving.wakes.count(), 1);
    assert_eq!(receiving.ready(), Some(1));
}

#[test]
fn a_future_that_is_dropped_loses_no_message() {
    let (sender, mut receiver) = mpsc::channel(10);
    let mut receiving = Task::new(receiver.recv());
    receiving.pending();
    sender.try_send(1).unwrap();
    drop(receiving);
    assert_eq!(receiver.try_recv(), Ok(1));
}

#[test]
fn the_latest_waker_is_woken_and_is_released_with_the_receiver() {
    let (sender, mut receiver) = mpsc::channel(1);
    let (first, second) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    for wakes in [&first, &second] {
        assert!(receiver.poll_recv(&mut Context::from_waker(&wakes.clone().into())).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1);
    sender.try_send(1).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert!(receiver.poll_recv(&mut Context::from_waker(&second.clone().into())).is_pending());
    assert_eq!(Arc::strong_count(&second), 2);
    drop(receiver);
    assert_eq!(Arc::strong_count(&second), 1);
}

#[test]
fn who_waits_for_room_gets_it_in_order_and_nobody_overtakes() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let mut first = Task::new(sender.send(1));
    let mut second = Task::new(sender.send(2));
    first.pending();
    second.pending();
    assert_eq!(receiver.try_recv(), Ok(0));
    assert!(first.is_woken() && !second.is_woken());
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)), "the room is the first one's");
    first.ready().unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    second.ready().unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn room_given_to_a_sender_that_goes_is_the_next_ones() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let mut first = Task::new(sender.send(1));
    let mut second = Task::new(sender.send(2));
    first.pending();
    second.pending();
    receiver.try_recv().unwrap();
    drop(first);
    assert!(second.is_woken());
    second.ready().unwrap();
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn a_send_that_is_dropped_unsent_drops_its_message() {
    let census = Census::default();
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(census.value(0)).unwrap();
    let mut sending = Task::new(sender.send(census.value(1)));
    sending.pending();
    assert_eq!(census.living(), 2);
    drop(sending);
    assert_eq!(census.living(), 1);
    drop(receiver);
    assert_eq!(census.living(), 0);
}

#[test]
fn permits_keep_room_and_give_it_back() {
    let (sender, mut receiver) = mpsc::channel(4);
    let one = now(sender.reserve()).unwrap();
    let mut three = now(sender.reserve_many(3)).unwrap();
    assert_eq!((sender.capacity(), sender.max_capacity()), (0, 4));
    assert_eq!(three.size_hint(), (3, Some(3)));
    assert!(matches!(sender.try_reserve(), Err(TrySendError::Full(()))));
    three.next().unwrap().send(1);
    drop(three.next());
    assert_eq!((sender.capacity(), three.len()), (1, 1));
    drop(three);
    drop(one);
    assert_eq!(sender.capacity(), 3);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((receiver.capacity(), receiver.max_capacity()), (4, 4));
    assert!(now(sender.reserve_many(0)).unwrap().next().is_none());
    assert!(now(sender.reserve_many(5)).is_err(), "more than there ever is room for");
    assert!(matches!(sender.try_reserve_many(usize::MAX), Err(TrySendError::Full(()))));
}

#[test]
fn owned_permits_carry_their_sender() {
    let (sender, mut receiver) = mpsc::channel(1);
    let permit = now(sender.clone().reserve_owned()).unwrap();
    let sender = sender.try_reserve_owned().unwrap_err().into_inner();
    assert!(permit.same_channel_as_sender(&sender));
    assert_eq!(sender.strong_count(), 2);
    let other = permit.send(1);
    assert!(other.same_channel(&sender));
    assert_eq!(receiver.try_recv(), Ok(1));
    let permit = other.try_reserve_owned().unwrap();
    drop(sender);
    assert!(!receiver.is_closed(), "a permit may still send");
    drop(permit.release());
    assert!(receiver.is_closed());
}

#[test]
fn closing_lets_permits_that_were_given_send() {
    let (sender, mut receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    let mut waiting = Task::new(sender.reserve_many(2));
    waiting.pending();
    receiver.close();
    assert!(waiting.is_woken());
    assert!(waiting.ready().is_err());
    assert_eq!(sender.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "the permit may still send");
    let mut receiving = Task::new(receiver.recv());
    receiving.pending();
    permit.send(7);
    assert!(receiving.is_woken());
    assert_eq!(receiving.ready(), Some(7));
    drop(receiving);
    assert_eq!(now(receiver.recv()), None);
}

#[test]
fn the_last_permit_that_comes_back_wakes_a_closed_receiver() {
    for way in 0..4 {
        let (sender, mut receiver) = mpsc::channel::<()>(2);
        let (mut one, mut many, mut owned) = (None, None, None);
        match way {
            0 => one = Some(sender.try_reserve().unwrap()),
            1 => many = Some(sender.try_reserve_many(2).unwrap()),
            _ => owned = Some(sender.clone().try_reserve_owned().unwrap()),
        }
        receiver.close();
        let mut receiving = Task::new(receiver.recv());
        receiving.pending();
        let released = if way == 3 { owned.take().map(|permit| permit.release()) } else { None };
        drop((one, many, owned));
        assert!(receiving.is_woken(), "way {way}");
        assert_eq!(receiving.ready(), None);
        drop(released);
    }
}

#[test]
fn a_reservation_that_was_granted_and_goes_wakes_a_closed_receiver() {
    for is_polled in [true, false] {
        let (sender, mut receiver) = mpsc::channel::<()>(1);
        let permit = sender.try_reserve().unwrap();
        let mut waiting = Task::new(sender.reserve());
        waiting.pending();
        drop(permit);
        assert!(waiting.is_woken());
        receiver.close();
        let mut receiving = Task::new(receiver.recv());
        receiving.pending();
        if is_polled {
            assert!(waiting.ready().is_err());
        }
        drop(waiting);
        assert!(receiving.is_woken());
        assert_eq!(receiving.ready(), None);
    }
}

#[test]
fn a_reservation_that_had_a_part_of_its_permits_and_goes_wakes_a_closed_receiver() {
    for is_polled in [true, false] {
        let (sender, mut receiver) = mpsc::channel::<()>(2);
        let permit = sender.try_reserve().unwrap();
        let mut waiting = Task::new(sender.reserve_many(2));
        waiting.pending();
        receiver.close();
        assert!(waiting.is_woken());
        let mut receiving = Task::new(receiver.recv());
        receiving.pending();
        drop(permit);
        assert!(!receiving.is_woken(), "the reservation is not over yet");
        receiving.pending();
        if is_polled {
            assert!(waiting.ready().is_err());
        }
        drop(waiting);
        assert!(receiving.is_woken());
        assert_eq!(receiving.ready(), None);
    }
}

#[test]
fn a_permit_that_outlives_the_receiver_drops_its_message() {
    let census = Census::default();
    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    let owned = sender.clone().try_reserve_owned().unwrap();
    drop(receiver);
    permit.send(census.value(1));
    assert_eq!(census.living(), 0, "nobody would ever drop it");
    let sender = owned.send(census.value(2));
    assert_eq!(census.living(), 0);
    assert!(now(sender.send(census.value(3))).is_err());
    assert_eq!((census.living(), sender.capacity()), (0, 2));
}

#[test]
fn what_was_not_received_is_dropped_once_with_the_receiver() {
    for messages in 0..70 {
        let census = Census::default();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        for n in 0..messages {
            sender.send(census.value(n)).unwrap();
        }
        for _ in 0..messages / 3 {
            drop(receiver.try_recv().unwrap());
        }
        drop(receiver);
        assert_eq!(census.living(), 0);
        assert!(sender.send(census.value(0)).is_err());
        assert_eq!(census.living(), 0);
    }
}

#[test]
fn a_destructor_that_panics_does_not_keep_the_others_from_running() {
    for panicking in 0..20 {
        let census = Census::default();
        let (sender, receiver) = mpsc::unbounded_channel();
        for n in 0..20 {
            sender.send(if n == panicking { census.panicking(n) } else { census.value(n) }).unwrap();
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
        assert_eq!(census.living(), 0);
        assert!(sender.is_closed());
    }
}

#[test]
fn a_waker_that_panics_leaves_message_and_permit_where_they_belong() {
    let (sender, mut receiver) = mpsc::channel(1);
    assert!(receiver.poll_recv(&mut Context::from_waker(&panicking_waker())).is_pending());
    let permit = sender.try_reserve().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| permit.send(7))).is_err());
    assert_eq!((sender.capacity(), receiver.len()), (0, 1));
    assert_eq!(receiver.try_recv(), Ok(7));
    assert_eq!(sender.capacity(), 1);
}

#[test]
fn wakers_that_own_parts_of_the_channel_are_woken_with_no_lock_held() {
    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.clone().try_reserve_owned().unwrap();
    sender.try_send(1).unwrap();
    let mut reserving = Box::pin(sender.reserve());
    let waker = acting_waker(move || {
        let _ = &permit;
    });
    assert!(reserving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    // Wakes and drops the waker, whose permit goes back.
    drop(receiver);
    assert!(now(reserving.as_mut()).is_err());
}

#[test]
fn a_channel_without_senders_gives_what_is_left_and_ends() {
    let (sender, mut receiver) = mpsc::channel(5);
    let other = sender.clone();
    sender.try_send(1).unwrap();
    drop(sender);
    assert!(!receiver.is_closed());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let mut receiving = Task::new(receiver.recv());
    receiving.pending();
    drop(other);
    assert!(receiving.is_woken());
    assert_eq!(receiving.ready(), None);
    drop(receiving);
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn senders_learn_of_the_end() {
    let (sender, mut receiver) = mpsc::channel::<()>(1);
    let (mut a, mut b) = (Task::new(sender.closed()), Task::new(sender.closed()));
    a.pending();
    b.pending();
    receiver.close();
    assert!(a.is_woken() && b.is_woken());
    a.ready();
    drop(receiver);
    b.ready();
    now(sender.closed());

    let (sender, receiver) = mpsc::unbounded_channel::<()>();
    let mut gone = Task::new(sender.closed());
    gone.pending();
    drop(receiver);
    assert!(gone.is_woken());
    gone.ready();
}

#[test]
fn an_unbounded_channel_that_closes_refuses_and_drains() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for n in 0..50 {
        sender.send(n).unwrap();
    }
    receiver.close();
    assert_eq!(sender.send(99).unwrap_err().0, 99);
    assert!(sender.is_closed() && receiver.is_closed());
    assert_eq!(receiver.len(), 50);
    for n in 0..50 {
        assert_eq!(now(receiver.recv()), Some(n));
    }
    assert_eq!(now(receiver.recv()), None);
}

#[test]
fn several_at_once() {
    let (sender, mut receiver) = mpsc::channel(100);
    let mut buffer = vec![-1];
    assert_eq!(now(receiver.recv_many(&mut buffer, 0)), 0);
    let mut receiving = Task::new(receiver.recv_many(&mut buffer, 30));
    receiving.pending();
    for n in 0..70 {
        sender.try_send(n).unwrap();
    }
    assert!(receiving.is_woken());
    assert_eq!(receiving.ready(), 30);
    drop(receiving);
    assert_eq!((buffer.len(), sender.capacity()), (31, 60));
    assert_eq!(now(receiver.recv_many(&mut buffer, 1000)), 40);
    assert!(buffer.iter().copied().eq(-1..70));
    drop(sender);
    assert_eq!(now(receiver.recv_many(&mut buffer, 5)), 0);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(receiver.poll_recv_many(&mut cx, &mut buffer, 5), Poll::Ready(0));
}

#[test]
fn blocking_works_between_threads() {
    let (sender, mut receiver) = mpsc::channel(2);
    let sending = std::thread::spawn(move || (0..100).for_each(|n| sender.blocking_send(n).unwrap()));
    assert_eq!(receiver.blocking_recv(), Some(0));
    let mut rest = Vec::new();
    while receiver.blocking_recv_many(&mut rest, 7) != 0 {}
    assert!(rest.into_iter().eq(1..100));
    sending.join().unwrap();
}

#[test]
fn blocking_inside_a_runtime_is_refused() {
    let (sender, mut receiver) = mpsc::channel(1);
    let entered = entered::enter();
    assert!(catch_unwind(AssertUnwindSafe(|| sender.blocking_send(1))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv_many(&mut Vec::new(), 1))).is_err());
    drop(entered);
    assert!(receiver.is_empty(), "what was refused did nothing");
}

#[test]
fn many_threads_lose_nothing_and_keep_each_ones_order() {
    const SENDERS: usize = 4;
    const EACH: usize = 5_000;
    let (bounded, mut from_bounded) = mpsc::channel(7);
    let (unbounded, mut from_unbounded) = mpsc::unbounded_channel();
    let census = Census::default();
    let threads: Vec<_> = (0..SENDERS)
        .map(|me| {
            let (bounded, unbounded, census) = (bounded.clone(), unbounded.clone(), census.clone());
            std::thread::spawn(move || {
                for n in 0..EACH {
                    bounded.blocking_send((me, census.value(n))).unwrap();
                    unbounded.send((me, census.value(n))).unwrap();
                }
            })
        })
        .collect();
    drop((bounded, unbounded));
    let mut next = [0; SENDERS];
    while let Some((from, value)) = from_bounded.blocking_recv() {
        assert_eq!(value.number, next[from]);
        next[from] += 1;
    }
    assert_eq!(next, [EACH; SENDERS]);
    let mut next = [0; SENDERS];
    while let Some((from, value)) = from_unbounded.blocking_recv() {
        assert_eq!(value.number, next[from]);
        next[from] += 1;
    }
    assert_eq!(next, [EACH; SENDERS]);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(census.living(), 0);
}

#[test]
fn a_receiver_that_goes_while_threads_send_leaves_nothing_behind() {
    for _ in 0..50 {
        let census = Census::default();
        let (sender, receiver) = mpsc::unbounded_channel();
        let refused = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..200 {
                        if sender.send(census.value(n)).is_err() {
                            refused.fetch_add(1, Relaxed);
                        }
                    }
                });
            }
            scope.spawn(|| drop(receiver));
        });
        assert_eq!(census.living(), 0, "{} were refused", refused.load(Relaxed));
    }
}

struct TestAlarms(Arc<AtomicUsize>);

impl alarm::Alarms for TestAlarms {
    fn after(&self, delay: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        let rings = self.0.clone();
        // Each poll is a millisecond.
        let mut left = delay.as_millis();
        Box::pin(std::future::poll_fn(move |_| {
            if left == 0 {
                rings.fetch_add(1, Relaxed);
                return Poll::Ready(());
            }
            left -= 1;
            Poll::Pending
        }))
    }
}

#[test]
fn a_send_that_takes_too_long_gives_its_message_back() {
    let rings = Arc::<AtomicUsize>::default();
    let alarms = TestAlarms(rings.clone());
    let known: &dyn alarm::Alarms = &alarms;
    // SAFETY: taken back below, before the alarms die.
    let before = unsafe { alarm::set(Some(std::ptr::NonNull::from(known))) };
    let (sender, mut receiver) = mpsc::channel(1);
    now(sender.send_timeout(1, Duration::from_millis(3))).unwrap();
    let mut late = Task::new(sender.send_timeout(2, Duration::from_millis(2)));
    late.pending();
    late.pending();
    assert_eq!(late.ready(), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(rings.load(Relaxed), 1);
    assert_eq!(receiver.try_recv(), Ok(1));
    // The one that was too late is still there, but keeps no place in the queue.
    sender.try_send(3).unwrap();
    let mut in_time = Task::new(sender.send_timeout(4, Duration::from_millis(9)));
    in_time.pending();
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!(in_time.ready(), Ok(()));
    let mut refused = Task::new(sender.send_timeout(5, Duration::from_millis(9)));
    refused.pending();
    drop(receiver);
    assert_eq!(refused.ready(), Err(SendTimeoutError::Closed(5)));
    // SAFETY: taking back needs no promise.
    unsafe { alarm::set(before) };
    drop(late);
}

#[test]
#[should_panic(expected = "there is no reactor running, must be called from the context of a Tokio 1.x runtime")]
fn a_send_with_a_time_limit_needs_a_clock() {
    let (sender, _receiver) = mpsc::channel(1);
    let _ = Task::new(sender.send_timeout(1, Duration::from_secs(1))).poll();
}

#[test]
fn a_channel_without_room_is_refused_where_it_is_made() {
    let refused = catch_unwind(|| mpsc::channel::<()>(0)).unwrap_err();
    assert_eq!(*refused.downcast_ref::<&str>().unwrap(), "mpsc bounded channel requires buffer > 0");
}

#[test]
fn tasks_say_what_they_wait_for_and_where() {
    let (sender, mut receiver) = mpsc::channel(1);
    let line = line!() + 1;
    let mut receiving = Task::new(receiver.recv());
    let ((), waits) = as_task(|| receiving.pending());
    assert_eq!((waits.len(), waits[0].kind, waits[0].at.line()), (1, WaitKind::Receive, line));
    assert!(waits[0].at.file().ends_with("mpsc.rs"));
    let ((), waits) = as_task(|| {
        receiving.pending();
        drop(receiving);
    });
    assert!(waits.is_empty());

    sender.try_send(1).unwrap();
    let line = line!() + 1;
    let mut sending = Task::new(sender.send(2));
    let ((), waits) = as_task(|| sending.pending());
    assert_eq!((waits.len(), waits[0].kind, waits[0].at.line()), (1, WaitKind::Send, line));
}

#[test]
fn receiving_sending_and_closing_cost_budget() {
    let (sender, mut receiver) = mpsc::channel::<usize>(1);
    let receives = budget_of(|| {
        let _ = sender.try_send(1);
        Task::new(receiver.recv()).poll().map(drop)
    });
    let sends = budget_of(|| {
        let _ = receiver.try_recv();
        Task::new(sender.send(1)).poll().map(drop)
    });
    drop(receiver);
    let closes = budget_of(|| Task::new(sender.closed()).poll());
    for polls in [receives, sends, closes] {
        assert!((1..1000).contains(&polls), "{polls}");
    }
}

#[test]
fn errors_say_what_happened_and_hide_the_message() {
    struct Secret;
    let (sender, mut receiver) = mpsc::channel(1);
    assert_eq!(receiver.try_recv().err().unwrap().to_string(), "receiving on an empty channel");
    sender.try_send(Secret).unwrap();
    let full = sender.try_send(Secret).unwrap_err();
    assert_eq!((full.to_string(), format!("{full:?}")), ("no available capacity".into(), "\"Full(..)\"".into()));
    drop(receiver);
    let closed = sender.try_send(Secret).unwrap_err();
    assert_eq!((closed.to_string(), format!("{closed:?}")), ("channel closed".into(), "\"Closed(..)\"".into()));
    let closed = block_on(sender.send(Secret)).unwrap_err();
    assert_eq!((closed.to_string(), format!("{closed:?}")), ("channel closed".into(), "SendError { .. }".into()));
    assert!(matches!(TrySendError::from(closed), TrySendError::Closed(Secret)));
    let timeout = SendTimeoutError::Timeout(Secret);
    assert_eq!(timeout.to_string(), "timed out waiting on send operation");
    assert_eq!(format!("{:?}", SendTimeoutError::Closed(timeout.into_inner())), "\"Closed(..)\"");
    let (sender, mut receiver) = mpsc::unbounded_channel::<Secret>();
    drop(sender);
    assert_eq!(receiver.try_recv().err().unwrap().to_string(), "receiving on a closed channel");
}
