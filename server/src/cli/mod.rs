//! The command line: what was typed in, checked settings out, and the lines that the start prints.
//!
//! | file | |
//! |---|---|
//! | `args` | what was typed |
//! | `settings` | what was meant |
//! | `values` | values of flags |
//! | `variables` | variables of the environment, and words that clap would take for flags |
//! | `banner` | where to open the stream |
//! | `remarks` | what the webroot lacks |

pub mod args;
pub mod banner;
pub mod remarks;
pub mod settings;
mod values;
pub mod variables;
