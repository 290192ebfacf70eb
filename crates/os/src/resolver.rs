//! Looks up names, on threads of its own.
//!
//! 1. The system's resolver can't be interrupted, and may take minutes. So its threads belong to the process and nobody ever
//!    joins them: neither a runtime nor the program waits for a lookup when it ends.
//! 2. There are [`MOST`] threads at most. A further name waits for one of them; those that nobody asks for any more are
//!    not looked up. A thread that had nothing to do for [`KEEP`] ends.
//! 3. If a name is queued, there is a thread that will look: it is idle and was told, or is about to come back. A thread
//!    is counted as long as it will look: it says that it goes under the lock under which it found nothing.
//! 4. A forked child has threads of its own: those of its parent are not there.
//!
//! The kernels of this crate call in; a lookup's waker is woken with no lock held.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;

use unstuck_base::fork::PerProcess;
use unstuck_base::quietly;
use unstuck_base::sync::{Condvar, Mutex, MutexGuard};
use unstuck_driver::lookup::{Answer, Found, Lookup};

/// How many threads there are, at most.
const MOST: usize = 64;

/// How long a thread without work stays.
const KEEP: Duration = Duration::from_secs(10);

static NAMES: PerProcess<Arc<Resolver>> =
    PerProcess::new(|| Resolver::new(MOST, KEEP, |host, port| Ok((host, port).to_socket_addrs()?.collect())));

/// Looks a name up; see the module's rules.
pub(crate) fn lookup(host: &str, port: u16) -> Lookup {
    NAMES.get().lookup(host, port)
}

/// Looks up one name. This blocks.
type Resolve = Box<dyn Fn(&str, u16) -> Found + Send + Sync>;

struct Resolver {
    resolve: Resolve,
    most: usize,
    keep: Duration,
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Default)]
struct State {
    questions: VecDeque<Question>,
    threads: usize,
    /// How many of them wait for a question. One that was told of one counts until it has taken it.
    idle: usize,
}

struct Question {
    host: String,
    port: u16,
    answer: Answer,
}

impl Resolver {
    fn new(most: usize, keep: Duration, resolve: impl Fn(&str, u16) -> Found + Send + Sync + 'static) -> Arc<Resolver> {
        let (state, asked) = (Mutex::new(State::default()), Condvar::new());
        Arc::new(Resolver { resolve: Box::new(resolve), most, keep, state, asked })
    }

    fn lookup(self: &Arc<Self>, host: &str, port: u16) -> Lookup {
        let (lookup, answer) = Lookup::new();
        let question = Question { host: host.to_owned(), port, answer };
        let mut state = self.state.lock();
        if state.threads == self.most {
            // Else names that nobody asks for any more would pile up behind lookups that do not end.
            state.questions.retain(|question| question.answer.is_wanted());
        }
        state.questions.push_back(question);
        if state.questions.len() <= state.idle {
            drop(state);
            self.asked.notify_one();
        } else if state.threads < self.most {
            state.threads += 1;
            drop(state);
            self.start();
        }
        lookup
    }

    /// Starts a thread, which is counted already.
    fn start(self: &Arc<Self>) {
        let resolver = self.clone();
        let started = std::thread::Builder::new().name("unstuck-resolve".into()).spawn(move || resolver.answer_all());
        if let Err(error) = started {
            // The others take what is queued, if there are any.
            let left = {
                let mut state = self.state.lock();
                state.threads -= 1;
                if state.threads > 0 { VecDeque::new() } else { std::mem::take(&mut state.questions) }
            };
            for question in left {
                question.answer.give(Err(io::Error::new(error.kind(), error.to_string())));
            }
        }
    }

    fn answer_all(&self) {
        while let Some(Question { host, port, answer }) = self.next() {
            // Where looking up panics the answer is dropped, which says so; a waker may panic too. Others still wait for
            // this thread (rule 3).
            quietly(|| {
                if answer.is_wanted() {
                    answer.give((self.resolve)(&host, port));
                }
            });
        }
    }

    /// Waits for a question; `None`: for long enough, and the thread is not counted any more.
    fn next(&self) -> Option<Question> {
        let mut state = self.state.lock();
        let mut in_vain = false;
        loop {
            if let Some(question) = state.questions.pop_front() {
                return Some(question);
            }
            if in_vain {
                state.threads -= 1;
                return None;
            }
            (state, in_vain) = self.idle(state);
        }
    }

