//! The arguments of `#[main]` and `#[test]`, their errors, and the shape of what the attributes expand to. That the
//! expansion runs is tested in `unstuck`, where there is a runtime.

use super::arguments::Arguments;
use super::function::Function;
use super::{Attribute, Kind};
use proc_macro2::TokenStream;

const MAIN: Attribute = Attribute { kind: Kind::Main, package: "unstuck", has_pool: true };
const TEST: Attribute = Attribute { kind: Kind::Test, package: "unstuck", has_pool: true };

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the test's tokens")
}

#[track_caller]
fn assert_says(error: &syn::Error, message: &str, at: &str) {
    assert!(error.to_string().contains(message), "says: {error}\nnot:  {message}");
    assert_eq!(error.span().source_text().unwrap_or_default(), at, "says: {error}");
}

#[track_caller]
fn assert_complaint(attribute: Attribute, arguments: &str, message: &str, at: &str) {
    let Err(error) = Arguments::parse(attribute, tokens(arguments)) else { panic!("{arguments} was accepted") };
    assert_says(&error, message, at);
}

#[track_caller]
fn assert_function_complaint(attribute: Attribute, function: &str, message: &str, at: &str) {
    let checked = syn::parse2::<Function>(tokens(function)).and_then(|function| function.check(attribute));
    let Err(error) = checked else { panic!("{function} was accepted") };
    assert_says(&error, message, at);
}

/// The expansion without white space; it must be whole items.
fn expansion(attribute: Attribute, arguments: &str, function: &str) -> String {
    let expansion = attribute.expand(tokens(arguments), tokens(function));
    syn::parse2::<syn::File>(expansion.clone()).unwrap_or_else(|error| panic!("{error} in {expansion}"));
    expansion.to_string().replace(char::is_whitespace, "")
}

#[test]
fn the_default_of_main_is_many_threads_and_of_test_one() {
    let main = expansion(MAIN, "", "async fn main() {}");
    assert!(main.contains("::unstuck::runtime::Builder::new_multi_thread().enable_all().build().expect("), "{main}");
    let test = expansion(TEST, "", "async fn works() {}");
    assert!(test.contains("::unstuck::runtime::Builder::new_current_thread().enable_all().build()"), "{test}");
}

#[test]
fn arguments_reach_the_builder() {
    for (arguments, expected) in [
        ("flavor = \"current_thread\"", "new_current_thread().enable_all().build()"),
        ("flavor = \"multi_thread\"", "new_multi_thread().enable_all().build()"),
        ("flavor = \"local\"", "new_current_thread().enable_all().build_local(::core::default::Default::default())"),
        ("flavor = \"multi_thread\", worker_threads = 3,", "new_multi_thread().enable_all().worker_threads(3).build()"),
        ("start_paused = true, flavor = \"current_thread\"", "enable_all().start_paused(true).build()"),
        ("start_paused = false, flavor = \"local\"", "enable_all().start_paused(false).build_local("),
        ("name = \"db\"", "enable_all().name(\"db\").build()"),
        (
            "flavor = \"current_thread\", unhandled_panic = \"ignore\"",
            ".unhandled_panic(::unstuck::runtime::UnhandledPanic::Ignore).build()",
        ),
        (
            "flavor = \"current_thread\", unhandled_panic = \"shutdown_runtime\"",
            ".unhandled_panic(::unstuck::runtime::UnhandledPanic::ShutdownRuntime).build()",
        ),
    ] {
        for attribute in [MAIN, TEST] {
            let expansion = expansion(attribute, arguments, "async fn run() {}");
            assert!(expansion.contains(expected), "{arguments}: {expansion}");
            assert!(!expansion.contains("compile_error"), "{arguments}: {expansion}");
        }
    }
}

#[test]
fn the_crate_is_the_one_that_was_asked_for() {
    let shim = expansion(Attribute::main_of("tokio"), "", "async fn main() {}");
    assert!(shim.contains("::tokio::runtime::Builder"), "{shim}");
    for path in ["crate", "my::path", "::other", "self::inner"] {
        let arguments = format!("crate = \"{path}\", flavor = \"current_thread\", unhandled_panic = \"ignore\"");
        let main = expansion(MAIN, &arguments, "async fn main() {}");
        assert!(main.contains(&format!("={path}::runtime::Builder")), "{main}");
        assert!(main.contains(&format!("({path}::runtime::UnhandledPanic")), "{main}");
        assert!(!main.contains("::unstuck"), "{main}");
    }
}

