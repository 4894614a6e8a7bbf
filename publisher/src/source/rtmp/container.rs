//! Container: the file that a client's media becomes for libav.
//!
//! In: messages of media. Out: bytes of a file, and where another one begins. Pure. It is FLV as long as FLV has always had what the client
//! sends, and Matroska else: libavformat reads HEVC, AV1 and Opus in FLV only since 6.1. Which of them, the first messages say; they are held until
//! then. Another file begins when the client changes to what does not fit into the one that has begun.

use super::amf::Values;
use super::matroska::{self, Head};
use super::tags::{self, Codec, PICTURE, SOUND, Tag, Unit, What};

/// An FLV file with video and sound begins so.
pub(super) const FLV_HEAD: [u8; 13] = [b'F', b'L', b'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];

/// The message type of metadata.
pub(super) const DATA: u8 = 18;

/// Sound alone, or a picture alone, is taken for all that there is after this.
const HELD_MS: u32 = 1000;
/// Or after so many bytes.
const MOST_BYTES_HELD: usize = 8 << 20;

/// A message of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) kind: u8,
    pub(crate) timestamp_ms: u32,
    pub(crate) body: Vec<u8>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What follows is a new file.
    Begin,
    Write(Vec<u8>),
    /// To tell people, once a client: this codec is not taken.
    LeftOut {
        codec: String,
        is_picture: bool,
    },
}

/// What has come of one client.
#[derive(Default)]
pub(crate) struct Container {
    form: Form,
    picture: Option<Head>,
    sound: Option<Head>,
    clock: Clock,
    fps: Option<f64>,
    told_of: Vec<String>,
    /// What comes before the next keyframe is of no use.
    awaits_keyframe: bool,
}

enum Form {
    /// Held until it is known what there is.
    Unknown {
        held: Vec<Media>,
        bytes: usize,
    },
    Flv,
    /// With these tracks.
    Matroska {
        picture: Option<Head>,
        sound: Option<Head>,
    },
}

impl Default for Form {
    fn default() -> Form {
        Form::Unknown { held: Vec::new(), bytes: 0 }
    }
}

impl Container {
    /// What a message makes.
    pub(crate) fn push(&mut self, media: Media) -> Vec<Order> {
        let tag = match media.kind {
            DATA => {
                self.note_rate(&media.body);
                Tag::Flv
            }
            kind => tags::read(kind, &media.body),
        };
        let unit = match tag {
            Tag::Unit(unit) => unit,
            Tag::Flv => return self.push_known(media),
            Tag::Foreign(codec) => return self.leave_out(codec, media.kind == PICTURE),
            Tag::Nothing => return Vec::new(),
        };
        let codec = unit.codec;
        let known = if matroska::is_picture(codec) { &mut self.picture } else { &mut self.sound };
        match unit.what {
            What::Head(config) => {
                let is_same = known.as_ref().is_some_and(|head| head.is_of_same_stream(codec, config));
                if !is_same {
                    *known = Some(Head { codec, config: config.to_vec() });
                }
            }
            What::Frame { is_key: false, .. } if self.awaits_keyframe && matroska::is_picture(codec) => {
                return Vec::new();
            }
            What::Frame { .. } if !codec.needs_head() => *known = Some(Head { codec, config: Vec::new() }),
            What::Frame { .. } => {}
        }
        self.push_known(media)
    }

    /// What follows is read by somebody else: another file begins, with the next keyframe where there is a picture.
    pub(crate) fn begin_again(&mut self) {
        self.form = Form::default();
        self.awaits_keyframe = self.picture.is_some();
    }

    fn leave_out(&mut self, codec: String, is_picture: bool) -> Vec<Order> {
        if self.told_of.len() >= 4 || self.told_of.contains(&codec) {
            return Vec::new();
        }
        self.told_of.push(codec.clone());
        vec![Order::LeftOut { codec, is_picture }]
    }

    /// What metadata say of the frame rate, which is nowhere else in Matroska.
    fn note_rate(&mut self, metadata: &[u8]) {
        let rate = Values(metadata).find_map(|value| value.number_of("framerate"));
        self.fps = rate.filter(|fps| (1.0..=300.0).contains(fps)).or(self.fps);
    }

    fn push_known(&mut self, media: Media) -> Vec<Order> {
        self.awaits_keyframe &= media.kind != PICTURE || is_head(&media);
        let fits_into_flv = self.fits_into_flv();
        match &mut self.form {
            Form::Unknown { held, bytes } => {
                *bytes += media.body.len();
                held.push(media);
                self.decide()
            }
            Form::Flv if fits_into_flv => flv(&media).into_iter().collect(),
            Form::Matroska { picture, sound } if *picture == self.picture && *sound == self.sound => {
                self.block(&media).into_iter().collect()
            }
            Form::Flv | Form::Matroska { .. } => {
                let bytes = media.body.len();
                self.form = Form::Unknown { held: vec![media], bytes };
                self.decide()
            }
        }
    }

