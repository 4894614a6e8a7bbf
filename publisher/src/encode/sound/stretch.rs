//! Stretch: libav's resampler makes sound longer or shorter by some millionths while it runs.
//!
//! In: a resampler and a stretch. Out: the same resampler, which from now on gives so many samples more or fewer. The
//! audio encoder owns it, on the grid thread; ffmpeg-next does not wrap this one call.
#![allow(unsafe_code)] // see the block

use ffmpeg::software::resampling;
use ffmpeg_next as ffmpeg;

/// The samples that a stretch is spread over, given as a whole number for so many: a millionth is then half a sample. Each
/// run asks anew, long before they are over.
const SPREAD: i32 = 480_000;

/// Makes what comes out longer by the part `stretch`; a resampler that was never stretched is left as it is by 0.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    samples: i32,
}

impl Stretch {
    /// Sets the stretch of `resampler`.
    pub(super) fn apply(
        &mut self,
        resampler: &mut resampling::Context,
        stretch: f64,
    ) -> Result<(), ffmpeg::Error> {
        let samples = (stretch * f64::from(SPREAD)).round() as i32;
        if samples == 0 && self.samples == 0 {
            return Ok(());
        }
        self.samples = samples;
        // SAFETY: the context was made and opened by ffmpeg-next, is borrowed mutably here, and nothing is kept of it.
        match unsafe { ffmpeg::ffi::swr_set_compensation(resampler.as_mut_ptr(), samples, SPREAD) } {
            0.. => Ok(()),
            error => Err(ffmpeg::Error::from(error)),
        }
    }
}
