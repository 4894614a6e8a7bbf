//! Natural order of names: `seg9.ts` before `seg10.ts`. Pure.

use std::cmp::Ordering;

/// Compares runs of digits by their value, everything else byte by byte. Names that are equal so are compared as they are.
pub(super) fn natural(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    while let (Some(&x), Some(&y)) = (a.first(), b.first()) {
        let ordering = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (digits_a, digits_b) = (digits(&mut a), digits(&mut b));
            digits_a.len().cmp(&digits_b.len()).then_with(|| digits_a.cmp(digits_b))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            x.cmp(&y)
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a.len().cmp(&b.len()).then_with(|| left.cmp(right))
}

/// Takes the number off the front; without its leading zeros.
fn digits<'a>(name: &mut &'a [u8]) -> &'a [u8] {
    let end = name.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(name.len());
    let (number, rest) = name.split_at(end);
    *name = rest;
    let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_their_value() {
        let mut names = ["b1.ts", "a10.ts", "a9.ts", "a010.ts", "a", "a9b.ts", "a99999999999999999999999.ts"];
        names.sort_by(|left, right| natural(left, right));
        assert_eq!(
            names,
            ["a", "a9.ts", "a9b.ts", "a010.ts", "a10.ts", "a99999999999999999999999.ts", "b1.ts"]
        );
    }
}
