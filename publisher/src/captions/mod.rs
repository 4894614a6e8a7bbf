//! Closed captions: CEA-608 and CEA-708, which come with the pictures of a source and go out with other pictures.
//!
//! In: the `cc_data()` of each decoded picture (CEA-708 4.4). Out: the `cc_data()` of each grid time, as an SEI message in the
//! packet of its picture. A source has another frame rate than the grid, and pictures are repeated and dropped; so what a picture
//! brings is queued, and spaced anew. The way: [`carried`] (with the picture, through the queues) → [`line21`] and [`dtvcc`] (the
//! queues, one for each field and one for packets) → [`spacing`] (how much of them a grid time carries) → [`sei`]. Pure.
//!
//! The crate `cea708-types` has a writer that spaces, too. It is not used: it panics on some damaged packets, puts padding between the
//! two halves of a doubled control code, and writes packets anew that it does not know whole. The tests make their films with it.

pub mod carried;
pub mod dtvcc;
pub mod line21;
pub mod sei;
pub mod spacing;
