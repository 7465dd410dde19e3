//! A bar on a terminal.

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

/// How far it is: on stderr if that is a terminal, and nowhere otherwise.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of so many bytes, if that is known.
    pub(crate) fn of_bytes(total: Option<u64>, hidden: bool) -> Self {
        if hidden {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:40} {bytes}/{total_bytes}, {msg} rows, {eta} left",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{spinner} {bytes}, {msg} rows, {elapsed}",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So many bytes were read by now, and so many rows are done.
    pub(crate) fn show(&self, bytes: u64, rows: u64) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_message(HumanCount(rows).to_string());
        self.0.set_position(bytes);
    }
}

/// Nothing of it stays on the terminal, however it ends.
impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
