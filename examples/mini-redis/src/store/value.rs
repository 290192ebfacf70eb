//! What a key can hold.
//!
//! 1. A list, hash or set in the store is never empty: removing the last element removes the key.

use std::collections::VecDeque;

use crate::random::{Map, Set};

pub(crate) type Text = Vec<u8>;
pub(crate) type List = VecDeque<Box<[u8]>>;
pub(crate) type Hash = Map<Box<[u8]>, Box<[u8]>>;
pub(crate) type Members = Set<Box<[u8]>>;

#[derive(Debug)]
pub(crate) enum Value {
    Text(Text),
    List(List),
    Hash(Hash),
    Members(Members),
}

impl Value {
    /// What `TYPE` says.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "string",
            Value::List(_) => "list",
            Value::Hash(_) => "hash",
            Value::Members(_) => "set",
        }
    }
}

/// The key holds another kind of value than the command works on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongType;

/// One of the four kinds, so that the store's methods are written once for all.
pub(crate) trait Kind: Default + Into<Value> {
    fn of(value: &Value) -> Result<&Self, WrongType>;
    fn of_mut(value: &mut Value) -> Result<&mut Self, WrongType>;
    /// True if the key has to go.
    fn is_spent(&self) -> bool;
}

macro_rules! kind {
    ($kind:ident, $is_spent:expr) => {
        impl From<$kind> for Value {
            fn from(value: $kind) -> Value {
                Value::$kind(value)
            }
        }

        impl Kind for $kind {
            fn of(value: &Value) -> Result<&$kind, WrongType> {
                if let Value::$kind(value) = value { Ok(value) } else { Err(WrongType) }
            }

            fn of_mut(value: &mut Value) -> Result<&mut $kind, WrongType> {
                if let Value::$kind(value) = value { Ok(value) } else { Err(WrongType) }
            }

            fn is_spent(&self) -> bool {
                $is_spent(self)
            }
        }
    };
}

// An empty text is a value like any other.
kind!(Text, |_| false);
kind!(List, List::is_empty);
kind!(Hash, Hash::is_empty);
kind!(Members, Members::is_empty);
