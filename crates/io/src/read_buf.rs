//! The buffer that a reader fills: a slice that knows how much of itself is filled and how much is initialised.
//!
//! ```not_rust
//! [ filled |        unfilled          ]
//! [    initialised    | uninitialised ]
//! ```
//!
//! 1. `filled <= initialised <= capacity`, always.
//! 2. The first `initialised` bytes hold values; what lies behind them may not, and is never read.
//! 3. No byte ever goes from initialised to uninitialised, also none behind the mark: it may be initialised without our
//!    knowing, and the owner of the memory may rely on it.
//!
//! Readers fill it, the methods of `AsyncReadExt` make it and look at what was filled.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::BufMut;
use bytes::buf::UninitSlice;

/// A borrowed buffer that a reader fills from the front, without having to be initialised first.
///
/// It tracks two marks: everything before the first is *filled* with data, everything before the second is at least
/// *initialised*. The filled part never reaches beyond the initialised part.
///
/// # Examples
/// ```
/// use std::mem::MaybeUninit;
/// use unstuck_io::ReadBuf;
///
/// let mut memory = [MaybeUninit::uninit(); 8];
/// let mut buf = ReadBuf::uninit(&mut memory);
/// buf.put_slice(b"abc");
/// assert_eq!(buf.filled(), b"abc");
/// assert_eq!(buf.remaining(), 5);
/// ```
pub struct ReadBuf<'a> {
    buf: &'a mut [MaybeUninit<u8>],
    filled: usize,
    initialized: usize,
}

