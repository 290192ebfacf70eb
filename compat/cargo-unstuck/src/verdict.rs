//! What the graph means, and what to do about it. Nothing here asks anybody.

use std::fmt;

use crate::graph::{Dependant, Graph, Runtime};

/// What the doctor says.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// Nobody asks for Tokio.
    NobodyAsks,
    /// Everybody gets the stand-in.
    Well(&'a Runtime),
    /// Nobody gets the stand-in: there is no patch, or it is unused.
    NotPatched(&'a Graph),
    /// Some get the stand-in, some another one.
    SideBySide { stand_in: &'a Runtime, others: Vec<&'a Runtime> },
}

/// Judges a workspace.
pub(crate) fn judge(graph: &Graph) -> Verdict<'_> {
    let others: Vec<&Runtime> = graph.runtimes.iter().filter(|runtime| !runtime.is_stand_in).collect();
    match (graph.runtimes.iter().find(|runtime| runtime.is_stand_in), others) {
        (None, others) if others.is_empty() => Verdict::NobodyAsks,
        (None, _) => Verdict::NotPatched(graph),
        (Some(stand_in), others) if others.is_empty() => Verdict::Well(stand_in),
        (Some(stand_in), others) => Verdict::SideBySide { stand_in, others },
    }
}

impl Verdict<'_> {
    /// Whether there is nothing to do.
    pub(crate) fn is_well(&self) -> bool {
        matches!(self, Verdict::NobodyAsks | Verdict::Well(_))
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::NobodyAsks => f.write_str("well: nothing here depends on tokio, so there is nothing to patch"),
            Verdict::Well(stand_in) => write!(
                f,
                "well: everything that asks for tokio runs on unstuck ({}, standing in for {})",
                stand_in.origin, stand_in.version
            ),
            Verdict::NotPatched(graph) => not_patched(f, graph),
            Verdict::SideBySide { stand_in, others } => side_by_side(f, stand_in, others),
        }
    }
}

fn not_patched(f: &mut fmt::Formatter<'_>, graph: &Graph) -> fmt::Result {
    writeln!(f, "wrong: everything here runs on the real tokio:")?;
    graph.runtimes.iter().try_for_each(|runtime| describe(f, runtime))?;
    write!(
        f,
        "what to do: add this to {}/Cargo.toml (a patch counts only in the root of the workspace),\n\n    \
         [patch.crates-io]\n    tokio = {{ path = \"<unstuck>/compat/tokio\" }}\n\n\
         then run `cargo update -p tokio`. If the lines are there and Cargo warns that the patch was not used, a crate\n\
         above asks for a newer tokio than the stand-in's version: take a newer unstuck, or an older version of that crate.",
        graph.root
    )
}

fn side_by_side(f: &mut fmt::Formatter<'_>, stand_in: &Runtime, others: &[&Runtime]) -> fmt::Result {
    writeln!(f, "wrong: two runtimes would run side by side, and what belongs to the one panics in the other.")?;
    writeln!(f, "unstuck stands in for tokio {} ({})", stand_in.version, stand_in.origin)?;
    others.iter().try_for_each(|runtime| describe(f, runtime))?;
    let too_new: Vec<&Dependant> = others
        .iter()
        .flat_map(|runtime| &runtime.wanted_by)
        .filter(|one| !one.asks_for.matches(&stand_in.version))
        .collect();
    if too_new.is_empty() {
        return write!(
            f,
            "what to do: all of them would be content with {0}: `cargo update -p tokio@{1} --precise {0}`",
            stand_in.version, others[0].version
        );
    }
    write!(f, "what to do: {} not content with tokio {}:", are(&too_new), stand_in.version)?;
    for one in too_new {
        write!(f, "\n  - {} {} asks for {}", one.name, one.version, one.asks_for)?;
    }
    write!(
        f,
        "\ntake an unstuck that stands in for a version that they accept, or an older version of them\n\
         (`cargo update -p <name> --precise <older>`)"
    )
}

fn are(dependants: &[&Dependant]) -> &'static str {
    if dependants.len() == 1 { "one is" } else { "some are" }
}

fn describe(f: &mut fmt::Formatter<'_>, runtime: &Runtime) -> fmt::Result {
    writeln!(f, "tokio {} ({}) is used by", runtime.version, runtime.origin)?;
    runtime
        .wanted_by
        .iter()
        .try_for_each(|one| writeln!(f, "  - {} {}, asks for {}", one.name, one.version, one.asks_for))
}
