//! Standard error, written by a thread of its own: whoever has a message never waits for a reader, and a
//! message that can't be written stops nothing.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::patient_write::write_patiently;
use crate::visible::escape_line;
use crate::wording::plural;

/// The bytes that wait for a reader at most; a message that does not fit is dropped and counted.
const CAPACITY: usize = 4 << 20;

/// The bytes behind which progress bars are not drawn: the next drawing shows as much.
const DRAWING_CAPACITY: usize = 16 << 10;

/// The way to standard error. Its copies write to the same stream, in their order.
#[derive(Clone)]
pub struct MessageStream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Vec<u8>>,
    /// The bytes of the messages, and of the one that is being written.
    waiting: usize,
    dropped: usize,
    /// `true` once the stream has no reader, or never had one.
    is_dead: bool,
}

impl MessageStream {
    /// Starts the thread that writes to standard error.
    pub fn start() -> Self {
        Self::start_over(io::stderr())
    }

    fn start_over(output: impl Write + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let stream = MessageStream(Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("messages".to_owned());
        if thread.spawn(move || shared.write_all_messages(output)).is_err() {
            stream.0.lock().is_dead = true;
        }
        stream
    }

    /// Sends a message, if the stream has a reader and room.
    pub(super) fn send(&self, message: &[u8]) {
        self.push(message, CAPACITY);
    }

    /// Sends what must not be lost, such as the end of a command or a question, whether there is room or not.
    pub(super) fn send_always(&self, message: &[u8]) {
        self.push(message, usize::MAX);
    }

    /// Sends text that must not be lost.
    pub fn print(&self, text: &str) {
        self.send_always(text.as_bytes());
    }

    /// Sends an error that is no command's outcome.
    pub fn print_error(&self, message: &str) {
        self.send_always(format!("error: {}\n", escape_line(message)).as_bytes());
    }

    /// Sends a drawing of progress bars, which is worth nothing once it is late.
    pub(super) fn send_drawing(&self, drawing: &[u8]) {
        self.push(drawing, DRAWING_CAPACITY);
    }

    fn push(&self, bytes: &[u8], capacity: usize) {
        let mut queue = self.0.lock();
        if queue.is_dead || bytes.is_empty() {
            return;
        }
        if queue.waiting.saturating_add(bytes.len()) > capacity && queue.waiting > 0 {
            queue.dropped += usize::from(capacity == CAPACITY);
            return;
        }
        queue.waiting += bytes.len();
        queue.messages.push_back(bytes.to_vec());
        self.0.changed.notify_all();
    }

    /// Waits until all is written that was sent.
    pub fn flush(&self) {
        self.wait_for_reader(|_, _| None);
    }

    /// Waits for that until `limit` has passed without any progress.
    pub(super) fn flush_while_read(&self, limit: Duration) {
        self.wait_for_reader(|_, progress| Some(limit.saturating_sub(progress.elapsed())));
    }

    /// Waits for that for at most `limit`.
    pub fn flush_for(&self, limit: Duration) {
        self.wait_for_reader(|start, _| Some(limit.saturating_sub(start.elapsed())));
    }

    /// Waits as long as `time_left` says, given the time of the start and that of the last progress.
    fn wait_for_reader(&self, time_left: impl Fn(Instant, Instant) -> Option<Duration>) {
        let mut queue = self.0.lock();
        let (start, mut waiting) = (Instant::now(), queue.waiting);
        let mut progress = start;
        while (queue.waiting > 0 || queue.dropped > 0) && !queue.is_dead {
            let left = time_left(start, progress);
            if left == Some(Duration::ZERO) {
                return;
            }
            queue = self.0.wait(queue, left);
            if queue.waiting != waiting {
                (waiting, progress) = (queue.waiting, Instant::now());
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        queue: MutexGuard<'a, Queue>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        match limit {
            None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => {
                self.changed.wait_timeout(queue, limit).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Writes message by message until the stream has no reader any more.
    fn write_all_messages(&self, mut output: impl Write) {
        loop {
            let message = self.take_message();
            let written = write_patiently(&mut output, &message);
            let mut queue = self.lock();
            queue.waiting = queue.waiting.saturating_sub(message.len());
            if written.is_err() {
                *queue = Queue { is_dead: true, ..Queue::default() };
            }
            self.changed.notify_all();
            if queue.is_dead {
                return;
            }
        }
    }

    /// Waits for the next message; behind the last one, for the number of those that were dropped.
    fn take_message(&self) -> Vec<u8> {
        let mut queue = self.lock();
        loop {
            if let Some(message) = queue.messages.pop_front() {
                return message;
            }
            if queue.dropped > 0 {
                let text = format!(
                    "{} were not printed: nobody read them\n",
                    plural(queue.dropped, "message")
                );
                queue.dropped = 0;
                queue.waiting += text.len();
                return text.into_bytes();
            }
            queue = self.wait(queue, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An output whose reader takes a message only when it is told to.
    struct SlowOutput {
        permits: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for SlowOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.written.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn messages_wait_in_a_bounded_queue_and_end_with_their_reader() {
        let (permit, permits) = mpsc::channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let stream =
            MessageStream::start_over(SlowOutput { permits, written: Arc::clone(&written) });
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..5 * CAPACITY / line.len() {
            stream.send(&line);
        }
        stream.flush_while_read(Duration::from_millis(20));
        stream.flush_for(Duration::from_millis(20));
        assert_eq!(stream.0.lock().waiting, CAPACITY);
        stream.send_always(b"the end\n");
        for _ in 0..CAPACITY / line.len() + 2 {
            permit.send(()).unwrap();
        }
        stream.flush();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with("the end\n16384 messages were not printed: nobody read them\n"));
        drop(permit);
        stream.send(b"lost\n");
        stream.flush();
        assert!(stream.0.lock().is_dead);
        stream.send(b"lost as well\n");
        assert_eq!(stream.0.lock().waiting, 0);
    }
}
