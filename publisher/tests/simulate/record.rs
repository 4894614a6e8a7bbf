//! Record: what the program did in each thousand of schedules, as a digest, and what it did when that was written down. A change
//! of code that is to change nothing is held to it.

use std::collections::BTreeMap;

/// As it is kept: a line for each block with its first seed and its digest.
const KEPT: &str = include_str!("record.txt");

/// Schedules in a block.
const BLOCK: u64 = 1_000;

/// Digests of the schedules that were run, by the first seed of their block: how many, and their sum, which their order does not
/// change.
#[derive(Debug, Clone, Default)]
pub struct Record(BTreeMap<u64, (u64, u64)>);

impl Record {
    pub fn note(&mut self, seed: u64, digest: u64) {
        let (count, sum) = self.0.entry(seed - seed % BLOCK).or_default();
        *count += 1;
        // Two schedules that change places are seen.
        *sum = sum.wrapping_add(digest.rotate_left((seed % 64) as u32).wrapping_mul(2 * seed + 1));
    }

    pub fn add(&mut self, other: &Self) {
        for (first, (count, sum)) in &other.0 {
            let mine = self.0.entry(*first).or_default();
            *mine = (mine.0 + count, mine.1.wrapping_add(*sum));
        }
    }

    /// Those that were run to their end.
    fn blocks(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().filter(|(_, (count, _))| *count == BLOCK).map(|(first, (_, sum))| (*first, *sum))
    }

    /// To be kept.
    pub fn text(&self) -> String {
        self.blocks().fold(String::new(), |text, (first, sum)| text + &format!("{first} {sum:016x}\n"))
    }

    /// How many blocks are as they were kept, and the first seeds of those that are not.
    pub fn compare(&self) -> (usize, Vec<u64>) {
        let kept: BTreeMap<&str, &str> = KEPT.lines().filter_map(|line| line.split_once(' ')).collect();
        let (mut same, mut others) = (0, Vec::new());
        for (first, sum) in self.blocks() {
            match kept.get(&*first.to_string()) {
                Some(digest) if **digest == *format!("{sum:016x}") => same += 1,
                Some(_) => others.push(first),
                None => {}
            }
        }
        (same, others)
    }
}
