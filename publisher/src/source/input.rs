#![allow(missing_docs, clippy::all, clippy::pedantic)]
use super::*;
use std::path::PathBuf;
use std::sync::{Arc, atomic::AtomicBool};
#[derive(Debug, Clone, PartialEq)]
pub enum InputAddress {
    File(PathBuf),
    Url(String),
    Stdin,
}
pub struct InputSettings {
    pub address: InputAddress,
    pub loop_forever: bool,
    pub stop: Arc<AtomicBool>,
}
pub struct Input;
impl Source for Input {
    fn format(&self) -> SourceFormat {
        unreachable!()
    }
    fn read(&mut self, _t: Duration) -> Result<Read, SourceError> {
        unreachable!()
    }
}
pub fn open(_s: &InputSettings) -> Result<Input, SourceError> {
    Err(SourceError::Open("no".into()))
}