    fn idle<'a>(&self, mut state: MutexGuard<'a, State>) -> (MutexGuard<'a, State>, bool) {
        state.idle += 1;
        let (mut state, in_vain) = self.asked.wait_for(state, self.keep);
        state.idle -= 1;
        (state, in_vain)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::Thread;

    const LONG: Duration = Duration::from_secs(1000);

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn wait(lookup: Lookup) -> Found {
        let waker: Waker = Arc::new(Unpark(std::thread::current())).into();
        let mut lookup = pin!(lookup);
        loop {
            match lookup.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(found) => return found,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// A resolver that says which name it begins with, and ends it when it is told to.
    fn told_by_the_test(most: usize) -> (Arc<Resolver>, mpsc::Receiver<String>, mpsc::Sender<()>) {
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let ended = Mutex::new(ended);
        let resolver = Resolver::new(most, LONG, move |host, port| {
            // The test has ended when nobody listens.
            let _ended = begin.send(host.to_owned());
            let _ended = ended.lock().recv();
            Ok(vec![([10, 0, 0, 1], port).into()])
        });
        (resolver, begun, end)
    }

    #[test]
    fn names_are_looked_up_at_the_same_time_by_threads_that_stay() {
        let (resolver, begun, end) = told_by_the_test(9);
        let lookups = ["a", "b", "c"].map(|host| resolver.lookup(host, 80));
        let mut names: Vec<_> = begun.iter().take(3).collect();
        names.sort();
        assert_eq!(names, ["a", "b", "c"]);
        // Which of them ends by which word nobody knows.
        (0..3).for_each(|_| end.send(()).unwrap());
        for lookup in lookups {
            assert_eq!(wait(lookup).unwrap(), [SocketAddr::from(([10, 0, 0, 1], 80))]);
        }
        while resolver.state.lock().idle < 3 {
            std::thread::yield_now();
        }
        let again = resolver.lookup("d", 80);
        end.send(()).unwrap();
        assert!(wait(again).is_ok());
        assert_eq!(resolver.state.lock().threads, 3);
    }

    #[test]
    fn more_names_than_threads_wait_their_turn() {
        let (resolver, begun, end) = told_by_the_test(1);
        let first = resolver.lookup("first", 1);
        assert_eq!(begun.recv().unwrap(), "first");
        let second = resolver.lookup("second", 2);
        assert_eq!(resolver.state.lock().threads, 1);
        assert!(begun.try_recv().is_err());
        end.send(()).unwrap();
        end.send(()).unwrap();
        assert!(wait(first).is_ok() && wait(second).is_ok());
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_not_looked_up_and_does_not_pile_up() {
        let (resolver, begun, end) = told_by_the_test(1);
        let endless = resolver.lookup("endless", 1);
        assert_eq!(begun.recv().unwrap(), "endless");
        for _ in 0..100 {
            drop(resolver.lookup("given up", 2));
        }
        assert!(resolver.state.lock().questions.len() <= 1);
        let last = resolver.lookup("last", 3);
        drop(endless);
        end.send(()).unwrap();
        assert_eq!(begun.recv().unwrap(), "last");
        end.send(()).unwrap();
        assert!(wait(last).is_ok());
    }

    #[test]
    fn a_thread_without_work_ends() {
        let resolver = Resolver::new(2, Duration::from_millis(1), |_host, _port| Ok(Vec::new()));
        assert!(wait(resolver.lookup("a", 1)).is_ok());
        while resolver.state.lock().threads > 0 {
            std::thread::yield_now();
        }
        assert!(wait(resolver.lookup("b", 1)).is_ok());
    }

    #[test]
    fn a_thread_that_found_nothing_counts_no_more_so_that_the_next_name_starts_another() {
        let resolver = Resolver::new(1, Duration::ZERO, |_host, _port| Ok(Vec::new()));
        resolver.state.lock().threads = 1;
        // The thread would end now, and has not got far.
        assert!(resolver.next().is_none());
        assert!(wait(resolver.lookup("a", 1)).is_ok());
    }

    #[test]
    fn a_resolver_that_panics_is_an_error_and_the_names_behind_are_looked_up() {
        let (go, gone) = mpsc::channel();
        let gone = Mutex::new(gone);
        let resolver = Resolver::new(1, LONG, move |host, _port| {
            let _gone = gone.lock().recv();
            if host == "bad" { panic!("bad") } else { Ok(Vec::new()) }
        });
        let (bad, good) = (resolver.lookup("bad", 1), resolver.lookup("good", 1));
        (0..2).for_each(|_| go.send(()).unwrap());
        assert!(wait(bad).is_err());
        assert!(wait(good).is_ok());
    }
}
