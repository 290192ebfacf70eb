//! That it is unstuck which all of this runs on.

/// Somebody who depends on the real Tokio by another way would bring a second runtime: its types would be others.
#[tokio::test]
async fn there_is_one_runtime_and_it_is_unstuck() {
    let handle = tokio::runtime::Handle::current();
    assert!(std::any::type_name_of_val(&handle).starts_with("unstuck"), "{}", std::any::type_name_of_val(&handle));

    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--invert", "tokio", "--depth", "0", "--edges", "all"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let packages: Vec<&str> = tree.lines().filter(|line| line.starts_with("tokio v")).collect();
    assert_eq!(packages.len(), 1, "{tree}");
    assert!(packages[0].contains("compat/tokio"), "{tree}");
}
