//! How long does a thread that has nothing to do look for work before it sleeps?
//!
//! 1. Waking a sleeping thread costs tens of microseconds on many machines; so where work tends to come at once, a thread
//!    spins for a few microseconds first.
//! 2. Where it does not (it comes from a socket, or the cores are busy with others), spinning only burns: each spin in vain
//!    takes patience away, each that paid gives some back. Without any, there is a trial from time to time, more and more
//!    seldom while they are in vain.

use unstuck_base::sync::{MODELLED, hint};

/// How often a thread looks for news during one spin, each time after [`PAUSES`].
const LOOKS: u32 = if MODELLED { 1 } else { 40 };
const PAUSES: u32 = if MODELLED { 1 } else { 30 };
const MOST: u8 = 8;
/// How often a thread goes without, between two trials: first, and at most.
const FIRST_TRIAL: u16 = 16;
const LAST_TRIAL: u16 = 1024;

/// One thread's patience; see the module's rules.
#[derive(Debug)]
pub(crate) struct Patience {
    left: u8,
    until_trial: u16,
    trial_interval: u16,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Patience { left: MOST / 2, until_trial: FIRST_TRIAL, trial_interval: FIRST_TRIAL }
    }

    /// Looks for news, for as long as patience lasts. Says whether there was some.
    pub(crate) fn spin_until(&mut self, mut news: impl FnMut() -> bool) -> bool {
        if self.left == 0 {
            self.until_trial -= 1;
            if self.until_trial > 0 {
                return news();
            }
        }
        let paid = spin(&mut news);
        if paid {
            self.left = (self.left + 2).min(MOST);
            self.trial_interval = FIRST_TRIAL;
        } else if self.left > 0 {
            self.left -= 1;
        } else {
            self.trial_interval = (self.trial_interval * 2).min(LAST_TRIAL);
        }
        self.until_trial = self.trial_interval;
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
    fn spinning_in_vain_ends_and_is_tried_more_and_more_seldom() {
        let mut patience = Patience::new();
        for _ in 0..MOST / 2 {
            assert!(looks(&mut patience) > 1);
        }
        let between = |patience: &mut Patience| (1..).find(|_| looks(patience) > 1).unwrap();
        assert_eq!(between(&mut patience), FIRST_TRIAL);
        assert_eq!(between(&mut patience), 2 * FIRST_TRIAL);
        for _ in 0..10 {
            between(&mut patience);
        }
        assert_eq!(between(&mut patience), LAST_TRIAL);
    }

    #[test]
    fn a_spin_that_paid_gives_patience_back() {
        let mut patience = Patience { left: 0, until_trial: 1, trial_interval: LAST_TRIAL };
        assert!(patience.spin_until(|| true));
        assert!(looks(&mut patience) > 1);
        assert!(looks(&mut patience) > 1);
        assert_eq!(looks(&mut patience), 1);
        assert_eq!(patience.trial_interval, FIRST_TRIAL);
    }
}
