//! Multivariant playlists: which renditions of a stream there are, for players to choose from (RFC 8216 4.3.4).
//!
//! In: what was measured of each rendition. Out: the text. No thread.

use std::fmt::{self, Write as _};

/// The group that the sound is in.
const AUDIO_GROUP: &str = "sound";

/// One rendition of the video, in one size and bit rate (EXT-X-STREAM-INF).
#[derive(Debug, Clone, PartialEq)]
pub struct VariantStream {
    /// Of its media playlist, relative to this one.
    pub uri: String,
    /// Bits a second of the video and its sound.
    pub rates: Rates,
    /// As in RFC 6381, of the video and its sound; those that are known.
    pub codecs: Vec<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second.
    pub frame_rate: Option<f64>,
}

/// Bits a second (RFC 8216 4.3.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// BANDWIDTH: the largest of any segment.
    pub peak_bps: u64,
    /// AVERAGE-BANDWIDTH.
    pub average_bps: u64,
}

/// An average that has moved by less than this part of itself is not worth a new playlist.
const MOVED: f64 = 0.1;

impl Rates {
    /// What to write after `self` was written and `measured` is true now: a peak never falls, an average is left as it is
    /// while it is about right.
    #[must_use]
    pub fn settled(self, measured: Rates) -> Rates {
        let moved = measured.average_bps.abs_diff(self.average_bps) as f64;
        let average_bps =
            if moved > MOVED * self.average_bps as f64 { measured.average_bps } else { self.average_bps };
        Rates { peak_bps: self.peak_bps.max(measured.peak_bps), average_bps }
    }
}

/// Puts variants in the order of their pictures, the largest first, and raises the rates of a picture that is larger than another
/// and was measured with less. Such a picture costs a viewer little; a player that looks at rates alone would take the smaller one
/// for the better, and stay there. Only pictures of the same codec are compared.
pub fn put_in_order(variants: &mut [VariantStream]) {
    let pixels = |variant: &VariantStream| {
        variant.resolution.map(|(width, height)| u64::from(width) * u64::from(height))
    };
    variants.sort_by_key(|variant| std::cmp::Reverse(pixels(variant)));
    let codec = |variant: &VariantStream| {
        variant.codecs.first().and_then(|it| it.split('.').next()).map(str::to_owned)
    };
    for at in (0..variants.len()).rev() {
        let (larger, smaller) = variants.split_at_mut(at);
        let Some(smaller) = smaller.first().filter(|it| it.resolution.is_some()) else { continue };
        for it in larger.iter_mut().filter(|it| codec(it) == codec(smaller)) {
            it.rates.peak_bps = it.rates.peak_bps.max(smaller.rates.peak_bps);
            it.rates.average_bps = it.rates.average_bps.max(smaller.rates.average_bps);
        }
    }
}

/// Sound that all variants share (EXT-X-MEDIA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedAudio {
    /// Of its media playlist, relative to this one.
    pub uri: String,
    /// How many channels it has.
    pub channels: Option<u8>,
}

/// The text of a multivariant playlist.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "a String takes all that is written")]
pub fn render_multivariant(variants: &[VariantStream], audio: Option<&SharedAudio>) -> String {
    let mut text = String::new();
    write_all(&mut text, variants, audio).expect("writing to a String never fails");
    text
}

