//! Who was refused, and when that is told: once an address and minute. Addresses and seconds of one clock in, what to tell
//! out. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

const TELL_EVERY_S: u64 = 60;

/// Addresses that are told apart, in some tens of KB. Whoever has more of them is told of in one line.
const MOST: usize = 1024;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Whose {
    /// This one has all the connections that an address may have.
    Address(IpAddr),
    /// As do these, that are too many to name.
    OtherAddresses,
    /// All places are taken, whoever comes.
    Everybody,
    /// As are those of the operator's port.
    Operator,
}

/// What has been told of whom.
#[derive(Debug, Default)]
pub(crate) struct Refusals(HashMap<Whose, Told>);

#[derive(Debug)]
struct Told {
    at_s: u64,
    /// Refused since.
    more: u64,
}

impl Refusals {
    /// Counts one; whose line is to be written now, if any.
    pub(super) fn refuse(&mut self, whose: Whose, now_s: u64) -> Option<Whose> {
        let is_known = self.0.contains_key(&whose);
        let whose = if is_known || self.0.len() < MOST { whose } else { Whose::OtherAddresses };
        if let Some(told) = self.0.get_mut(&whose) {
            told.more += 1;
            return None;
        }
        self.0.insert(whose, Told { at_s: now_s, more: 0 });
        Some(whose)
    }

    /// Whom to tell of again, and how many they were since; the others are forgotten.
    pub(super) fn due(&mut self, now_s: u64) -> Vec<(Whose, u64)> {
        let mut due = Vec::new();
        self.0.retain(|whose, told| {
            if now_s.saturating_sub(told.at_s) < TELL_EVERY_S {
                return true;
            }
            if told.more == 0 {
                return false;
            }
            due.push((*whose, told.more));
            *told = Told { at_s: now_s, more: 0 };
            true
        });
        due.sort_unstable();
        due
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> Whose {
        Whose::Address(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn an_address_is_told_of_at_once_and_then_once_a_minute() {
        let mut refusals = Refusals::default();
        let (one, two) = (address(1), address(2));
        assert_eq!(refusals.refuse(one, 10), Some(one));
        for _ in 0..500 {
            assert_eq!(refusals.refuse(one, 20), None);
        }
        assert_eq!(refusals.refuse(two, 30), Some(two));
        assert_eq!(refusals.due(69), []);
        assert_eq!(refusals.due(70), [(one, 500)]);
        assert_eq!(refusals.due(129), [], "the other one came once, and is forgotten");
        assert_eq!(refusals.refuse(two, 129), Some(two));
        assert_eq!(refusals.due(130), []);
        assert_eq!(refusals.refuse(one, 131), Some(one));
        assert_eq!(refusals.refuse(Whose::Everybody, 131), Some(Whose::Everybody));
    }

    #[test]
    fn a_crowd_of_addresses_is_one_line_and_needs_no_more_memory() {
        let mut refusals = Refusals::default();
        let told = (0..100_000).filter_map(|number| refusals.refuse(address(number), 0)).count();
        assert_eq!(told, MOST + 1);
        assert_eq!(refusals.0.len(), MOST + 1);
        assert_eq!(refusals.due(60), [(Whose::OtherAddresses, 100_000 - MOST as u64 - 1)]);
        assert_eq!(refusals.0.len(), 1);
    }
}
