//! A terminal with a margin at its right that progress bars leave free. A bar leaves the cursor at its
//! end, where the terminal echoes a Ctrl-C as `^C`: without room for it, the echo would wrap to the next
//! line, and the bar would stay on the screen.

use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::Term;
use indicatif::TermLike;

use super::message_stream::MessageStream;

/// The columns that stay free.
const MARGIN: u16 = 4;

/// Standard error without its last columns. It never fails: indicatif panics where a terminal does, and
/// one that is gone is no reason to stop.
pub(super) struct MarginTerminal {
    terminal: Term,
    stream: MessageStream,
    drawing: Mutex<String>,
}

impl MarginTerminal {
    pub(super) fn new(stream: MessageStream) -> Self {
        MarginTerminal { terminal: Term::stderr(), stream, drawing: Mutex::default() }
    }

    fn drawing(&self) -> MutexGuard<'_, String> {
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        self.drawing().push_str(text);
        Ok(())
    }

    /// Moves the cursor by so many cells, in the direction of this final byte of a control sequence.
    fn move_cursor(&self, cells: usize, direction: char) -> io::Result<()> {
        if cells > 0 {
            self.draw(&format!("\x1b[{cells}{direction}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for MarginTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MarginTerminal")
    }
}

impl TermLike for MarginTerminal {
    fn width(&self) -> u16 {
        self.terminal.size().1.saturating_sub(MARGIN).max(1)
    }

    fn height(&self) -> u16 {
        self.terminal.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        self.stream.send_drawing(std::mem::take(&mut *self.drawing()).as_bytes());
        Ok(())
    }
}
