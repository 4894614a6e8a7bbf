//! Inode: what lies under a name.

use crate::media::Contents;
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

#[derive(Debug)]
pub enum Node {
    File { bytes: Arc<[u8]>, contents: Option<Contents> },
    Directory(BTreeMap<Box<str>, usize>),
    Pipe,
}

#[derive(Debug)]
pub struct Inode {
    pub node: Node,
    pub modified_at: SystemTime,
    pub changed_at: SystemTime,
    pub made_at: SystemTime,
    pub links: u64,
}
