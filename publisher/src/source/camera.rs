#![allow(missing_docs, clippy::all, clippy::pedantic)]
use super::*;
#[derive(Debug, Clone, PartialEq)]
pub enum CameraSelector {
    First,
    Index(u32),
    Name(String),
}
impl CameraSelector {
    pub fn parse(t: &str) -> Option<Self> {
        if t == "camera" {
            Some(Self::First)
        } else {
            let r = t.strip_prefix("camera:")?;
            Some(r.parse().map(Self::Index).unwrap_or(Self::Name(r.into())))
        }
    }
}
pub struct CameraWish {
    pub width: u32,
    pub height: u32,
    pub fps: u32,
    pub exact: bool,
}
pub struct Camera;
impl Source for Camera {
    fn format(&self) -> SourceFormat {
        unreachable!()
    }
    fn read(&mut self, _t: Duration) -> Result<Read, SourceError> {
        unreachable!()
    }
}
pub fn open(_s: &CameraSelector, _w: &CameraWish) -> Result<Camera, SourceError> {
    Err(SourceError::Open("no".into()))
}
pub fn is_any() -> bool {
    false
}
