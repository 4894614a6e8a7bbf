//! The account of one address, and the places of its connections in it.

use std::cmp::Reverse;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;

use super::Accounts;
use crate::budget::Budget;

/// A connection, as its account sees it.
pub(crate) trait Holder: Send + Sync {
    /// What it has sent lately: what it is good for.
    fn recent_bytes(&self) -> u64;

    /// Tells it to end at once.
    fn end(&self);
}

/// What one address holds.
pub(crate) struct Account {
    own: Arc<Budget>,
    all: Arc<Budget>,
    members: Mutex<Slab<Member>>,
}

struct Member {
    taken: Arc<Taken>,
    holder: Arc<dyn Holder>,
}

/// By one connection.
#[derive(Debug, Default)]
struct Taken {
    bytes: AtomicU64,
    has_to_end: AtomicBool,
}

/// A connection's place in the account of its address; free again when dropped.
pub(crate) struct Place {
    accounts: Arc<Accounts>,
    account: Arc<Account>,
    key: usize,
    taken: Arc<Taken>,
}

/// So much of the account, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    place: Arc<Place>,
    size_bytes: u64,
}

impl Account {
    pub(super) fn new(limit_bytes: u64, all: Arc<Budget>) -> Arc<Account> {
        Arc::new(Account { own: Budget::new(limit_bytes), all, members: Mutex::default() })
    }

    pub(super) fn enter(
        account: Arc<Account>,
        accounts: Arc<Accounts>,
        holder: Arc<dyn Holder>,
    ) -> Arc<Place> {
        let taken = Arc::new(Taken::default());
        let key = account.members().insert(Member { taken: taken.clone(), holder });
        Arc::new(Place { accounts, account, key, taken })
    }

    fn members(&self) -> MutexGuard<'_, Slab<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left when those have ended that were told to.
    pub(super) fn remaining_bytes(&self) -> u64 {
        let members = self.members();
        let ending = members.iter().filter(|(_, member)| member.taken.has_to_end.load(Relaxed));
        let promised: u64 = ending.map(|(_, member)| member.taken.bytes.load(Relaxed)).sum();
        self.own.used_bytes().saturating_sub(promised)
    }

    fn make_room(&self) {
        if self.remaining_bytes() > self.own.limit_bytes() {
            self.end_least_useful();
        }
    }

    /// The one that has sent the least for what it holds; of equals the one that holds most, of these the oldest.
    pub(super) fn end_least_useful(&self) {
        let members = self.members();
        let standing = members.iter().filter(|(_, member)| !member.taken.has_to_end.load(Relaxed));
        let least = standing.min_by_key(|(_, member)| {
            let held_bytes = member.taken.bytes.load(Relaxed);
            (member.holder.recent_bytes() * 16 / held_bytes.max(1), Reverse(held_bytes))
        });
        let Some((_, member)) = least else { return };
        member.taken.has_to_end.store(true, Relaxed);
        let holder = member.holder.clone();
        drop(members);
        holder.end();
    }
}

impl Place {
    /// For what is taken whether there is room or not. When that is too much, another connection has to go, or this one.
    pub(crate) fn hold(self: &Arc<Place>, size_bytes: u64) -> Held {
        let held = self.add(size_bytes);
        if self.account.own.is_overspent() {
            self.account.make_room();
        }
        if self.account.all.is_overspent() {
            self.accounts.make_room();
        }
        held
    }

    /// Some of what is free, at least `least_bytes`: the less, the more is taken.
    pub(crate) fn hold_some(self: &Arc<Place>, least_bytes: u64, most_bytes: u64) -> Held {
        /// So many answers may take as much at the same time.
        const PARTS: u64 = 64;
        let free_bytes = self.account.own.free_bytes().min(self.account.all.free_bytes());
        self.add((free_bytes / PARTS).clamp(least_bytes, most_bytes.max(least_bytes)))
    }

    fn add(self: &Arc<Place>, size_bytes: u64) -> Held {
        self.taken.bytes.fetch_add(size_bytes, Relaxed);
        self.account.own.add(size_bytes);
        self.account.all.add(size_bytes);
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
        place.taken.bytes.fetch_sub(*size_bytes, Relaxed);
        place.account.own.give_back(*size_bytes);
        place.account.all.give_back(*size_bytes);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut members = self.account.members();
        members.try_remove(self.key);
        if members.is_empty() {
            members.shrink_to_fit();
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("own", &self.own).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("taken", &self.taken).finish_non_exhaustive()
    }
}
