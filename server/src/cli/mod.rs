//! The command line: what was typed in, checked settings out, and the lines that the start prints.
//!
//! | file | |
//! |---|---|
//! | `args` | what was typed |
//! | `settings` | what was meant |
//! | `values` | values of flags |
//! | `typed` | words that clap takes for something else, or does not know |
//! | `variables` | variables of the environment |
//! | `banner` | where to open the stream |
//! | `remarks` | what the webroot lacks |

pub mod args;
pub mod banner;
pub mod remarks;
pub mod settings;
pub mod typed;
mod values;
pub mod variables;
