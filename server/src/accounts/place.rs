//! The accounts of all addresses, and the places of connections in them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::account::{Account, Holder};
use crate::budget::Budget;

/// For each connection that an address may have: its buffers, its streams, and what is read ahead for them. A viewer's takes three quarters of it.
const BYTES_FOR_EACH: u64 = 32 * 1024;

/// Nobody has less than this, however few connections he may have.
const LEAST_BYTES: u64 = 8 << 20;

/// So many answers may read ahead as much at the same time.
const READERS: u64 = 64;

/// The accounts of all addresses.
#[derive(Debug)]
pub(crate) struct Accounts {
    all: Arc<Budget>,
    each_bytes: u64,
    /// Of the peers that bring the connections of others.
    trusted: Arc<Account>,
    by_subscriber: Mutex<HashMap<IpAddr, Weak<Account>>>,
    ended: AtomicU64,
}

impl Accounts {
    /// For so many connections in all and of one address.
    pub(crate) fn new(connections: usize, connections_per_address: usize) -> Arc<Accounts> {
        let bytes = |connections: usize| (connections as u64).saturating_mul(BYTES_FOR_EACH).max(LEAST_BYTES);
        let all_bytes = bytes(connections);
        Arc::new(Accounts {
            all: Budget::new(all_bytes),
            each_bytes: bytes(connections_per_address).min(all_bytes),
            trusted: Account::new(all_bytes),
            by_subscriber: Mutex::default(),
            ended: AtomicU64::new(0),
        })
    }

    /// How many connections have ended because they had to.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Relaxed)
    }

    /// A place for a connection; `subscriber` is `None` for a peer that is trusted. `None` while those that had to end have not.
    pub(crate) fn enter(
        self: &Arc<Accounts>,
        subscriber: Option<IpAddr>,
        holder: Arc<dyn Holder>,
    ) -> Option<Arc<Place>> {
        let account = subscriber.map_or_else(|| self.trusted.clone(), |subscriber| self.account(subscriber));
        if account.is_full() {
            return None;
        }
        let key = account.enter(holder.clone());
        Some(Arc::new(Place { accounts: self.clone(), account, key, holder }))
    }

    fn account(&self, subscriber: IpAddr) -> Arc<Account> {
        let mut by_subscriber = self.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = by_subscriber.get(&subscriber).and_then(Weak::upgrade) {
            return account;
        }
        if by_subscriber.len() == by_subscriber.capacity() {
            by_subscriber.retain(|_, account| account.strong_count() > 0);
        }
        let account = Account::new(self.each_bytes);
        by_subscriber.insert(subscriber, Arc::downgrade(&account));
        account
    }

    fn all_accounts(&self) -> Vec<Arc<Account>> {
        let by_subscriber = self.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
        by_subscriber.values().filter_map(Weak::upgrade).chain([self.trusted.clone()]).collect()
    }

    /// Ends the connection that keeps most of the memory of playlists from being used again; false when none does.
    pub(crate) fn end_holder_of_lists(&self) -> bool {
        let holders = self.all_accounts();
        let holders = holders.iter().filter_map(|account| account.holder_of_lists());
        let Some((_, holder)) = holders.max_by_key(|(held, _)| *held) else { return false };
        holder.taken().set_has_to_end();
        holder.end();
        true
    }

    /// Makes room for all at the cost of the address that holds most.
    fn make_room(&self, now: Instant) {
        let accounts = self.all_accounts().into_iter();
        let accounts: Vec<_> = accounts.map(|account| (account.remaining_bytes(), account)).collect();
        let remaining_bytes: u64 = accounts.iter().map(|(remaining_bytes, _)| remaining_bytes).sum();
        let least_bytes = self.all.limit_bytes() / 16 * 15;
        if remaining_bytes > self.all.limit_bytes()
            && let Some((largest_bytes, largest)) = accounts.iter().max_by_key(|(bytes, _)| *bytes)
        {
            largest.end_least_useful((remaining_bytes - least_bytes).min(largest_bytes / 2), now);
        }
    }
}

