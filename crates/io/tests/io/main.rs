//! Situations that readers, writers and their tools are in, played with scripted objects.

mod budget;
mod buffered;
mod copying;
mod pipes;
mod properties;
mod read_buf;
mod reading;
mod splitting;
mod support;
mod traits;
mod writing;
