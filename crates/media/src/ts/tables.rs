//! PAT and PMT: which streams a segment carries, and on which PIDs.
//!
//! In: payloads of the table PIDs, as they come. Out: the PID of the PMT, then the streams. Broken sections are passed over.

use mpeg2ts_reader::{
    descriptor::{Descriptor, DescriptorError},
    mpegts_crc,
    psi::{
        pat::{PatSection, ProgramDescriptor},
        pmt::{PmtSection, StreamInfo},
    },
};

/// One stream of the program, as the PMT names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementaryStream {
    /// Its PID.
    pub pid: u16,
    /// Its type, ISO 13818-1 table 2-34: 0x1b is H.264, 0x24 HEVC, 0x0f AAC in ADTS.
    pub stream_type: u8,
    /// The format that its registration descriptor names, ISO 13818-1 2.6.8: `Opus`, `AC-3`, `HEVC`.
    pub format: Option<[u8; 4]>,
}

impl ElementaryStream {
    /// Whether it is sound in Opus, which has no stream type of its own.
    #[must_use]
    pub fn is_opus(&self) -> bool {
        self.format == Some(*b"Opus")
    }
}

const PAT_TABLE_ID: u8 = 0;
const PMT_TABLE_ID: u8 = 2;
/// ISO 13818-1 table 2-45.
const REGISTRATION: u8 = 5;
/// `table_id` to `last_section_number`.
const HEADER_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// Puts one section together from the packets of its PID. It holds one section at most: 4,098 bytes.
#[derive(Default)]
pub(crate) struct Section {
    bytes: Vec<u8>,
    open: bool,
}

impl Section {
    /// Takes the payload of one packet and returns the section that it completes.
    pub(crate) fn push(&mut self, payload: &[u8], unit_start: bool) -> Option<&[u8]> {
        let rest = if unit_start {
            let (&pointer, after) = payload.split_first()?;
            self.bytes.clear();
            self.open = true;
            after.get(usize::from(pointer)..)?
        } else {
            payload
        };
        if !self.open {
            return None;
        }
        self.bytes.extend_from_slice(rest);
        let length_bytes = match self.bytes[..] {
            [_, high, low, ..] => 3 + (usize::from(high & 0x0f) << 8 | usize::from(low)),
            _ => return None,
        };
        if self.bytes.len() < length_bytes {
            return None;
        }
        self.open = false;
        let section = &self.bytes[..length_bytes];
        // The CRC over a whole section, itself included, is 0.
        (length_bytes >= HEADER_BYTES + CRC_BYTES && mpegts_crc::sum32(section) == 0).then_some(section)
    }
}

/// The PIDs of the PMTs of all programs, the first one first; none where the section is no PAT.
pub(crate) fn pmt_pids(pat_section: &[u8]) -> Vec<u16> {
    let Some(body) = body(pat_section, PAT_TABLE_ID) else { return Vec::new() };
    // The iterator reads four bytes a program; a rest that is shorter would only be complained of.
    let programs = PatSection::new(&body[..body.len() / 4 * 4]).programs();
    programs
        .filter_map(|program| match program {
            ProgramDescriptor::Program { pid, .. } => Some(pid.into()),
            ProgramDescriptor::Network { .. } => None,
        })
        .collect()
}

/// The streams of the program.
pub(crate) fn streams(pmt_section: &[u8]) -> Option<Vec<ElementaryStream>> {
    let section = PmtSection::from_bytes(body(pmt_section, PMT_TABLE_ID)?).ok()?;
    let streams = section.streams();
    Some(
        streams
            .map(|stream| ElementaryStream {
                pid: stream.elementary_pid().into(),
                stream_type: stream.stream_type().0,
                format: format(&stream),
            })
            .collect(),
    )
}

/// A descriptor as it stands there: tag, length, and what it says.
struct Unread<'a>(&'a [u8]);

impl<'a> Descriptor<'a> for Unread<'a> {
    fn from_bytes(bytes: &'a [u8]) -> Result<Self, DescriptorError> {
        Ok(Self(bytes))
    }
}

fn format(stream: &StreamInfo<'_>) -> Option<[u8; 4]> {
    stream.descriptors::<Unread<'_>>().find_map(|descriptor| match descriptor {
        Ok(Unread(&[REGISTRATION, _, a, b, c, d, ..])) => Some([a, b, c, d]),
        _ => None,
    })
}

fn body(section: &[u8], table_id: u8) -> Option<&[u8]> {
    let current = section.get(5)? & 1 == 1;
    (section[0] == table_id && current).then(|| section.get(HEADER_BYTES..section.len() - CRC_BYTES))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section with its length and CRC filled in.
    fn section(table_id: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![table_id, 0xb0, (body.len() + 9) as u8, 0, 1, 0xc1, 0, 0];
        bytes.extend_from_slice(body);
        let crc = mpegts_crc::sum32(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes
    }

    fn payload(section: &[u8]) -> Vec<u8> {
        [&[0], section].concat()
    }

    const PMT_BODY: [u8; 14] = [0xe1, 0x00, 0xf0, 0, 0x1b, 0xe1, 0x00, 0xf0, 0, 0x0f, 0xe1, 0x01, 0xf0, 0];

    #[test]
    fn the_first_program_of_the_pat_counts_and_the_network_does_not() {
        let pat = section(PAT_TABLE_ID, &[0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0x00, 0, 2, 0xe2, 0]);
        let mut buffer = Section::default();
        assert_eq!(pmt_pids(buffer.push(&payload(&pat), true).expect("whole")), [0x1000, 0x200]);
    }

    #[test]
    fn the_pmt_names_streams_also_when_it_comes_in_two_packets() {
        let whole = payload(&section(PMT_TABLE_ID, &PMT_BODY));
        let (head, tail) = whole.split_at(11);
        let mut buffer = Section::default();
        assert_eq!(buffer.push(head, true), None);
        let found = streams(buffer.push(tail, false).expect("whole"));
        let expected = [(0x100, 0x1b), (0x101, 0x0f)];
        assert_eq!(
            found,
            Some(
                expected.map(|(pid, stream_type)| ElementaryStream { pid, stream_type, format: None }).into()
            )
        );
    }

    #[test]
    fn a_registration_descriptor_names_the_format_also_behind_others() {
        let private = |descriptors: &[u8]| {
            let head = [0xe1, 0x00, 0xf0, 0, 0x06, 0xe1, 0x01, 0xf0, descriptors.len() as u8];
            let pmt = section(PMT_TABLE_ID, &[&head, descriptors].concat());
            let found = streams(Section::default().push(&payload(&pmt), true).expect("whole"));
            found.expect("a PMT")[0]
        };
        // As ffmpeg writes them for Opus.
        assert!(private(b"\x05\x04Opus\x7f\x02\x80\x02").is_opus());
        assert!(private(b"\x7f\x02\x80\x02\x05\x04Opus").is_opus());
        assert_eq!(private(b"\x05\x04AC-3").format, Some(*b"AC-3"));
        for none in [&b""[..], b"\x05\x03Opu", b"\x05\x40Opus", b"\x05"] {
            assert_eq!(private(none).format, None, "{none:?}");
        }
    }

    #[test]
    fn a_section_with_a_wrong_crc_is_passed_over() {
        let mut bytes = payload(&section(PMT_TABLE_ID, &PMT_BODY));
        bytes[12] ^= 1;
        assert_eq!(Section::default().push(&bytes, true), None);
    }

    #[test]
    fn a_pointer_beyond_the_packet_is_passed_over() {
        assert_eq!(Section::default().push(&[200, 1, 2, 3], true), None);
    }
}
