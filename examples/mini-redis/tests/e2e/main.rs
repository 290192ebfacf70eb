//! The built program, driven from outside: by Redis's own tools, compared with a real Redis, and mistreated.
#![cfg(unix)]

mod append_only;
mod commands;
mod common;
mod limits;
mod protocol;
mod pubsub;
mod shutdown;
mod tools;
