//! Tags: what one message of media says, as FLV has always had it and as Enhanced RTMP has it.
//!
//! In: a message of a stranger. Out: its codec, and a head or a frame in it, which borrow from it. Pure. After Adobe's FLV 10.1
//! (E.4.2, E.4.3) and Veovera's Enhanced RTMP v2 (2024-10-22).

/// Message types: RTMP 7.1.
pub(super) const SOUND: u8 = 8;
pub(super) const PICTURE: u8 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    H264,
    Hevc,
    Av1,
    Vp9,
    Aac,
    Mp3,
    Opus,
    Flac,
}

impl Codec {
    /// Those that FLV had from the beginning, and all libraries read.
    pub(super) fn is_of_flv(self) -> bool {
        matches!(self, Codec::H264 | Codec::Aac | Codec::Mp3)
    }

    /// Whether nothing can be decoded before its head is there.
    pub(super) fn needs_head(self) -> bool {
        self != Codec::Mp3
    }
}

/// What is in a message of media.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unit<'a> {
    pub(super) codec: Codec,
    pub(super) what: What<'a>,
    /// Written as Enhanced RTMP has it; else as FLV has always had it.
    pub(super) is_enhanced: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What<'a> {
    /// What the decoder needs first: avcC, hvcC, av1C, vpcC, `AudioSpecificConfig`, `OpusHead`, or the head of a FLAC file.
    Head(&'a [u8]),
    /// A frame, shown so many milliseconds after it is decoded.
    Frame { later_ms: i32, is_key: bool, data: &'a [u8] },
}

/// What is read of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    Unit(Unit<'a>),
    /// A codec that is not taken, by its name.
    Foreign(String),
    /// Nothing to show: an end, a hint, a track beyond the first, or what makes no sense.
    Nothing,
    /// As FLV has always had it, in a codec that is not looked at here.
    Flv,
}

/// Reads a message of sound or of a picture.
pub(super) fn read(kind: u8, body: &[u8]) -> Tag<'_> {
    let read = if kind == PICTURE { picture(body) } else { sound(body) };
    read.unwrap_or(Tag::Nothing)
}

fn picture(body: &[u8]) -> Option<Tag<'_>> {
    let (first, rest) = body.split_first()?;
    if first & 0x80 != 0 {
        return enhanced(PICTURE, first >> 4 & 7 == 1, first & 15, rest);
    }
    // E.4.3.1: 7 is AVC.
    if first & 15 != 7 {
        return Some(Tag::Flv);
    }
    let Some((packet, rest)) = rest.split_first() else { return Some(Tag::Flv) };
    let Some((later, data)) = rest.split_first_chunk() else { return Some(Tag::Flv) };
    let what = match packet {
        0 => What::Head(data),
        1 => What::Frame { later_ms: signed_24(*later), is_key: first >> 4 == 1, data },
        _ => return Some(Tag::Flv),
    };
    Some(Tag::Unit(Unit { codec: Codec::H264, what, is_enhanced: false }))
}

fn sound(body: &[u8]) -> Option<Tag<'_>> {
    let (first, rest) = body.split_first()?;
    let frame = |data| What::Frame { later_ms: 0, is_key: true, data };
    let (codec, what) = match first >> 4 {
        9 => return enhanced(SOUND, true, first & 15, rest),
        10 => match rest.split_first()? {
            (0, config) => (Codec::Aac, What::Head(config)),
            (_, data) => (Codec::Aac, frame(data)),
        },
        2 => (Codec::Mp3, frame(rest)),
        _ => return Some(Tag::Flv),
    };
    Some(Tag::Unit(Unit { codec, what, is_enhanced: false }))
}

