//! x
pub mod placeholder {}
