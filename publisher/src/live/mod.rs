//! `live`: one stream, from its source to the files.
//!
//! In: settings. Out: what is to be made of this source ([`plan`]), and the threads that make it ([`run`](run::run)).

pub(crate) mod copy;
pub mod dry_run;
pub(crate) mod inputs;
pub(crate) mod new_webroot;
pub mod plan;
pub mod run;
pub(crate) mod told;
