//! Matroska: a file that never ends, of at most one picture track and one sound track, for codecs that FLV has not.
//!
//! In: heads and frames. Out: bytes that any demuxer reads without seeking. Pure. After RFC 9559 (Matroska) and RFC 8794 (EBML): a dozen
//! elements, so no crate is worth its build. Frames have the time at which they are shown; libav derives when they are decoded.

use super::tags::Codec;

const PICTURE_TRACK: u8 = 1;
const SOUND_TRACK: u8 = 2;
/// A size that is not known until the end, which never comes (RFC 8794 6.2).
const UNKNOWN_SIZE: u8 = 0xff;

/// What a track needs before its first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) codec: Codec,
    /// avcC, hvcC and so on; empty for MP3.
    pub(super) config: Vec<u8>,
}

impl Head {
    /// Whether this head says the same. That of FLAC comes again at the end, with what only the end knows (RFC 9639 8.2): its lengths and a
    /// checksum.
    pub(super) fn is_of_same_stream(&self, codec: Codec, config: &[u8]) -> bool {
        let lasting = |config: &[u8]| match codec {
            Codec::Flac => {
                // FFmpeg leaves the mark of a file and the head of the block out.
                let stream_info =
                    config.strip_prefix(b"fLaC").and_then(|blocks| blocks.get(4..)).unwrap_or(config);
                stream_info.get(10..13).unwrap_or_default().to_vec()
            }
            _ => config.to_vec(),
        };
        self.codec == codec && lasting(&self.config) == lasting(config)
    }
}

/// What is before the first frame. `fps`: of the picture, where it is known.
pub(super) fn head(picture: Option<&Head>, fps: Option<f64>, sound: Option<&Head>) -> Vec<u8> {
    let ebml = [
        element(&[0x42, 0x86], &[1]),        // EBMLVersion
        element(&[0x42, 0xf7], &[1]),        // EBMLReadVersion
        element(&[0x42, 0xf2], &[4]),        // EBMLMaxIDLength
        element(&[0x42, 0xf3], &[8]),        // EBMLMaxSizeLength
        element(&[0x42, 0x82], b"matroska"), // DocType
        element(&[0x42, 0x87], &[4]),        // DocTypeVersion
        element(&[0x42, 0x85], &[2]),        // DocTypeReadVersion
    ];
    let info = element(&[0x2a, 0xd7, 0xb1], &1_000_000_u32.to_be_bytes()); // TimestampScale: a millisecond
    // DefaultDuration, in nanoseconds.
    let duration = fps.map(|fps| element(&[0x23, 0xe3, 0x83], &((1e9 / fps) as u64).to_be_bytes()));
    let shape = [duration.unwrap_or_default(), element(&[0xe0], &[])].concat();
    let picture = picture.map(|head| track(PICTURE_TRACK, 1, head, &shape));
    let sound = sound.map(|head| track(SOUND_TRACK, 2, head, &element(&[0xe1], &[])));
    let tracks = [picture.unwrap_or_default(), sound.unwrap_or_default()].concat();
    [
        element(&[0x1a, 0x45, 0xdf, 0xa3], &ebml.concat()),
        vec![0x18, 0x53, 0x80, 0x67, UNKNOWN_SIZE], // Segment
        element(&[0x15, 0x49, 0xa9, 0x66], &info),
        element(&[0x16, 0x54, 0xae, 0x6b], &tracks),
    ]
    .concat()
}

/// A frame, shown at this time.
pub(super) fn frame(codec: Codec, shown_at_ms: u64, is_key: bool, data: &[u8]) -> Vec<u8> {
    let track = if is_picture(codec) { PICTURE_TRACK } else { SOUND_TRACK };
    // The number as EBML has it, no distance from the cluster's time, and a flag.
    let mut block = Vec::with_capacity(data.len() + 4);
    block.extend([0x80 | track, 0, 0, if is_key { 0x80 } else { 0 }]);
    block.extend_from_slice(data);
    let cluster = [element(&[0xe7], &shown_at_ms.to_be_bytes()), element(&[0xa3], &block)].concat();
    element(&[0x1f, 0x43, 0xb6, 0x75], &cluster)
}

pub(super) fn is_picture(codec: Codec) -> bool {
    matches!(codec, Codec::H264 | Codec::Hevc | Codec::Av1 | Codec::Vp9)
}

/// As Matroska wants it.
fn private(head: &Head) -> Vec<u8> {
    match head.codec {
        Codec::Flac if !head.config.starts_with(b"fLaC") => {
            let size = (head.config.len() as u32).to_be_bytes();
            // The last block, of kind 0 (RFC 9639 8.1).
            [b"fLaC\x80", &size[1..], &head.config].concat()
        }
        _ => head.config.clone(),
    }
}

fn track(number: u8, kind: u8, head: &Head, shape: &[u8]) -> Vec<u8> {
    let codec: &[u8] = match head.codec {
        Codec::H264 => b"V_MPEG4/ISO/AVC",
        Codec::Hevc => b"V_MPEGH/ISO/HEVC",
        Codec::Av1 => b"V_AV1",
        Codec::Vp9 => b"V_VP9",
        Codec::Aac => b"A_AAC",
        Codec::Mp3 => b"A_MPEG/L3",
        Codec::Opus => b"A_OPUS",
        Codec::Flac => b"A_FLAC",
    };
    let entry = [
        element(&[0xd7], &[number]),            // TrackNumber
        element(&[0x73, 0xc5], &[number]),      // TrackUID
        element(&[0x83], &[kind]),              // TrackType
        element(&[0x86], codec),                // CodecID
        element(&[0x63, 0xa2], &private(head)), // CodecPrivate
        shape.to_vec(),
    ];
    element(&[0xae], &entry.concat())
}

/// Name, size in eight bytes, content.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let mut size = (content.len() as u64).to_be_bytes();
    size[0] = 1;
    [id, &size, content].concat()
}
