//! Idle means: nothing is left to do now. So the driver does not sleep, it lets the time jump.
//!
//! 1. Parking jumps to the next event or the deadline, whichever is first, and delivers what is due then.
//! 2. Without an event and a deadline nothing would ever happen: that is an error of the kind `Deadlock`. The run ends with
//!    a report then.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use unstuck_base::WakeBatch;
use unstuck_driver::Driver;

use crate::world::{Jump, World};

/// The driver of a world; see the module's rules.
#[derive(Debug)]
pub(crate) struct SimDriver {
    world: Arc<World>,
    shut: bool,
}

impl SimDriver {
    pub(crate) fn new(world: Arc<World>) -> Self {
        SimDriver { world, shut: false }
    }
}

impl Driver for SimDriver {
    fn park(&mut self, deadline: Option<Instant>, woken: &mut WakeBatch) -> io::Result<()> {
        match self.world.jump(deadline, woken) {
            Jump::Done => Ok(()),
            Jump::Nowhere => Err(io::Error::new(io::ErrorKind::Deadlock, "nothing will happen in the simulated world")),
        }
    }

    fn poll(&mut self, woken: &mut WakeBatch) -> io::Result<()> {
        self.world.deliver(woken);
        Ok(())
    }

    fn shut_down(&mut self, woken: &mut WakeBatch) {
        self.shut = true;
        self.world.shut(woken);
    }
}

impl Drop for SimDriver {
    fn drop(&mut self) {
        if !self.shut {
            // Nobody would ever tell those who wait. The batch wakes when it is dropped.
            self.world.shut(&mut WakeBatch::new());
        }
    }
}
