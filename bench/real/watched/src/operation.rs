//! What is known of an operation, on either side.

/// One kind of operation, on one kind of runtime.
pub(crate) struct Operation<Runtime> {
    /// What the row is called.
    pub(crate) name: &'static str,
    /// How many take unstuck at least half a second of CPU time.
    pub(crate) seconds: u32,
    /// How many are counted under valgrind; as many run before, which are not.
    pub(crate) instructions: u32,
    pub(crate) run: fn(&Runtime, u32),
}

/// A row of the table `operations::ALL`.
pub(crate) const fn operation<Runtime>(
    name: &'static str,
    seconds: u32,
    instructions: u32,
    run: fn(&Runtime, u32),
) -> Operation<Runtime> {
    Operation { name, seconds, instructions, run }
}
