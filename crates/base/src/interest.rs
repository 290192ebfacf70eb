//! What a resource can be ready for: the words that the driver, the kernels and the I/O types share.
//!
//! 1. An [`Interest`] is never empty; a [`Ready`] may be.
//! 2. The closed bits imply their direction: a closed side is ready, since an operation on it would not wait.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

/// What a task waits for.
///
/// # Examples
/// ```
/// use unstuck_base::interest::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::WRITABLE), Some(Interest::READABLE));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

/// What a resource was last seen to be ready for.
///
/// # Examples
/// ```
/// use unstuck_base::interest::Ready;
///
/// let mut seen = Ready::READABLE;
/// seen |= Ready::WRITABLE;
/// assert!(seen.is_readable() && seen.is_writable());
/// assert_eq!(seen - Ready::READABLE, Ready::WRITABLE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ready(u8);

const READABLE: u8 = 1 << 0;
const WRITABLE: u8 = 1 << 1;
const READ_CLOSED: u8 = 1 << 2;
const WRITE_CLOSED: u8 = 1 << 3;
const PRIORITY: u8 = 1 << 4;
const ERROR: u8 = 1 << 5;

impl Interest {
    /// Wait until the resource can be read, or its read side is closed.
    pub const READABLE: Interest = Interest(READABLE);
    /// Wait until the resource can be written, or its write side is closed.
    pub const WRITABLE: Interest = Interest(WRITABLE);
    /// Wait for out-of-band data.
    pub const PRIORITY: Interest = Interest(PRIORITY);
    /// Wait for an error of the resource.
    pub const ERROR: Interest = Interest(ERROR);

    /// Whether reading is of interest.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// assert!(Interest::READABLE.is_readable());
    /// assert!(!Interest::WRITABLE.is_readable());
    /// ```
    pub const fn is_readable(self) -> bool {
        self.0 & READABLE != 0
    }

    /// Whether writing is of interest.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// assert!(Interest::WRITABLE.is_writable());
    /// assert!(!Interest::READABLE.is_writable());
    /// ```
    pub const fn is_writable(self) -> bool {
        self.0 & WRITABLE != 0
    }

    /// Whether out-of-band data is of interest.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// assert!(Interest::PRIORITY.is_priority());
    /// assert!(!Interest::READABLE.is_priority());
    /// ```
    pub const fn is_priority(self) -> bool {
        self.0 & PRIORITY != 0
    }

    /// Whether errors are of interest.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// assert!(Interest::ERROR.is_error());
    /// assert!(!Interest::READABLE.is_error());
    /// ```
    pub const fn is_error(self) -> bool {
        self.0 & ERROR != 0
    }

    /// Both interests.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
    /// assert_eq!(BOTH, Interest::READABLE | Interest::WRITABLE);
    /// ```
    #[must_use = "this returns the sum and changes nothing"]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// This interest without `other`; `None` when nothing would be left.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Interest;
    ///
    /// let both = Interest::READABLE | Interest::WRITABLE;
    /// let reading = both.remove(Interest::WRITABLE).expect("reading is left");
    /// assert_eq!(reading, Interest::READABLE);
    /// assert_eq!(reading.remove(Interest::READABLE), None);
    /// ```
    #[must_use = "this returns the difference and changes nothing"]
    pub const fn remove(self, other: Interest) -> Option<Interest> {
        match self.0 & !other.0 {
            0 => None,
            left => Some(Interest(left)),
        }
    }

    /// The readiness that ends a wait with this interest: the direction and its closed bit (rule 2).
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::{Interest, Ready};
    ///
    /// assert_eq!(Interest::READABLE.wanted(), Ready::READABLE | Ready::READ_CLOSED);
    /// ```
    pub const fn wanted(self) -> Ready {
        let mut bits = self.0 & (PRIORITY | ERROR);
        if self.is_readable() {
            bits |= READABLE | READ_CLOSED;
        }
        if self.is_writable() {
            bits |= WRITABLE | WRITE_CLOSED;
        }
        if self.is_priority() {
            bits |= READ_CLOSED;
        }
        Ready(bits)
    }
}

impl BitOr for Interest {
    type Output = Interest;
    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.add(other);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.is_readable(), "READABLE"),
            (self.is_writable(), "WRITABLE"),
            (self.is_priority(), "PRIORITY"),
            (self.is_error(), "ERROR"),
        ];
        let mut rest = names.iter().filter(|(set, _)| *set).map(|(_, name)| name);
        f.write_str(rest.next().expect("rule 1: an interest is never empty"))?;
        rest.try_for_each(|name| write!(f, " | {name}"))
    }
}

impl Ready {
    /// Ready for nothing.
    pub const EMPTY: Ready = Ready(0);
    /// A read would not wait.
    pub const READABLE: Ready = Ready(READABLE);
    /// A write would not wait.
    pub const WRITABLE: Ready = Ready(WRITABLE);
    /// The peer will send no more.
    pub const READ_CLOSED: Ready = Ready(READ_CLOSED);
    /// The peer will receive no more.
    pub const WRITE_CLOSED: Ready = Ready(WRITE_CLOSED);
    /// Out-of-band data waits.
    pub const PRIORITY: Ready = Ready(PRIORITY);
    /// The resource has an error to report.
    pub const ERROR: Ready = Ready(ERROR);
    /// Everything.
    pub const ALL: Ready = Ready(READABLE | WRITABLE | READ_CLOSED | WRITE_CLOSED | PRIORITY | ERROR);

