//! Channels: where the loudspeakers of decoded sound stand.
//!
//! In: a run of samples. Out: the same run with a channel layout, which the resampler asks for. Decoders of PCM and G.711 know how many
//! channels there are and not where they belong: one is mono, two are stereo, and so on. Where no usual layout has so many channels, the
//! first two are heard.

use ffmpeg_next::ChannelLayout;
use ffmpeg_next::frame::Audio;

/// The run with a layout of its channels.
pub(super) fn placed(mut sound: Audio) -> Audio {
    if !sound.channel_layout().is_empty() {
        return sound;
    }
    let usual = ChannelLayout::default(i32::from(sound.channels()));
    if usual.is_empty() && sound.channels() > 2 {
        return first_two(&sound);
    }
    sound.set_channel_layout(usual);
    sound
}

/// The first two channels alone.
fn first_two(sound: &Audio) -> Audio {
    let format = sound.format();
    let mut pair = Audio::new(format, sound.samples(), ChannelLayout::STEREO);
    pair.set_rate(sound.rate());
    let (sample, samples) = (format.bytes(), sound.samples());
    if format.is_planar() {
        for channel in 0..2 {
            let bytes = sample * samples;
            pair.data_mut(channel)[..bytes].copy_from_slice(&sound.data(channel)[..bytes]);
        }
        return pair;
    }
    let group = sample * usize::from(sound.channels());
    let groups = sound.data(0).chunks_exact(group).take(samples);
    for (two, all) in pair.data_mut(0).chunks_exact_mut(2 * sample).zip(groups) {
        two.copy_from_slice(&all[..2 * sample]);
    }
    pair
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg_next::format::Sample;
    use ffmpeg_next::format::sample::Type;

    #[test]
    fn of_more_channels_than_any_layout_has_the_first_two_are_heard() {
        for kind in [Type::Packed, Type::Planar] {
            // Sample `n` of channel `c` is `100 n + c`.
            let mut sound = Audio::new(Sample::I16(kind), 4, ChannelLayout::HEXADECAGONAL);
            sound.set_rate(8000);
            for (n, c) in (0..4_u16).flat_map(|n| (0..16_u16).map(move |c| (n, c))) {
                let (plane, at) = if kind == Type::Planar { (c, n) } else { (0, n * 16 + c) };
                let at = 2 * usize::from(at);
                sound.data_mut(usize::from(plane))[at..at + 2].copy_from_slice(&(100 * n + c).to_ne_bytes());
            }
            let pair = first_two(&sound);
            assert_eq!(
                (pair.channel_layout(), pair.rate(), pair.samples()),
                (ChannelLayout::STEREO, 8000, 4)
            );
            let samples = |plane: usize, count: usize| -> Vec<u16> {
                let bytes = pair.data(plane)[..2 * count].chunks(2);
                bytes.map(|two| u16::from_ne_bytes([two[0], two[1]])).collect()
            };
            if kind == Type::Planar {
                assert_eq!((samples(0, 4), samples(1, 4)), (vec![0, 100, 200, 300], vec![1, 101, 201, 301]));
            } else {
                assert_eq!(samples(0, 8), [0, 1, 100, 101, 200, 201, 300, 301]);
            }
        }
    }
}
