//! Status: what the stream is doing, as one JSON file that monitors and the player page read.
//!
//! In: the newest segment, the playlist and the meters. Out: [`Status`], which the watcher writes as `status.json` after each
//! segment and each change of the state, within a limit of the rate. Pure: the time is an argument. Every name carries its unit.

use crate::meters::Meters;
use crate::source_state::SourceState;
use jiff::Timestamp;
use livedir_media::{AudioCodec, AudioFacts, Facts};
use livedir_playlist::MediaPlaylist;
use livedir_time::ticks::{bits_per_second_rounded_down, pictures_per_second, seconds};
use serde::Serialize;

/// The contents of `status.json`. Sums count from the start of this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Whether more will come.
    pub state: State,
    /// When this run began.
    pub started_at: Timestamp,
    /// When this was written.
    pub updated_at: Timestamp,
    /// The title of the stream. Paths and addresses of the source are private: only the log has them.
    pub title: String,
    /// The state of the source; `None` for files of another encoder.
    pub source: Option<SourceState>,
    /// Number of the first segment listed.
    pub media_sequence_first: u64,
    /// Number of the last segment listed; one less than the first when none is.
    pub media_sequence_last: u64,
    /// Segments listed.
    pub segments_published: u64,
    /// The newest segment.
    pub segment: Option<SegmentStatus>,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: u32,
    /// How much the playlist lists.
    pub window_s: f64,
    /// The video of the newest segment.
    pub video: Option<VideoStatus>,
    /// The audio of the newest segment.
    pub audio: Option<AudioStatus>,
    /// Frames that the source delivered.
    pub pictures_captured: u64,
    /// Grid times that repeated the previous frame.
    pub frames_duplicated: u64,
    /// Captured frames that were not used.
    pub pictures_dropped: u64,
    /// Frames that an encoder had no time for, of all sizes.
    pub pictures_shed: u64,
    /// Segments that an encoder had no time for, of all sizes.
    pub segments_left_out: u64,
    /// Grid times that showed the slate.
    pub frames_slate: u64,
    /// Grid times left out because the encoder could not keep up.
    pub frames_skipped: u64,
    /// Times that the source was lost.
    pub source_losses: u64,
    /// Discontinuities listed.
    pub discontinuities: u64,
    /// Files that could not be listed.
    pub segments_refused: u64,
    /// Since when no segment has come, where one is overdue: the time of the last one.
    pub silent_since: Option<Timestamp>,
    /// From the rename of the newest segment to the rename of the playlist that lists it.
    pub publish_lag_ms: f64,
}

/// Whether more will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// On air.
    Live,
    /// The publisher has stopped.
    Ended,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentStatus {
    /// File name.
    pub name: String,
    /// EXTINF.
    pub duration_s: f64,
    /// Size.
    pub bytes: u64,
    /// When its first frame was captured.
    pub filmed_at: Option<Timestamp>,
}

/// Video.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoStatus {
    /// As in RFC 6381.
    pub codec: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: f64,
    /// Of the whole segment, sound and multiplex included.
    pub bitrate_bps: u64,
}

/// Audio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioStatus {
    /// `aac`, or the stream type.
    pub codec: String,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
    /// Channels.
    pub channels: Option<u8>,
}

/// The newest segment, as the watcher knows it.
#[derive(Debug, Clone)]
pub struct Newest {
    /// Name, duration, size and date.
    pub segment: SegmentStatus,
    /// What its bytes say.
    pub facts: Facts,
}

impl Newest {
    /// Bits per second.
    #[must_use]
    pub fn bitrate_bps(&self) -> u64 {
        bits_per_second_rounded_down(self.segment.bytes, self.facts.duration_90k)
    }
}

/// Puts the status together.
#[must_use]
pub fn status(
    started_at: Timestamp,
    updated_at: Timestamp,
    playlist: &MediaPlaylist,
    newest: Option<&Newest>,
    meters: &Meters,
) -> Status {
    Status {
        state: if playlist.ended { State::Ended } else { State::Live },
        started_at,
        updated_at,
        title: meters.title(),
        source: meters.source_state(),
        media_sequence_first: playlist.media_sequence,
        media_sequence_last: playlist.next_media_sequence().saturating_sub(1),
        segments_published: meters.segments_published.get(),
        segment: newest.map(|newest| newest.segment.clone()),
        target_duration_s: playlist.target_duration_s,
        window_s: seconds(playlist.duration_90k()),
        video: newest.and_then(video),
        audio: newest.and_then(|newest| newest.facts.audio.as_ref()).map(audio),
        pictures_captured: meters.pictures_captured.get(),
        frames_duplicated: meters.frames_duplicated.get(),
        pictures_dropped: meters.pictures_dropped.get(),
        pictures_shed: meters.pictures_shed.get(),
        segments_left_out: meters.segments_left_out.get(),
        frames_slate: meters.frames_slate.get(),
        frames_skipped: meters.frames_skipped.get(),
        source_losses: meters.source_losses.get(),
        discontinuities: meters.discontinuities.get(),
        segments_refused: meters.segments_refused.get(),
        silent_since: None,
        publish_lag_ms: meters.publish_lag_us.get() as f64 / 1_000.0,
    }
}