    /// Whether it is ready for nothing.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::EMPTY.is_empty());
    /// assert!(!Ready::WRITABLE.is_empty());
    /// ```
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a read would not wait.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::READABLE.is_readable());
    /// assert!(Ready::READ_CLOSED.is_readable()); // a read tells at once that this is the end
    /// assert!(!Ready::WRITABLE.is_readable());
    /// ```
    pub const fn is_readable(self) -> bool {
        self.0 & (READABLE | READ_CLOSED) != 0
    }

    /// Whether a write would not wait.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::WRITABLE.is_writable());
    /// assert!(Ready::WRITE_CLOSED.is_writable()); // a write fails at once
    /// assert!(!Ready::READABLE.is_writable());
    /// ```
    pub const fn is_writable(self) -> bool {
        self.0 & (WRITABLE | WRITE_CLOSED) != 0
    }

    /// Whether the peer will send no more.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::READ_CLOSED.is_read_closed());
    /// assert!(!Ready::READABLE.is_read_closed());
    /// ```
    pub const fn is_read_closed(self) -> bool {
        self.0 & READ_CLOSED != 0
    }

    /// Whether the peer will receive no more.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::WRITE_CLOSED.is_write_closed());
    /// assert!(!Ready::WRITABLE.is_write_closed());
    /// ```
    pub const fn is_write_closed(self) -> bool {
        self.0 & WRITE_CLOSED != 0
    }

    /// Whether out-of-band data waits.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::PRIORITY.is_priority());
    /// assert!(!Ready::READABLE.is_priority());
    /// ```
    pub const fn is_priority(self) -> bool {
        self.0 & PRIORITY != 0
    }

    /// Whether the resource has an error to report.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert!(Ready::ERROR.is_error());
    /// assert!(!Ready::READABLE.is_error());
    /// ```
    pub const fn is_error(self) -> bool {
        self.0 & ERROR != 0
    }

    /// Whether every bit of `other` is set here.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// let seen = Ready::READABLE | Ready::READ_CLOSED;
    /// assert!(seen.contains(Ready::READABLE));
    /// assert!(!seen.contains(Ready::READABLE | Ready::WRITABLE));
    /// ```
    pub const fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is set in both.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// let seen = Ready::READABLE | Ready::WRITABLE;
    /// assert_eq!(seen.intersection(Ready::READABLE | Ready::ERROR), Ready::READABLE);
    /// ```
    pub const fn intersection(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }

    /// What is set in either.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// const BOTH: Ready = Ready::READABLE.union(Ready::WRITABLE);
    /// assert_eq!(BOTH, Ready::READABLE | Ready::WRITABLE);
    /// ```
    pub const fn union(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }

    /// What is set here and not in `other`.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// let seen = Ready::READABLE | Ready::WRITABLE;
    /// assert_eq!(seen.without(Ready::READABLE), Ready::WRITABLE);
    /// ```
    pub const fn without(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }

    /// The bits, for a packed atomic word.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// let seen = Ready::READABLE | Ready::WRITABLE;
    /// assert_eq!(Ready::from_bits(seen.bits()), seen);
    /// ```
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The readiness of these bits; unknown ones are dropped.
    ///
    /// # Examples
    /// ```
    /// use unstuck_base::interest::Ready;
    ///
    /// assert_eq!(Ready::from_bits(0), Ready::EMPTY);
    /// assert_eq!(Ready::from_bits(u8::MAX), Ready::ALL); // no unknown bits
    /// ```
    pub const fn from_bits(bits: u8) -> Ready {
        Ready(bits & Ready::ALL.0)
    }
}

impl BitOr for Ready {
    type Output = Ready;
    fn bitor(self, other: Ready) -> Ready {
        self.union(other)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        *self = self.union(other);
    }
}

impl BitAnd for Ready {
    type Output = Ready;
    fn bitand(self, other: Ready) -> Ready {
        self.intersection(other)
    }
}

impl Sub for Ready {
    type Output = Ready;
    fn sub(self, other: Ready) -> Ready {
        self.without(other)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("is_readable", &self.is_readable())
            .field("is_writable", &self.is_writable())
            .field("is_read_closed", &self.is_read_closed())
            .field("is_write_closed", &self.is_write_closed())
            .field("is_error", &self.is_error())
            .field("is_priority", &self.is_priority())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_side_ends_the_wait_for_its_direction_only() {
        assert!(!(Interest::READABLE.wanted() & Ready::READ_CLOSED).is_empty());
        assert!((Interest::READABLE.wanted() & Ready::WRITE_CLOSED).is_empty());
        assert!((Interest::READABLE.wanted() & Ready::WRITABLE).is_empty());
        assert!(!(Interest::WRITABLE.wanted() & Ready::WRITE_CLOSED).is_empty());
    }

    #[test]
    fn removing_the_last_interest_leaves_none() {
        let both = Interest::READABLE | Interest::WRITABLE;
        assert_eq!(both.remove(Interest::READABLE), Some(Interest::WRITABLE));
        assert_eq!(Interest::READABLE.remove(both), None);
        assert_eq!(format!("{both:?}"), "READABLE | WRITABLE");
    }

    #[test]
    fn bits_survive_the_packed_word() {
        let ready = Ready::READABLE | Ready::WRITE_CLOSED;
        assert_eq!(Ready::from_bits(ready.bits()), ready);
        assert!(ready.is_readable() && ready.is_writable() && !ready.is_read_closed());
        assert_eq!(Ready::from_bits(0xFF), Ready::ALL);
    }
}
