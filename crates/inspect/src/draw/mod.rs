//! Draw: an inventory as text for people: the table, the timeline, the summary; or one file taken apart; or the playlists that
//! a multivariant one lists.
//!
//! In: an [`Inventory`] and the [`Page`] that it goes on. Out: lines, none of them wider than the page. Pure.

pub(crate) mod output;
pub(crate) mod screen;

mod page;
mod paint;
mod segment;
mod summary;
mod table;
mod timeline;
mod variants;
mod words;

pub use page::Page;

use crate::model::inventory::Inventory;
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::exact_signed_seconds;
use paint::Paint;

/// The narrowest page that is drawn on. What is narrower cuts the lines off.
const NARROWEST: usize = 40;

/// Draws.
#[must_use]
pub fn draw(inventory: &Inventory, page: &Page) -> String {
    let page = &Page { width: page.width.max(NARROWEST), ..page.clone() };
    let paint = Paint::new(page.colour);
    let blocks = if let Some(detail) = &inventory.detail {
        let duration_s = detail
            .end_90k
            .zip(detail.start_90k)
            .map(|(end_90k, start_90k)| exact_signed_seconds(distance_90k(start_90k, end_90k)));
        vec![
            table::table(inventory, page, paint, None),
            segment::streams(detail, page, paint),
            segment::rate(detail, duration_s, page, paint),
            segment::facts(inventory, detail, page, paint),
        ]
    } else if inventory.variants.is_empty() {
        segments(inventory, page, paint)
    } else {
        vec![variants::variants(&inventory.variants, page, paint), summary::summary(inventory, page, paint)]
    };
    let mut lines = Vec::new();
    for block in blocks.into_iter().filter(|block| !block.is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(block);
    }
    if let Some(height) = page.height {
        lines.truncate(height);
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(&console::truncate_str(&line, page.width, "…"));
        text.push('\n');
    }
    text
}

/// The table, the timeline and the summary, as they fit on the page.
fn segments(inventory: &Inventory, page: &Page, paint: Paint) -> Vec<Vec<String>> {
    let timeline = timeline::timeline(&inventory.segments, page, paint);
    let summary = summary::summary(inventory, page, paint);
    let taken = timeline.len() + summary.len() + 2;
    // Where all of it does not fit, the picture of the timeline goes before the last rows of the table do.
    let (timeline, rows_height) = match page.height {
        Some(height) if height < taken + SHORTEST_TABLE => {
            (Vec::new(), Some(height.saturating_sub(summary.len() + 1)))
        }
        Some(height) => (timeline, Some(height - taken)),
        None => (timeline, None),
    };
    vec![table::table(inventory, page, paint, rows_height), timeline, summary]
}

/// The heading, and a few rows.
const SHORTEST_TABLE: usize = 5;
