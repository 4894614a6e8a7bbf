//! Natural order of names: `clip2.ts` before `clip10.ts`. Pure.

use std::cmp::Ordering;

/// Compares as people count: runs of digits by their value, all else byte by byte. Names that are worth the same (`a1`,
/// `a01`) are told apart by their bytes, so that only equal names are equal.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(&first), Some(&second)) = (left.first(), right.first()) {
        let order = if first.is_ascii_digit() && second.is_ascii_digit() {
            let (one, other) = (number(&mut left), number(&mut right));
            // Without leading zeros the longer one is the larger one.
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            first.cmp(&second)
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits off the front; gives them without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

/// A name in natural order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Natural(pub String);

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        natural_order(&self.0, &other.0)
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(ascending: &[&str]) {
        let mut sorted = ascending.to_vec();
        sorted.reverse();
        sorted.sort_by(|a, b| natural_order(a, b));
        assert_eq!(sorted, ascending);
    }

    #[test]
    fn numbers_count_by_their_value() {
        check(&["clip1.ts", "clip2.ts", "clip10.ts", "clip100.ts"]);
        check(&["9.ts", "10.ts", "18446744073709551616.ts", "99999999999999999999999.ts"]);
        check(&["cam1-2.ts", "cam1-10.ts", "cam2-1.ts"]);
        check(&["2026-11-22T9.ts", "2026-11-22T10.ts", "2026-12-01T1.ts"]);
    }

    #[test]
    fn everything_else_counts_by_its_bytes() {
        check(&[".ts", "A.ts", "a.ts", "a1.ts", "b.ts", "ä.ts"]);
        check(&["a01.ts", "a1.ts", "a02.ts"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a0-2]{0,5}", b in "[a0-2]{0,5}", c in "[a0-2]{0,5}") {
            prop_assert_eq!(natural_order(&a, &b), natural_order(&b, &a).reverse());
            prop_assert_eq!(natural_order(&a, &b).is_eq(), a == b);
            if natural_order(&a, &b).is_le() && natural_order(&b, &c).is_le() {
                prop_assert!(natural_order(&a, &c).is_le());
            }
        }
    }
}