/// What follows the first byte of Enhanced RTMP; `packet` is the kind of it that the first byte names.
fn enhanced(kind: u8, is_key: bool, mut packet: u8, mut rest: &[u8]) -> Option<Tag<'_>> {
    // Modifiers come first: times in nanoseconds, which nobody needs here.
    while packet == 7 {
        let (size, after) = rest.split_first()?;
        let (size, after) = match size {
            255 => {
                after.split_first_chunk().map(|(size, after)| (u16::from_be_bytes(*size).into(), after))?
            }
            size => (usize::from(*size), after),
        };
        let (next, after) = after.get(size + 1..)?.split_first()?;
        (packet, rest) = (next & 15, after);
    }
    let several = if kind == PICTURE { 6 } else { 5 };
    let fourcc;
    if packet == several {
        let (tracks, after) = rest.split_first()?;
        // Many codecs: each track names its own.
        let (name, after) = after.split_first_chunk::<4>()?;
        let (track, after) = after.split_first()?;
        if *track != 0 {
            return None;
        }
        (packet, fourcc) = (tracks & 15, *name);
        rest = if tracks >> 4 == 0 {
            after
        } else {
            let (size, after) = after.split_first_chunk::<3>()?;
            after.get(..u32::from_be_bytes([0, size[0], size[1], size[2]]) as usize)?
        };
    } else {
        let (name, after) = rest.split_first_chunk::<4>()?;
        (fourcc, rest) = (*name, after);
    }
    let codec = match (kind, &fourcc) {
        (PICTURE, b"avc1") => Codec::H264,
        (PICTURE, b"hvc1") => Codec::Hevc,
        (PICTURE, b"av01") => Codec::Av1,
        (PICTURE, b"vp09") => Codec::Vp9,
        (SOUND, b"mp4a") => Codec::Aac,
        (SOUND, b".mp3") => Codec::Mp3,
        (SOUND, b"Opus") => Codec::Opus,
        (SOUND, b"fLaC") => Codec::Flac,
        _ => return Some(Tag::Foreign(String::from_utf8_lossy(&fourcc).trim_matches('.').to_owned())),
    };
    let has_later = matches!(codec, Codec::H264 | Codec::Hevc);
    let what = match packet {
        0 => What::Head(rest),
        1 if has_later => {
            let (later, data) = rest.split_first_chunk()?;
            What::Frame { later_ms: signed_24(*later), is_key, data }
        }
        1 => What::Frame { later_ms: 0, is_key, data: rest },
        3 if kind == PICTURE => What::Frame { later_ms: 0, is_key, data: rest },
        _ => return None,
    };
    Some(Tag::Unit(Unit { codec, what, is_enhanced: true }))
}

fn signed_24([high, middle, low]: [u8; 3]) -> i32 {
    i32::from_be_bytes([high, middle, low, 0]) >> 8
}

/// A tag of an FLV file, and its length after it (E.4.1).
pub(super) fn flv_tag(kind: u8, timestamp_ms: u32, body: &[u8]) -> Vec<u8> {
    let mut tag = Vec::with_capacity(body.len() + 15);
    let [highest, time @ ..] = timestamp_ms.to_be_bytes();
    tag.push(kind);
    tag.extend(&(body.len() as u32).to_be_bytes()[1..]);
    tag.extend(time);
    tag.extend([highest, 0, 0, 0]);
    tag.extend_from_slice(body);
    tag.extend((body.len() as u32 + 11).to_be_bytes());
    tag
}

