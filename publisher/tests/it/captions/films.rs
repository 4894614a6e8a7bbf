//! Captioned films that others make: what is said is laid into `cc_data()` by the crate `cea708-types`, and that into H.264 with B-frames
//! by libav's `libx264`.
#![allow(unsafe_code)] // ffmpeg-next has no way to write side data

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use cea708_types::tables::Code;
use cea708_types::{CCDataWriter, Cea608, DTVCCPacket, Framerate};
use ffmpeg::format::Pixel;
use ffmpeg::util::frame::side_data::Type;
use ffmpeg_next as ffmpeg;

/// A frame rate as a fraction.
pub type Rate = (u32, u32);

/// What is said at a second of the film, so that whoever looks at it can read it.
pub struct Said {
    at_s: f64,
    what: What,
}

enum What {
    /// Pairs of field 1 or 2.
    Pairs(u8, Vec<[u8; 2]>),
    /// A packet of service 1.
    Packet(Vec<Code>),
}

/// Each byte of CEA-608 has an odd number of ones.
fn with_parity(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

fn twice(pair: [u8; 2]) -> [[u8; 2]; 2] {
    [pair; 2].map(|pair| pair.map(with_parity))
}

fn letters(text: &str) -> Vec<[u8; 2]> {
    text.as_bytes().chunks(2).map(|two| [two[0], *two.get(1).unwrap_or(&0)].map(with_parity)).collect()
}

/// Miscellaneous control codes of the first channel of a field (CEA-608 table 52).
fn control(field: u8, code: u8) -> [[u8; 2]; 2] {
    twice([0x13 + field, code])
}

fn pairs(at_s: f64, field: u8, pairs: Vec<[u8; 2]>) -> Said {
    Said { at_s, what: What::Pairs(field, pairs) }
}

/// Loaded unseen, then shown at once.
pub fn pop_on(at_s: f64, field: u8, text: &str) -> Said {
    let start = [control(field, 0x20), control(field, 0x2e), twice([0x14, 0x70])].concat();
    pairs(at_s, field, [start, letters(text), control(field, 0x2f).to_vec()].concat())
}

/// Loaded unseen, below what was loaded before.
pub fn load(at_s: f64, field: u8, text: &str) -> Said {
    let start = [control(field, 0x20), twice([0x14, 0x70])].concat();
    pairs(at_s, field, [start, letters(text)].concat())
}

/// What was loaded is shown.
pub fn show(at_s: f64, field: u8) -> Said {
    pairs(at_s, field, control(field, 0x2f).to_vec())
}

/// Letters alone: the rest of something.
pub fn rest(at_s: f64, field: u8, text: &str) -> Said {
    pairs(at_s, field, letters(text))
}

/// What a decoder is told so that nothing remains: both memories are erased.
pub fn erased(field: u8) -> Vec<[u8; 2]> {
    [control(field, 0x2e), control(field, 0x2c)].concat()
}

/// A line below those before it, of two.
pub fn roll_up(at_s: f64, field: u8, text: &str) -> Said {
    let start = [control(field, 0x25), control(field, 0x2d), twice([0x14, 0x70])].concat();
    pairs(at_s, field, [start, letters(text)].concat())
}

/// Seen letter by letter.
pub fn paint_on(at_s: f64, field: u8, text: &str) -> Said {
    let start = [control(field, 0x29), twice([0x11, 0x40])].concat();
    pairs(at_s, field, [start, letters(text)].concat())
}

/// The screen is empty.
pub fn erase(at_s: f64, field: u8) -> Said {
    pairs(at_s, field, control(field, 0x2c).to_vec())
}

/// A window of CEA-708 with a line of text; `open` makes the window first.
pub fn window(at_s: f64, open: bool, text: &str) -> Said {
    let define: &[u8] = if open { &[0x98, 0x38, 0x40, 0x20, 0x00, 0x1f, 0x11] } else { &[0x88, 0x01] };
    let mut codes = Code::from_data(define).expect("codes");
    codes.extend(text.chars().map(|letter| Code::from_char(letter).expect("a letter of CEA-708")));
    codes.extend(Code::from_data(&[0x03]).expect("the end of the text"));
    Said { at_s, what: What::Packet(codes) }
}

/// Both fields and CEA-708, all three ways of CEA-608, as fast as they can be sent.
pub fn conversation() -> Vec<Said> {
    vec![
        pop_on(0.2, 1, "HELLO ALL, BELLS WILL TOLL"),
        roll_up(0.3, 2, "BONNE JOURNEE"),
        window(0.3, true, "Well, hello there. Good evening."),
        pop_on(1.6, 1, "POP-ON TWICE"),
        roll_up(1.7, 2, "ALLEE ET VENUE"),
        window(1.8, false, "A second line, as long as the first one."),
        roll_up(2.7, 1, "ROLLING UP THE HILL"),
        roll_up(3.3, 1, "STILL ROLLING"),
        paint_on(3.2, 2, "PEINT"),
        paint_on(4.1, 1, "PAINTED, PAINTED"),
        window(4.2, false, "The end."),
        erase(5.0, 1),
        erase(5.0, 2),
        window(5.1, false, ""),
    ]
}

/// The pairs of a field, as they are said.
pub fn pairs_of(script: &[Said], field: u8) -> Vec<[u8; 2]> {
    let of_field = |said: &Said| match &said.what {
        What::Pairs(of, pairs) if *of == field => pairs.clone(),
        _ => Vec::new(),
    };
    script.iter().flat_map(of_field).collect()
}

/// `cc_data()` of each picture.
fn cc_data(script: &[Said], rate: Rate, pictures: u32) -> Vec<Vec<u8>> {
    let framerate = Framerate::new(rate.0, rate.1);
    let mut writer = CCDataWriter::default();
    writer.set_output_cea608_padding(true);
    writer.set_output_padding(true);
    let (mut said, mut sequence) = (script.iter().peekable(), 0);
    let picture = |n: u32| {
        let now_s = f64::from(n) * f64::from(rate.1) / f64::from(rate.0);
        while let Some(Said { what, .. }) = said.next_if(|said| said.at_s <= now_s) {
            match what {
                What::Pairs(field, pairs) => {
                    let pair_of = if *field == 1 { Cea608::Field1 } else { Cea608::Field2 };
                    for pair in pairs {
                        writer.push_cea608(pair_of(pair[0], pair[1]));
                    }
                }
                What::Packet(codes) => {
                    let mut packet = DTVCCPacket::new(sequence % 4);
                    sequence += 1;
                    for code in codes {
                        packet.push_code(1, code.clone()).expect("room in a packet");
                    }
                    writer.push_packet(packet);
                }
            }
        }
        let mut written = Vec::new();
        writer.write(framerate, &mut written).expect("memory");
        // Two bytes of a header stand before the constructs.
        written.split_off(2)
    };
    (0..pictures).map(picture).collect()
}

/// A film of so many seconds on which this is said; kept between runs.
#[track_caller]
pub fn film(rate: Rate, seconds: u32, script: &[Said]) -> PathBuf {
    let pictures = seconds * rate.0 / rate.1;
    let cc_data = cc_data(script, rate, pictures);
    let mut hasher = DefaultHasher::new();
    (rate, &cc_data).hash(&mut hasher);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("captions");
    fs::create_dir_all(&kept).expect("a directory for films");
    let path = kept.join(format!("{:016x}.ts", hasher.finish()));
    if !path.exists() {
        let unfinished = tempfile::tempdir_in(&kept).expect("a directory for one film");
        let made = unfinished.path().join("film.ts");
        encode(&made, rate, &cc_data).expect("libav makes a film");
        fs::rename(&made, &path).expect("a place for the film");
    }
    path
}

/// Width and height of the films.
const SIZE: (u32, u32) = (160, 120);

/// A film with these captions, one entry a picture, on which a bar moves.
fn encode(film: &Path, (pictures, seconds): Rate, cc_data: &[Vec<u8>]) -> Result<(), ffmpeg::Error> {
    ffmpeg::init()?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let time_base = ffmpeg::Rational(seconds as i32, pictures as i32);
    let codec = ffmpeg::encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = ffmpeg::codec::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(SIZE.0);
    encoder.set_height(SIZE.1);
    encoder.set_format(Pixel::YUV420P);
    encoder.set_time_base(time_base);
    encoder.set_frame_rate(Some(time_base.invert()));
    encoder.set_max_b_frames(2);
    encoder.set_gop(30);
    let mut options = ffmpeg::Dictionary::new();
    options.set("preset", "veryfast");
    let mut encoder = encoder.open_as_with(codec, options)?;
    let mut output = ffmpeg::format::output(&film)?;
    output.add_stream(codec)?.set_parameters(&encoder);
    output.write_header()?;
    let stream_base = output.stream(0).ok_or(ffmpeg::Error::StreamNotFound)?.time_base();
    let mut write = |encoder: &mut ffmpeg::encoder::Video| {
        let mut packet = ffmpeg::Packet::empty();
        while encoder.receive_packet(&mut packet).is_ok() {
            packet.set_stream(0);
            packet.rescale_ts(time_base, stream_base);
            packet.write_interleaved(&mut output)?;
        }
        Ok::<_, ffmpeg::Error>(())
    };
    for (n, cc_data) in cc_data.iter().enumerate() {
        encoder.send_frame(&picture(n, cc_data))?;
        write(&mut encoder)?;
    }
    encoder.send_eof()?;
    write(&mut encoder)?;
    output.write_trailer()
}

/// The picture of this number, with its captions.
fn picture(n: usize, cc_data: &[u8]) -> ffmpeg::frame::Video {
    let mut picture = ffmpeg::frame::Video::new(Pixel::YUV420P, SIZE.0, SIZE.1);
    picture.set_pts(Some(n as i64));
    (0..3).for_each(|plane| picture.data_mut(plane).fill(100));
    let (row, stride) = (n % SIZE.1 as usize, picture.stride(0));
    picture.data_mut(0)[row * stride..][..stride].fill(200);
    let mut side_data = picture.new_side_data(Type::A53CC, cc_data.len()).expect("memory");
    // SAFETY: it was just made, with room for so many bytes, and nobody else knows of it.
    unsafe { (*side_data.as_mut_ptr()).data.copy_from(cc_data.as_ptr(), cc_data.len()) };
    picture
}
