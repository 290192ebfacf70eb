//! Files and folders, without blocking the tasks of a thread.
//!
//! Systems have no files that never block, so that each operation goes to a thread that may: of the runtime's pool, as
//! [`spawn_blocking`](crate::task::spawn_blocking) does it. Names, options and errors are those of [`std::fs`].
//!
//! | to do | use |
//! |---|---|
//! | read or write a whole file | [`read`](read()), [`read_to_string`], [`write`](write()), [`copy`] |
//! | read or write piece by piece | a [`File`], mostly in a [`BufReader`](crate::io::BufReader) or [`BufWriter`](crate::io::BufWriter) |
//! | replace a file as a whole | [`write`](write()) another one, and [`rename`] it |
//! | see what is in a folder | [`read_dir`](read_dir()) |
//! | many small operations one after the other | [`spawn_blocking`](crate::task::spawn_blocking) with [`std::fs`]: one trip for all |
//!
//! A trip to another thread takes some microseconds, more than a small operation itself. So what counts is how many trips
//! there are: each function here is one, and so is each read or write of a [`File`], of up to
//! [2 MiB](File::set_max_buf_size).
//!
//! An operation that has begun can't be stopped. A future that is dropped leaves it alone; so does a runtime that shuts down
//! without waiting. The operation then is done to its end, and nobody is told.
//!
//! # Examples
//!
//! ```
//! use unstuck::fs;
//!
//! # #[unstuck::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("unstuck-doc-fs-{}", std::process::id()));
//! fs::create_dir(&folder).await?;
//! fs::write(folder.join("greeting"), "hello").await?;
//! assert_eq!(fs::read_to_string(folder.join("greeting")).await?, "hello");
//! fs::remove_dir_all(&folder).await?;
//! # Ok(())
//! # }
//! ```

mod ask;
mod dir_builder;
mod file;
mod file_times;
mod names;
pub(crate) mod on_disk;
mod open_options;
mod read_dir;
mod whole;

pub use ask::{canonicalize, metadata, read_link, symlink_metadata, try_exists};
pub use dir_builder::DirBuilder;
pub use file::File;
pub use file_times::FileTimes;
pub use names::{
    create_dir, create_dir_all, hard_link, remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink,
};
pub use open_options::OpenOptions;
pub use read_dir::{DirEntry, ReadDir, read_dir};
pub use whole::{copy, read, read_to_string, write};
