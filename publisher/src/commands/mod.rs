//! Commands: what `livedir-publisher` does when it is called, one file for each.
//!
//! In: arguments as they were typed. Out: text on the terminal, and the exit status. They run on the main thread.

pub mod check;
pub mod devices;
pub mod terminal;
pub mod watch;
