//! Paint: what is drawn in which colour, if any.

use crate::model::inventory::State;
use console::Style;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    colour: bool,
}

impl Paint {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour }
    }

    fn with(self, style: &Style, text: &str) -> String {
        if self.colour {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Headings.
    pub(super) fn strong(self, text: &str) -> String {
        self.with(&Style::new().bold(), text)
    }

    /// What matters less.
    pub(super) fn faint(self, text: &str) -> String {
        self.with(&Style::new().dim(), text)
    }

    /// What is wrong.
    pub(super) fn bad(self, text: &str) -> String {
        self.with(&Style::new().red(), text)
    }

    /// What to look at.
    pub(super) fn odd(self, text: &str) -> String {
        self.with(&Style::new().yellow(), text)
    }

    /// What belongs to a segment in this state.
    pub(super) fn of(self, state: State, text: &str) -> String {
        match state {
            State::Listed | State::Elsewhere => self.with(&Style::new().green(), text),
            State::WaitingForDeletion | State::Unlisted => self.faint(text),
            State::WaitingToBeListed | State::BeingWritten => self.with(&Style::new().cyan(), text),
            State::PassedOver | State::Gap => self.odd(text),
            State::Refused | State::Missing => self.bad(text),
        }
    }
}
