//! Accounts: what all connections and answers of one address hold of this server together, and who has to go when that is too much.
//!
//! In: what each takes, when it takes it. Out: its charge, given back when it is dropped, and the order to end for the least
//! useful connection of an address that holds more than its share. No I/O, no thread of its own.
//!
//! | file | |
//! |---|---|
//! | `account` | the account of an address, and which of its connections is of least use |
//! | `place` | all accounts, and the places of connections in them |
//! | `work` | how much of the threads' time an address has used lately |
//! | `share` | what one answer may read ahead of its client |

mod account;
mod place;
mod share;
mod work;

pub(crate) use account::{Holder, ListsHeld, Taken};
pub(crate) use place::{Accounts, Held, Place};
pub(crate) use share::{Piece, Share};
