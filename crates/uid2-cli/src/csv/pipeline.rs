//! One thread reads, several work, and this one writes, in the order of the input.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::batch::Batch;
use super::progress::Progress;
use super::rows::Rows;
use super::tally::Tally;

/// Rows of so many bytes make a batch.
const BATCH_BYTES: usize = 128 * 1024;
const BATCH_ROWS: usize = 8192;
/// How many batches may wait for each worker, and as many for the writer.
const WAITING: usize = 2;

/// What is written for a batch, and what became of its rows.
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) tally: Tally,
}

/// What became of all rows.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    /// Whoever reads the output went away before its end.
    pub(crate) abandoned: bool,
}

/// A batch, and how far the reader has come.
type Task = io::Result<(Batch, u64)>;
type Finished = io::Result<(Piece, u64)>;

/// Works on `first` and then on all rows, and writes what comes of them.
///
/// Batches go round the workers, and are taken from them in the same turn, so the
/// order is kept. All channels are bounded: whoever is faster waits.
///
/// # Errors
/// The first that occurs, of reading, working or writing, once everything before
/// it has been written. A reader of the output that goes away is none.
pub(crate) fn run<R: Read + Send + 'static>(
    rows: Rows<R>,
    first: Batch,
    threads: usize,
    work: impl Fn(&Batch) -> io::Result<Piece> + Send + Sync + 'static,
    mut output: impl Write,
    progress: &Progress,
) -> io::Result<Done> {
    let work = Arc::new(work);
    let mut tasks = Vec::new();
    let mut finished = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..threads.max(1) {
        let (task_sender, task_receiver) = sync_channel::<Task>(WAITING);
        let (piece_sender, piece_receiver) = sync_channel::<Finished>(WAITING);
        let work = Arc::clone(&work);
        let labour = move || labour(&*work, &task_receiver, &piece_sender);
        workers.push(thread::spawn(labour));
        tasks.push(task_sender);
        finished.push(piece_receiver);
    }
    let reader = thread::spawn(move || deal(rows, first, &tasks));
    let done = write_all(&finished, &mut output, progress)?;
    if done.abandoned {
        // The reader may be waiting for an input that nobody wants any more.
        return Ok(done);
    }
    drop(finished);
    workers.push(reader);
    // The end of a thread that panicked looks like the end of the input.
    match workers.into_iter().try_for_each(thread::JoinHandle::join) {
        Ok(()) => Ok(done),
        Err(_) => Err(io::Error::other("a thread has panicked: please report it")),
    }
}

fn labour(
    work: &impl Fn(&Batch) -> io::Result<Piece>,
    tasks: &Receiver<Task>,
    pieces: &SyncSender<Finished>,
) {
    for task in tasks {
        let finished = task.and_then(|(batch, bytes)| Ok((work(&batch)?, bytes)));
        if pieces.send(finished).is_err() {
            return;
        }
    }
}

/// Reads batches and hands them out, one to each in turn.
fn deal<R: Read>(mut rows: Rows<R>, first: Batch, tasks: &[SyncSender<Task>]) {
    let mut batch = first;
    for worker in tasks.iter().cycle() {
        let task = match read_batch(&mut rows, &mut batch) {
            Ok(()) if batch.is_empty() => return,
            Ok(()) => Ok((std::mem::take(&mut batch), rows.taken())),
            Err(error) => Err(error),
        };
        let failed = task.is_err();
        if worker.send(task).is_err() || failed {
            return;
        }
    }
}

/// As many rows as there are without waiting for the input, up to a bound, so
/// that what can be said is said before waiting; at least one, unless it is over.
fn read_batch<R: Read>(rows: &mut Rows<R>, batch: &mut Batch) -> io::Result<()> {
    while batch.is_empty()
        || (rows.has_more_at_hand() && batch.bytes() < BATCH_BYTES && batch.len() < BATCH_ROWS)
    {
        if !rows.read(batch)? {
            break;
        }
    }
    Ok(())
}

fn write_all(
    finished: &[Receiver<Finished>],
    output: &mut impl Write,
    progress: &Progress,
) -> io::Result<Done> {
    let mut tally = Tally::default();
    for worker in finished.iter().cycle() {
        let Ok(piece) = worker.recv() else {
            break;
        };
        let (piece, bytes) = piece?;
        let written = output.write_all(&piece.bytes).and_then(|()| output.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(Done {
                    tally,
                    abandoned: true,
                });
            }
            result => result?,
        }
        tally.add(piece.tally);
        progress.show(bytes, tally.rows);
    }
    Ok(Done {
        tally,
        abandoned: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(batch: &Batch) -> io::Result<Piece> {
        let mut tally = Tally::default();
        let mut bytes = Vec::new();
        for row in batch.rows() {
            tally.count(row.line, None);
            bytes.extend_from_slice(row.cell(0).unwrap_or_default());
            bytes.push(b'\n');
        }
        Ok(Piece { bytes, tally })
    }

    fn hidden() -> Progress {
        Progress::of_bytes(None, true)
    }

    #[test]
    fn the_order_is_kept_whatever_takes_longest() {
        let text: String = (0..30_000).map(|number| format!("{number}\n")).collect();
        let slowly = |batch: &Batch| {
            let first = batch.rows().next().map_or(0, |row| row.line);
            // Busy for a time that differs from batch to batch.
            let rounds = (first * 7919) % 50_000;
            std::hint::black_box((0..rounds).fold(0_u64, |sum, round| sum.wrapping_add(round)));
            copy(batch)
        };
        for threads in [1, 2, 3, 8] {
            let rows = Rows::new(io::Cursor::new(text.clone()), b',').unwrap();
            let mut output = Vec::new();
            let done = run(
                rows,
                Batch::default(),
                threads,
                slowly,
                &mut output,
                &hidden(),
            );
            assert_eq!(done.unwrap().tally.rows, 30_000);
            assert!(output == text.as_bytes(), "{threads} threads");
        }
    }

    #[test]
    fn an_input_that_breaks_off_is_an_error_after_what_came_before() {
        struct Broken(bool);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("the disk is gone"));
                }
                buffer[..4].copy_from_slice(b"a\nb\n");
                Ok(4)
            }
        }
        let mut output = Vec::new();
        let rows = Rows::new(Broken(false), b',').unwrap();
        let error = run(rows, Batch::default(), 2, copy, &mut output, &hidden()).unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone");
        assert_eq!(output, b"a\nb\n");
    }
}