#[test]
fn an_argument_is_unknown_or_has_changed_its_name() {
    assert_complaint(MAIN, "flavour = \"multi_thread\"", "`#[unstuck::main]` has no argument `flavour`", "flavour");
    assert_complaint(TEST, "core_threads = 2", "is now called `worker_threads`", "core_threads");
    assert_complaint(TEST, "\"multi_thread\"", "expected one of `flavor`", "\"multi_thread\"");
    assert_complaint(Attribute::test_of("tokio"), "x = 1", "`#[tokio::test]` has no argument `x`", "x");
}

#[test]
fn a_value_is_missing() {
    assert_complaint(MAIN, "multi_thread", "write `flavor = \"multi_thread\"`", "multi_thread");
    assert_complaint(MAIN, "threaded_scheduler", "write `flavor = \"multi_thread\"`", "threaded_scheduler");
    assert_complaint(MAIN, "basic_scheduler", "write `flavor = \"current_thread\"`", "basic_scheduler");
    assert_complaint(MAIN, "flavor", "write `flavor = \"..\"`", "flavor");
    assert_complaint(MAIN, "crate", "write `crate = \"..\"`", "crate");
    assert_complaint(MAIN, "worker_threads(2)", "write `worker_threads = 2`", "worker_threads");
    assert_complaint(MAIN, "start_paused", "write `start_paused = true`", "start_paused");
    assert_complaint(MAIN, "nonsense", "expected `name = value`", "nonsense");
    assert_complaint(MAIN, "worker_threads =", "expected a literal after `worker_threads =`", "worker_threads");
    assert_complaint(MAIN, "worker_threads = N", "expected a literal", "N");
}

#[test]
fn a_value_has_the_wrong_type_or_range() {
    assert_complaint(MAIN, "flavor = 4", "`flavor` takes a flavor, in double quotes", "4");
    assert_complaint(MAIN, "flavor = \"foo\"", "there is no flavor `foo`: the flavors are `multi_thread`", "\"foo\"");
    assert_complaint(MAIN, "flavor = \"basic_scheduler\"", "is called `current_thread`", "\"basic_scheduler\"");
    assert_complaint(MAIN, "flavor = \"single_thread\"", "is called `current_thread`", "\"single_thread\"");
    assert_complaint(MAIN, "flavor = \"threaded_scheduler\"", "is now called `multi_thread`", "\"threaded_scheduler\"");
    assert_complaint(MAIN, "worker_threads = \"2\"", "takes a whole number, at least 1", "\"2\"");
    assert_complaint(MAIN, "worker_threads = 0", "takes a whole number, at least 1", "0");
    assert_complaint(TEST, "start_paused = 1", "takes `true` or `false`", "1");
    assert_complaint(TEST, "name = 1", "takes a name for the runtime, in double quotes", "1");
    assert_complaint(TEST, "crate = 456", "takes the path of a crate, in double quotes", "456");
    assert_complaint(TEST, "crate = \"4 5\"", "takes the path of a crate, such as", "\"4 5\"");
    assert_complaint(TEST, "unhandled_panic = \"x\"", "there are `ignore` and `shutdown_runtime`", "\"x\"");
}

#[test]
fn an_argument_does_not_go_with_the_flavor() {
    let example = "write `#[unstuck::test(flavor = \"multi_thread\", worker_threads = 2)]`";
    assert_complaint(TEST, "worker_threads = 4", example, "worker_threads");
    assert_complaint(
        MAIN,
        "flavor = \"current_thread\", worker_threads = 4",
        "needs the `multi_thread`",
        "worker_threads",
    );
    assert_complaint(MAIN, "worker_threads = 4, flavor = \"local\"", "needs the `multi_thread`", "worker_threads");
    let example = "write `#[unstuck::main(flavor = \"current_thread\", start_paused = true)]`";
    assert_complaint(MAIN, "start_paused = true", example, "start_paused");
    assert_complaint(MAIN, "unhandled_panic = \"ignore\"", "needs the `current_thread` flavor", "unhandled_panic");
}

#[test]
fn arguments_are_separated_and_given_once() {
    assert_complaint(MAIN, "worker_threads = 1 name = \"x\"", "expected `,` between the arguments", "name");
    assert_complaint(MAIN, "name = \"x\", name = \"y\"", "`name` is set twice", "name");
}

