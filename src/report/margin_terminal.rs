//! A terminal with a margin at its right that progress bars leave free. A bar leaves the cursor at its
//! end, where the terminal echoes a Ctrl-C as `^C`: without room for it, the echo would wrap to the next
//! line, and the bar would stay on the screen.

use std::fmt;
use std::io;

use console::Term;
use indicatif::TermLike;

/// The columns that stay free.
const MARGIN: u16 = 4;

/// Standard error without its last columns.
pub(super) struct MarginTerminal(Term);

impl MarginTerminal {
    pub(super) fn new() -> Self {
        MarginTerminal(Term::stderr())
    }
}

impl fmt::Debug for MarginTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarginTerminal")
    }
}

impl TermLike for MarginTerminal {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(MARGIN).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
