//! Files that were torn, damaged and mixed up.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A file of its own for each test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(bytes: &[u8]) -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mini-redis-aof-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Scratch(path)
    }

    /// Opens the file; the commands in it, each in one line, and what was cut off.
    fn read(&self) -> Result<(Vec<String>, Option<Torn>), String> {
        let mut commands = Vec::new();
        let opened = open(&self.0, |args| {
            let words: Vec<_> = args.from(0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            commands.push(words.join(" "));
            Ok(())
        });
        opened.map(|(_, torn)| (commands, torn)).map_err(|error| error.to_string())
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.0).unwrap().len()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left over is left over; the next test has another name.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn records(commands: &[&str]) -> Vec<u8> {
    let mut records = Records::default();
    for command in commands {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        records.push(0, words.into_iter());
    }
    records.take()
}

#[test]
fn what_was_written_is_read() {
    let file = Scratch::new(&records(&["SET a 1", "INCR a", "DEL a"]));
    let (commands, torn) = file.read().unwrap();
    assert_eq!(commands, ["SELECT 0", "SET a 1", "INCR a", "DEL a"]);
    assert_eq!(torn, None);
}

#[test]
fn a_last_record_torn_at_any_byte_is_cut_off() {
    let kept = records(&["SET a 1", "SET b 2"]);
    let whole = records(&["SET a 1", "SET b 2", "SET c 33333"]);
    let offset = kept.len() as u64;
    for length in kept.len()..whole.len() {
        let file = Scratch::new(&whole[..length]);
        let (commands, torn) = file.read().unwrap();
        assert_eq!(commands, ["SELECT 0", "SET a 1", "SET b 2"], "torn at {length}");
        let rest = length as u64 - offset;
        assert_eq!(torn, (rest > 0).then_some(Torn { offset, length: rest }), "torn at {length}");
        assert_eq!(file.len(), offset, "torn at {length}");
        assert_eq!(file.read().unwrap(), (commands, None), "the second start finds nothing to cut");
    }
}

#[test]
fn what_follows_a_cut_is_appended_in_its_place() {
    let whole = records(&["SET a 1", "SET b 2"]);
    let file = Scratch::new(&whole[..whole.len() - 1]);
    let (mut opened, _) = open(&file.0, |_| Ok(())).unwrap();
    opened.write_all(&records(&["SET c 3"])).unwrap();
    drop(opened);
    assert_eq!(file.read().unwrap().0, ["SELECT 0", "SET a 1", "SELECT 0", "SET c 3"]);
}

#[test]
fn one_damaged_byte_anywhere_stops_with_file_and_offset() {
    let first = records(&["SET a 1"]);
    let damaged_record = records(&["SET a 1", "SET b 2"]).len();
    let whole = records(&["SET a 1", "SET b 2", "SET c 3"]);
    for at in first.len()..damaged_record {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let file = Scratch::new(&bytes);
            let error = file.read().unwrap_err();
            let expected = format!("{}: damaged at offset {}: ", file.0.display(), first.len());
            assert!(error.starts_with(&expected), "byte {at}: {error}");
            assert_eq!(file.len(), whole.len() as u64, "a damaged file is left as it is");
        }
    }
}

#[test]
fn damage_in_the_last_record_is_no_torn_record() {
    let whole = records(&["SET a 1", "SET b 2"]);
    let last = records(&["SET a 1"]).len();
    for at in last..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let error = Scratch::new(&bytes).read().unwrap_err();
        assert!(error.contains(&format!("damaged at offset {last}: ")), "byte {at}: {error}");
    }
}

#[test]
fn what_is_no_record_is_no_torn_record() {
    for tail in [&b"x"[..], b"\0\0\0\0", b"#00z", b"*1\r\n$4\r\nPING\r\n"] {
        let mut bytes = records(&["SET a 1"]);
        let end = bytes.len();
        bytes.extend_from_slice(tail);
        let error = Scratch::new(&bytes).read().unwrap_err();
        assert!(error.contains(&format!("damaged at offset {end}: ")), "{error}");
    }
}

#[test]
fn a_command_that_is_refused_stops_with_file_and_offset() {
    let file = Scratch::new(&records(&["SET a 1", "NONSENSE"]));
    let refuse = |args: Args<'_>| if args.at(0) == b"NONSENSE" { Err("unknown".to_owned()) } else { Ok(()) };
    let error = open(&file.0, refuse).unwrap_err().to_string();
    let offset = records(&["SET a 1"]).len();
    assert!(error.contains(&format!("damaged at offset {offset}: a command is refused: unknown")), "{error}");
}

#[test]
fn a_file_in_use_is_refused() {
    let file = Scratch::new(b"");
    let first = open(&file.0, |_| Ok(())).unwrap();
    let error = open(&file.0, |_| Ok(())).unwrap_err().to_string();
    assert!(error.contains("another process is using it"), "{error}");
    drop(first);
    assert!(file.read().is_ok());
}
