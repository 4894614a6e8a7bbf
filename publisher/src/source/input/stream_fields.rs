//! Stream fields: the fields of libav's streams that ffmpeg-next has no call for.
#![allow(unsafe_code)] // see each block

use crate::picture::deinterlacer::FirstField;
use ffmpeg_next::format::{self, context, stream::Stream};
use ffmpeg_next::{Rational, codec, ffi};

/// The shape of a pixel as the container names it; 0/1 when it does not.
pub(crate) fn sample_aspect(stream: &Stream) -> Rational {
    // SAFETY: the stream borrows its context, so the pointer is valid; the field is a plain pair of numbers.
    unsafe { (*stream.as_ptr()).sample_aspect_ratio.into() }
}

/// Whether libav makes up the timestamps of this format: it holds none.
pub(crate) fn has_no_timestamps(format: &format::Input) -> bool {
    // SAFETY: descriptions of formats are static; the field is a plain number.
    unsafe { (*format.as_ptr()).flags & ffi::AVFMT_NOTIMESTAMPS != 0 }
}

/// What reads for libav.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reader {
    /// There was nothing more to read, or reading failed: what comes yet stood in libav's buffers.
    pub(crate) has_reached_end: bool,
    /// What was read so far.
    pub(crate) bytes: u64,
}

impl Reader {
    /// As it is now.
    pub(crate) fn of(input: &context::Input) -> Self {
        // SAFETY: the context is open for as long as it is borrowed; libav owns what reads for it, if there is anything, and the fields
        // are plain numbers.
        unsafe {
            let reader = (*input.as_ptr()).pb;
            if reader.is_null() {
                return Self::default();
            }
            Self { has_reached_end: (*reader).eof_reached != 0, bytes: (*reader).bytes_read.max(0) as u64 }
        }
    }
}

/// Whether timestamps of this format may jump, as those of a recording of a broadcast.
pub(crate) fn may_jump(format: &format::Input) -> bool {
    // SAFETY: descriptions of formats are static; the field is a plain number.
    unsafe { (*format.as_ptr()).flags & ffi::AVFMT_TS_DISCONT != 0 }
}

/// Whether streams may turn up after the start: the container has no head that names them all.
pub(crate) fn may_have_more_streams(input: &context::Input) -> bool {
    // SAFETY: the context is open for as long as it is borrowed; the field is a plain number.
    unsafe { (*input.as_ptr()).ctx_flags & ffi::AVFMTCTX_NOHEADER != 0 }
}

/// Whether the container's index holds frames that others need and that are not shown: an edit list begins or ends within a group of
/// pictures.
pub(crate) fn hides_frames(stream: &Stream) -> bool {
    // SAFETY: the stream borrows its context, so the pointer is valid; libav asks for a mutable one and changes nothing. Each entry
    // lies below the count that it gave, and is read before anything else is called.
    unsafe {
        let stream = stream.as_ptr().cast_mut();
        (0..ffi::avformat_index_get_entries_count(stream)).any(|at| {
            let entry = ffi::avformat_index_get_entry(stream, at);
            !entry.is_null() && (*entry).flags() & ffi::AVINDEX_DISCARD_FRAME != 0
        })
    }
}

/// What the numbers of the frames stand for as libav's numbers, which are those of ITU-T H.273: primaries, transfer, matrix; and
/// whether they use the full range.
pub(crate) fn colours(parameters: &codec::Parameters) -> ([u32; 3], bool) {
    // SAFETY: the parameters are valid for as long as they are borrowed; the fields are plain numbers.
    let fields = unsafe { &*parameters.as_ptr() };
    let colours = [fields.color_primaries as u32, fields.color_trc as u32, fields.color_space as u32];
    (colours, fields.color_range == ffi::AVColorRange::AVCOL_RANGE_JPEG)
}

/// The streams of the first program that a stream belongs to; none where the container knows no programs.
pub(crate) fn program_of(input: &context::Input, stream: usize) -> Vec<usize> {
    // SAFETY: the context is open for as long as it is borrowed; libav keeps each pointer and its count in step, and changes them in
    // calls alone that borrow the context mutably.
    unsafe {
        let fields = &*input.as_ptr();
        if fields.programs.is_null() {
            return Vec::new();
        }
        let programs = std::slice::from_raw_parts(fields.programs, fields.nb_programs as usize);
        let streams = programs.iter().map(|&program| {
            let program = &*program;
            if program.stream_index.is_null() {
                return &[][..];
            }
            std::slice::from_raw_parts(program.stream_index, program.nb_stream_indexes as usize)
        });
        let of_all = streams.map(|indexes| indexes.iter().map(|&index| index as usize).collect::<Vec<_>>());
        of_all.into_iter().find(|indexes| indexes.contains(&stream)).unwrap_or_default()
    }
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

/// Gives a stream another head; leaves it without one where there is no memory.
pub(crate) fn set_head(parameters: &mut codec::Parameters, head: &[u8]) {
    const PADDING: usize = ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
    // SAFETY: the parameters are borrowed mutably; what they owned is freed, and what they own next is allocated by the same allocator,
    // with the padding of zeros that libav asks for.
    unsafe {
        let fields = &mut *parameters.as_mut_ptr();
        ffi::av_freep((&raw mut fields.extradata).cast());
        fields.extradata_size = 0;
        let owned = ffi::av_mallocz(head.len() + PADDING).cast::<u8>();
        if owned.is_null() {
            return;
        }
        std::ptr::copy_nonoverlapping(head.as_ptr(), owned, head.len());
        fields.extradata = owned;
        fields.extradata_size = head.len() as i32;
    }
}

/// Width and height of the frames as they are stored.
pub(crate) fn stored_size(parameters: &codec::Parameters) -> (u32, u32) {
    // SAFETY: the parameters are valid for as long as they are borrowed; the fields are plain numbers.
    let (width, height) = unsafe { ((*parameters.as_ptr()).width, (*parameters.as_ptr()).height) };
    (width.max(0) as u32, height.max(0) as u32)
}

/// Which field the container says is first of interlaced pictures; nothing where they are not, or it does not say.
pub(crate) fn first_field(parameters: &codec::Parameters) -> Option<FirstField> {
    use ffi::AVFieldOrder::{AV_FIELD_BB, AV_FIELD_BT, AV_FIELD_TB, AV_FIELD_TT};
    // SAFETY: the parameters are valid for as long as they are borrowed; the field is a plain number of this enumeration, which libav
    // alone has written.
    match unsafe { (*parameters.as_ptr()).field_order } {
        // As libav's decoders of raw pictures take them, and Apple's TN2162.
        AV_FIELD_TT | AV_FIELD_TB => Some(FirstField::Top),
        AV_FIELD_BB | AV_FIELD_BT => Some(FirstField::Bottom),
        _ => None,
    }
}
