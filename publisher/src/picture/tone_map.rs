//! Tone map: pictures of high dynamic range, as phones film them, become pictures of the stream's range.
//!
//! In: scaled frames of HLG or PQ (ITU-R BT.2100), of ten bits. Out: frames of eight bits in the stream's colour space. Used on the
//! rung's thread, behind the scaler, as the work is that of each pixel. libavfilter does it: `zscale` to linear light, `tonemap`, and
//! `zscale` again.
//!
//! What is grey and white stays so: the reference white of 203 cd/m2 (ITU-R BT.2408) is near the white of the stream, and what is
//! darker than `KEPT` of it is as bright as before. Highlights up to `BRIGHTEST_NITS` share what is left above.

use std::sync::Once;
use std::time::Duration;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::filter;

use crate::picture::colour_space::ColourSpace;
use crate::picture::filter::{FilterError, Graph};
use crate::picture::shared::SharedPicture;

/// Brightness of white, in cd/m2: 75 % of HLG, 58 % of PQ (BT.2408 table 1).
const WHITE_NITS: f64 = 203.0;

/// That of the display that HLG is made for, and of most that PQ is graded on; what is brighter is white.
const BRIGHTEST_NITS: f64 = 1000.0;

/// Up to this part of white, nothing is changed: skin and mid-grey keep their brightness, and highlights keep some of their drawing.
const KEPT: f64 = 0.7;

/// Makes frames of one colour space those of the stream's.
pub(crate) struct ToneMap {
    graph: Graph,
}

impl ToneMap {
    /// From frames of `seen` to those of `stream`.
    pub(crate) fn new(seen: ColourSpace, stream: ColourSpace) -> Self {
        let peak = BRIGHTEST_NITS / WHITE_NITS;
        let tags = [numbers(seen), numbers(stream)];
        let [[matrix, primaries, transfer], [to_matrix, to_primaries, to_transfer]] = tags;
        Self {
            graph: Graph::new(format!(
                "setparams=range=tv:color_primaries={primaries}:color_trc={transfer}:colorspace={matrix},\
                 zscale=transfer=linear:npl={WHITE_NITS},format=gbrpf32le,zscale=primaries={to_primaries},\
                 tonemap=mobius:param={KEPT}:peak={peak},\
                 zscale=transfer={to_transfer}:matrix={to_matrix}:range=limited,format=yuv420p"
            )),
        }
    }

    /// The frame as the stream shows it.
    pub(crate) fn run(&mut self, picture: SharedPicture) -> Result<SharedPicture, ffmpeg::Error> {
        // None of these looks at the time.
        self.graph.run(picture, Duration::ZERO).map_err(FilterError::cause)
    }
}

/// The numbers of ITU-T H.273 for matrix, primaries and transfer, which libavfilter takes.
fn numbers(colours: ColourSpace) -> [i32; 3] {
    [
        ffmpeg::ffi::AVColorSpace::from(colours.matrix) as i32,
        ffmpeg::ffi::AVColorPrimaries::from(colours.primaries) as i32,
        ffmpeg::ffi::AVColorTransferCharacteristic::from(colours.transfer) as i32,
    ]
}

/// Whether this libav can do it. Where it is needed and cannot be done, that is logged once.
pub(crate) fn is_possible() -> bool {
    static TOLD: Once = Once::new();
    let missing = ["zscale", "tonemap"].into_iter().find(|name| filter::find(name).is_none());
    if let Some(filter) = missing {
        TOLD.call_once(|| {
            tracing::warn!(
                filter,
                "the source has a high dynamic range, and this FFmpeg lacks a filter that converts it: colours stay as they are; use an \
                 FFmpeg with it (`ffmpeg -filters` lists them), or film without HDR"
            );
        });
    }
    missing.is_none()
}

/// The colour space of a stream that is made of such frames.
#[must_use]
pub fn stream_of(seen: ColourSpace) -> ColourSpace {
    if seen.is_of_high_range() && is_possible() { ColourSpace::HIGH_DEFINITION } else { seen }
}
