//! What strangers send to this room, for the fuzz targets (`fuzz/`) alone.

mod decisions;
mod forwarded;

pub use decisions::*;
pub use forwarded::*;
