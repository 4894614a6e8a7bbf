use super::*;
use crate::queue::capture;
use crate::queue::picture::WhenLate;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::sample::{Sample, Type};
use std::sync::mpsc;

#[test]
fn sound_that_waited_while_the_machine_stood_still_is_heard() {
    let packets = take_a_tone(140, Duration::from_secs(3), None);
    assert!(packets.heard >= 128, "{packets:?} of 21 ms, of 2.8 s");
}

#[test]
fn what_is_taken_after_the_end_of_the_source_is_followed_by_nothing() {
    let packets = take_a_tone(100, Duration::from_secs(20), Some(Duration::from_secs(2)));
    assert!(packets.heard >= 90 && packets.all <= 96, "{packets:?} of 21 ms, of 2 s");
}

#[test]
fn the_last_segment_before_a_leap_has_sound_to_its_end() {
    let meters = Arc::<Meters>::default();
    let settings = GridSettings {
        fps: 5,
        segment_frames: 10,
        filter: FilterSettings::default(),
        has_slate: true,
        slate_after: None,
    };
    let (packets, encoded) = mpsc::sync_channel(1000);
    let (shown, _shown) = crate::queue::picture::channel(20, WhenLate::Wait, "16x16", meters.clone());
    let sound = SoundLine { audio_bps: 128_000, is_alone: false, packets };
    let origin = Instant::now();
    let mut grid = Grid::start(&settings, origin, pictures(shown), Some(sound), &meters).unwrap();
    grid.take_picture(grey(origin));
    grid.leap_if_lost(origin + Duration::from_secs(10)).unwrap();
    grid.finish().unwrap();
    let packets: Vec<_> =
        encoded
            .iter()
            .filter_map(|it| {
                if let Encoded::Packet(packet) = it { Some(packet.dts_90k - START_90K) } else { None }
            })
            .collect();
    // The frame is shown for 200 ms; the encoder puts one packet before its first.
    assert!(packets.iter().filter(|dts_90k| **dts_90k < 18_000).count() >= 9, "{packets:?}");
    assert!(packets.iter().all(|dts_90k| *dts_90k < 18_000 || *dts_90k > 800_000), "{packets:?}");
}

#[derive(Debug)]
struct Packets {
    heard: usize,
    all: usize,
}

/// A picture and runs of 20 ms of a tone that waited, the first of them for `waited`, beside the end of the source where
/// it has ended, so long after them. Gives how many packets of sound that makes.
fn take_a_tone(runs: u32, waited: Duration, ended_after: Option<Duration>) -> Packets {
    let meters = Arc::<Meters>::default();
    let (sender, receiver) = capture::channel(meters.clone());
    let origin = Instant::now().checked_sub(waited).expect("the machine runs for longer");
    sender.send(Captured::Picture(grey(origin)));
    for n in 0..runs {
        let mono = ffmpeg::ChannelLayout::MONO;
        let mut frame = ffmpeg::frame::Audio::new(Sample::F32(Type::Packed), 960, mono);
        frame.set_rate(48_000);
        let tone = (0..960).map(|sample| (f64::from(sample) * 0.13).sin() as f32 * 0.4);
        let bytes: Vec<u8> = tone.flat_map(f32::to_le_bytes).collect();
        frame.data_mut(0)[..bytes.len()].copy_from_slice(&bytes);
        let captured_at = origin + Duration::from_millis(20) * n;
        sender.send(Captured::Sound(CapturedSound { frame, captured_at, stretch: 0.0 }));
    }
    sender.close_at(ended_after.map_or_else(Instant::now, |after| origin + after));
    let settings = GridSettings {
        fps: 5,
        segment_frames: 10,
        filter: FilterSettings::default(),
        has_slate: true,
        slate_after: None,
    };
    let (packets, encoded) = mpsc::sync_channel(1000);
    let (shown, _shown) = crate::queue::picture::channel(20, WhenLate::Wait, "16x16", meters.clone());
    let sound = SoundLine { audio_bps: 128_000, is_alone: false, packets };
    run(&receiver, &settings, pictures(shown), Some(sound), &meters).unwrap();
    // Silence takes a few bytes only.
    let is_sound = |it: &Encoded| matches!(it, Encoded::Packet(packet) if packet.packet.size() > 40);
    let packets: Vec<_> = encoded.iter().filter(|it| matches!(it, Encoded::Packet(_))).collect();
    Packets { heard: packets.iter().filter(|it| is_sound(it)).count(), all: packets.len() }
}

fn pictures(shown: PictureSender) -> PictureLines {
    PictureLines { rungs: vec![shown], still: None, slate: None, awaits_picture: true }
}

fn grey(captured_at: Instant) -> CapturedPicture {
    let mut frame = ffmpeg::frame::Video::new(ffmpeg::format::Pixel::YUV420P, 16, 16);
    frame.data_mut(0).fill(16);
    CapturedPicture { frame: frame.into(), captured_at, captions: Captions::default() }
}
