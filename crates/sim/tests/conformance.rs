//! The simulated kernel passes the tests that every kernel must pass, whatever the seed. Those with other threads are not
//! for it: it never sleeps, so nobody can wake it.

#[test]
fn the_simulated_kernel_is_a_kernel() {
    for seed in 0..50 {
        eprintln!("seed {seed}");
        unstuck_driver::conformance::run(|| unstuck_sim::open(seed));
    }
}
