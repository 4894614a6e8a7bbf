//! How many bytes may be kept in memory: sizes in, charges out. What a slow reader still holds counts until it is let
//! go, so the limit holds whatever readers do. Pure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// The limit, and what of it is taken.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

/// So much of the budget, until it is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    size_bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit_bytes: u64) -> Arc<Budget> {
        Arc::new(Budget { limit_bytes, used_bytes: AtomicU64::new(0) })
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_overspent(&self) -> bool {
        self.used_bytes() > self.limit_bytes
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        self.limit_bytes.saturating_sub(self.used_bytes())
    }

    /// For what is taken whether there is room or not.
    pub(crate) fn add(&self, size_bytes: u64) {
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    /// Gives back what was added.
    pub(crate) fn give_back(&self, size_bytes: u64) {
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    /// `None` when that is more than is left.
    pub(crate) fn charge(self: &Arc<Self>, size_bytes: u64) -> Option<Charge> {
        let add = |used: u64| used.checked_add(size_bytes).filter(|sum| *sum <= self.limit_bytes);
        self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Charge { budget: self.clone(), size_bytes })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give_back(self.size_bytes);
    }
}

/// Content together with its charge: whoever holds a piece of it holds the charge.
struct Charged {
    content: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Charge {
    /// The charge ends with the last clone or slice of these bytes.
    pub(crate) fn keep(self, content: Vec<u8>) -> Bytes {
        Bytes::from_owner(Charged { content, _charge: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_holds_stays_charged_until_it_is_let_go() {
        let budget = Budget::new(10);
        let content = budget.charge(6).unwrap().keep(vec![7; 6]);
        assert!(budget.charge(5).is_none(), "more than the limit");
        let piece = content.slice(2..3);
        drop(content);
        assert_eq!(budget.used_bytes(), 6, "a piece is still being sent");
        drop(piece);
        assert_eq!(budget.used_bytes(), 0);
        assert!(budget.charge(u64::MAX).is_none());
        assert!(budget.charge(10).is_some());
    }
}
