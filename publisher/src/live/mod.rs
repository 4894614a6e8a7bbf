//! `live`: one stream, from its source to the files.
//!
//! In: settings. Out: what is to be made of this source ([`plan`]).

pub mod plan;
