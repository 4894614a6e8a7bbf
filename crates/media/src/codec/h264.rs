//! H.264: types of NAL units and the sequence parameter set. Pure; survives any bytes.

use super::picture::{Declared, LONGEST_INTERVAL_90K, Picture, Samples};
use super::{Nal, Slice};
use h264_reader::{
    nal::sps::{ChromaFormat, SeqParameterSet},
    rbsp::{BitRead as _, BitReader, ByteReader, decode_nal},
};
use livedir_time::ticks::of_samples;
use std::num::NonZeroUsize;

/// Profile, constraints and level stand before the number of an SPS (7.3.2.1.1), behind a header of one byte.
const BEFORE_SPS_NUMBER: NonZeroUsize = NonZeroUsize::new(4).unwrap();

const NAL_HEADER_BYTES: NonZeroUsize = NonZeroUsize::new(1).unwrap();

/// ITU-T H.264 table 7-1.
pub(super) fn nal(first_byte: u8) -> Nal {
    match first_byte & 0x1f {
        5 => Nal::Slice(Slice::Idr),
        1..=4 => Nal::Slice(Slice::Dependent),
        7 => Nal::Sps,
        8 => Nal::Pps,
        _ => Nal::Other,
    }
}

/// Table 7-1.
pub(super) fn is_delimiter(first_byte: u8) -> bool {
    first_byte & 0x1f == 9
}

/// Table 7-1.
pub(super) fn is_sei(first_byte: u8) -> bool {
    first_byte & 0x1f == 6
}

/// The number of a parameter set: 7.3.2.1.1 and 7.3.2.2.
pub(super) fn set_number(set: Nal, unit: &[u8]) -> Option<u32> {
    let before = if set == Nal::Sps { BEFORE_SPS_NUMBER } else { NAL_HEADER_BYTES };
    BitReader::new(ByteReader::skipping_bytes(unit, before)).read_ue("number").ok()
}

/// E.1.1; `None` when it is damaged.
pub(super) fn declared(sps: &[u8]) -> Option<Declared> {
    let rbsp = decode_nal(sps).ok()?;
    let parsed = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).ok()?;
    let size = parsed.pixel_dimensions().ok();
    let Some(vui) = parsed.vui_parameters else { return Some(Declared { size, ..Declared::default() }) };
    let aspect = vui.aspect_ratio_info.and_then(|it| it.get());
    let signal = vui.video_signal_type;
    Some(Declared {
        size,
        sample_aspect: aspect.map(|(width, height)| (width.into(), height.into())),
        has_range: signal.is_some(),
        has_colours: signal.is_some_and(|signal| signal.colour_description.is_some()),
    })
}

/// 7.4.2.1.1; `None` when it is damaged.
pub(super) fn samples(sps: &[u8]) -> Option<Samples> {
    let rbsp = decode_nal(sps).ok()?;
    let told = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).ok()?.chroma_info;
    let chroma = match told.chroma_format {
        ChromaFormat::Monochrome => "4:0:0",
        ChromaFormat::YUV420 => "4:2:0",
        ChromaFormat::YUV422 => "4:2:2",
        ChromaFormat::YUV444 => "4:4:4",
        ChromaFormat::Invalid(_) => return None,
    };
    Some(Samples { chroma, bits: 8 + told.bit_depth_luma_minus8.max(told.bit_depth_chroma_minus8) })
}

pub(super) fn read_sps(sps: &[u8]) -> Option<Picture> {
    let &[_, profile, constraints, level, ..] = sps else { return None };
    let rbsp = decode_nal(sps).ok()?;
    let parsed = SeqParameterSet::from_bits(BitReader::new(&*rbsp)).ok()?;
    let (width, height) = parsed.pixel_dimensions().ok()?;
    let timing = parsed.vui_parameters.and_then(|vui| vui.timing_info);
    // H.264 E.2.1: a tick is a field, a frame takes two.
    let frame_interval_90k = timing
        .and_then(|timing| of_samples(2 * u64::from(timing.num_units_in_tick), timing.time_scale))
        .filter(|interval_90k| (1..=LONGEST_INTERVAL_90K).contains(interval_90k));
    let codec = format!("avc1.{profile:02x}{constraints:02x}{level:02x}");
    Some(Picture { width, height, codec, frame_interval_90k })
}