fn video(newest: &Newest) -> Option<VideoStatus> {
    let video = newest.facts.video.as_ref()?;
    let picture = video.picture.as_ref();
    let fps = pictures_per_second(video.frame_interval_90k).unwrap_or(0.0);
    Some(VideoStatus {
        codec: picture.map(|picture| picture.codec.clone()),
        width: picture.map(|picture| picture.width),
        height: picture.map(|picture| picture.height),
        fps: (fps * 1_000.0).round() / 1_000.0,
        bitrate_bps: newest.bitrate_bps(),
    })
}

fn audio(audio: &AudioFacts) -> AudioStatus {
    match audio.codec {
        AudioCodec::Aac { sample_rate_hz, channels } => AudioStatus {
            codec: "aac".to_owned(),
            sample_rate_hz: Some(sample_rate_hz),
            channels: Some(channels),
        },
        AudioCodec::Other(stream_type) => {
            AudioStatus { codec: format!("0x{stream_type:02x}"), sample_rate_hz: None, channels: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn playlist() -> MediaPlaylist {
        livedir_playlist::parse(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:41\n#EXTINF:2,\na.ts\n#EXTINF:1.05,\nb.ts\n",
        )
        .expect("a playlist")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn status_before_the_first_segment_says_what_is_known() {
        let meters = Meters::default();
        meters.set_title("Harbour");
        meters.set_source(SourceState::Here, "rtsp://cam.local/1, h264 at 25 fps");
        meters.publish_lag_us.set(1_250);
        let status = status(at(0), at(60), &playlist(), None, &meters);
        let json = serde_json::to_value(&status).expect("JSON");
        assert_eq!(json["state"], "live");
        assert_eq!(json["started_at"], "1970-01-01T00:00:00Z");
        assert_eq!((&json["title"], &json["source"]), (&json!("Harbour"), &json!("here")));
        assert!(!json.to_string().contains("cam.local"), "{json}");
        assert_eq!((&json["media_sequence_first"], &json["media_sequence_last"]), (&json!(41), &json!(42)));
        assert_eq!(json["window_s"], 3.05);
        assert_eq!(json["publish_lag_ms"], 1.25);
        assert_eq!((&json["segment"], &json["video"]), (&json!(null), &json!(null)));
    }

    #[test]
    fn status_tells_the_newest_segment() {
        use livedir_media::{Facts, LastPicture, VideoCodec, VideoFacts};
        let video = VideoFacts {
            codec: VideoCodec::H264,
            start_90k: 0,
            duration_90k: 180_000,
            frame_interval_90k: 3_003,
            last_picture: LastPicture::default(),
            decoding: None,
            frames: 60,
            keyframes: 1,
            starts_with_keyframe: true,
            starts_with_parameter_sets: true,
            has_captions: false,
            picture: None,
            changes_to: None,
            sps: Vec::new(),
        };
        let codec = AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 };
        let facts = Facts {
            start_90k: 0,
            duration_90k: 180_000,
            frame_interval_90k: 3_003,
            video: Some(video),
            audio: Some(AudioFacts { start_90k: 0, end_90k: 180_000, codec }),
            programs: 1,
            streams: Vec::new(),
            counters: Vec::new(),
            tables_first: true,
            trailing_bytes: 0,
        };
        let name = "seg-00000042.ts".to_owned();
        let segment = SegmentStatus { name, duration_s: 2.0, bytes: 250_000, filmed_at: Some(at(58)) };
        let newest = Newest { segment, facts };
        let mut ended = playlist();
        ended.ended = true;
        let json = serde_json::to_value(status(at(0), at(60), &ended, Some(&newest), &Meters::default()));
        let json = json.expect("JSON");
        assert_eq!(json["state"], "ended");
        assert_eq!(json["segment"]["name"], "seg-00000042.ts");
        assert_eq!(json["segment"]["filmed_at"], "1970-01-01T00:00:58Z");
        assert_eq!(
            (&json["video"]["fps"], &json["video"]["bitrate_bps"]),
            (&json!(29.97), &json!(1_000_000))
        );
        assert_eq!(json["audio"], json!({"codec": "aac", "sample_rate_hz": 48_000, "channels": 2}));
    }
}
