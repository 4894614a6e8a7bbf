//! Stream fields: the two fields of libav's streams that ffmpeg-next has no call for.
#![allow(unsafe_code)] // see each block

use ffmpeg_next::format::{context, stream::Stream};
use ffmpeg_next::{Rational, ffi};

/// The shape of a pixel as the container names it; 0/1 when it does not.
pub(super) fn sample_aspect(stream: &Stream) -> Rational {
    // SAFETY: the stream borrows its context, so the pointer is valid; the field is a plain pair of numbers.
    unsafe { (*stream.as_ptr()).sample_aspect_ratio.into() }
}

/// Tells the demuxer that only the streams `kept` are wanted. HLS otherwise downloads every variant at once.
pub(super) fn discard_all_but(input: &mut context::Input, kept: &[usize]) {
    for index in 0..input.nb_streams() as usize {
        if let Some(mut stream) = input.stream_mut(index).filter(|_| !kept.contains(&index)) {
            // SAFETY: the stream borrows its context mutably, so the pointer is valid and nobody else uses it;
            // the field is meant to be set by the caller at any time.
            unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
}
