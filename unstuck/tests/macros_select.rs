//! `select!`: which branch wins, what is evaluated and polled when, what patterns may look like, and that nothing of its
//! expansion shows.

#![deny(unused, unreachable_code)]
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, Ready, pending, poll_fn, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use unstuck::sync::{mpsc, oneshot};
use unstuck::task::yield_now;

/// Polls once. For futures that need no second poll.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[unstuck::test]
async fn the_handler_of_the_ready_branch_runs_with_its_value() {
    let (sender, receiver) = oneshot::channel();
    sender.send(20).unwrap();
    let sum = unstuck::select! {
        value = receiver => value.unwrap() + 1,
        _ = pending::<()>() => 0,
    };
    assert_eq!(sum, 21);
}

#[unstuck::test]
async fn waits_until_a_branch_completes() {
    let (first, from_first) = oneshot::channel::<u8>();
    let (second, from_second) = oneshot::channel::<u8>();
    unstuck::spawn(async move {
        yield_now().await;
        second.send(2).unwrap();
        yield_now().await;
        drop(first);
    });
    let value = unstuck::select! {
        value = from_first => value,
        value = from_second => value,
    };
    assert_eq!(value, Ok(2));
}

#[test]
fn the_task_is_woken_by_each_branch() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for winner in 0..2 {
        let (left, from_left) = oneshot::channel();
        let (right, from_right) = oneshot::channel();
        let mut select = pin!(async {
            unstuck::select! {
                value = from_left => value,
                value = from_right => value,
            }
        });
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(select.as_mut().poll(&mut cx).is_pending());
        let (chosen, _other) = if winner == 0 { (left, right) } else { (right, left) };
        chosen.send(winner).unwrap();
        assert!(count.0.load(Ordering::Relaxed) >= 1);
        assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(Ok(winner)));
    }
}

#[test]
fn conditions_come_before_futures_and_both_in_order() {
    let log = RefCell::new(Vec::new());
    let note = |what: &'static str| log.borrow_mut().push(what);
    let condition = |what, holds| {
        note(what);
        holds
    };
    let future = |what| {
        note(what);
        ready(())
    };
    let done = poll_once(async {
        unstuck::select! {
            biased;
            () = future("first future"), if condition("first condition", false) => note("first handler"),
            () = future("second future"), if condition("second condition", true) => note("second handler"),
            () = future("third future") => note("third handler"),
        }
    });
    assert!(done.is_ready());
    let expected =
        ["first condition", "second condition", "first future", "second future", "third future", "second handler"];
    assert_eq!(log.into_inner(), expected);
}

