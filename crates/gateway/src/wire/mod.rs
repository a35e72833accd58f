//! The transport's toolbox: sockets that keep the journal's promise, readers
//! and writers that hold no memory while nothing flows, timers that cost
//! nothing while nothing is late. `accept` and `send` build on it.

mod alarm;
mod end;
mod inlet;
mod line;
mod outlet;
mod pieces;
mod socket;
#[cfg(test)]
pub(crate) mod stage;

pub(crate) use alarm::Alarm;
pub(crate) use end::End;
use inlet::Inlet;
pub(crate) use inlet::Scratch;
pub(crate) use line::Line;
pub(crate) use outlet::Outlet;
pub(crate) use pieces::Pieces;
pub(crate) use socket::Socket;