/// A connection's place in the account of its address; free again when dropped.
pub(crate) struct Place {
    accounts: Arc<Accounts>,
    account: Arc<Account>,
    key: usize,
    holder: Arc<dyn Holder>,
}

/// So much of the account, until it is dropped.
pub(crate) struct Held {
    place: Arc<Place>,
    size_bytes: u64,
}

impl Place {
    /// For what is taken whether there is room or not. When that is too much, another connection has to go, or this one.
    pub(crate) fn hold(self: &Arc<Place>, size_bytes: u64) -> Held {
        self.hold_at(size_bytes, Instant::now)
    }

    fn hold_at(self: &Arc<Place>, size_bytes: u64, now: impl Fn() -> Instant) -> Held {
        let held = self.add(size_bytes);
        if self.account.budget.is_overspent() {
            self.account.make_room(now());
        }
        if self.accounts.all.is_overspent() {
            self.accounts.make_room(now());
        }
        held
    }

    /// The same for what can be refused: `None` while those that had to end have not.
    pub(crate) fn try_hold(self: &Arc<Place>, size_bytes: u64) -> Option<Held> {
        (!self.account.is_full()).then(|| self.hold(size_bytes))
    }

    /// No other account has it while this place is taken.
    pub(crate) fn account_number(&self) -> usize {
        Arc::as_ptr(&self.account).addr()
    }

    /// Counts time of a thread that was used, in the second `now_s`.
    pub(crate) fn add_work(&self, time: Duration, now_s: u64) {
        self.account.work.add(time, now_s);
    }

    /// Whether the address has used much of the threads' time lately.
    pub(crate) fn has_worked_much(&self, now_s: u64) -> bool {
        self.account.work.is_much(now_s)
    }

    /// How much one answer may read ahead. The more is taken, the less.
    pub(super) fn room_bytes(&self) -> u64 {
        self.account.budget.free_bytes().min(self.accounts.all.free_bytes()) / READERS
    }

    pub(super) fn add(self: &Arc<Place>, size_bytes: u64) -> Held {
        self.holder.taken().bytes.fetch_add(size_bytes, Relaxed);
        self.account.budget.add(size_bytes);
        self.accounts.all.add(size_bytes);
        Held { place: self.clone(), size_bytes }
    }
}

