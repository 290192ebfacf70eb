//! What the checks take as given: the layers, and every exception with its reason.

/// A package of this repository and what it may import of ours.
pub(super) struct Layer {
    pub(super) package: &'static str,
    /// For the package itself.
    pub(super) may_import: &'static [&'static str],
    /// For its tests, in addition. A test shapes nothing that ships, so it may reach further, but each reach is listed.
    pub(super) tests_may_import: &'static [&'static str],
    /// Of `may_import`: what must be an optional dependency, because only a feature brings it in.
    pub(super) optional: &'static [&'static str],
}

/// A layer whose tests need nothing more than it does.
const fn layer(package: &'static str, may_import: &'static [&'static str]) -> Layer {
    Layer { package, may_import, tests_may_import: &[], optional: &[] }
}

/// Who may import whom. `ARCHITECTURE.md` explains the order; a new arrow needs a page in `docs/decisions/`.
pub(super) const LAYERS: &[Layer] = &[
    layer("unstuck-base", &[]),
    layer("unstuck-task", &["unstuck-base"]),
    layer("unstuck-driver", &["unstuck-base"]),
    layer("unstuck-sync", &["unstuck-base"]),
    layer("unstuck-io", &["unstuck-base"]),
    layer("unstuck-context", &["unstuck-base", "unstuck-task", "unstuck-driver"]),
    layer("unstuck-os", &["unstuck-base", "unstuck-driver"]),
    layer("unstuck-scheduler", &["unstuck-base", "unstuck-task", "unstuck-driver", "unstuck-context"]),
    Layer {
        package: "unstuck-sim",
        may_import: &["unstuck-base", "unstuck-task", "unstuck-driver", "unstuck-context"],
        // Whether locks and channels behave in the simulated world can only be asked of them.
        tests_may_import: &["unstuck-sync"],
        optional: &[],
    },
    layer("unstuck-macros", &[]),
    Layer {
        package: "unstuck",
        may_import: &[
            "unstuck-base",
            "unstuck-task",
            "unstuck-driver",
            "unstuck-sync",
            "unstuck-io",
            "unstuck-context",
            "unstuck-os",
            "unstuck-scheduler",
            "unstuck-sim",
            "unstuck-macros",
        ],
        tests_may_import: &[],
        optional: &["unstuck-sim"],
    },
    layer("tokio", &["unstuck"]),
    layer("mini-redis", &["unstuck"]),
    layer("chat", &["tokio"]),
    layer("cargo-unstuck", &[]),
    layer("soak", &["unstuck"]),
    layer("xtask", &[]),
];

/// Files whose atomics no loom test models, with the reason in one sentence.
pub(super) const ATOMICS_WITHOUT_LOOM: &[(&str, &str)] = &[
    (
        "crates/base/src/fork.rs",
        "Words in statics, which change where a process has one thread; a model's atomics live for one run of it.",
    ),
    ("crates/base/src/local.rs", "Two counters that hand out distinct numbers and order nothing."),
    ("crates/driver/src/conformance/mod.rs", "Counts wake-ups in a test that real kernels run on real threads."),
    ("crates/driver/src/conformance/time.rs", "Hands rounds to a real thread in a test of real kernels."),
    (
        "crates/os/src/reactor.rs",
        "One flag decides who makes a system call; what it shares are the slots and the bell.",
    ),
    ("crates/os/src/fork.rs", "One flag in a static saves a system call; a model's atomics live for one run of it."),
    (
        "crates/os/src/signals/handler.rs",
        "Words in statics, for signal handlers; a model's atomics live for one run of it.",
    ),
    (
        "crates/os/src/system/portable.rs",
        "Counts in a static, for signal handlers; a model's atomics live for one run.",
    ),
    ("crates/scheduler/src/counts.rs", "Counts for whoever reads metrics: nothing is decided by them."),
    ("crates/sync/src/holders.rs", "Says who holds a lock, for reports alone: nothing is decided by it."),
];

/// Files beside os's `lib.rs` that choose by `target_os`, with the reason in one sentence.
pub(super) const CHOOSE_BY_SYSTEM: &[(&str, &str)] = &[
    ("unstuck/src/net/unix/address/mod.rs", "Only Linux has names that are not in the file system."),
    ("unstuck/src/net/unix/credentials/mod.rs", "Each system tells who is at the other end by another call."),
    ("unstuck/src/net/unix/pipe/mod.rs", "Only on Linux may a named pipe be opened for both at once."),
];

/// Folders with workspaces of their own, which are not published and depend on whatever they are about.
pub(super) const OTHER_WORKSPACES: &[&str] = &["bench/", "ecosystem/"];

/// The longest that a Rust file may be, in lines.
pub(super) const LONGEST_FILE: usize = 800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_cycle_since_each_row_names_only_rows_above_it() {
        for (index, row) in LAYERS.iter().enumerate() {
            let above: Vec<_> = LAYERS[..index].iter().map(|row| row.package).collect();
            let known = |name: &&str| above.contains(name) || *name == "unstuck-macros";
            assert!(row.may_import.iter().all(known), "{} imports from below it in the table", row.package);
        }
    }

    #[test]
    fn every_reason_is_a_sentence() {
        for (path, reason) in ATOMICS_WITHOUT_LOOM.iter().chain(CHOOSE_BY_SYSTEM) {
            assert!(reason.ends_with('.') && reason.split(' ').count() >= 4, "{path}: no reason: {reason:?}");
        }
    }
}