/// The same unit as FLV has always had it; `None` for a codec that it has not.
pub(super) fn as_flv(unit: &Unit<'_>) -> Option<Vec<u8>> {
    let (packet, later_ms, is_key, data) = match unit.what {
        What::Head(config) => (0, 0, true, config),
        What::Frame { later_ms, is_key, data } => (1, later_ms, is_key, data),
    };
    let head = match unit.codec {
        Codec::H264 => {
            let [_, later @ ..] = later_ms.to_be_bytes();
            [&[if is_key { 0x17 } else { 0x27 }, packet][..], &later].concat()
        }
        // Rate, size and channels say nothing here (E.4.2.1).
        Codec::Aac => vec![0xaf, packet],
        Codec::Mp3 => vec![0x2f],
        _ => return None,
    };
    Some([&head, data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(codec: Codec, what: What<'_>, is_enhanced: bool) -> Tag<'_> {
        Tag::Unit(Unit { codec, what, is_enhanced })
    }

    fn frame(later_ms: i32, is_key: bool) -> What<'static> {
        What::Frame { later_ms, is_key, data: b"data" }
    }

    #[track_caller]
    fn check(kind: u8, head: &[u8], expected: &Tag<'_>) {
        assert_eq!(read(kind, &[head, b"data"].concat()), *expected);
    }

    #[test]
    fn pictures_as_flv_has_always_had_them() {
        check(PICTURE, &[0x17, 0, 0, 0, 0], &unit(Codec::H264, What::Head(b"data"), false));
        check(PICTURE, &[0x27, 1, 0xff, 0xff, 0xfe], &unit(Codec::H264, frame(-2, false), false));
        check(PICTURE, &[0x12], &Tag::Flv);
        assert_eq!(read(PICTURE, &[0x17, 1, 2]), Tag::Flv, "libav says what is wrong with it");
    }

    #[test]
    fn pictures_of_enhanced_rtmp() {
        check(PICTURE, b"\x90hvc1", &unit(Codec::Hevc, What::Head(b"data"), true));
        check(PICTURE, b"\x91hvc1\0\0\x28", &unit(Codec::Hevc, frame(40, true), true));
        check(PICTURE, b"\xa3hvc1", &unit(Codec::Hevc, frame(0, false), true));
        check(PICTURE, b"\x91av01", &unit(Codec::Av1, frame(0, true), true));
        check(PICTURE, b"\xa1avc1\xff\xff\xff", &unit(Codec::H264, frame(-1, false), true));
        check(PICTURE, b"\x90vvc1", &Tag::Foreign("vvc1".to_owned()));
        for nothing in [&b"\x92hvc1"[..], b"\x94hvc1", b"\x90hv"] {
            assert_eq!(read(PICTURE, nothing), Tag::Nothing);
        }
    }

    #[test]
    fn sound_of_both() {
        check(SOUND, &[0xaf, 0], &unit(Codec::Aac, What::Head(b"data"), false));
        check(SOUND, &[0xaf, 1], &unit(Codec::Aac, frame(0, true), false));
        check(SOUND, &[0x2f], &unit(Codec::Mp3, frame(0, true), false));
        check(SOUND, &[0x7f], &Tag::Flv);
        check(SOUND, b"\x90Opus", &unit(Codec::Opus, What::Head(b"data"), true));
        check(SOUND, b"\x91fLaC", &unit(Codec::Flac, frame(0, true), true));
        check(SOUND, b"\x91ac-3", &Tag::Foreign("ac-3".to_owned()));
    }

    #[test]
    fn modifiers_and_the_first_of_several_tracks() {
        check(PICTURE, b"\x97\x02\0\0\0\x01hvc1\0\0\0", &unit(Codec::Hevc, frame(0, true), true));
        check(PICTURE, b"\x96\x01hvc1\0\0\0\x05", &unit(Codec::Hevc, frame(5, true), true));
        check(PICTURE, b"\x96\x01hvc1\x01\0\0\x05", &Tag::Nothing);
        check(SOUND, b"\x95\x11mp4a\0\0\0\x04", &unit(Codec::Aac, frame(0, true), true));
        check(SOUND, b"\x95\x11mp4a\0\0\0\x09", &Tag::Nothing);
    }

    #[test]
    fn what_flv_has_always_had_becomes_that_again() {
        for (kind, body) in
            [(PICTURE, &b"\x27\x01\xff\xff\xfedata"[..]), (SOUND, b"\xaf\0data"), (SOUND, b"\x2fdata")]
        {
            let Tag::Unit(unit) = read(kind, body) else { panic!("a unit") };
            assert_eq!(as_flv(&unit).as_deref(), Some(body));
        }
    }
}
