//! Task-local values.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use unstuck::sync::oneshot;
use unstuck::task::yield_now;

unstuck::task_local! {
    static NUMBER: u32;
    /// Not `Sync`.
    pub static LOG: RefCell<Vec<&'static str>>
}

#[unstuck::test]
async fn every_task_has_its_own_value() {
    let tasks: Vec<_> = (0..10)
        .map(|n| {
            unstuck::spawn(NUMBER.scope(n, async move {
                for _ in 0..5 {
                    assert_eq!(NUMBER.get(), n);
                    NUMBER.with(|number| assert_eq!(*number, n));
                    yield_now().await;
                }
            }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(NUMBER.try_get().is_err());
}

#[unstuck::test]
async fn scopes_nest_and_spawned_tasks_do_not_inherit() {
    NUMBER
        .scope(1, async {
            let inner = NUMBER.scope(2, async {
                yield_now().await;
                NUMBER.sync_scope(3, || assert_eq!(NUMBER.get(), 3));
                NUMBER.get()
            });
            let (inner, outer) = unstuck::join!(inner, async {
                yield_now().await;
                NUMBER.get()
            });
            assert_eq!((inner, outer), (2, 1));
            let spawned = unstuck::spawn(async { NUMBER.try_with(|n| *n).is_err() });
            assert!(spawned.await.unwrap());
        })
        .await;
}

#[unstuck::test]
async fn a_value_with_interior_mutability_is_kept_between_polls() {
    let mut scope = Box::pin(LOG.scope(RefCell::default(), async {
        LOG.with(|log| log.borrow_mut().push("before"));
        yield_now().await;
        LOG.with(|log| log.borrow_mut().push("after"));
    }));
    scope.as_mut().await;
    assert_eq!(scope.as_mut().take_value().unwrap().into_inner(), ["before", "after"]);
    assert!(scope.as_mut().take_value().is_none());
}

#[unstuck::test]
async fn without_its_value_the_future_runs_on_and_sees_none() {
    let inner = async { NUMBER.try_get() };
    NUMBER
        .scope(1, async {
            let mut scope = pin!(NUMBER.scope(2, inner));
            assert_eq!(scope.as_mut().take_value(), Some(2));
            assert!(scope.await.is_err(), "the value of the scope outside does not shine through");
            assert_eq!(NUMBER.get(), 1);
        })
        .await;
}

/// Tells the value that it sees when it is dropped.
struct Tell(Option<oneshot::Sender<u32>>);

impl Drop for Tell {
    fn drop(&mut self) {
        self.0.take().unwrap().send(NUMBER.get()).unwrap();
    }
}

impl Future for Tell {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[unstuck::test]
async fn destructors_of_the_future_see_the_value() {
    let (sender, told) = oneshot::channel();
    let tell = Tell(Some(sender));
    let task = unstuck::spawn(NUMBER.scope(7, async move {
        let _tell = tell;
        std::future::pending::<()>().await;
    }));
    yield_now().await;
    task.abort();
    assert_eq!(told.await, Ok(7));

    let (sender, told) = oneshot::channel();
    drop(NUMBER.scope(8, Tell(Some(sender))));
    assert_eq!(told.await, Ok(8));

    let (sender, mut told) = oneshot::channel();
    let mut scope = pin!(NUMBER.scope(9, Tell(Some(sender))));
    scope.as_mut().await;
    assert_eq!(told.try_recv(), Ok(9), "it is dropped as soon as it has completed");
    assert_eq!(scope.take_value(), Some(9));
}

#[test]
fn a_panic_inside_restores_what_was_there_before() {
    NUMBER.sync_scope(1, || {
        let panicked = std::panic::catch_unwind(|| NUMBER.sync_scope(2, || panic!("inside")));
        assert!(panicked.is_err());
        assert_eq!(NUMBER.get(), 1);
    });
    assert!(NUMBER.try_get().is_err());
}

#[test]
#[should_panic(expected = "without setting it first")]
fn reading_outside_a_scope_tells_what_to_do() {
    NUMBER.get();
}

#[test]
fn a_scope_inside_a_borrow_of_the_same_key_is_refused() {
    NUMBER.sync_scope(1, || {
        let nested = NUMBER.with(|_| std::panic::catch_unwind(|| NUMBER.sync_scope(2, || {})));
        assert!(nested.is_err());
        NUMBER.with(|outer| NUMBER.with(|inner| assert_eq!(outer, inner)));
        NUMBER.sync_scope(3, || assert_eq!(NUMBER.get(), 3));
    });
}

#[test]
#[should_panic(expected = "polled after completion")]
fn polling_after_completion_is_refused() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut scope = pin!(NUMBER.scope(1, async {}));
    assert!(scope.as_mut().poll(&mut cx).is_ready());
    let _ = scope.as_mut().poll(&mut cx);
}

#[test]
fn keys_work_while_the_thread_ends() {
    struct AtExit(Cell<bool>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            assert!(NUMBER.try_get().is_err());
            assert_eq!(NUMBER.sync_scope(5, || NUMBER.get()), 5);
            assert!(self.0.get());
        }
    }
    thread_local! {
        static AT_EXIT: AtExit = const { AtExit(Cell::new(false)) };
    }
    std::thread::spawn(|| AT_EXIT.with(|at_exit| at_exit.0.set(NUMBER.sync_scope(4, || NUMBER.get() == 4))))
        .join()
        .unwrap();
}

#[test]
fn errors_and_debug_do_not_print_the_inside() {
    let error = NUMBER.try_get().unwrap_err();
    assert!(error.to_string().contains("not set"));
    assert_eq!(format!("{:?}", NUMBER), "LocalKey { .. }");
    assert!(format!("{:?}", NUMBER.scope(1, async {})).starts_with("TaskLocalFuture"));
}