    fn fits_into_flv(&self) -> bool {
        [&self.picture, &self.sound].into_iter().flatten().all(|head| head.codec.is_of_flv())
    }

    /// The form, when enough has come to know it, and what was held.
    fn decide(&mut self) -> Vec<Order> {
        let Form::Unknown { held, bytes } = &self.form else { return Vec::new() };
        let is_enough = *bytes >= MOST_BYTES_HELD || span_ms(held) >= HELD_MS;
        // Encoders send all heads before the first frame.
        let has_picture = held.iter().any(|media| media.kind == PICTURE && !is_head(media));
        let fits = self.fits_into_flv();
        let is_known = if fits { has_picture } else { self.picture.is_some() && self.sound.is_some() };
        let is_known = is_known || is_enough;
        if !is_known {
            return Vec::new();
        }
        let Form::Unknown { held, .. } = std::mem::take(&mut self.form) else { return Vec::new() };
        let mut orders = vec![Order::Begin];
        if fits {
            self.form = Form::Flv;
            orders.push(Order::Write(FLV_HEAD.to_vec()));
            // One that comes from another file has told them before.
            orders.extend(self.heads_not_in(&held));
            orders.extend(held.iter().filter_map(flv));
        } else {
            let (picture, sound) = (self.picture.clone(), self.sound.clone());
            orders.push(Order::Write(matroska::head(picture.as_ref(), self.fps, sound.as_ref())));
            self.form = Form::Matroska { picture, sound };
            self.clock = Clock::default();
            orders.extend(held.iter().filter_map(|media| self.block(media)).collect::<Vec<_>>());
        }
        orders
    }

    /// Heads that an FLV file needs and that do not come again.
    fn heads_not_in(&self, held: &[Media]) -> Vec<Order> {
        let is_there = |codec: Codec| {
            held.iter().any(|media| match tags::read(media.kind, &media.body) {
                Tag::Unit(unit) => unit.codec == codec && matches!(unit.what, What::Head(_)),
                _ => false,
            })
        };
        let timestamp_ms = held.first().map_or(0, |media| media.timestamp_ms);
        let heads = [(PICTURE, &self.picture), (SOUND, &self.sound)];
        let heads = heads.into_iter().filter_map(|(kind, head)| Some((kind, head.as_ref()?)));
        let missing = heads.filter(|(_, head)| head.codec.needs_head() && !is_there(head.codec));
        let tags = missing.filter_map(|(kind, head)| {
            let what = What::Head(&head.config);
            let body = tags::as_flv(&Unit { codec: head.codec, what, is_enhanced: true })?;
            Some(Order::Write(tags::flv_tag(kind, timestamp_ms, &body)))
        });
        tags.collect()
    }

    fn block(&mut self, media: &Media) -> Option<Order> {
        let Tag::Unit(unit) = tags::read(media.kind, &media.body) else { return None };
        let What::Frame { later_ms, is_key, data } = unit.what else { return None };
        let known = if matroska::is_picture(unit.codec) { &self.picture } else { &self.sound };
        // Without a head nothing can be done with it.
        known.as_ref().filter(|head| head.codec == unit.codec)?;
        let shown_at_ms = self.clock.at_ms(media.timestamp_ms).saturating_add_signed(later_ms.into());
        Some(Order::Write(matroska::frame(unit.codec, shown_at_ms, is_key, data)))
    }
}

/// The message as a tag of FLV.
fn flv(media: &Media) -> Option<Order> {
    let enhanced = match tags::read(media.kind, &media.body) {
        Tag::Unit(unit) if media.kind != DATA && unit.is_enhanced => Some(tags::as_flv(&unit)?),
        _ => None,
    };
    let body = enhanced.as_deref().unwrap_or(&media.body);
    Some(Order::Write(tags::flv_tag(media.kind, media.timestamp_ms, body)))
}

fn is_head(media: &Media) -> bool {
    matches!(tags::read(media.kind, &media.body), Tag::Unit(Unit { what: What::Head(_), .. }))
}

fn span_ms(held: &[Media]) -> u32 {
    let times = held.iter().filter(|media| media.kind != DATA).map(|media| media.timestamp_ms);
    let first = times.clone().next().unwrap_or_default();
    times.map(|time| time.wrapping_sub(first)).filter(|span| span >> 31 == 0).max().unwrap_or_default()
}

