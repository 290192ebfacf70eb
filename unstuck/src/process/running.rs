//! A child that nobody has collected yet, and how we hear of its end.
//!
//! 1. News only says that it may be worth to ask the system. The answer of `waitpid` is what counts: while a debugger holds
//!    a process, its descriptor is ready before its parent can collect it, and `SIGCHLD` tells of all children.
//! 2. Whoever waits is registered for news before the system is asked, so no end is missed.
//! 3. The descriptor is readable when the process has ended, and again when it changes hands after that; it is watched by
//!    edge, so an event that was premature costs one question.
//! 4. The news goes before the child: its descriptor is closed, with its registration, when the child has been collected.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::task::{Context, Poll, ready};

use unstuck_base::interest::Interest;
use unstuck_context::with_current;
use unstuck_driver::readiness::{Direction, shutdown_error};
use unstuck_driver::signal::Listener;

use crate::kernel::kernel;
use crate::watched::Watched;

/// See the rules of the file.
pub(super) struct Running {
    news: News,
    child: Child,
}

enum News {
    /// The child's own descriptor.
    Descriptor(Watched<OwnedFd>),
    /// `SIGCHLD`, where the system gives no such descriptor.
    Signal(Listener),
}

impl News {
    /// Begins to listen in the current runtime.
    #[track_caller]
    fn of(pid: u32) -> io::Result<News> {
        let kernel = kernel();
        match kernel.child_descriptor(pid) {
            Ok(fd) => Watched::new(fd, Interest::READABLE).map(News::Descriptor).map_err(|(_fd, error)| error),
            Err(_) => Ok(News::Signal(kernel.signal(libc::SIGCHLD)?.listen()?)),
        }
    }
}

impl Running {
    /// Listens to the child in the current runtime.
    ///
    /// # Errors
    /// What the system says, and the child.
    #[track_caller]
    pub(super) fn new(child: Child) -> Result<Running, (Child, io::Error)> {
        match News::of(child.id()) {
            Ok(news) => Ok(Running { news, child }),
            Err(error) => Err((child, error)),
        }
    }

    /// Listens in the current runtime from now on, since the one before has ended.
    ///
    /// # Errors
    /// When there is no runtime with I/O, or it has ended as well.
    pub(super) fn listen_here(&mut self) -> io::Result<()> {
        if !with_current(|handle| handle.parts().enabled.io).unwrap_or(false) {
            return Err(shutdown_error());
        }
        self.news = News::of(self.child.id())?;
        Ok(())
    }

    /// Waits until the child has ended, and collects it. `None`: the runtime that listened has ended, and the child has not.
    ///
    /// # Errors
    /// When the system can't say: somebody else has collected the child.
    #[track_caller]
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<ExitStatus>>> {
        match &mut self.news {
            News::Descriptor(descriptor) => loop {
                let readiness = descriptor.readiness();
                let event = ready!(readiness.poll_ready(Direction::Read, cx));
                let end = self.child.try_wait()?;
                if end.is_some() || event.is_shutdown() {
                    return Poll::Ready(Ok(end));
                }
                readiness.disprove(event);
            },
            News::Signal(listener) => {
                let news = loop {
                    match listener.poll_recv(cx) {
                        // Asked once, after all that came.
                        Poll::Ready(Some(())) => {}
                        last => break last,
                    }
                };
                let end = self.child.try_wait()?;
                if end.is_some() || news.is_ready() { Poll::Ready(Ok(end)) } else { Poll::Pending }
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Collects the child if it has ended.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    pub(super) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }

    /// Stops listening.
    pub(super) fn into_child(self) -> Child {
        self.child
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("id", &self.id()).finish_non_exhaustive()
    }
}
