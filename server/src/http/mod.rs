//! What HTTP says, and what this server says of its files in it. Pure: no socket, no file, no clock.
//!
//! | file | |
//! |---|---|
//! | `paths` | which file a path means |
//! | `host` | whose site a request is for |
//! | `content` | what is sent of a file, by `conditions` and `ranges` |
//! | `chosen` | the answer with that; `multipart`, where that is several parts |
//! | `headers`, `security` | the headers of an answer |
//! | `refusal` | the answer that says no |
//! | `client` | who asks |

pub(crate) mod chosen;
pub(crate) mod client;
pub(crate) mod conditions;
pub(crate) mod content;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod multipart;
pub(crate) mod paths;
pub(crate) mod ranges;
pub(crate) mod refusal;
pub(crate) mod security;
