//! Mutations of a seed for the plain tests: the same ones each time, on the stable toolchain, without a fuzzer.

use std::{fs, path::Path};

/// Holds a check on all files of these directories, and on so many mutations of each. The directories are relative to the crate whose
/// test this is.
#[track_caller]
pub fn check_all(directories: &[&str], mutations_a_seed: u64, check: fn(&[u8])) {
    for directory in directories {
        let seeds = inputs_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory));
        assert!(seeds.len() >= 3, "{directory} has seeds");
        for seed in &seeds {
            check(seed);
            mutations(seed, &seeds, mutations_a_seed).for_each(|input| check(&input));
        }
    }
}

/// The files of a directory, in order of their names.
pub fn inputs_of(directory: &Path) -> Vec<Vec<u8>> {
    let listed = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = listed.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// So many inputs that are a few steps away from `seed`.
fn mutations(seed: &[u8], others: &[Vec<u8>], count: u64) -> impl Iterator<Item = Vec<u8>> {
    (1..=count).map(move |number| {
        let mut chance = Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed.len() as u64);
        let mut input = seed.to_vec();
        for _ in 0..=chance.below(4) {
            step(&mut input, others, &mut chance);
        }
        input
    })
}

fn step(input: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) {
    let at = chance.below(input.len());
    let end = at + chance.below((input.len() - at).min(400));
    match chance.below(6) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..end)),
        2 => {
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        3 => {
            let other = &others[chance.below(others.len())];
            let from = chance.below(other.len());
            let to = from + chance.below((other.len() - from).min(400));
            input.splice(at..at, other[from..to].iter().copied());
        }
        4 => {
            let word = WORDS[chance.below(WORDS.len())];
            input.splice(at..at, word.iter().copied());
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = chance.below(256) as u8;
            }
        }
    }
}

/// What matters to one reader or another.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"#EXT-X-DISCONTINUITY\n",
    b"#EXT-X-GAP\n",
    b"#EXTINF:",
    b"18446744073709551615",
    b"-1",
    b"1e308",
    b"\xff\xff\xff\xff",
    b"\x47\x40\x00\x10",
    b"\x00\x00\x01\x67",
    b"%2e",
    b"/../",
    b"\\",
    b"\"0123456789abcdef\"",
    b"W/",
    b",-1,",
];

/// xorshift: enough for this.
struct Chance(u64);

impl Chance {
    /// From 0 to one less than `end`; 0 where `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end.max(1)
    }
}