#[test]
fn a_branch_whose_condition_is_false_is_never_polled() {
    let (sender, receiver) = oneshot::channel::<()>();
    let mut select = pin!(async {
        unstuck::select! {
            () = poll_fn(|_| panic!("polled")), if false => unreachable!(),
            result = receiver => result.is_ok(),
        }
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(select.as_mut().poll(&mut cx).is_pending());
    sender.send(()).unwrap();
    assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(true));
}

#[test]
fn a_value_that_does_not_match_disables_its_branch() {
    let polls = Cell::new(0);
    let (sender, receiver) = oneshot::channel();
    let mut select = pin!(async {
        let none = poll_fn(|_| {
            polls.set(polls.get() + 1);
            Poll::Ready(None::<u8>)
        });
        unstuck::select! {
            Some(_) = none => unreachable!(),
            value = receiver => value.unwrap(),
        }
    });
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..5 {
        assert!(select.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(polls.get(), 1);
    sender.send(3).unwrap();
    assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(3));
}

#[test]
fn a_value_that_does_not_match_is_dropped_at_once() {
    let value = Rc::new(());
    let kept = Rc::downgrade(&value);
    let mut select = pin!(async {
        unstuck::select! {
            Err(()) = ready(Ok::<_, ()>(value)) => {}
            () = pending() => {}
        }
    });
    assert!(select.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(kept.upgrade().is_none());
}

#[unstuck::test]
async fn else_runs_when_every_branch_is_disabled() {
    let way = unstuck::select! {
        Some(1) = ready(Some(2)) => "matched",
        () = ready(()), if false => "enabled",
        else => "else",
    };
    assert_eq!(way, "else");
}

#[unstuck::test]
async fn else_alone_is_what_it_returns() {
    assert_eq!(unstuck::select! { else => 4 }, 4);
    let text = unstuck::select! {
        biased;
        else => { String::from("text") }
    };
    assert_eq!(text, "text");
}

#[unstuck::test]
#[should_panic(expected = "all branches are disabled and there is no else branch")]
async fn panics_without_else() {
    unstuck::select! {
        Some(()) = ready(None) => {}
        () = ready(()), if false => {}
    }
}

#[unstuck::test]
async fn a_loop_ends_when_all_channels_are_closed() {
    let (first, mut from_first) = mpsc::unbounded_channel();
    let (second, mut from_second) = mpsc::unbounded_channel();
    for i in 0..10 {
        first.send(i).unwrap();
        second.send(i * 100).unwrap();
    }
    drop((first, second));
    let mut sum = 0;
    loop {
        unstuck::select! {
            Some(i) = from_first.recv() => sum += i,
            Some(i) = from_second.recv() => sum += i,
            else => break,
        }
    }
    assert_eq!(sum, 45 * 101);
}

#[unstuck::test]
async fn futures_are_dropped_before_the_handler_runs() {
    struct Noisy<'a>(&'a Cell<bool>);
    impl Drop for Noisy<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Cell::new(false);
    let loser = async {
        let _noisy = Noisy(&dropped);
        pending::<()>().await;
    };
    unstuck::select! {
        biased;
        () = loser => unreachable!(),
        () = yield_now() => assert!(dropped.get()),
    }
}

#[unstuck::test]
async fn a_handler_may_use_what_the_futures_had_borrowed() {
    async fn push(to: &mut Vec<u8>, value: u8) {
        to.push(value);
        yield_now().await;
    }
    let mut values = vec![1];
    unstuck::select! {
        () = push(&mut values, 2) => values.push(3),
        () = pending() => values.clear(),
    }
    assert_eq!(values, [1, 2, 3]);
}

#[unstuck::test]
async fn a_lent_future_goes_on_in_the_next_round() {
    let mut steps = 0;
    let slow = async {
        for _ in 0..3 {
            yield_now().await;
        }
        "done"
    };
    unstuck::pin!(slow);
    let result = loop {
        unstuck::select! {
            biased;
            result = &mut slow => break result,
            () = ready(()) => steps += 1,
        }
    };
    assert_eq!((result, steps), ("done", 3));
}

#[unstuck::test]
async fn handlers_use_the_control_flow_around_them() {
    async fn first_even(mut numbers: mpsc::UnboundedReceiver<Result<u32, &str>>) -> Result<Option<u32>, &str> {
        let mut odd = 0;
        'search: loop {
            unstuck::select! {
                Some(number) = numbers.recv() => {
                    let number = number?;
                    if number % 2 == 1 {
                        odd += 1;
                        continue 'search;
                    }
                    if odd == 0 {
                        return Ok(Some(number));
                    }
                    yield_now().await;
                    break 'search Ok(Some(number * 100 + odd));
                }
                else => return Ok(None),
            }
        }
    }
    let search = |numbers: &[Result<u32, &'static str>]| {
        let (sender, receiver) = mpsc::unbounded_channel();
        for number in numbers {
            sender.send(*number).unwrap();
        }
        first_even(receiver)
    };
    assert_eq!(search(&[Ok(4)]).await, Ok(Some(4)));
    assert_eq!(search(&[Ok(3), Ok(5), Ok(6)]).await, Ok(Some(602)));
    assert_eq!(search(&[Ok(3)]).await, Ok(None));
    assert_eq!(search(&[Ok(3), Err("broken"), Ok(4)]).await, Err("broken"));
}

#[unstuck::test]
async fn a_future_expression_may_await_and_fail() {
    async fn get(which: Result<u32, String>) -> Result<u32, String> {
        let value = unstuck::select! {
            value = ready(which?), if ready(true).await => value,
            value = { yield_now().await; ready(0) }, if false => value,
        };
        Ok(value)
    }
    assert_eq!(get(Ok(1)).await, Ok(1));
    assert_eq!(get(Err("no".into())).await, Err("no".into()));
}

#[test]
fn biased_polls_from_the_first_to_the_last() {
    let log = RefCell::new(Vec::new());
    let waits = |name| {
        let log = &log;
        poll_fn(move |_| {
            log.borrow_mut().push(name);
            Poll::<()>::Pending
        })
    };
    let mut select = pin!(async {
        unstuck::select! {
            biased;
            () = waits("a") => {}
            () = waits("b") => {}
            () = waits("c") => {}
        }
    });
    for _ in 0..3 {
        assert!(select.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(log.take(), ["a", "b", "c"].repeat(3));
}

#[unstuck::test]
async fn without_biased_every_ready_branch_wins_sometimes() {
    // The chance that one of them never wins in 1000 rounds is below 1e-120.
    let mut wins = [0; 4];
    for _ in 0..1000 {
        let winner = unstuck::select! {
            () = ready(()) => 0,
            () = ready(()) => 1,
            () = ready(()) => 2,
            () = ready(()) => 3,
        };
        wins[winner] += 1;
    }
    assert!(wins.iter().all(|&wins| wins > 0), "{wins:?}");
}

#[test]
fn each_poll_polls_every_branch_once() {
    let polls = [const { Cell::new(0) }; 3];
    let waits = |branch: usize| {
        let polls = &polls;
        poll_fn(move |_| {
            polls[branch].set(polls[branch].get() + 1);
            Poll::<()>::Pending
        })
    };
    let mut select = pin!(async {
        unstuck::select! {
            () = waits(0) => {}
            () = waits(1) => {}
            () = waits(2) => {}
        }
    });
    for round in 1..=50 {
        assert!(select.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(polls.iter().all(|polls| polls.get() == round));
    }
}

#[unstuck::test]
async fn yields_when_the_budget_is_spent() {
    use unstuck::task::coop::consume_budget;
    let spent = (0..10_000).any(|_| poll_once(consume_budget()).is_pending());
    assert!(spent, "a task has a budget");
    let select = || async {
        unstuck::select! {
            biased;
            () = ready(()) => {}
        }
    };
    assert!(poll_once(select()).is_pending());
    yield_now().await;
    assert!(poll_once(select()).is_ready());
}

#[unstuck::test]
async fn a_loop_of_ready_branches_lets_other_tasks_run() {
    let stop = Rc::new(Cell::new(false));
    let local = unstuck::task::LocalSet::new();
    let stopper = stop.clone();
    local.spawn_local(async move { stopper.set(true) });
    local
        .run_until(async {
            let (_sender, mut receiver) = mpsc::unbounded_channel::<()>();
            while !stop.get() {
                unstuck::select! {
                    biased;
                    Some(()) = receiver.recv() => unreachable!(),
                    () = unstuck::task::coop::consume_budget() => {}
                }
            }
        })
        .await;
}

#[unstuck::test]
async fn sixty_four_branches() {
    macro_rules! select_of_64 {
        ($($branch:literal)*) => {
            unstuck::select! { $(value = async { yield_now().await; $branch }, if $branch == 63 => value,)* }
        };
    }
    let value = select_of_64!(
         0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
        32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
    );
    assert_eq!(value, 63);
}

#[unstuck::test]
async fn patterns_bind_as_in_a_match() {
    let text = || ready(Some(String::from("text")));
    unstuck::select! {
        Some(mut text) = text() => {
            text.push('s');
            assert_eq!(text, "texts");
        }
    }
    unstuck::select! {
        Some(ref text) = text() => assert_eq!(text, "text"),
    }
    unstuck::select! {
        Some(ref mut text) = text() => {
            text.clear();
            assert_eq!(text, "");
        }
    }
    unstuck::select! {
        mut number = ready(1) => {
            number += 1;
            assert_eq!(number, 2);
        }
    }
    unstuck::select! {
        all @ [first, .., last] = ready([1, 2, 3]) => assert_eq!((all, first, last), ([1, 2, 3], 1, 3)),
    }
}

#[unstuck::test]
async fn patterns_choose_as_in_a_match() {
    #[derive(Clone)]
    enum Shape {
        Empty,
        Circle { radius: u32 },
        Box(u32, u32),
    }
    const UNIT: u32 = 1;
    #[expect(non_upper_case_globals)]
    const two: u32 = 2;
    #[expect(non_upper_case_globals, reason = "a constant in a pattern")]
    async fn describe(shape: Shape) -> &'static str {
        let shape = || ready(shape.clone());
        unstuck::select! {
            Shape::Empty = shape() => "empty",
            Shape::Circle { radius: UNIT } = shape() => "unit circle",
            Shape::Circle { radius: two } = shape() => "double circle",
            Shape::Circle { radius: 3..=9 } | Shape::Box(3..=9, _) | Shape::Box(_, 3..=9) = shape() => "middle",
            Shape::Box(width, height) = shape(), if matches!(shape().await, Shape::Box(a, b) if a == b) => {
                assert_eq!(width, height);
                "square"
            }
            else => "other",
        }
    }
    assert_eq!(describe(Shape::Empty).await, "empty");
    assert_eq!(describe(Shape::Circle { radius: 1 }).await, "unit circle");
    assert_eq!(describe(Shape::Circle { radius: 2 }).await, "double circle");
    assert_eq!(describe(Shape::Circle { radius: 5 }).await, "middle");
    assert_eq!(describe(Shape::Box(1, 4)).await, "middle");
    assert_eq!(describe(Shape::Box(2, 2)).await, "square");
    assert_eq!(describe(Shape::Box(2, 1)).await, "other");
}

#[unstuck::test]
async fn patterns_go_through_references() {
    struct Point {
        x: u8,
        y: &'static u8,
    }
    let numbers = [7u8, 8];
    let first = unstuck::select! {
        Some(&first) = ready(numbers.first()) => first,
        else => 0,
    };
    assert_eq!(first, 7);
    let sum = unstuck::select! {
        Point { x, y: &y } = ready(Point { x: 1, y: &2 }) => x + y,
    };
    assert_eq!(sum, 3);
    let mut counter = 5;
    let before = unstuck::select! {
        (None::<u8>, &mut before) = ready((None, &mut counter)) => before,
        else => 0,
    };
    assert_eq!(before, 5);
    let owned = unstuck::select! {
        // `text` is moved out of a value in which something else is matched by reference.
        (&1, text) = ready((&1, String::from("moved"))) => text,
        else => String::new(),
    };
    assert_eq!(owned, "moved");
}

#[unstuck::test]
async fn takes_what_becomes_a_future() {
    struct Later(u8);
    impl IntoFuture for Later {
        type Output = u8;
        type IntoFuture = Ready<u8>;

        fn into_future(self) -> Ready<u8> {
            ready(self.0)
        }
    }
    assert_eq!(unstuck::select! { value = Later(6) => value }, 6);
}

#[unstuck::test]
async fn a_borrowed_temporary_lives_as_long_as_the_futures() {
    let value = unstuck::select! {
        value = &mut ready(1) => value,
        value = &mut ready(2), if false => value,
    };
    assert_eq!(value, 1);
}

#[unstuck::test]
async fn a_future_that_never_returns_warns_nowhere() {
    async fn never() -> ! {
        pending().await
    }
    let value = unstuck::select! {
        _ = never() => 0,
        value = ready(1) => value,
    };
    assert_eq!(value, 1);
}

#[unstuck::test]
async fn the_expansion_hides_its_names() {
    #[derive(Debug, PartialEq)]
    enum T0 {
        Branch0(u8),
        AllDisabled,
    }
    use T0::{AllDisabled, Branch0};
    let (output, futures, future0, value, disabled, turn, waiting, cx) = (1, 2, 3, 4, 5, 6, 7, 8);
    let sum = unstuck::select! {
        Branch0(number) = ready(Branch0(1)) => {
            output + futures + future0 + value + disabled + turn + waiting + cx + number
        }
        AllDisabled = ready(AllDisabled), if false => 0,
        else => 0,
    };
    assert_eq!(sum, 37);
}

#[unstuck::test]
async fn nested_in_futures_and_handlers() {
    let value = unstuck::select! {
        value = async { unstuck::select! { inner = ready(1) => inner, inner = pending() => inner } } => {
            unstuck::select! {
                inner = ready(value + 1) => unstuck::select! { innermost = ready(inner + 1) => innermost },
                _ = pending::<()>() => 0,
            }
        }
        _ = pending::<()>() => 0,
    };
    assert_eq!(value, 3);
}

#[unstuck::test]
async fn goes_through_macros_of_the_user() {
    macro_rules! first_of {
        ($first:expr, $second:expr => $pattern:pat => $handler:block) => {
            unstuck::select! { biased; $pattern = $first => $handler $pattern = $second => $handler }
        };
    }
    let value = first_of!(pending::<Option<u8>>(), ready(Some(5)) => Some(value) => { value + 1 });
    assert_eq!(value, 6);
}

#[test]
fn the_future_is_send_when_its_branches_are() {
    fn assert_send<T: Send>(_: &T) {}
    let (_sender, mut receiver) = mpsc::channel::<u8>(1);
    let select = async move {
        unstuck::select! {
            Some(value) = receiver.recv() => value,
            () = yield_now() => 0,
            else => 1,
        }
    };
    assert_send(&select);
}

#[test]
fn futures_are_stored_once() {
    async fn big() -> u8 {
        let block = [1; 1000];
        yield_now().await;
        block[0]
    }
    let one = size_of_val(&big());
    let select = async {
        unstuck::select! {
            value = big() => value,
            value = big() => value,
        }
    };
    assert!(size_of_val(&select) < 2 * one + 64);
}

/// That would be a complaint about the user's taste, in what the macro makes of it.
#[deny(unused_parens)]
#[unstuck::test]
async fn parentheses_around_a_future_are_no_mistake() {
    let (mut first, mut second) = (std::future::ready(1), std::future::pending::<i32>());
    let value = unstuck::select! {
        value = (&mut first) => value,
        value = (&mut second) => value,
    };
    assert_eq!(value, 1);
    assert_eq!(unstuck::join!((async { 1 }), (async { 2 })), (1, 2));
}
