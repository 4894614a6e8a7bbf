//! Stream fields: the fields of libav's streams that ffmpeg-next has no call for.
#![allow(unsafe_code)] // see each block

use ffmpeg_next::format::{context, stream::Stream};
use ffmpeg_next::{Rational, codec, ffi};

/// The shape of a pixel as the container names it; 0/1 when it does not.
pub(crate) fn sample_aspect(stream: &Stream) -> Rational {
    // SAFETY: the stream borrows its context, so the pointer is valid; the field is a plain pair of numbers.
    unsafe { (*stream.as_ptr()).sample_aspect_ratio.into() }
}

/// Tells the demuxer that only the streams `kept` are wanted. HLS otherwise downloads every variant at once.
pub(crate) fn discard_all_but(input: &mut context::Input, kept: &[usize]) {
    for index in 0..input.nb_streams() as usize {
        if let Some(mut stream) = input.stream_mut(index).filter(|_| !kept.contains(&index)) {
            // SAFETY: the stream borrows its context mutably, so the pointer is valid and nobody else uses it;
            // the field is meant to be set by the caller at any time.
            unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
}

/// The head of a stream: for H.264 and AAC what a decoder is set up with. Empty where the packets carry it.
pub(crate) fn head(parameters: &codec::Parameters) -> &[u8] {
    // SAFETY: the parameters own the bytes and do not change while they are borrowed; libav keeps pointer and size in step.
    unsafe {
        let fields = &*parameters.as_ptr();
        match usize::try_from(fields.extradata_size) {
            Ok(size) if !fields.extradata.is_null() => std::slice::from_raw_parts(fields.extradata, size),
            _ => &[],
        }
    }
}

/// Width and height of the frames as they are stored.
pub(crate) fn stored_size(parameters: &codec::Parameters) -> (u32, u32) {
    // SAFETY: the parameters are valid for as long as they are borrowed; the fields are plain numbers.
    let (width, height) = unsafe { ((*parameters.as_ptr()).width, (*parameters.as_ptr()).height) };
    (width.max(0) as u32, height.max(0) as u32)
}
