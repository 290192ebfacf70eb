//! `join!` and `try_join!`: outputs, the order of polls, what is dropped when, and that nothing of the expansion shows.

#![deny(unused, unreachable_code)]
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::{Future, IntoFuture, Ready, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use unstuck::sync::oneshot;
use unstuck::task::yield_now;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[unstuck::test]
async fn outputs_come_as_a_tuple_in_the_order_written() {
    assert_eq!(unstuck::join!(async { 1 }), (1,));
    assert_eq!(unstuck::join!(async { 1 }, async { "two" },), (1, "two"));
    assert_eq!(unstuck::join!(biased; async { 1 }, ready('3')), (1, '3'));
    assert_eq!(unstuck::try_join!(async { Ok::<_, ()>(1) }), Ok((1,)));
    assert_eq!(unstuck::try_join!(async { Ok::<_, ()>(1) }, async { Ok("two") },), Ok((1, "two")));
    assert_eq!(unstuck::try_join!(biased; async { Ok::<_, ()>(1) }, ready(Ok('3'))), Ok((1, '3')));
}

#[unstuck::test]
async fn joining_nothing_is_done_at_once() {
    assert_eq!(unstuck::join!(), ());
    assert_eq!(unstuck::join!(biased;), ());
    assert_eq!(unstuck::try_join!() as Result<(), u8>, Ok(()));
    assert_eq!(unstuck::try_join!(biased;) as Result<(), u8>, Ok(()));
}

#[test]
fn waits_for_the_last_future() {
    let (first, from_first) = oneshot::channel();
    let (second, from_second) = oneshot::channel();
    let mut join = pin!(async { unstuck::join!(from_first, from_second, ready(3)) });
    assert!(poll(join.as_mut()).is_pending());
    second.send(2).unwrap();
    assert!(poll(join.as_mut()).is_pending());
    first.send(1).unwrap();
    assert_eq!(poll(join), Poll::Ready((Ok(1), Ok(2), 3)));
}

#[test]
fn join_waits_for_all_also_when_one_fails() {
    let (sender, receiver) = oneshot::channel();
    let mut join = pin!(async { unstuck::join!(ready(Err::<(), _>("failed")), receiver) });
    assert!(poll(join.as_mut()).is_pending());
    sender.send(1).unwrap();
    assert_eq!(poll(join), Poll::Ready((Err("failed"), Ok(1))));
}

#[test]
fn try_join_stops_at_the_first_error() {
    let (first, from_first) = oneshot::channel::<u8>();
    let (second, from_second) = oneshot::channel::<u8>();
    let (_third, from_third) = oneshot::channel::<u8>();
    let mut join = pin!(async { unstuck::try_join!(from_first, from_second, from_third).is_err() });
    assert!(poll(join.as_mut()).is_pending());
    first.send(1).unwrap();
    assert!(poll(join.as_mut()).is_pending());
    drop(second);
    assert_eq!(poll(join), Poll::Ready(true));
}

#[unstuck::test]
async fn an_error_drops_the_values_and_futures_of_the_others() {
    let value = Rc::new(());
    let waiting = value.clone();
    let result = unstuck::try_join!(
        ready(Ok(value.clone())),
        async {
            let _waiting = waiting;
            pending::<Result<(), &str>>().await
        },
        async {
            yield_now().await;
            Err::<(), _>("failed")
        },
    );
    assert_eq!(result, Err("failed"));
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn a_future_is_dropped_as_soon_as_it_is_done_and_not_polled_again() {
    struct Once(Rc<Cell<u32>>);
    impl Future for Once {
        type Output = Result<(), ()>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            self.0.set(self.0.get() + 1);
            Poll::Ready(Ok(()))
        }
    }
    let polls = Rc::new(Cell::new(0));
    let mut join = pin!(async { unstuck::join!(Once(polls.clone()), pending::<()>()) });
    let mut try_join = pin!(async { unstuck::try_join!(Once(polls.clone()), pending::<Result<(), ()>>()) });
    for _ in 0..5 {
        assert!(poll(join.as_mut()).is_pending());
        assert!(poll(try_join.as_mut()).is_pending());
    }
    assert_eq!(polls.get(), 2);
    assert_eq!(Rc::strong_count(&polls), 1);
}

/// Returns Pending three times, and notes its name in each of its four polls.
fn noted<'a>(name: char, log: &'a RefCell<String>) -> impl Future<Output = Result<(), ()>> + 'a {
    let mut polls = 0;
    poll_fn(move |cx| {
        log.borrow_mut().push(name);
        polls += 1;
        if polls == 4 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[unstuck::test]
async fn every_poll_begins_with_the_next_future() {
    let log = RefCell::new(String::new());
    let _ = unstuck::join!(noted('a', &log), noted('b', &log), noted('c', &log));
    assert_eq!(log.take(), "abcbcacababc");
    unstuck::try_join!(noted('a', &log), noted('b', &log), noted('c', &log)).unwrap();
    assert_eq!(log.take(), "abcbcacababc");
}

#[unstuck::test]
async fn biased_keeps_the_order_written() {
    let log = RefCell::new(String::new());
    let _ = unstuck::join!(biased; noted('a', &log), noted('b', &log), noted('c', &log));
    assert_eq!(log.take(), "abcabcabcabc");
    unstuck::try_join!(biased; noted('a', &log), noted('b', &log), noted('c', &log)).unwrap();
    assert_eq!(log.take(), "abcabcabcabc");
}

#[unstuck::test]
async fn a_future_that_always_spends_the_budget_does_not_starve_the_other() {
    let done = Cell::new(false);
    let greedy = async {
        while !done.get() {
            unstuck::task::coop::consume_budget().await;
        }
    };
    let modest = async {
        unstuck::task::coop::consume_budget().await;
        done.set(true);
    };
    unstuck::join!(greedy, modest);
}

#[test]
fn expressions_are_evaluated_in_order_before_the_first_poll() {
    let log = RefCell::new(String::new());
    let future = |name: char| {
        log.borrow_mut().push(name);
        let log = &log;
        async move { log.borrow_mut().push(name.to_ascii_uppercase()) }
    };
    let mut join = pin!(async { unstuck::join!(future('a'), future('b')) });
    assert!(poll(join.as_mut()).is_ready());
    assert_eq!(log.take(), "abAB");
}

#[unstuck::test]
async fn expressions_may_await_and_fail() {
    async fn sum(left: Result<u8, String>) -> Result<u8, String> {
        let (left, right) = unstuck::join!(ready(left?), ready(ready(2).await));
        Ok(left + right)
    }
    assert_eq!(sum(Ok(1)).await, Ok(3));
    assert_eq!(sum(Err("no".into())).await, Err("no".into()));
}

#[unstuck::test]
async fn takes_what_becomes_a_future() {
    struct Later(u8);
    impl IntoFuture for Later {
        type Output = Result<u8, ()>;
        type IntoFuture = Ready<Self::Output>;

        fn into_future(self) -> Self::IntoFuture {
            ready(Ok(self.0))
        }
    }
    assert_eq!(unstuck::join!(Later(1), Later(2)), (Ok(1), Ok(2)));
    assert_eq!(unstuck::try_join!(Later(1), Later(2)), Ok((1, 2)));
}

#[unstuck::test]
async fn outputs_that_cannot_exist_warn_nowhere() {
    assert_eq!(unstuck::try_join!(ready(Err::<Infallible, _>(1)), ready(Ok(2))), Err(1));
    assert_eq!(unstuck::try_join!(biased; ready(Ok::<_, Infallible>(1)), ready(Ok(2))), Ok((1, 2)));
    let mut join = pin!(async { unstuck::join!(pending::<Infallible>(), ready(1)) });
    assert!(poll(join.as_mut()).is_pending());
}

#[unstuck::test]
async fn more_futures_than_fit_in_a_word() {
    let sum = Cell::new(0);
    macro_rules! join_all {
        ($($number:literal)*) => { unstuck::join!($(async { sum.set(sum.get() + $number); yield_now().await },)*) };
    }
    join_all!(
        1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
        1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
    );
    assert_eq!(sum.get(), 100);
}

#[unstuck::test]
async fn the_expansion_hides_its_names() {
    const COUNT: u32 = 2;
    let (futures, first, turn, waiting, cx) = (1, 2, 3, 4, 5);
    let (sum, count) = unstuck::join!(async { futures + first + turn + waiting + cx }, async { COUNT });
    assert_eq!((sum, count), (15, 2));
    let error = 6;
    assert_eq!(unstuck::try_join!(async { Err::<(), _>(error + first) }), Err(8));
}

#[test]
fn the_future_is_send_when_its_parts_are() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&async { unstuck::join!(yield_now(), ready(1)) });
    assert_send(&async { unstuck::try_join!(ready(Ok::<_, ()>(1))) });
}

#[test]
fn futures_and_outputs_share_their_place() {
    async fn big() -> Result<[u8; 1000], ()> {
        let block = [1; 1000];
        yield_now().await;
        Ok(block)
    }
    let one = size_of_val(&big());
    assert!(size_of_val(&async { unstuck::join!(big(), big()) }) < 2 * one + 64);
    assert!(size_of_val(&async { unstuck::try_join!(big(), big()) }) < 2 * one + 64);
}
