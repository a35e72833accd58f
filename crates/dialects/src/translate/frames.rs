//! A provider's bytes as frames of the client's dialect.

use bytes::Bytes;
use domain::canon::Chunk;

use super::codec::{ReadStream, WriteStream};
use crate::sse::{Frame, Framer};

/// Cuts a provider's stream into frames that the client's dialect has: those
/// that came, or what they are in another dialect.
#[derive(Debug)]
pub enum Frames {
    /// Both speak the same.
    Same(Framer),
    /// They do not.
    Translated(Box<Translated>),
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// An event is longer than anybody takes.
    #[error("an endless event")]
    Endless,
    /// It is none of its dialect.
    #[error("a malformed event: {0}")]
    Malformed(&'static str),
}

impl Frames {
    /// Of a stream that passes as it is.
    #[must_use]
    pub fn same(limit: usize) -> Self {
        Self::Same(Framer::new(limit))
    }

    /// Of a stream that is read by one dialect and written by another.
    #[must_use]
    pub fn translated(
        limit: usize,
        reader: Box<dyn ReadStream>,
        writer: Box<dyn WriteStream>,
    ) -> Self {
        Self::Translated(Box::new(Translated {
            theirs: Framer::new(limit),
            ours: Framer::new(usize::MAX),
            reader,
            writer,
            frames: Vec::new(),
            chunks: Vec::new(),
            written: Vec::new(),
        }))
    }

    /// Takes bytes and adds the frames that they complete to `out`.
    ///
    /// # Errors
    /// See [`Unreadable`]; nothing more can be read.
    pub fn push(&mut self, bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        match self {
            Self::Same(framer) => framer.push(bytes, out).map_err(|_| Unreadable::Endless),
            Self::Translated(translated) => translated.push(bytes, out),
        }
    }

    /// The bytes ended cleanly: adds what that completes to `out`. Some
    /// servers leave out the blank line behind their last event.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn finish(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        match self {
            Self::Same(framer) => {
                out.extend(framer.last().filter(Frame::is_end_mark));
                Ok(())
            }
            Self::Translated(translated) => translated.finish(out),
        }
    }
}

/// A stream on its way from one dialect into another.
#[derive(Debug)]
pub struct Translated {
    theirs: Framer,
    reader: Box<dyn ReadStream>,
    writer: Box<dyn WriteStream>,
    ours: Framer,
    // Emptied in every call; kept for their room.
    frames: Vec<Frame>,
    chunks: Vec<Chunk>,
    written: Vec<Bytes>,
}

impl Translated {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        self.theirs
            .push(bytes, &mut self.frames)
            .map_err(|_| Unreadable::Endless)?;
        self.read()?;
        self.write(out)
    }

    fn finish(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        self.frames.extend(self.theirs.last());
        self.read()?;
        self.reader.finish(&mut self.chunks);
        self.write(out)
    }

    fn read(&mut self) -> Result<(), Unreadable> {
        for frame in self.frames.drain(..) {
            self.reader
                .push(&frame, &mut self.chunks)
                .map_err(|malformed| Unreadable::Malformed(malformed.0))?;
        }
        Ok(())
    }

    fn write(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        for chunk in self.chunks.drain(..) {
            self.writer.push(&chunk, &mut self.written);
        }
        for bytes in self.written.drain(..) {
            let framed = self.ours.push(bytes, out);
            framed.map_err(|_| Unreadable::Endless)?;
        }
        Ok(())
    }
}
