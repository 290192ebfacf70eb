//! Why a command was refused, in Redis's words: clients match on them.

use std::fmt;

use crate::resp::Args;
use crate::store::value::WrongType;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    Unknown(String),
    UnknownSubcommand {
        command: &'static str,
        subcommand: String,
    },
    /// The command with the wrong number of arguments, or `command|subcommand`.
    Arity(&'static str),
    WrongType,
    Syntax,
    NotAnInteger,
    IncrementOverflow,
    DecrementOverflow,
    NotPositive,
    InvalidExpireTime(&'static str),
    UnsupportedOption(String),
    TextTooLong,
    DbOutOfRange,
    InvalidCursor,
    /// Something else than subscribing while subscribed.
    Subscribed(&'static str),
    Other(&'static str),
    UnsupportedProtocol,
}

impl CommandError {
    pub(super) fn unknown(args: Args<'_>) -> CommandError {
        let mut beginning = String::new();
        for arg in args.from(1) {
            if beginning.len() >= SHOWN {
                break;
            }
            let room = SHOWN - beginning.len();
            beginning.push_str(&format!("'{}' ", excerpt(arg, room)));
        }
        let name = excerpt(args.at(0), SHOWN);
        CommandError::Unknown(format!("'{name}', with args beginning with: {beginning}"))
    }

    pub(super) fn unknown_subcommand(command: &'static str, args: Args<'_>) -> CommandError {
        CommandError::UnknownSubcommand { command, subcommand: excerpt(args.at(1), SHOWN) }
    }
}

impl From<WrongType> for CommandError {
    fn from(_: WrongType) -> CommandError {
        CommandError::WrongType
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Unknown(what) => write!(f, "ERR unknown command {what}"),
            CommandError::UnknownSubcommand { command, subcommand } => {
                write!(f, "ERR unknown subcommand '{subcommand}'. Try {command} HELP.")
            }
            CommandError::Arity(command) => write!(f, "ERR wrong number of arguments for '{command}' command"),
            CommandError::WrongType => f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value"),
            CommandError::Syntax => f.write_str("ERR syntax error"),
            CommandError::NotAnInteger => f.write_str("ERR value is not an integer or out of range"),
            CommandError::IncrementOverflow => f.write_str("ERR increment or decrement would overflow"),
            CommandError::DecrementOverflow => f.write_str("ERR decrement would overflow"),
            CommandError::NotPositive => f.write_str("ERR value is out of range, must be positive"),
            CommandError::InvalidExpireTime(command) => write!(f, "ERR invalid expire time in '{command}' command"),
            CommandError::UnsupportedOption(option) => write!(f, "ERR Unsupported option {option}"),
            CommandError::TextTooLong => f.write_str("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
            CommandError::DbOutOfRange => f.write_str("ERR DB index is out of range"),
            CommandError::InvalidCursor => f.write_str("ERR invalid cursor"),
            CommandError::Subscribed(command) => write!(
                f,
                "ERR Can't execute '{command}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
                 allowed in this context"
            ),
            CommandError::Other(what) => write!(f, "ERR {what}"),
            CommandError::UnsupportedProtocol => f.write_str("NOPROTO unsupported protocol version"),
        }
    }
}

/// How much of what a client sent is repeated in an error, in bytes.
const SHOWN: usize = 128;

fn excerpt(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]).into_owned()
}