#[test]
fn the_function_must_be_async_and_have_a_body() {
    let message = "`#[unstuck::main]` runs an async function: write `async fn main`";
    assert_function_complaint(MAIN, "fn main() {}", message, "fn");
    assert_function_complaint(TEST, "async fn works();", "expected a function with a body in braces", ";");
    assert_function_complaint(TEST, "struct Works;", "expected `fn`", "struct");
}

#[test]
fn only_main_itself_takes_no_arguments() {
    assert_function_complaint(MAIN, "async fn main(x: u8) {}", "`main` takes no arguments", "x: u8");
    let expansion = expansion(MAIN, "", "pub async fn f<'a, T: Clone>(&'a self, t: T) -> &'a T where T: Copy { t }");
    assert!(expansion.starts_with("pubfnf<'a,T:Clone>(&'aself,t:T)->&'aTwhereT:Copy{"), "{expansion}");
}

#[test]
fn a_second_test_attribute_is_refused() {
    for second in ["test", "core::prelude::v1::test", "std::prelude::rust_2024::test", "tokio::test", "unstuck::test"] {
        let function = format!("#[ignore] #[{second}] async fn works() {{}}");
        assert_function_complaint(TEST, &function, &format!("remove `#[{second}]`"), &format!("#[{second}]"));
    }
    let expansion = expansion(TEST, "", "#[should_panic(expected = \"x\")] #[other::test] async fn works() {}");
    let expected = "#[should_panic(expected=\"x\")]#[other::test]#[::core::prelude::v1::test]fnworks(){";
    assert!(expansion.starts_with(expected), "{expansion}");
}

#[test]
fn the_body_is_told_its_return_type_where_that_has_a_name() {
    let told = |output: &str| expansion(MAIN, "", &format!("async fn f() {output} {{ body }}"));
    assert!(told("").contains("Option::None::<()>{returnoutput;}{body}"));
    assert!(told("-> Result<u8, E>").contains("Option::None::<Result<u8,E>>{returnoutput;}{body}"));
    for unnamed in ["-> !", "-> impl Debug", "-> Result<impl Debug, E>"] {
        assert!(told(unnamed).contains("letbody=async{{body}};"), "{unnamed}: {}", told(unnamed));
    }
}

#[test]
fn inner_attributes_move_to_the_function() {
    let expansion = expansion(MAIN, "", "async fn main() { #![allow(unused)] #![doc = \"x\"] body }");
    assert!(expansion.starts_with("fnmain(){#![allow(unused)]#![doc=\"x\"]letbody=async{"), "{expansion}");
    assert!(expansion.contains("{body}};"), "{expansion}");
}

#[test]
fn the_body_is_not_parsed() {
    let attribute = MAIN.expand(TokenStream::new(), tokens("async fn main() { let = half written => }"));
    assert!(attribute.to_string().contains("let = half written =>"));
}

#[test]
fn a_mistake_in_the_arguments_is_the_only_complaint() {
    let expansion = expansion(MAIN, "flavor = 4", "async fn main() { body }");
    assert!(expansion.starts_with("::core::compile_error!{"), "{expansion}");
    assert!(expansion.contains("fnmain(){"), "{expansion}");
    assert!(!expansion.contains("asyncfn"), "{expansion}");
}

#[test]
fn what_is_no_function_stays_for_the_compiler() {
    let expansion = expansion(TEST, "", "struct Works;");
    assert!(expansion.starts_with("::core::compile_error!{"), "{expansion}");
    assert!(expansion.ends_with("structWorks;"), "{expansion}");
}

#[test]
fn a_package_without_the_pool_says_which_feature_is_missing() {
    let (main, test) = (Attribute::main_of("tokio").without_pool(), Attribute::test_of("tokio").without_pool());
    assert_complaint(
        main,
        "",
        "The default runtime flavor is `multi_thread`, but the `rt-multi-thread` feature is disabled",
        "",
    );
    for attribute in [main, test] {
        assert_complaint(
            attribute,
            "flavor = \"multi_thread\"",
            "The runtime flavor `multi_thread` requires the `rt-multi-thread` feature",
            "\"multi_thread\"",
        );
        assert!(Arguments::parse(attribute, tokens("flavor = \"current_thread\"")).is_ok());
    }
    assert!(Arguments::parse(test, TokenStream::new()).is_ok());
}
