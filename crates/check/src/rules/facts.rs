//! What is true of a segment, as far as the rules ask for it. The caller reads it from the bytes.

/// What is true of one segment file.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFacts {
    /// As the playlist has it.
    pub uri: String,
    /// Size of the file.
    pub bytes: u64,
    /// What the file is.
    pub container: Container,
    /// Whether PAT and PMT come before all else; true where the container has none.
    pub starts_with_pat_pmt: bool,
    /// Whether the video begins with an IDR picture; `None` without video, or where it is not known.
    pub starts_with_idr: Option<bool>,
    /// Whether its first picture carries its parameter sets; `None` without video.
    pub starts_with_parameter_sets: Option<bool>,
    /// How long its pictures last, the last one included; of a segment without video, its sound. `None` when not known.
    pub video_duration_s: Option<f64>,
    /// How long one picture lasts, or one audio frame where there is no video; `None` when not known.
    pub frame_s: Option<f64>,
    /// Its first time stamp, 33 bits.
    pub start_90k: Option<u64>,
    /// Where the next segment has to begin, 33 bits.
    pub end_90k: Option<u64>,
    /// Whether all continuity counters run on within the file; true where the container has none.
    pub continuity_ok_inside: bool,
    /// Counters of all PIDs with payload.
    pub counters: Vec<CounterFacts>,
    /// The same for segments between which a decoder needs no new set-up, and only for those: number, types and
    /// identifiers of tracks, codecs, size, rates. Empty when not known.
    pub streams_key: String,
    /// How many streams of sound it has.
    pub audio_streams: u32,
    /// How many keyframes its video has; `None` without video, or where it is not known.
    pub keyframes: Option<u64>,
    /// Of MPEG-TS: the type of its video, ISO 13818-1 table 2-34; `None` without video, or where it is not known.
    pub video_stream_type: Option<u8>,
    /// Why nothing else is known: it is missing, cut, no media. All else is then ignored.
    pub problem: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-TS.
    Ts,
    /// Fragmented MP4.
    Fmp4,
    /// Packed audio, `WebVTT`, anything else.
    Other,
}

/// The continuity counter of one PID of a TS segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterFacts {
    /// The PID.
    pub pid: u16,
    /// Of its first packet with payload.
    pub first: u8,
    /// Of its last packet with payload.
    pub last: u8,
}
