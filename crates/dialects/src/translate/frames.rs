//! A provider's bytes as frames of the client's dialect.

use bytes::Bytes;
use domain::canon::{Chunk, Fault};
use domain::usage::Usage;

use super::codec::{ReadStream, WriteStream};
use super::trail::{Tells, Trail};
use crate::framing::{Cutter, Unreadable};
use crate::openai::quirks::Mender;
use crate::responses::Said;
use crate::sse::{Frame, Framer};

/// Cuts a provider's stream into frames that the client's dialect has: those
/// that came, or what they are in another dialect.
#[derive(Debug)]
pub enum Frames {
    /// Both speak the same.
    Same(Cutter),
    /// They do, but for the provider's quirks.
    Mended(Box<(Cutter, Mender)>),
    /// They do not.
    Translated(Box<Translated>),
}

impl Frames {
    /// Of a stream that passes as it is.
    #[must_use]
    pub fn same(theirs: Cutter) -> Self {
        Self::Same(theirs)
    }

    /// Of a stream that `theirs` cuts and `reader` reads. What it says is written by `pivot`, for
    /// the gateway to look at; what leaves says `client`.
    #[must_use]
    pub fn translated(
        theirs: Cutter,
        reader: Box<dyn ReadStream>,
        pivot: Box<dyn WriteStream>,
        client: Client,
    ) -> Self {
        Self::Translated(Box::new(Translated {
            theirs,
            mender: None,
            ours: Framer::new(usize::MAX),
            reader,
            pivot,
            client,
            usage: None,
            has_failed: false,
            is_empty: false,
            frames: Vec::new(),
            chunks: Vec::new(),
            written: Vec::new(),
        }))
    }

    /// The same of a provider whose frames are mended first.
    #[must_use]
    pub fn mended(self, mender: Option<Mender>) -> Self {
        match (self, mender) {
            (Self::Same(cutter), Some(mender)) => Self::Mended(Box::new((cutter, mender))),
            (Self::Translated(mut translated), mender) => {
                translated.mender = mender;
                Self::Translated(translated)
            }
            (frames, _) => frames,
        }
    }

    /// Takes bytes and adds the frames that they complete to `out`.
    ///
    /// # Errors
    /// See [`Unreadable`]; nothing more can be read.
    pub fn push(&mut self, bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        match self {
            Self::Same(cutter) => cutter.push(bytes, out),
            Self::Mended(mended) => {
                let (cutter, mender) = &mut **mended;
                let mut frames = Vec::new();
                let cut = cutter.push(bytes, &mut frames);
                for frame in frames {
                    mender.frame(frame, out);
                }
                cut
            }
            Self::Translated(translated) => translated.push(bytes, out),
        }
    }

    /// What the provider of a translated stream said last of its use. Some say
    /// so as they go on, long before the frames tell it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Translated(translated) => translated.usage,
            Self::Same(_) | Self::Mended(_) => None,
        }
    }

    /// Whether the provider has ended the stream without a word of an answer, and
    /// said nothing but why. An error that it sent is another thing.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        matches!(self, Self::Translated(translated) if translated.is_empty)
    }

    /// Whether these are read as if they were translated, but leave as they come.
    #[must_use]
    pub fn pass(&self) -> bool {
        match self {
            Self::Same(_) | Self::Mended(_) => false,
            Self::Translated(translated) => matches!(translated.client, Client::AsItCame(..)),
        }
    }

    /// What ends the client's stream in the middle, where the writer knows how
    /// far it is; empty where it does not.
    ///
    /// What a provider says of itself is not always the client's to read: so
    /// errors of the provider's stream leave a writer by this way only. Of the
    /// frame that tells one nothing leaves then.
    pub fn fault(&mut self, fault: &Fault) -> Bytes {
        let Self::Translated(translated) = self else {
            return Bytes::new();
        };
        match &mut translated.client {
            Client::Pivot => Bytes::new(),
            Client::AsItCame(trail, _) => trail.fault(fault),
            Client::Written(writer) => {
                let mut written = Vec::new();
                writer.push(&Chunk::Error(fault.clone()), &mut written);
                written.concat().into()
            }
        }
    }

    /// What has to follow the event that told of an error, where it left as it came;
    /// empty where that is all there is to say.
    #[must_use]
    pub fn closing(&self, fault: &Fault) -> Bytes {
        match self {
            Self::Translated(translated) => match &translated.client {
                Client::AsItCame(trail, _) => trail.closing(fault),
                Client::Pivot | Client::Written(_) => Bytes::new(),
            },
            Self::Same(_) | Self::Mended(_) => Bytes::new(),
        }
    }

    /// The bytes ended cleanly: adds what that completes to `out`. Some
    /// servers leave out the blank line behind their last event.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn finish(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        match self {
            Self::Same(cutter) => {
                out.extend(cutter.last()?.filter(Frame::is_end_mark));
                Ok(())
            }
            Self::Mended(mended) => {
                let (cutter, mender) = &mut **mended;
                if let Some(last) = cutter.last()?.filter(Frame::is_end_mark) {
                    mender.frame(last, out);
                }
                mender.finish(out);
                Ok(())
            }
            Self::Translated(translated) => translated.finish(out),
        }
    }
}