impl Held {
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Held { place, size_bytes } = self;
        place.holder.taken().bytes.fetch_sub(*size_bytes, Relaxed);
        place.account.budget.give_back(*size_bytes);
        place.accounts.all.give_back(*size_bytes);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.account.leave(self.key);
        if self.holder.taken().has_to_end() {
            self.accounts.ended.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::account::{ListsHeld, Taken};
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[derive(Default)]
    struct Someone {
        taken: Taken,
        recent_bytes: AtomicU64,
        lists_held: Mutex<ListsHeld>,
        has_ended: AtomicBool,
    }

    impl Holder for Someone {
        fn taken(&self) -> &Taken {
            &self.taken
        }

        fn recent_bytes(&self) -> u64 {
            self.recent_bytes.load(Relaxed)
        }

        fn lists_held(&self) -> ListsHeld {
            *self.lists_held.lock().unwrap()
        }

        fn end(&self) {
            self.has_ended.store(true, Relaxed);
        }
    }

    impl Someone {
        fn has_ended(&self) -> bool {
            self.has_ended.load(Relaxed)
        }
    }

    /// An address with its connections: their places, and whether they had to end.
    fn enter(accounts: &Arc<Accounts>, address: &str, count: usize) -> Vec<(Arc<Place>, Arc<Someone>)> {
        let enter = |_| {
            let someone = Arc::new(Someone::default());
            (accounts.enter(Some(address.parse().unwrap()), someone.clone()).unwrap(), someone)
        };
        (0..count).map(enter).collect()
    }

    #[test]
    fn whoever_sends_least_for_what_it_holds_has_to_end() {
        let accounts = Accounts::new(10_000, 1);
        let members = enter(&accounts, "192.0.2.1", 3);
        let [(idle, one), (busy, two), (small, three)] = &members[..] else { unreachable!() };
        two.recent_bytes.store(LEAST_BYTES, Relaxed);
        let start = Instant::now();
        let at = |ms: u64| move || start + Duration::from_millis(ms);
        let mut held = vec![idle.hold(LEAST_BYTES / 3), busy.hold(LEAST_BYTES / 2), small.hold(1000)];
        held.push(busy.hold_at(LEAST_BYTES / 4, at(0)));
        assert_eq!((one.has_ended(), two.has_ended(), three.has_ended()), (true, false, false));
        held.push(small.hold_at(LEAST_BYTES / 10, at(200)));
        assert!(!two.has_ended() && !three.has_ended(), "room was promised");
        held.push(small.hold_at(LEAST_BYTES / 2, at(50)));
        assert!(!three.has_ended(), "not again so soon");
        held.push(small.hold_at(1, at(200)));
        assert!(three.has_ended(), "whoever asks is not better than others");
        assert!(small.try_hold(1).is_none(), "nobody has ended yet");
        assert!(accounts.enter(Some("192.0.2.1".parse().unwrap()), one.clone()).is_none());

        drop(held);
        assert_eq!((accounts.all.used_bytes(), idle.account.budget.used_bytes()), (0, 0));
        drop(members);
        assert_eq!(accounts.ended(), 2);
        drop(enter(&accounts, "192.0.2.1", 1));
        assert_eq!(accounts.by_subscriber.lock().unwrap().values().filter_map(Weak::upgrade).count(), 0);
    }

    #[test]
    fn other_addresses_have_accounts_of_their_own_and_all_together_have_a_limit() {
        let accounts = Accounts::new(1, 1);
        let members = [enter(&accounts, "192.0.2.1", 1), enter(&accounts, "192.0.2.2", 1)].concat();
        let [(first, one), (second, two)] = &members[..] else { unreachable!() };
        let _most = first.hold(LEAST_BYTES / 3 * 2);
        let _less = second.hold(LEAST_BYTES / 2);
        assert!(one.has_ended() && !two.has_ended(), "the one that holds most, whoever asks");
    }

    #[test]
    fn whoever_holds_most_of_playlists_ends_first_and_once() {
        let accounts = Accounts::new(10, 10);
        let members = [enter(&accounts, "192.0.2.1", 2), enter(&accounts, "192.0.2.2", 2)].concat();
        assert!(!accounts.end_holder_of_lists());
        let hold = |member: usize, byte_seconds, bytes| {
            *members[member].1.lists_held.lock().unwrap() = ListsHeld { byte_seconds, bytes };
        };
        hold(0, 0, 8);
        hold(1, 2, 2);
        hold(2, 3, 1);
        hold(3, 0, 9);
        // Two have just begun.
        for expected in
            [[false, false, true, false], [false, true, true, false], [false, true, true, true], [true; 4]]
        {
            assert!(accounts.end_holder_of_lists());
            let ended: Vec<_> = members.iter().map(|(_, someone)| someone.has_ended()).collect();
            assert_eq!(ended, expected);
        }
        assert!(!accounts.end_holder_of_lists());
    }

    #[test]
    fn the_less_is_free_the_less_is_read_ahead() {
        let accounts = Accounts::new(1, 1);
        let members = enter(&accounts, "192.0.2.1", 1);
        let place = &members[0].0;
        assert_eq!(place.room_bytes(), LEAST_BYTES / READERS);
        let _held = place.hold(LEAST_BYTES - 100 * READERS);
        assert_eq!(place.room_bytes(), 100);
        let _rest = place.hold(101 * READERS);
        assert_eq!(place.room_bytes(), 0);
    }
}
