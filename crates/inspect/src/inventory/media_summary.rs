//! Media summary: video, sound and rates of what was looked into. Pure.

use crate::model::inventory::{Row, State};
use crate::model::media_summary::{AudioSummary, MediaSummary, VideoSummary};
use livedir_media::{AudioCodec, ElementaryStream, Facts};
use livedir_time::ticks::seconds;

/// Sums up, from `facts` and `rows` in order from old to new.
pub(crate) fn media_summary<'a>(
    facts: impl DoubleEndedIterator<Item = &'a Facts> + Clone,
    rows: &[Row],
) -> MediaSummary {
    // What is being written has its keyframe and little else so far.
    let whole = || rows.iter().filter(|row| row.state != State::BeingWritten);
    let measured = || whole().filter_map(|row| Some((row.bytes?, row.duration_s.filter(|it| *it > 0.0)?)));
    // One without parameter sets says less than the one before it.
    let described = facts.clone().rev().filter_map(video).find(|video| video.codec.is_some());
    let duration_s: f64 = measured().map(|(_, duration_s)| duration_s).sum();
    let bytes: u64 = measured().map(|(bytes, _)| bytes).sum();
    MediaSummary {
        video: described.or_else(|| facts.clone().rev().find_map(video)),
        audio: facts.rev().find_map(audio),
        bitrate_average_bps: (duration_s > 0.0).then(|| (bytes as f64 * 8.0 / duration_s).round() as u64),
        bitrate_peak_bps: whole().filter_map(|row| row.bitrate_bps).max(),
    }
}

fn video(facts: &Facts) -> Option<VideoSummary> {
    let video = facts.video.as_ref()?;
    let picture = video.picture.as_ref();
    let interval_s = seconds(video.frame_interval_90k);
    Some(VideoSummary {
        codec: picture.map(|picture| picture.codec.clone()),
        width: picture.map(|picture| picture.width),
        height: picture.map(|picture| picture.height),
        fps: (interval_s > 0.0).then(|| (1_000.0 / interval_s).round() / 1_000.0),
    })
}

fn audio(facts: &Facts) -> Option<AudioSummary> {
    Some(match facts.audio.as_ref()?.codec {
        AudioCodec::Aac { sample_rate_hz, channels } => AudioSummary {
            codec: "aac".to_owned(),
            sample_rate_hz: Some(sample_rate_hz),
            // 0: the stream tells them in another place.
            channels: (channels > 0).then_some(channels),
        },
        AudioCodec::Other(stream_type) => {
            AudioSummary { codec: stream_name(stream_type), sample_rate_hz: None, channels: None }
        }
    })
}

/// What the PMT names, in its order.
pub(crate) fn stream_names(streams: &[ElementaryStream]) -> Vec<String> {
    let name = |stream: &ElementaryStream| {
        if stream.is_opus() { "opus".to_owned() } else { stream_name(stream.stream_type) }
    };
    streams.iter().map(name).collect()
}

/// ISO 13818-1 table 2-34, and what ATSC and Apple added.
pub(crate) fn stream_name(stream_type: u8) -> String {
    let name = match stream_type {
        0x01 | 0x02 => "mpeg2",
        0x03 | 0x04 => "mp3",
        0x06 => "private",
        0x0f => "aac",
        0x10 => "mpeg4",
        0x11 => "latm",
        0x15 => "id3",
        0x1b => "h264",
        0x24 => "hevc",
        0x81 => "ac3",
        0x86 => "scte35",
        0x87 => "eac3",
        _ => return format!("0x{stream_type:02x}"),
    };
    name.to_owned()
}
