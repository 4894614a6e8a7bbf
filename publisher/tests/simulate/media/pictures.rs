//! Pictures of H.264 that hold nothing: what stands before their first slice, and how that begins.

const TICKS_PER_S: u32 = 90_000;

/// How a picture is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    Key,
    P,
    B,
}

/// All kinds of pictures: whether a file begins with it, and how it is coded.
pub const PICTURES: [(bool, Slice); 5] =
    [(true, Slice::Key), (true, Slice::P), (false, Slice::P), (true, Slice::B), (false, Slice::B)];

/// The bytes of one, with room for a mark of so many bytes at its end. `begins`: with its parameter sets.
pub fn coded(picture_90k: u32, (begins, slice): (bool, Slice), has_b_frames: bool, mark: usize) -> Vec<u8> {
    let mut data = Vec::new();
    if begins {
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(&sps(picture_90k, has_b_frames));
        data.extend_from_slice(&[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    // The NAL unit's head, the first macroblock, and slice_type 7 or 6.
    let (head, first) = match slice {
        Slice::Key => (0x65, 0x88),
        Slice::P => (0x41, 0x88),
        Slice::B => (0x01, 0x9f),
    };
    data.extend_from_slice(&[0, 0, 0, 1, head, first]);
    data.resize(data.len() + mark, 0);
    data
}

/// A sequence parameter set of H.264: 160x96, baseline or with B-frames main, and how long a picture lasts.
fn sps(picture_90k: u32, has_b_frames: bool) -> Vec<u8> {
    let mut bits = Bits::default();
    // Its number and log2_max_frame_num; how the order of pictures is told (pic_order_cnt_type 0 or 2), and how many are references.
    if has_b_frames {
        bits.put(77, 8).put(0, 8).put(30, 8);
        bits.golomb(0).golomb(0).golomb(0).golomb(0).golomb(2);
    } else {
        bits.put(66, 8).put(0xc0, 8).put(30, 8);
        bits.golomb(0).golomb(0).golomb(2).golomb(1);
    }
    // No gaps, 10 by 6 macroblocks.
    bits.put(0, 1).golomb(9).golomb(5);
    // Frames only, direct_8x8, no cropping, VUI without all before the timing.
    bits.put(1, 1).put(1, 1).put(0, 1).put(1, 1).put(0, 4);
    bits.put(1, 1).put(picture_90k, 32).put(2 * TICKS_PER_S, 32).put(1, 1);
    // No HRD, no pic_struct, no restriction; the end.
    bits.put(0, 4).put(1, 1);
    let mut sps = vec![0x67];
    let mut zeros = 0;
    for byte in bits.bytes() {
        // ITU-T H.264 7.4.1: no start code within.
        if zeros == 2 && byte <= 3 {
            sps.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        sps.push(byte);
    }
    sps
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn golomb(&mut self, value: u32) -> &mut Self {
        let bits = (value + 1).ilog2();
        self.put(0, bits).put(value + 1, bits + 1)
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter().enumerate().fold(0, |byte, (index, bit)| byte | u8::from(*bit) << (7 - index))
        };
        self.0.chunks(8).map(byte).collect()
    }
}
