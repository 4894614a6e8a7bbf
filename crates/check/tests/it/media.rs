//! What is true of segments that were never filmed.

use livedir_check::rules::SegmentFacts;
use livedir_media::{
    AudioCodec, AudioFacts, Container, Counter, ElementaryStream, Facts, VideoCodec, VideoFacts,
};

const VIDEO: ElementaryStream = ElementaryStream { pid: 256, stream_type: 0x1b, format: None };

/// A stream of sound, AAC.
pub const AUDIO: ElementaryStream = ElementaryStream { pid: 257, stream_type: 0x0f, format: None };

const CODEC: AudioCodec = AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 };

/// A segment with picture and sound, one keyframe at its start, and one packet.
pub fn segment(uri: String, start_90k: u64, duration_90k: u64, frame_interval_90k: u64) -> SegmentFacts {
    let start_90k = start_90k % (1 << 33);
    let end_90k = (start_90k + duration_90k) % (1 << 33);
    let media = Facts {
        start_90k,
        duration_90k,
        frame_interval_90k,
        video: Some(VideoFacts {
            codec: VideoCodec::H264,
            start_90k,
            duration_90k,
            frame_interval_90k,
            last_picture: livedir_media::LastPicture::default(),
            decoding: None,
            frames: duration_90k / frame_interval_90k.max(1),
            keyframes: 1,
            starts_with_keyframe: true,
            starts_with_parameter_sets: true,
            has_captions: false,
            picture: None,
            changes_to: None,
            sps: vec![0x67, 0x42],
        }),
        audio: Some(AudioFacts { start_90k, end_90k, codec: CODEC }),
        programs: 1,
        streams: vec![VIDEO, AUDIO],
        counters: Vec::new(),
        tables_first: true,
        trailing_bytes: 0,
    };
    let container = Container::Ts;
    SegmentFacts { uri, bytes: 188_000, container, media: Some(media), foreign: Vec::new(), problem: None }
}

/// The counter of the video.
pub fn counter(first: u8, last: u8) -> Counter {
    Counter { pid: VIDEO.pid, first: first % 16, last: last % 16, breaks: 0 }
}

/// What is known of it, to be changed.
pub fn of(facts: &mut SegmentFacts) -> &mut Facts {
    facts.media.as_mut().unwrap()
}

/// What is known of its video, to be changed.
pub fn video_of(facts: &mut SegmentFacts) -> &mut VideoFacts {
    of(facts).video.as_mut().unwrap()
}

/// The whole of it begins later.
pub fn later(facts: &mut SegmentFacts, by_90k: u64) {
    let media = of(facts);
    media.start_90k = (media.start_90k + by_90k) % (1 << 33);
}
