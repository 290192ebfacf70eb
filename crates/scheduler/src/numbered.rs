//! Tasks for the tests: each has a number, is ready at once, and says whether it ran or was cancelled.

use std::panic::Location;
use std::sync::{Arc, Mutex};

use unstuck_base::local;
use unstuck_task::{HomeRef, Id, Origin, Runnable, Schedule, TaskList, unlisted};

/// Makes tasks, and records in which order they end.
pub(crate) struct Numbered {
    home: HomeRef,
    ends: Arc<Mutex<Ends>>,
}

/// Which tasks have ended so far, each in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) ran: Vec<usize>,
    pub(crate) cancelled: Vec<usize>,
}

impl Numbered {
    pub(crate) fn new() -> Self {
        let home = HomeRef::new();
        // SAFETY: a constant lives for ever.
        unsafe { home.bind(&Nowhere) };
        Numbered { home, ends: Arc::default() }
    }

    /// The task with this number.
    pub(crate) fn task(&self, number: usize) -> Runnable {
        let tells = Tells { number, ends: self.ends.clone(), ran: false };
        let work = async move { tells.run() };
        let id = Id::from_number(local::next_task_id());
        unlisted(work, &self.home, Origin::new(id, Location::caller())).0
    }

    pub(crate) fn ends(&self) -> Ends {
        self.ends.lock().unwrap().clone()
    }
}

struct Tells {
    number: usize,
    ends: Arc<Mutex<Ends>>,
    ran: bool,
}

impl Tells {
    fn run(mut self) {
        self.ran = true;
    }
}

impl Drop for Tells {
    fn drop(&mut self) {
        let mut ends = self.ends.lock().unwrap();
        let ends = if self.ran { &mut ends.ran } else { &mut ends.cancelled };
        ends.push(self.number);
    }
}

/// The tasks never wait, so nobody schedules them.
struct Nowhere;

impl Schedule for Nowhere {
    fn schedule(&self, _task: Runnable) {
        unreachable!("the tasks never wait");
    }

    fn reschedule(&self, _task: Runnable) {
        unreachable!("the tasks never wait");
    }

    fn tasks(&self) -> Option<&TaskList> {
        None
    }
}
