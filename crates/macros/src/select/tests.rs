//! The grammar of `select!`, its errors, and the shape of what it expands to. That the expansion does the right thing is
//! tested in `unstuck`, where there is a runtime.

use super::parse::Select;
use super::probe::Probe;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Pat;
use syn::parse::Parser;

fn input(branches: &str) -> TokenStream {
    format!("(::unstuck) {branches}").parse().expect("the test's tokens")
}

fn parse(branches: &str) -> Select {
    syn::parse2(input(branches)).unwrap_or_else(|error| panic!("{error} in {branches}"))
}

/// What is said about `branches`, and of which token: of the first one or its first character, where that is one of several.
fn complaint(branches: &str) -> (String, String) {
    let Err(error) = syn::parse2::<Select>(input(branches)) else { panic!("{branches} was accepted") };
    (error.to_string(), error.span().source_text().unwrap_or_default())
}

#[track_caller]
fn assert_complaint(branches: &str, message: &str, at: &str) {
    let (found, found_at) = complaint(branches);
    assert!(found.contains(message), "{branches}\n  says: {found}\n  not:  {message}");
    assert_eq!(found_at, at, "{branches}\n  says: {found}");
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

#[test]
fn reads_all_parts_of_a_branch() {
    let select = parse("biased; Some(x) = rx.recv(), if open && true => { x }, else => 5");
    assert!(select.head.biased);
    assert_eq!(select.head.root.to_string(), ":: unstuck");
    let [branch] = &select.branches[..] else { panic!("one branch") };
    assert_eq!(text(&branch.pattern), "Some (x)");
    assert_eq!(text(&branch.future), "rx . recv ()");
    assert_eq!(branch.condition.as_ref().map(text).as_deref(), Some("open && true"));
    assert_eq!(branch.handler.to_string(), "{ x }");
    assert_eq!(select.otherwise.unwrap().to_string(), "5");
}

#[test]
fn commas_are_optional_behind_blocks_and_at_the_end() {
    for branches in [
        "a = f() => {} b = g() => {}",
        "a = f() => {}, b = g() => {},",
        "a = f() => 1, b = g() => 2",
        "a = f() => 1, b = g() => 2,",
        "a = f() => {} b = g() => 2, else => {}",
        "a = f() => return, b = g() => x = 3, else => break 'outer 5,",
    ] {
        let select = parse(branches);
        assert_eq!(select.branches.len(), 2, "{branches}");
        assert!(!select.head.biased);
    }
}

#[test]
fn a_generic_call_or_closure_may_contain_commas() {
    let select = parse("a = f::<A, B>() => g::<C, D>(), b = (|x, y| x)(1, 2) => {}");
    assert_eq!(select.branches.len(), 2);
}

#[test]
fn a_block_handler_is_not_parsed() {
    let select = parse("a = f() => { this is no rust = => , }");
    assert_eq!(select.branches[0].handler.to_string(), "{ this is no rust = => , }");
}

#[test]
fn a_branch_may_bind_a_variable_called_biased() {
    let select = parse("biased = f() => biased");
    assert!(!select.head.biased);
    assert_eq!(select.branches.len(), 1);
}

#[test]
fn else_alone_is_enough() {
    assert!(parse("else => 1").branches.is_empty());
    assert!(parse("biased; else => 1,").branches.is_empty());
}

#[test]
fn sixty_four_branches_fit_and_no_more() {
    let full = "_ = f() => {}\n".repeat(64);
    assert_eq!(parse(&full).branches.len(), 64);
    assert_complaint(&format!("{full} last = f() => {{}}"), "at most 64 branches", "last");
}

#[test]
fn nothing_at_all() {
    for nothing in ["", "biased;"] {
        let (message, _) = complaint(nothing);
        assert_eq!(message, "`select!` needs a branch: write `pattern = future => handler`");
    }
}

#[test]
fn a_pattern_is_missing() {
    assert_complaint("rx.recv() => {}", "expected `=`: a branch is `pattern = future => handler`", ".");
    assert_complaint("sleep => {}", "`_ = future => handler` ignores the value", "=");
    assert_complaint("x == f() => {}", "expected `=`", "=");
    assert_complaint("x", "expected `=`", "x");
}

#[test]
fn a_future_is_missing() {
    assert_complaint("x =", "expected a future", "x");
    assert_complaint("x = => 5", "expected a future", "=");
}

#[test]
fn an_arrow_or_handler_is_missing() {
    assert_complaint("x = f() { 5 }", "expected `=>` and a handler", "{");
    assert_complaint("x = f()", "expected `=>` and a handler", "f()");
    assert_complaint("x = f(), if c", "expected `=>` and a handler", "c");
    assert_complaint("x = f(), y = g() => 5", "expected `=> handler`", "f()");
    assert_complaint("x = f() =>", "expected a handler after `=>`", "=>");
    assert_complaint("x = f() => , y = g() => 5", "write `{}` to do nothing", ",");
}

#[test]
fn a_comma_between_branches_is_missing() {
    assert_complaint("x = f() => 1 y = g() => 2", "expected `,` before this", "y");
    assert_complaint("x = f() => match 1 { _ => 2 } y = g() => 2", "only a handler in braces needs none", "y");
}

#[test]
fn a_block_handler_goes_on_behind_its_brace() {
    assert_complaint("x = f() => { g() }.await, ", "a handler ends with its closing brace", ".");
    assert_complaint("x = f() => { g() }?, ", "a handler ends with its closing brace", "?");
}

#[test]
fn a_condition_stands_in_the_wrong_place() {
    assert_complaint("x if x > 1 = f() => {}", "a condition stands behind the future", "if");
    assert_complaint("x = f() if open => {}", "expected `,` before `if`", "if");
    assert_complaint("x = f(), if let Some(y) = z => {}", "a condition cannot bind", "let");
    assert_complaint("x = f(), if => {}", "expected a condition of type `bool`", "=");
}

#[test]
fn else_is_not_last_or_not_else() {
    assert_complaint("else => 1, x = f() => 2", "`else` must be the last branch", "else");
    assert_complaint("else => 1, else => 2", "`else` must be the last branch", "else");
    assert_complaint("x = f() => 1, else if y => 2", "`else` takes no condition", "if");
    assert_complaint("x = f() => 1, else { 2 }", "write `else => handler`", "{");
    assert_complaint("x = f() => 1, else", "write `else => handler`", "else");
    assert_complaint("x = f() => 1, default => 2", "`else => handler` runs", "default");
    assert_complaint("x = f() => 1, complete => 2", "`else => handler` runs", "complete");
}

#[test]
fn biased_stands_in_the_wrong_place() {
    assert_complaint("x = f() => 1, biased;", "write `biased;`, once, before the first branch", "biased");
    assert_complaint("biased, x = f() => 1", "write `biased;`", "biased");
    assert_complaint("biased; biased; x = f() => 1", "once", "biased");
}

#[test]
fn attributes_are_refused() {
    assert_complaint("#[cfg(unix)] x = f() => 1", "takes no attributes", "#");
}

#[test]
fn an_error_names_the_line_of_the_token() {
    let Err(error) = syn::parse2::<Select>(input("\nx = f() => 1,\ny = g(),\n")) else { panic!("accepted") };
    assert_eq!((error.span().start().line, error.span().start().column), (3, 4));
}

#[test]
fn an_error_becomes_a_compile_error() {
    let expansion = super::expand(input("x"));
    assert!(expansion.to_string().starts_with(":: core :: compile_error !"), "{expansion}");
}

fn expansion(branches: &str) -> String {
    let expansion = super::expand(input(branches));
    syn::parse2::<syn::Expr>(expansion.clone()).unwrap_or_else(|error| panic!("{error} in {expansion}"));
    expansion.to_string()
}

#[test]
fn a_random_start_is_drawn_only_where_there_is_a_choice() {
    let draw = ":: unstuck :: macros :: support :: thread_rng_n (2u32)";
    assert!(expansion("a = f() => 1, b = g() => 2").contains(draw));
    assert!(!expansion("biased; a = f() => 1, b = g() => 2").contains("thread_rng_n"));
    assert!(!expansion("a = f() => 1").contains("thread_rng_n"));
}

#[test]
fn every_poll_asks_for_budget() {
    for branches in ["a = f() => 1", "a = f() => 1, b = g() => 2", "biased; a = f() => 1, b = g() => 2"] {
        assert_eq!(expansion(branches).matches("support :: poll_budget_available (cx)").count(), 1, "{branches}");
    }
}

#[test]
fn the_mask_has_a_bit_for_each_branch() {
    for (count, mask) in [(1, "u8"), (8, "u8"), (9, "u16"), (17, "u32"), (33, "u64"), (64, "u64")] {
        let expansion = expansion(&"_ = f() => {}\n".repeat(count));
        assert!(expansion.contains(&format!("let mut disabled : :: core :: primitive :: {mask} = 0")), "{count}");
        assert!(expansion.contains(&format!("{}{mask}", 1u64 << (count - 1))), "{count}");
    }
}

#[test]
fn user_expressions_are_copied_once() {
    let expansion = expansion("Some(pattern) = future(), if condition => handler, else => otherwise");
    for (copied, times) in [("future ()", 1), ("= condition ;", 1), ("handler", 1), ("otherwise", 1), ("pattern", 2)] {
        assert_eq!(expansion.matches(copied).count(), times, "{copied} in {expansion}");
    }
}

fn probe(pattern: &str) -> (&'static str, String) {
    let pattern = Pat::parse_multi_with_leading_vert.parse_str(pattern).expect("the test's pattern");
    match Probe::of(&pattern) {
        Probe::ByReference(probe) => ("&value", text(&probe)),
        Probe::InPlace(probe) => ("value", text(&probe)),
    }
}

#[test]
fn a_probe_loses_modifiers_and_keeps_names() {
    for (pattern, expected) in [
        ("x", "x"),
        ("mut x", "x"),
        ("_", "_"),
        ("None", "None"),
        ("Some(ref mut x)", "Some (x)"),
        ("(mut a, ref b, ..)", "(a , b , ..)"),
        ("Point { ref x, y: mut z }", "Point { x , y : z }"),
        ("ref all @ [mut a, ..]", "all @ [a , ..]"),
        ("Ok(mut x) | Err(mut x)", "Ok (x) | Err (x)"),
        ("1..=9 | LIMIT", "1 ..= 9 | LIMIT"),
    ] {
        assert_eq!(probe(pattern), ("&value", expected.to_string()), "{pattern}");
    }
}

#[test]
fn a_probe_with_a_reference_in_it_loses_names() {
    for (pattern, expected) in [
        ("&x", "& _"),
        ("Some(&mut x)", "Some (& mut _)"),
        ("(&A, None, b, mut c, ref d)", "(& A , None , _ , _ , _)"),
        ("Point { x, y: &z }", "Point { x : _ , y : & _ }"),
        ("all @ [&first, rest @ ..]", "[& _ , ..]"),
        ("whole @ Some(&x)", "Some (& _)"),
        ("(&x, all @ copy)", "(& _ , _)"),
    ] {
        assert_eq!(probe(pattern), ("value", expected.to_string()), "{pattern}");
    }
}
