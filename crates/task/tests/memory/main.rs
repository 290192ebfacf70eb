//! What tasks cost in memory, and that all of it is given back.

mod cost;
mod counting;
#[path = "../common/fifo.rs"]
mod fifo;
mod sequences;
