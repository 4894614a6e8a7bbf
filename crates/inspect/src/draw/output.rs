//! Output: an inventory as it was asked for, for people or for programs.
//!
//! In: an [`Inventory`]. Out: text for standard output.

use crate::draw::draw;
use crate::draw::screen;
use crate::model::inventory::Inventory;

/// One line of JSON, or a drawing as wide as standard output.
pub(crate) fn text(inventory: &Inventory, is_json: bool) -> String {
    if is_json { json(inventory) } else { draw(inventory, &screen::page(None)) }
}

/// One line.
fn json(inventory: &Inventory) -> String {
    // Serialization fails on maps with odd keys and on failing writers; here is neither.
    serde_json::to_string(inventory).map(|line| line + "\n").unwrap_or_default()
}
