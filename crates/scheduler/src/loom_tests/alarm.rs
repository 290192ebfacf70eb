//! The monitor sleeps until a worker wakes.

use unstuck_base::sync::Arc;
use unstuck_base::sync::atomic::{AtomicUsize, Ordering};
use unstuck_base::sync::thread;

use super::model_with;
use crate::pool::alarm::Alarm;

#[test]
fn loom_alarm_a_worker_that_wakes_is_seen_or_rings() {
    model_with(3, || {
        let alarm = Arc::new(Alarm::new());
        let awake = Arc::new(AtomicUsize::new(0));
        let workers = [(); 2].map(|()| {
            let (alarm, awake) = (alarm.clone(), awake.clone());
            thread::spawn(move || {
                awake.fetch_add(1, Ordering::SeqCst);
                alarm.ring();
            })
        });
        // The monitor looks until it has seen both awake, and sleeps whenever it has seen nothing new. A ring that was
        // missed would leave it there.
        let mut seen = 0;
        while seen < 2 {
            alarm.arm();
            let now = awake.load(Ordering::SeqCst);
            if now == seen {
                alarm.sleep(None);
            }
            alarm.disarm();
            seen = now;
        }
        for worker in workers {
            worker.join().unwrap();
        }
    });
}

#[test]
fn loom_alarm_the_end_wakes_the_monitor_however_it_sleeps() {
    loom::model(|| {
        let alarm = Arc::new(Alarm::new());
        let ends = thread::spawn({
            let alarm = alarm.clone();
            move || alarm.wake()
        });
        alarm.arm();
        alarm.sleep(None);
        ends.join().unwrap();
    });
}