/// Times of RTMP begin again after 49 days (5.3.1.2.1); these do not.
#[derive(Default)]
struct Clock {
    last: Option<(u32, u64)>,
}

/// Where times begin: what comes earlier than the first has a place.
const ORIGIN_MS: u64 = 60_000;

impl Clock {
    fn at_ms(&mut self, timestamp_ms: u32) -> u64 {
        let (last_ms, last_at_ms) = self.last.unwrap_or((timestamp_ms, ORIGIN_MS));
        let step_ms = timestamp_ms.wrapping_sub(last_ms) as i32;
        let at_ms = last_at_ms.saturating_add_signed(step_ms.into());
        self.last = Some((timestamp_ms, at_ms));
        at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn media(kind: u8, timestamp_ms: u32, body: &[u8]) -> Media {
        Media { kind, timestamp_ms, body: body.to_vec() }
    }

    fn orders(container: &mut Container, media: Media) -> String {
        let word = |order: &Order| match order {
            Order::Begin => "begin",
            Order::Write(bytes) if bytes.starts_with(b"FLV") => "flv",
            Order::Write(bytes) if bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) => "matroska",
            Order::Write(bytes) if bytes.starts_with(&[0x1f, 0x43, 0xb6, 0x75]) => "block",
            Order::Write(_) => "tag",
            Order::LeftOut { .. } => "left out",
        };
        container.push(media).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_flv_has_always_had_stays_flv() {
        let mut container = Container::default();
        let push = &mut |media| orders(&mut container, media);
        assert_eq!(push(media(DATA, 0, b"")), "");
        assert_eq!(push(media(SOUND, 0, b"\xaf\0config")), "", "a picture may come");
        assert_eq!(push(media(PICTURE, 0, b"\x17\0\0\0\0config")), "", "sound of another kind may come");
        assert_eq!(push(media(PICTURE, 0, b"\x17\x01\0\0\0data")), "begin flv tag tag tag tag");
        assert_eq!(push(media(PICTURE, 0, b"\x91avc1\0\0\0data")), "tag");
        assert_eq!(push(media(PICTURE, 0, b"\x90hvc1config")), "begin matroska", "another file");
        assert_eq!(push(media(SOUND, 0, b"\xaf\x01data")), "block");
    }

    #[test]
    fn sound_alone_is_known_after_a_second() {
        let mut container = Container::default();
        let push = &mut |media| orders(&mut container, media);
        assert_eq!(push(media(SOUND, 5000, b"\xaf\0config")), "");
        assert_eq!(push(media(SOUND, 5990, b"\xaf\x01data")), "");
        assert_eq!(push(media(SOUND, 6000, b"\xaf\x01data")), "begin flv tag tag tag");
    }

    #[test]
    fn newer_codecs_become_matroska_and_a_change_begins_another_file() {
        let mut container = Container::default();
        let push = &mut |media| orders(&mut container, media);
        assert_eq!(push(media(PICTURE, 0, b"\x90hvc1config")), "");
        assert_eq!(push(media(PICTURE, 0, b"\x91hvc1\0\0\0data")), "");
        assert_eq!(push(media(SOUND, 10, b"\xaf\0config")), "begin matroska block");
        assert_eq!(push(media(SOUND, 10, b"\xaf\x01data")), "block");
        assert_eq!(push(media(SOUND, 10, b"\x91ac-3data")), "left out");
        assert_eq!(push(media(SOUND, 10, b"\x91ac-3data")), "", "told once");
        assert_eq!(push(media(PICTURE, 20, b"\x90hvc1config")), "", "the same once more");
        assert_eq!(push(media(PICTURE, 20, b"\x90hvc1other")), "begin matroska");
        assert_eq!(push(media(PICTURE, 40, b"\x17\0\0\0\0config")), "");
        assert_eq!(push(media(PICTURE, 40, b"\x17\x01\0\0\0data")), "begin flv tag tag tag");
    }

    #[test]
    fn times_go_on_when_they_begin_again() {
        let mut clock = Clock::default();
        let first = clock.at_ms(u32::MAX);
        assert_eq!(clock.at_ms(4) - first, 5);
        assert_eq!(clock.at_ms(u32::MAX), first);
    }

    proptest! {
        #[test]
        fn no_messages_make_it_panic_or_hold_more_than_it_may(
            messages in prop::collection::vec((8..10_u8, any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..40),
        ) {
            let mut container = Container::default();
            for (kind, timestamp_ms, body) in messages {
                container.push(Media { kind, timestamp_ms, body });
                if let Form::Unknown { bytes, .. } = &container.form {
                    prop_assert!(*bytes < MOST_BYTES_HELD);
                }
            }
        }
    }
}
