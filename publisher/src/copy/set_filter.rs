//! Set filter: libav's `h264_metadata`, which puts what only the container says into the parameter sets.
//!
//! In: the head of a stream and its packets as they are stored. Out: the same with other parameter sets. It decodes nothing and
//! holds nothing back. ffmpeg-next has no bitstream filters, hence its `unsafe` code; one owner, on one thread.
#![allow(unsafe_code)]

use crate::source::input::stream_fields;
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::packet::Mut as _;
use ffmpeg_next::{Error, Packet, Rational, ffi};
use std::ffi::CString;
use std::ptr::{self, NonNull};

/// An open filter.
pub(crate) struct SetFilter {
    context: NonNull<ffi::AVBSFContext>,
}

impl SetFilter {
    /// For a stream with these parameters; gives its new head, too. `options` as libav has them: `sample_aspect_ratio=16/11`.
    pub(crate) fn open(
        parameters: &Parameters,
        time_base: Rational,
        options: &str,
    ) -> Result<(Self, Vec<u8>), Error> {
        let words = CString::new(format!("h264_metadata={options}")).map_err(|_| Error::InvalidData)?;
        let mut context = ptr::null_mut();
        // SAFETY: the string ends in NUL and outlives the call, which sets the pointer or fails.
        check(unsafe { ffi::av_bsf_list_parse_str(words.as_ptr(), &raw mut context) })?;
        let filter = SetFilter { context: NonNull::new(context).ok_or(Error::Unknown)? };
        // SAFETY: the context was allocated just now and is owned by `filter`; its parameters are allocated with it, and they are set
        // before the filter is initialised, as it has to be. The new head is copied before anything else is called.
        let head = unsafe {
            check(ffi::avcodec_parameters_copy((*context).par_in, parameters.as_ptr()))?;
            (*context).time_base_in = time_base.into();
            check(ffi::av_bsf_init(context))?;
            let mut changed = Parameters::new();
            check(ffi::avcodec_parameters_copy(changed.as_mut_ptr(), (*context).par_out))?;
            stream_fields::head(&changed).to_vec()
        };
        Ok((filter, head))
    }

    /// The packet with other parameter sets; nothing where the filter cannot read it.
    pub(crate) fn put_into(&mut self, packet: &Packet) -> Option<Packet> {
        let mut given = packet.clone();
        let mut changed = Packet::empty();
        // SAFETY: both packets and the context are valid and not used by anybody else; the filter takes `given`'s content, and fills
        // `changed` only when it succeeds.
        let result = unsafe {
            match ffi::av_bsf_send_packet(self.context.as_ptr(), given.as_mut_ptr()) {
                0 => ffi::av_bsf_receive_packet(self.context.as_ptr(), changed.as_mut_ptr()),
                refused => refused,
            }
        };
        if result < 0 {
            // SAFETY: as above; what it holds of the packet that it could not read is let go.
            unsafe { ffi::av_bsf_flush(self.context.as_ptr()) };
            return None;
        }
        Some(changed)
    }
}

impl Drop for SetFilter {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: the context is owned and not used again.
        unsafe { ffi::av_bsf_free(&raw mut context) };
    }
}

fn check(result: i32) -> Result<(), Error> {
    if result < 0 { Err(Error::from(result)) } else { Ok(()) }
}
