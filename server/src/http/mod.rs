//! What HTTP says, and what this server says of its files in it. Pure: no socket, no file, no clock.
//!
//! | file | |
//! |---|---|
//! | `paths` | which file a path means |
//! | `conditions`, `ranges` | whether to send the content, and which part of it |
//! | `headers`, `security` | the headers of an answer |
//! | `refusal` | the answer that says no |
//! | `client` | who asks |

pub(crate) mod client;
pub(crate) mod conditions;
pub(crate) mod headers;
pub(crate) mod paths;
pub(crate) mod ranges;
pub(crate) mod refusal;
pub(crate) mod security;