/// What leaves of a translated stream.
#[derive(Debug)]
pub enum Client {
    /// The pivot's own bytes: the client speaks that dialect.
    Pivot,
    /// What this writes.
    Written(Box<dyn WriteStream>),
    /// The provider's bytes: the client speaks its dialect. What they repeat of a
    /// policy's rules is what the client said instead.
    AsItCame(Trail, Option<Said>),
}

/// A stream on its way from one dialect into another.
#[derive(Debug)]
pub struct Translated {
    theirs: Cutter,
    mender: Option<Mender>,
    reader: Box<dyn ReadStream>,
    pivot: Box<dyn WriteStream>,
    ours: Framer,
    client: Client,
    /// What the provider said last of its use.
    usage: Option<Usage>,
    /// Whether a frame told of an error.
    has_failed: bool,
    /// Whether nothing came but the reason why nothing did.
    is_empty: bool,
    // Emptied in every call; kept for their room.
    frames: Vec<Frame>,
    chunks: Vec<Chunk>,
    written: Vec<Bytes>,
}

impl Translated {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        // What was cut before the bytes went wrong is read as if it had come alone.
        let cut = self.theirs.push(bytes, &mut self.frames);
        self.read(out)?;
        cut
    }

    fn finish(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        self.frames.extend(self.theirs.last()?);
        self.read(out)?;
        if let Some(mender) = &mut self.mender {
            let mut rest = Vec::new();
            mender.finish(&mut rest);
            self.hear(rest, out)?;
        }
        self.reader.finish(&mut self.chunks);
        let is_error = |chunk: &Chunk| matches!(chunk, Chunk::Error(_));
        self.is_empty = !self.has_failed && self.chunks.iter().any(is_error);
        self.write(&Bytes::new(), out)
    }

    fn read(&mut self, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        let mut frames = std::mem::take(&mut self.frames);
        if let Some(mender) = &mut self.mender {
            for frame in std::mem::take(&mut frames) {
                mender.frame(frame, &mut frames);
            }
        }
        self.hear(frames, out)
    }

    /// Lets the reader hear frames as its dialect has them.
    fn hear(&mut self, frames: Vec<Frame>, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        for frame in frames {
            let frame = match &self.client {
                Client::AsItCame(_, Some(said)) => said.in_event(frame),
                _ => frame,
            };
            self.reader.push(&frame, &mut self.chunks)?;
            if let Client::AsItCame(trail, _) = &mut self.client {
                let is_error = |chunk: &Chunk| matches!(chunk, Chunk::Error(_));
                let tells = match self.chunks.iter().any(is_error) {
                    true => Tells::Error,
                    false => Tells::Else,
                };
                trail.heard(&frame, tells);
            }
            self.write(&frame.bytes, out)?;
        }
        Ok(())
    }

    /// Writes the chunks that a frame of the provider gave.
    fn write(&mut self, came: &Bytes, out: &mut Vec<Frame>) -> Result<(), Unreadable> {
        let first = out.len();
        for chunk in std::mem::take(&mut self.chunks) {
            if let Chunk::Usage(usage) = &chunk {
                self.usage = Some(*usage);
            }
            self.has_failed |= matches!(chunk, Chunk::Error(_));
            let start = out.len();
            self.pivot.push(&chunk, &mut self.written);
            for bytes in self.written.drain(..) {
                let framed = self.ours.push(bytes, out);
                framed.map_err(|_| Unreadable::Endless)?;
            }
            if let Client::Written(writer) = &mut self.client {
                if !matches!(chunk, Chunk::Error(_)) {
                    writer.push(&chunk, &mut self.written);
                }
                let leaves = self.written.concat();
                self.written.clear();
                lend(out, start, leaves.into());
            }
        }
        if matches!(self.client, Client::AsItCame(..)) {
            lend(out, first, came.clone());
        }
        Ok(())
    }
}

/// Lets these bytes leave for the frames from `start` on: with the last of
/// them, so that nothing leaves before all was looked at.
fn lend(out: &mut Vec<Frame>, start: usize, bytes: Bytes) {
    for frame in &mut out[start..] {
        frame.bytes = Bytes::new();
        frame.data_at = None;
    }
    match out[start..].last_mut() {
        Some(last) => last.bytes = bytes,
        None if bytes.is_empty() => {}
        None => out.push(Frame {
            bytes,
            data: None,
            event: None,
            data_at: None,
        }),
    }
}
