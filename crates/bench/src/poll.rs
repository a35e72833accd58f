//! epoll, level-triggered, without any layer between.

use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anyhow::Result;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Events taken at once.
const MOST: usize = 512;

/// What a descriptor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Something to read, or the other side's end.
    Reading,
    /// That too, or room to write.
    Both,
}

impl For {
    fn flags(self) -> EventFlags {
        match self {
            Self::Reading => EventFlags::IN,
            Self::Both => EventFlags::IN | EventFlags::OUT,
        }
    }
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// As it was given to [`Poll::add`].
    pub(crate) token: usize,
    /// Whether there is something to read, an error included.
    pub(crate) can_read: bool,
    /// Whether there is room to write.
    pub(crate) can_write: bool,
}

/// An epoll instance and its list of events.
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    /// An empty one.
    ///
    /// # Errors
    /// The system has no more descriptors.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(MOST),
        })
    }

    /// Watches a descriptor.
    ///
    /// # Errors
    /// It is watched already, or cannot be.
    pub(crate) fn add(&self, fd: impl AsFd, token: usize, what: For) -> Result<()> {
        let data = EventData::new_u64(token as u64);
        Ok(epoll::add(&self.epoll, fd, data, what.flags())?)
    }

    /// Watches it for something else.
    ///
    /// # Errors
    /// It is not watched.
    pub(crate) fn change(&self, fd: impl AsFd, token: usize, what: For) -> Result<()> {
        let data = EventData::new_u64(token as u64);
        Ok(epoll::modify(&self.epoll, fd, data, what.flags())?)
    }

    /// Waits, and fills `ready` with what came.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn wait(&mut self, ready: &mut Vec<Ready>, most: Duration) -> Result<()> {
        ready.clear();
        self.events.clear();
        let timeout = Timespec::try_from(most)?;
        let room = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, room, Some(&timeout)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        ready.extend(self.events.iter().map(|event| {
            let flags = event.flags;
            Ready {
                token: event.data.u64() as usize,
                can_read: flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR),
                can_write: flags.contains(EventFlags::OUT),
            }
        }));
        Ok(())
    }
}
