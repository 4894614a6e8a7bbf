//! What is true of a segment or a part, as far as the rules ask for it.
//!
//! In: what `livedir-media` has read from the bytes. Out: the times, streams and frames that rules compare; `None` where
//! that is not known. Pure.

use livedir_media::{AudioCodec, Container, ElementaryStream, Facts, Foreign, VideoCodec, VideoFacts};
use livedir_time::ticks::exact_seconds;

/// What is true of one segment file.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFacts {
    /// As the playlist has it.
    pub uri: String,
    /// Size of the file.
    pub bytes: u64,
    /// What the file is.
    pub container: Container,
    /// What its bytes hold; `None` where they are no MPEG-TS, or were not looked into.
    pub media: Option<Facts>,
    /// What in it players do not play, or few of them.
    pub foreign: Vec<Foreign>,
    /// Why nothing else is known: it is missing, cut, no media. All else is then ignored.
    pub problem: Option<String>,
}

/// What a decoder has to be set up for.
#[derive(PartialEq)]
pub(crate) struct DecoderSetUp<'a> {
    streams: &'a [ElementaryStream],
    sps: Option<&'a [u8]>,
    audio: Option<AudioCodec>,
}

impl SegmentFacts {
    /// Its first time stamp, 33 bits.
    pub(crate) fn start_90k(&self) -> Option<u64> {
        self.media.as_ref().map(|media| media.start_90k)
    }

    /// Where the next segment has to begin, 33 bits.
    pub(crate) fn end_90k(&self) -> Option<u64> {
        self.of_known_length().map(Facts::end_90k)
    }

    /// How long its frames last, the last one included; of a segment without video, its sound.
    pub(crate) fn duration_s(&self) -> Option<f64> {
        self.of_known_length().map(|media| exact_seconds(media.duration_90k))
    }

    /// How long one frame of the video lasts, or one audio frame where there is no video.
    pub(crate) fn frame_s(&self) -> Option<f64> {
        self.of_known_length().map(|media| exact_seconds(media.frame_interval_90k))
    }

    /// Whether PAT and PMT come before all else; so it is taken where that is not known.
    pub(crate) fn starts_with_tables(&self) -> bool {
        self.media.as_ref().is_none_or(|media| media.tables_first)
    }

    /// Its video, if it has any.
    pub(crate) fn video(&self) -> Option<&VideoFacts> {
        self.media.as_ref()?.video.as_ref()
    }

    /// How long its sound lasts.
    pub(crate) fn sound_s(&self) -> Option<f64> {
        Some(exact_seconds(self.media.as_ref()?.audio.as_ref()?.duration_90k()))
    }

    /// How many keyframes its video has.
    pub(crate) fn keyframes(&self) -> Option<u64> {
        self.video().map(|video| video.keyframes)
    }

    /// Whether a continuity counter does not run on within it.
    pub(crate) fn has_counter_breaks(&self) -> bool {
        self.media.as_ref().is_some_and(|media| media.counter_breaks() > 0)
    }

    /// How many streams of sound it has.
    pub(crate) fn audio_streams(&self) -> usize {
        self.media
            .as_ref()
            .map_or(0, |media| media.streams.iter().filter(|stream| is_audio(stream.stream_type)).count())
    }

    /// The same for segments between which a decoder needs no new set-up, and only for those. `None` where a track is named
    /// and nothing of it came: a segment that happens to be short of sound is no change of format.
    pub(crate) fn decoder_set_up(&self) -> Option<DecoderSetUp<'_>> {
        let media = self.media.as_ref()?;
        let names = |is_of_it: fn(u8) -> bool| media.streams.iter().any(|it| is_of_it(it.stream_type));
        if names(is_audio) != media.audio.is_some() || names(is_video) != media.video.is_some() {
            return None;
        }
        Some(DecoderSetUp {
            streams: &media.streams,
            sps: media.video.as_ref().map(|video| video.sps.as_slice()),
            audio: media.audio.as_ref().map(|audio| audio.codec),
        })
    }

    /// Frames of no known length have an end that is not known either.
    fn of_known_length(&self) -> Option<&Facts> {
        self.media.as_ref().filter(|media| media.duration_90k > 0 && media.frame_interval_90k > 0)
    }
}

/// ISO 13818-1 table 2-34: MPEG-1 and MPEG-2 audio, AAC in ADTS and LATM, AC-3, E-AC-3.
fn is_audio(stream_type: u8) -> bool {
    matches!(stream_type, 0x03 | 0x04 | 0x0f | 0x11 | 0x81 | 0x87)
}

fn is_video(stream_type: u8) -> bool {
    VideoCodec::of_stream_type(stream_type).is_some()
}
