//! Clients: who is connected, and whose connection is closed for the next one when there are too many, so that those who send nothing
//! keep no encoder out.
//!
//! In: addresses and instants. Out: whether there is a place, and which connection is to be closed for it. Pure: what closes a
//! connection is the caller's, and kept here for each.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

/// Clients at a time that are not on air: those that are about to be, and those that only sit there.
pub(super) const MOST_CLIENTS: usize = 64;
/// Of these from one address, or one IPv6 /64: some encoders behind one router, and one of them that connects again.
pub(super) const MOST_OF_ADDRESS: usize = 8;
/// Addresses that have been told of; then all are forgotten, and may be told of again.
const MOST_TOLD: usize = 1024;

/// Who is connected; `T` closes a connection.
#[derive(Debug)]
pub(super) struct Clients<T> {
    present: HashMap<u64, Present<T>>,
    next_client: u64,
    told: HashSet<(IpAddr, Told)>,
}

#[derive(Debug)]
struct Present<T> {
    address: IpAddr,
    last_heard: Instant,
    is_on_air: bool,
    end: T,
}

/// What is told once of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Told {
    /// It has all places that an address may have, or somebody has all there are.
    Crowd,
    /// It speaks something else.
    Garbage,
}

/// A place in the clients.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entered<T> {
    pub(super) client: u64,
    /// Whose place it was: the one that has been silent for longest.
    pub(super) instead_of: Option<(IpAddr, T)>,
}

impl<T> Default for Clients<T> {
    fn default() -> Self {
        Clients { present: HashMap::new(), next_client: 0, told: HashSet::new() }
    }
}

impl<T> Clients<T> {
    /// Gives a place, at the cost of the most silent one that is not on air where there are too many of these.
    pub(super) fn enter(&mut self, from: IpAddr, now: Instant, end: T) -> Entered<T> {
        let address = subscriber(from);
        let waiting = || self.present.iter().filter(|(_, it)| !it.is_on_air);
        let is_crowd = waiting().filter(|(_, it)| it.address == address).count() >= MOST_OF_ADDRESS;
        let mut most_silent = None;
        if is_crowd || waiting().count() >= MOST_CLIENTS {
            let may_leave = waiting().filter(|(_, it)| !is_crowd || it.address == address);
            most_silent =
                may_leave.min_by_key(|(client, it)| (it.last_heard, **client)).map(|(client, _)| *client);
        }
        let instead_of = most_silent.and_then(|client| self.present.remove(&client));
        let client = self.next_client;
        self.next_client += 1;
        self.present.insert(client, Present { address, last_heard: now, is_on_air: false, end });
        Entered { client, instead_of: instead_of.map(|it| (it.address, it.end)) }
    }

    /// It keeps its place from now on.
    pub(super) fn set_on_air(&mut self, client: u64) {
        if let Some(present) = self.present.get_mut(&client) {
            present.is_on_air = true;
        }
    }

    pub(super) fn heard(&mut self, client: u64, now: Instant) {
        if let Some(present) = self.present.get_mut(&client) {
            present.last_heard = now;
        }
    }

    /// One that was sent away may leave as well.
    pub(super) fn leave(&mut self, client: u64) {
        self.present.remove(&client);
    }

    /// Takes note of what is to be told once an address; whether it is the first time.
    pub(super) fn note(&mut self, from: IpAddr, what: Told) -> bool {
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
        }
        self.told.insert((subscriber(from), what))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.present.len()
    }
}

/// Whose connections are counted together: RFC 6177 gives everybody an IPv6 /64 at least.
fn subscriber(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[test]
    fn of_a_crowd_from_one_address_the_most_silent_leaves() {
        let (mut clients, start) = (Clients::default(), Instant::now());
        let at = |s| start + Duration::from_secs(s);
        for number in 0..MOST_OF_ADDRESS as u64 {
            let entered = clients.enter(address(1), at(number), number);
            assert_eq!(entered, Entered { client: number, instead_of: None });
        }
        clients.heard(0, at(20));
        clients.set_on_air(1);
        assert_eq!(clients.enter(address(1), at(30), 99).instead_of, None, "who is on air takes no place");
        let mut instead_of = || clients.enter(address(1), at(30), 99).instead_of.map(|(_, end)| end);
        assert_eq!(instead_of(), Some(2), "neither the one that was heard nor the one on air");
        assert_eq!(instead_of(), Some(3));
        assert_eq!(clients.enter(address(2), at(30), 100).instead_of, None);
        assert_eq!(clients.len(), MOST_OF_ADDRESS + 2);
    }

    #[test]
    fn where_many_addresses_have_all_places_there_is_one_for_one_more() {
        let (mut clients, start) = (Clients::default(), Instant::now());
        for number in 0..MOST_CLIENTS {
            clients.enter(address(number as u8 / 4), start, number);
        }
        clients.heard(0, start + Duration::from_secs(1));
        let entered = clients.enter(address(200), start + Duration::from_secs(2), 999);
        assert_eq!(entered.instead_of, Some((address(0), 1)));
        assert_eq!(clients.len(), MOST_CLIENTS);
        clients.leave(1);
        assert_eq!(clients.len(), MOST_CLIENTS, "it has left before");
        clients.leave(entered.client);
        assert_eq!(clients.len(), MOST_CLIENTS - 1);
    }

    #[test]
    fn an_address_is_told_of_once_for_each_thing() {
        let mut clients = Clients::<()>::default();
        assert!(clients.note(address(1), Told::Garbage));
        assert!(!clients.note(address(1), Told::Garbage));
        assert!(clients.note(address(1), Told::Crowd));
        let [one, two] = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse().expect("an address"));
        assert!(clients.note(one, Told::Garbage) && !clients.note(two, Told::Garbage));
        for number in 0..100_000_u32 {
            clients.note(IpAddr::from(number.to_be_bytes()), Told::Crowd);
        }
        assert!(clients.told.len() <= MOST_TOLD);
    }
}
