//! Video codecs that segments may hold: what tells their pictures apart. H.264 and HEVC both come as NAL units behind
//! start codes; their types and parameter sets differ. Pure.

mod caption_message;
pub(crate) mod h264;
pub(crate) mod hevc;
pub(crate) mod picture;
pub(crate) mod picture_head;

use picture::{Declared, Picture, Samples};

/// What pictures are coded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VideoCodec {
    /// H.264, which every player takes.
    #[default]
    H264,
    /// HEVC, also called H.265. In MPEG-TS some players take it; Apple's do not.
    Hevc,
}

/// What a NAL unit holds, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nal {
    /// A parameter set above those of H.264; HEVC alone has it.
    Vps,
    /// The sequence parameter set.
    Sps,
    /// The picture parameter set.
    Pps,
    /// A picture.
    Slice(Slice),
    /// Anything else.
    Other,
}

/// What a picture needs to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slice {
    /// Nothing; nor does any picture behind it need one before it (IDR, and BLA of HEVC).
    Idr,
    /// Nothing; but pictures that are shown before it may need those before it (CRA of HEVC).
    OpenGop,
    /// Pictures before the last [`Slice::OpenGop`] (RASL of HEVC).
    AcrossOpenGop,
    /// Other pictures.
    Dependent,
}

impl VideoCodec {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 2] = [Self::H264, Self::Hevc];

    /// As a PMT names it.
    #[must_use]
    pub fn of_stream_type(stream_type: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.stream_type() == stream_type)
    }

    /// ISO 13818-1 table 2-34.
    #[must_use]
    pub fn stream_type(self) -> u8 {
        match self {
            Self::H264 => 0x1b,
            Self::Hevc => 0x24,
        }
    }

    /// As it is typed behind `--codec`.
    #[must_use]
    pub fn typed(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
        }
    }

    /// What a NAL unit is that begins with this byte.
    #[must_use]
    pub fn nal(self, first_byte: u8) -> Nal {
        match self {
            Self::H264 => h264::nal(first_byte),
            Self::Hevc => hevc::nal(first_byte),
        }
    }

    /// The parameter sets without which no picture can be decoded.
    #[must_use]
    pub fn parameter_sets(self) -> &'static [Nal] {
        match self {
            Self::H264 => &[Nal::Sps, Nal::Pps],
            Self::Hevc => &[Nal::Vps, Nal::Sps, Nal::Pps],
        }
    }

    /// Whether a NAL unit that begins with this byte is an access unit delimiter.
    #[must_use]
    pub fn is_delimiter(self, first_byte: u8) -> bool {
        match self {
            Self::H264 => h264::is_delimiter(first_byte),
            Self::Hevc => hevc::is_delimiter(first_byte),
        }
    }

    /// Whether a NAL unit that begins with this byte holds messages about the picture that follows (SEI).
    pub(crate) fn is_sei(self, first_byte: u8) -> bool {
        match self {
            Self::H264 => h264::is_sei(first_byte),
            Self::Hevc => hevc::is_sei(first_byte),
        }
    }

    /// Which parameter set a NAL unit is: its place in [`parameter_sets`](Self::parameter_sets), and its number. `None` of any other
    /// unit, and of one that is cut short.
    #[must_use]
    pub fn parameter_set(self, unit: &[u8]) -> Option<(usize, u32)> {
        let set = self.nal(*unit.first()?);
        let place = self.parameter_sets().iter().position(|it| *it == set)?;
        let number = match self {
            Self::H264 => h264::set_number(set, unit),
            Self::Hevc => hevc::set_number(set, unit),
        };
        Some((place, number?))
    }

    /// From one frame to the next in 90 kHz ticks, as the first sequence parameter set of a stream with start codes states it.
    #[must_use]
    pub fn stated_interval_90k(self, stream_bytes: &[u8]) -> Option<u64> {
        let mut head = picture_head::PictureHead::new(self);
        head.push(stream_bytes);
        self.read_sps(&head.into_sps()?)?.frame_interval_90k
    }

    /// How the pictures of a stream with start codes are to be shown, as its first sequence parameter set says. `None` where there is
    /// none that can be read; of HEVC it is not read.
    #[must_use]
    pub fn declared(self, stream_bytes: &[u8]) -> Option<Declared> {
        let mut head = picture_head::PictureHead::new(self);
        head.push(stream_bytes);
        let sps = head.into_sps()?;
        match self {
            Self::H264 => h264::declared(&sps),
            Self::Hevc => None,
        }
    }

    /// How the pixels of its pictures are stored, as a sequence parameter set says. `None` where it cannot be read; of HEVC it is not
    /// read: whoever plays HEVC plays 10 bits.
    pub(crate) fn samples(self, sps: &[u8]) -> Option<Samples> {
        match self {
            Self::H264 => h264::samples(sps),
            Self::Hevc => None,
        }
    }

    /// What a sequence parameter set says, with its NAL header; `None` when it is damaged.
    pub(super) fn read_sps(self, sps: &[u8]) -> Option<Picture> {
        match self {
            Self::H264 => h264::read_sps(sps),
            Self::Hevc => hevc::read_sps(sps),
        }
    }
}

impl std::fmt::Display for VideoCodec {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::H264 => "H.264",
            Self::Hevc => "HEVC",
        })
    }
}