impl<'a> ReadBuf<'a> {
    /// Wraps a slice whose bytes all hold values; nothing of it counts as filled.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// assert!(buf.filled().is_empty());
    /// buf.put_slice(b"hello");
    /// assert_eq!(&storage[..5], b"hello");
    /// ```
    #[inline]
    pub fn new(buf: &'a mut [u8]) -> ReadBuf<'a> {
        let initialized = buf.len();
        // SAFETY: u8 and MaybeUninit<u8> have the same layout. Rule 3: none of our methods writes an uninitialised
        // byte, and callers of the unsafe ones vouch for the same, so `buf` still holds values when we are gone.
        let buf = unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) };
        ReadBuf { buf, filled: 0, initialized }
    }

    /// Wraps a slice whose bytes need not hold values. If some at its beginning do, say so with
    /// [`assume_init`](ReadBuf::assume_init).
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 4096]; // no need to write zeros first
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// buf.put_slice(b"hello");
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    pub fn uninit(buf: &'a mut [MaybeUninit<u8>]) -> ReadBuf<'a> {
        ReadBuf { buf, filled: 0, initialized: 0 }
    }

    /// The length of the whole buffer.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hello");
    /// assert_eq!(buf.capacity(), 16);
    /// ```
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// How many bytes can still be filled.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hello");
    /// assert_eq!(buf.remaining(), 11);
    /// ```
    #[inline]
    pub fn remaining(&self) -> usize {
        self.buf.len() - self.filled
    }

    /// The bytes filled so far.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hello");
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    pub fn filled(&self) -> &[u8] {
        // SAFETY: rules 1 and 2: filled bytes are initialised.
        unsafe { self.buf[..self.filled].assume_init_ref() }
    }

    /// The bytes filled so far, to be changed in place.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hello");
    /// buf.filled_mut().make_ascii_uppercase();
    /// assert_eq!(buf.filled(), b"HELLO");
    /// ```
    #[inline]
    pub fn filled_mut(&mut self) -> &mut [u8] {
        // SAFETY: rules 1 and 2: filled bytes are initialised, and a `&mut [u8]` can only write values (rule 3).
        unsafe { self.buf[..self.filled].assume_init_mut() }
    }

    /// The bytes that are known to hold values, the filled ones among them.
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 16];
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// assert!(buf.initialized().is_empty());
    /// buf.initialize_unfilled_to(8);
    /// assert_eq!(buf.initialized(), [0; 8]);
    /// ```
    #[inline]
    pub fn initialized(&self) -> &[u8] {
        // SAFETY: rule 2.
        unsafe { self.buf[..self.initialized].assume_init_ref() }
    }

    /// The bytes that are known to hold values, the filled ones among them, to be changed in place.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = *b"old text";
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.initialized_mut().fill(b'.');
    /// assert_eq!(&storage, b"........");
    /// ```
    #[inline]
    pub fn initialized_mut(&mut self) -> &mut [u8] {
        // SAFETY: rule 2, and a `&mut [u8]` can only write values (rule 3).
        unsafe { self.buf[..self.initialized].assume_init_mut() }
    }

    /// A buffer over the next `n` unfilled bytes, or over all of them if there are fewer.
    ///
    /// What is filled there does not count as filled here: [`assume_init`](ReadBuf::assume_init) and
    /// [`advance`](ReadBuf::advance) afterwards.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// let mut part = buf.take(5);
    /// assert_eq!(part.remaining(), 5);
    /// part.put_slice(b"hello");
    /// let n = part.filled().len();
    /// buf.advance(n); // the bytes are there: now they count
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    pub fn take(&mut self, n: usize) -> ReadBuf<'_> {
        let n = n.min(self.remaining());
        let initialized = (self.initialized - self.filled).min(n);
        ReadBuf { buf: &mut self.buf[self.filled..][..n], filled: 0, initialized }
    }

    /// The whole buffer, filled or not, initialised or not.
    ///
    /// # Safety
    /// Bytes that hold values must go on holding values, wherever they are. Bytes that were newly initialised become
    /// known as such by [`assume_init`](ReadBuf::assume_init).
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 16];
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// // SAFETY: a byte is only given a value, and declared to have one afterwards.
    /// unsafe {
    ///     buf.inner_mut()[0].write(b'h');
    ///     buf.assume_init(1);
    /// }
    /// buf.advance(1);
    /// assert_eq!(buf.filled(), b"h");
    /// ```
    #[inline]
    pub unsafe fn inner_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        self.buf
    }

    /// The unfilled rest of the buffer, initialised or not.
    ///
    /// # Safety
    /// As for [`inner_mut`](ReadBuf::inner_mut).
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 16];
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// buf.put_slice(b"he");
    /// // SAFETY: bytes are only given values, and declared to have them afterwards.
    /// unsafe {
    ///     for (place, byte) in buf.unfilled_mut().iter_mut().zip(*b"llo") {
    ///         place.write(byte);
    ///     }
    ///     buf.assume_init(3);
    /// }
    /// buf.advance(3);
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    pub unsafe fn unfilled_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        &mut self.buf[self.filled..]
    }

    /// The unfilled rest of the buffer, initialised with zeros where it was not known to hold values. The second call
    /// costs nothing.
    ///
    /// # Examples
    /// ```
    /// use std::io::Read;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// let n = (&b"hello"[..]).read(buf.initialize_unfilled())?; // a reader of std
    /// buf.advance(n);
    /// assert_eq!(buf.filled(), b"hello");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[inline]
    pub fn initialize_unfilled(&mut self) -> &mut [u8] {
        self.initialize_unfilled_to(self.remaining())
    }

    /// The next `n` unfilled bytes, initialised with zeros where they were not known to hold values.
    ///
    /// # Panics
    /// If fewer than `n` bytes are unfilled.
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 16];
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// buf.initialize_unfilled_to(4).copy_from_slice(b"ping");
    /// buf.advance(4);
    /// assert_eq!(buf.filled(), b"ping");
    /// ```
    #[inline]
    #[track_caller]
    pub fn initialize_unfilled_to(&mut self, n: usize) -> &mut [u8] {
        assert!(n <= self.remaining(), "{n} bytes asked of a buffer with room for {}", self.remaining());
        let end = self.filled + n;
        if self.initialized < end {
            self.buf[self.initialized..end].fill(MaybeUninit::new(0));
            self.initialized = end;
        }
        // SAFETY: rule 2: everything before `end` is initialised by now.
        unsafe { self.buf[self.filled..end].assume_init_mut() }
    }

    /// Makes nothing count as filled. The bytes stay as they are, and as initialised as they are.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 8];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"first");
    /// buf.clear();
    /// buf.put_slice(b"second");
    /// assert_eq!(buf.filled(), b"second");
    /// ```
    #[inline]
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Counts the next `n` bytes as filled.
    ///
    /// # Panics
    /// If they are not all initialised.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = *b"hello...";
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.advance(5); // they have values already
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    #[track_caller]
    pub fn advance(&mut self, n: usize) {
        let filled = self.filled.checked_add(n).expect("a buffer can't be filled beyond the end of memory");
        self.set_filled(filled);
    }

    /// Counts exactly the first `n` bytes as filled; this can also make them fewer.
    ///
    /// # Panics
    /// If they are not all initialised.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hello\n");
    /// buf.set_filled(5);
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    #[track_caller]
    pub fn set_filled(&mut self, n: usize) {
        assert!(n <= self.initialized, "{n} bytes filled of which only {} are initialised", self.initialized);
        self.filled = n;
    }

    /// Declares that the next `n` unfilled bytes are initialised. If more are known to be, nothing changes.
    ///
    /// # Safety
    /// They must hold values.
    ///
    /// # Examples
    /// ```
    /// use std::mem::MaybeUninit;
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [const { MaybeUninit::uninit() }; 16];
    /// let mut buf = ReadBuf::uninit(&mut storage);
    /// // SAFETY: the byte is given a value just before.
    /// unsafe {
    ///     buf.unfilled_mut()[0].write(b'h');
    ///     buf.assume_init(1);
    /// }
    /// assert_eq!(buf.initialized(), b"h");
    /// assert!(buf.filled().is_empty());
    /// ```
    #[inline]
    pub unsafe fn assume_init(&mut self, n: usize) {
        let end = self.filled + n;
        debug_assert!(end <= self.capacity());
        self.initialized = self.initialized.max(end);
    }

    /// Appends a copy of `data` to the filled part.
    ///
    /// # Panics
    /// If `data` is longer than what remains.
    ///
    /// # Examples
    /// ```
    /// use unstuck_io::ReadBuf;
    ///
    /// let mut storage = [0; 16];
    /// let mut buf = ReadBuf::new(&mut storage);
    /// buf.put_slice(b"hel");
    /// buf.put_slice(b"lo");
    /// assert_eq!(buf.filled(), b"hello");
    /// ```
    #[inline]
    #[track_caller]
    pub fn put_slice(&mut self, data: &[u8]) {
        assert!(
            data.len() <= self.remaining(),
            "{} bytes put into a buffer with room for {}",
            data.len(),
            self.remaining()
        );
        let end = self.filled + data.len();
        self.buf[self.filled..end].write_copy_of_slice(data);
        self.initialized = self.initialized.max(end);
        self.filled = end;
    }
}

// SAFETY: `advance_mut` never moves the mark beyond the capacity, and `chunk_mut` is exactly what `remaining_mut` says,
// always the same memory.
unsafe impl BufMut for ReadBuf<'_> {
    #[inline]
    fn remaining_mut(&self) -> usize {
        self.remaining()
    }

    // SAFETY: the caller vouches that the next `cnt` bytes hold values.
    #[inline]
    #[track_caller]
    unsafe fn advance_mut(&mut self, cnt: usize) {
        assert!(cnt <= self.remaining(), "{cnt} bytes advanced in a buffer with room for {}", self.remaining());
        // SAFETY: as the caller vouches.
        unsafe { self.assume_init(cnt) };
        self.advance(cnt);
    }

    #[inline]
    fn chunk_mut(&mut self) -> &mut UninitSlice {
        UninitSlice::uninit(&mut self.buf[self.filled..])
    }
}

impl fmt::Debug for ReadBuf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBuf")
            .field("filled", &self.filled)
            .field("initialized", &self.initialized)
            .field("capacity", &self.capacity())
            .finish()
    }
}