fn write_all(text: &mut String, variants: &[VariantStream], audio: Option<&SharedAudio>) -> fmt::Result {
    writeln!(text, "#EXTM3U")?;
    // RFC 8216 7: the tags here need no higher version; that of the media playlists.
    writeln!(text, "#EXT-X-VERSION:3")?;
    // Apple's authoring specification 9.11: MUST.
    writeln!(text, "#EXT-X-INDEPENDENT-SEGMENTS")?;
    if let Some(audio) = audio {
        write!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\",NAME=\"Sound\",LANGUAGE=\"und\",DEFAULT=YES,AUTOSELECT=YES"
        )?;
        if let Some(channels) = audio.channels {
            write!(text, ",CHANNELS=\"{channels}\"")?;
        }
        writeln!(text, ",URI=\"{}\"", audio.uri)?;
    }
    for variant in variants {
        let Rates { peak_bps, average_bps } = variant.rates;
        write!(text, "#EXT-X-STREAM-INF:BANDWIDTH={peak_bps},AVERAGE-BANDWIDTH={average_bps}")?;
        if !variant.codecs.is_empty() {
            write!(text, ",CODECS=\"{}\"", variant.codecs.join(","))?;
        }
        if let Some((width, height)) = variant.resolution {
            write!(text, ",RESOLUTION={width}x{height}")?;
        }
        if let Some(frame_rate) = variant.frame_rate {
            write!(text, ",FRAME-RATE={frame_rate:.3}")?;
        }
        if audio.is_some() {
            write!(text, ",AUDIO=\"{AUDIO_GROUP}\"")?;
        }
        writeln!(text, "\n{}", variant.uri)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::{Listing, read_listing};

    #[test]
    fn every_variant_says_what_a_player_needs_to_choose() {
        let variant = |uri: &str, peak_bps| VariantStream {
            uri: uri.to_owned(),
            rates: Rates { peak_bps, average_bps: peak_bps / 2 },
            codecs: vec!["avc1.64001f".to_owned(), "mp4a.40.2".to_owned()],
            resolution: Some((1280, 720)),
            frame_rate: Some(20.0),
        };
        let audio = SharedAudio { uri: "live/audio/stream.m3u8".to_owned(), channels: Some(2) };
        let silent =
            VariantStream { codecs: Vec::new(), resolution: None, frame_rate: None, ..variant("b", 7) };
        let text = render_multivariant(&[variant("live/720p/stream.m3u8", 3_000_000), silent], Some(&audio));
        assert_eq!(
            text,
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Sound\",LANGUAGE=\"und\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",\
             URI=\"live/audio/stream.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=1500000,CODECS=\"avc1.64001f,mp4a.40.2\",\
             RESOLUTION=1280x720,FRAME-RATE=20.000,AUDIO=\"sound\"\nlive/720p/stream.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=7,AVERAGE-BANDWIDTH=3,AUDIO=\"sound\"\nb\n"
        );
        let Listing::Multivariant(listing) = read_listing(&text) else { panic!("{text}") };
        assert_eq!((listing.variants.len(), listing.renditions.len()), (2, 1));
    }

    #[test]
    fn no_smaller_picture_is_declared_with_a_higher_rate_than_a_larger_one() {
        let variant = |(width, height), codec: &str, peak_bps| VariantStream {
            uri: format!("{height}p"),
            rates: Rates { peak_bps, average_bps: peak_bps / 2 },
            codecs: vec![codec.to_owned(), "mp4a.40.2".to_owned()],
            resolution: Some((width, height)),
            frame_rate: None,
        };
        let (avc, hevc) = ("avc1.64001f", "hvc1.1.6.L93.B0");
        let mut variants = [
            variant((640, 360), "avc1.64001e", 800),
            variant((426, 240), avc, 300),
            variant((1920, 1080), hevc, 500),
            variant((1280, 720), avc, 600),
        ];
        put_in_order(&mut variants);
        let seen = variants.map(|it| (it.uri, it.rates.peak_bps, it.rates.average_bps));
        let expected = [("1080p", 500, 250), ("720p", 800, 400), ("360p", 800, 400), ("240p", 300, 150)];
        assert_eq!(
            seen,
            expected.map(|(uri, peak_bps, average_bps)| (uri.to_owned(), peak_bps, average_bps))
        );
        // Of the same size in two rates the order stays, and the first one is the better.
        let mut same = [variant((640, 360), avc, 700), variant((640, 360), avc, 800)];
        put_in_order(&mut same);
        assert_eq!(same.map(|it| it.rates.peak_bps), [800, 800]);
    }

    #[test]
    fn a_peak_never_falls_and_an_average_is_written_when_it_has_moved() {
        let rates = |peak_bps, average_bps| Rates { peak_bps, average_bps };
        assert_eq!(rates(0, 0).settled(rates(900, 500)), rates(900, 500));
        assert_eq!(rates(900, 500).settled(rates(800, 549)), rates(900, 500));
        assert_eq!(rates(900, 500).settled(rates(950, 551)), rates(950, 551));
    }
}
