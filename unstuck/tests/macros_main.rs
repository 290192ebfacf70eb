//! `#[main]` and `#[test]`: on which runtime the function runs, what its signature may be, and what it keeps.

#![deny(unused, unreachable_code)]
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use unstuck::runtime::{Handle, RuntimeFlavor};
use unstuck::time::{Instant, sleep};

/// Known by another name.
use unstuck as renamed;

mod inner {
    pub(super) use ::unstuck;
}

async fn flavor() -> RuntimeFlavor {
    Handle::current().runtime_flavor()
}

#[test]
fn main_runs_on_many_threads_unless_told_otherwise() {
    #[unstuck::main]
    async fn default() -> RuntimeFlavor {
        flavor().await
    }
    #[unstuck::main(flavor = "current_thread")]
    async fn current_thread() -> RuntimeFlavor {
        flavor().await
    }
    assert_eq!(default(), RuntimeFlavor::MultiThread);
    assert_eq!(current_thread(), RuntimeFlavor::CurrentThread);
}

#[unstuck::test]
async fn a_test_runs_on_one_thread() {
    assert_eq!(flavor().await, RuntimeFlavor::CurrentThread);
    let here = thread::current().id();
    assert_eq!(unstuck::spawn(async { thread::current().id() }).await.unwrap(), here);
}

#[unstuck::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_test_may_have_workers() {
    assert_eq!(flavor().await, RuntimeFlavor::MultiThread);
    assert_eq!(Handle::current().metrics().num_workers(), 3);
}

#[test]
fn main_has_the_workers_it_asked_for() {
    #[unstuck::main(worker_threads = 2)]
    async fn workers() -> usize {
        Handle::current().metrics().num_workers()
    }
    assert_eq!(workers(), 2);
}

#[unstuck::test(flavor = "local")]
async fn a_local_runtime_spawns_what_is_not_send() {
    let shared = Rc::new(5);
    let other = shared.clone();
    assert_eq!(unstuck::task::spawn_local(async move { *other }).await.unwrap(), 5);
    assert_eq!(*shared, 5);
}

#[unstuck::test(start_paused = true)]
async fn a_paused_clock_does_not_wait() {
    let (start, real_start) = (Instant::now(), std::time::Instant::now());
    sleep(Duration::from_secs(86_400)).await;
    assert!(start.elapsed() >= Duration::from_secs(86_400));
    assert!(real_start.elapsed() < Duration::from_secs(86_400));
}

#[unstuck::test(name = "named here")]
async fn a_runtime_has_its_name() {
    assert_eq!(Handle::current().name(), Some("named here"));
}

#[unstuck::test]
async fn a_result_may_be_returned() -> Result<(), Box<dyn std::error::Error>> {
    let number: u8 = "7".parse()?;
    assert_eq!(number, 7);
    Ok(())
}

#[unstuck::test]
#[should_panic(expected = "on purpose")]
async fn other_attributes_stay() {
    panic!("on purpose");
}

#[renamed::test(crate = "renamed")]
async fn the_crate_may_have_another_name() {
    renamed::task::yield_now().await;
}

#[inner::unstuck::test(crate = "inner::unstuck")]
async fn the_crate_may_be_found_at_a_path() {
    unstuck::task::yield_now().await;
}

#[test]
fn arguments_generics_and_methods() {
    struct Greeter<'a> {
        greeting: &'a str,
    }
    impl<'a> Greeter<'a> {
        #[unstuck::main(flavor = "current_thread")]
        async fn greet<T>(&self, name: T, (times, mut end): (usize, String)) -> String
        where
            T: Display + 'a,
        {
            unstuck::task::yield_now().await;
            end.push('\n');
            format!("{} {name}{end}", self.greeting).repeat(times)
        }

        #[unstuck::main(flavor = "current_thread")]
        async fn greeting(self) -> &'a str {
            Self::pass(self.greeting).await
        }

        async fn pass(text: &str) -> &str {
            text
        }
    }
    let greeter = Greeter { greeting: "hello" };
    assert_eq!(greeter.greet(1, (2, "!".into())), "hello 1!\nhello 1!\n");
    assert_eq!(greeter.greeting(), "hello");
}

#[test]
fn what_the_body_ends_with_becomes_the_return_type() {
    #[unstuck::main(flavor = "current_thread")]
    async fn dereferenced(text: &Arc<str>) -> &str {
        text
    }
    #[unstuck::main(flavor = "current_thread")]
    async fn boxed(short: bool) -> Box<dyn Display> {
        if short {
            return Box::new(1);
        }
        Box::new("long")
    }
    #[unstuck::main(flavor = "current_thread")]
    async fn opaque() -> impl Display {
        42
    }
    assert_eq!(dereferenced(&Arc::from("text")), "text");
    assert_eq!(boxed(true).to_string() + &boxed(false).to_string(), "1long");
    assert_eq!(opaque().to_string(), "42");
}

#[test]
#[should_panic(expected = "never")]
fn a_function_that_never_returns() {
    #[unstuck::main(flavor = "current_thread")]
    async fn never() -> ! {
        panic!("never")
    }
    never()
}

#[test]
fn the_body_may_use_any_name() {
    #[unstuck::main(flavor = "current_thread")]
    async fn sum(body: u8, runtime: u8, output: u8) -> u8 {
        #![expect(unused_variables, reason = "an attribute inside the body applies to the function")]
        let unused = 1;
        body + runtime + output
    }
    assert_eq!(sum(1, 2, 3), 6);
}

#[test]
fn a_function_made_by_a_macro() {
    macro_rules! returns {
        ($name:ident, $body:block) => {
            #[unstuck::main(flavor = "current_thread")]
            async fn $name() -> u8 $body
        };
    }
    returns!(seven, { 7 });
    assert_eq!(seven(), 7);
}
