//! The forms of a join error.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use unstuck_task::{Id, JoinError};

use crate::fifo::Fifo;
use crate::tools::ready;

fn panics_with<P: Send + 'static>(payload: P) -> (Id, JoinError) {
    let fifo = Fifo::new(1);
    let join = fifo.spawn(async move { panic_any(payload) });
    fifo.run_all();
    let id = join.id();
    (id, ready(join).map(|_: ()| ()).unwrap_err())
}

fn cancelled() -> (Id, JoinError) {
    let fifo = Fifo::new(1);
    let join = fifo.spawn(std::future::pending::<()>());
    let id = join.id();
    drop(fifo);
    (id, ready(join).unwrap_err())
}

#[test]
fn a_panic_tells_its_message_if_it_is_a_string() {
    for (id, error) in [panics_with("a \"word\""), panics_with("a \"word\"".to_owned())] {
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(error.id(), id);
        assert_eq!(error.to_string(), format!(r#"task {id} panicked with message "a \"word\"""#));
        assert_eq!(format!("{error:?}"), format!(r#"JoinError::Panic({id:?}, "a \"word\"", ...)"#));
        assert!(error.source().is_none());
    }
    let (id, error) = panics_with(17_u8);
    assert_eq!(error.to_string(), format!("task {id} panicked"));
    assert_eq!(format!("{error:?}"), format!("JoinError::Panic({id:?}, ...)"));
}

#[test]
fn the_payload_can_be_taken() {
    assert_eq!(*panics_with(17_u8).1.into_panic().downcast::<u8>().unwrap(), 17);
    assert_eq!(*panics_with("text").1.try_into_panic().unwrap().downcast::<&str>().unwrap(), "text");
}

#[test]
fn a_cancellation_has_no_payload() {
    let (id, error) = cancelled();
    assert!(error.is_cancelled() && !error.is_panic());
    assert_eq!(error.to_string(), format!("task {id} was cancelled"));
    assert_eq!(format!("{error:?}"), format!("JoinError::Cancelled({id:?})"));
    let error = error.try_into_panic().unwrap_err();
    assert_eq!(error.id(), id);
    assert!(catch_unwind(AssertUnwindSafe(|| error.into_panic())).is_err());
}

#[test]
fn it_becomes_an_io_error() {
    assert_eq!(io::Error::from(cancelled().1).to_string(), "task was cancelled");
    let error = io::Error::from(panics_with(1).1);
    assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::Other, "task panicked".to_owned()));
}
