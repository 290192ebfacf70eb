//! How long does a thread that has nothing to do look for work before it sleeps?
//!
//! 1. Waking a sleeping thread costs tens of microseconds on many machines; so where work tends to come at once, a thread
//!    spins for a few microseconds first.
//! 2. Where it does not (it comes from a socket, or the cores are busy with others), spinning only burns: each spin in vain
//!    takes patience away, each that paid gives some back. Without any, every [`TRIAL`]th time is a trial.

use unstuck_base::sync::{MODELLED, hint};

/// How often a thread looks for news during one spin, each time after [`PAUSES`].
const LOOKS: u32 = if MODELLED { 1 } else { 40 };
const PAUSES: u32 = if MODELLED { 1 } else { 30 };
const MOST: u8 = 8;
const TRIAL: u8 = 16;

/// One thread's patience; see the module's rules.
#[derive(Debug)]
pub(crate) struct Patience {
    left: u8,
    since_trial: u8,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Patience { left: MOST / 2, since_trial: 0 }
    }

    /// Looks for news, for as long as patience lasts. Says whether there was some.
    pub(crate) fn spin_until(&mut self, mut news: impl FnMut() -> bool) -> bool {
        if self.left == 0 {
            self.since_trial += 1;
            if self.since_trial < TRIAL {
                return news();
            }
            self.since_trial = 0;
        }
        let paid = spin(&mut news);
        self.left = if paid { (self.left + 2).min(MOST) } else { self.left.saturating_sub(1) };
        paid
    }
}

fn spin(news: &mut impl FnMut() -> bool) -> bool {
    for _ in 0..LOOKS {
        if news() {
            return true;
        }
        for _ in 0..PAUSES {
            hint::spin_loop();
        }
    }
    news()
}

#[cfg(all(test, not(unstuck_loom)))]
mod tests {
    use super::*;

    /// How often one call looks for news that never comes.
    fn looks(patience: &mut Patience) -> u32 {
        let mut looks = 0;
        assert!(!patience.spin_until(|| {
            looks += 1;
            false
        }));
        looks
    }

    #[test]
    fn spinning_in_vain_ends_and_is_tried_again_from_time_to_time() {
        let mut patience = Patience::new();
        for _ in 0..MOST / 2 {
            assert!(looks(&mut patience) > 1);
        }
        let spins = (0..10 * u32::from(TRIAL)).filter(|_| looks(&mut patience) > 1).count();
        assert_eq!(spins, 10);
    }

    #[test]
    fn a_spin_that_paid_gives_patience_back() {
        let mut patience = Patience { left: 0, since_trial: TRIAL - 1 };
        assert!(patience.spin_until(|| true));
        assert!(looks(&mut patience) > 1);
        assert!(looks(&mut patience) > 1);
        assert_eq!(looks(&mut patience), 1);
    }
}
