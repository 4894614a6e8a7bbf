//! Accounts: what all connections and answers of one address hold of this server together, and who has to go when that is too much.
//!
//! In: what each takes, when it takes it. Out: its charge, given back when it is dropped, and the order to end for the least
//! useful connection of an address that holds more than its share. No I/O, no thread of its own.
//!
//! | file | |
//! |---|---|
//! | `account` | the account of an address, the places of its connections |
//! | `share` | what one answer may read ahead of its client |

mod account;
mod share;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::budget::Budget;
pub(crate) use account::{Account, Held, Holder, Place};
pub(crate) use share::Share;

/// For each connection that an address may have: its buffers, its streams, and what is read ahead for them. Of a viewer's
/// connection that is three times what it needs.
const BYTES_FOR_EACH: u64 = 48 * 1024;

/// Nobody has less than this, however few connections he may have.
const LEAST_BYTES: u64 = 8 << 20;

/// The accounts of all addresses.
#[derive(Debug)]
pub(crate) struct Accounts {
    all: Arc<Budget>,
    each_bytes: u64,
    /// Of the peers that bring the connections of others.
    trusted: Arc<Account>,
    by_subscriber: Mutex<HashMap<IpAddr, Weak<Account>>>,
}

impl Accounts {
    /// For so many connections in all and of one address.
    pub(crate) fn new(connections: usize, connections_per_address: usize) -> Arc<Accounts> {
        let bytes = |connections: usize| (connections as u64).saturating_mul(BYTES_FOR_EACH).max(LEAST_BYTES);
        let all_bytes = bytes(connections);
        let all = Budget::new(all_bytes);
        Arc::new(Accounts {
            trusted: Account::new(all_bytes, all.clone()),
            all,
            each_bytes: bytes(connections_per_address).min(all_bytes),
            by_subscriber: Mutex::default(),
        })
    }

    /// A place for a connection; `subscriber` is `None` for a peer that is trusted.
    pub(crate) fn enter(
        self: &Arc<Accounts>,
        subscriber: Option<IpAddr>,
        holder: Arc<dyn Holder>,
    ) -> Arc<Place> {
        let account = subscriber.map_or_else(|| self.trusted.clone(), |subscriber| self.account(subscriber));
        Account::enter(account, self.clone(), holder)
    }

    fn account(&self, subscriber: IpAddr) -> Arc<Account> {
        let mut by_subscriber = self.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = by_subscriber.get(&subscriber).and_then(Weak::upgrade) {
            return account;
        }
        if by_subscriber.len() == by_subscriber.capacity() {
            by_subscriber.retain(|_, account| account.strong_count() > 0);
        }
        let account = Account::new(self.each_bytes, self.all.clone());
        by_subscriber.insert(subscriber, Arc::downgrade(&account));
        account
    }

    /// Makes room for all at the cost of the address that holds most.
    fn make_room(&self) {
        let by_subscriber = self.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
        let largest = by_subscriber
            .values()
            .filter_map(Weak::upgrade)
            .chain([self.trusted.clone()])
            .max_by_key(|account| account.remaining_bytes());
        drop(by_subscriber);
        if let Some(account) = largest {
            account.end_least_useful();
        }
    }
}
