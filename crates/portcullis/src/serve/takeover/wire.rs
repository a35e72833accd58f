//! How two processes talk: a length, then JSON; descriptors travel with the
//! length. Both are of one machine and one user.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use domain::counters::{Ask, Full, Room};
use domain::holding::Holding;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// Descriptors in one message; the system takes 253.
pub(super) const AT_ONCE: usize = 64;
/// The longest message: a million subjects with limits would not fit.
const LONGEST: usize = 256 << 20;

/// What is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// Heir: may I? The elder is asked by a process of this version.
    Ask { version: String, pid: u32 },
    /// Elder: no, and why.
    No { why: String },
    /// Elder: here is all. With it come the locks of the folder and of the
    /// journal, and the operators' listener.
    Yes(Box<Estate>),
    /// Elder: here are more listeners.
    Listeners,
    /// Heir: requests are answered here now.
    Serving,
    /// Elder: one of my requests needs room.
    Take { id: u64, asks: Vec<Ask> },
    /// Heir: it has room.
    Taken { id: u64, room: Vec<Room> },
    /// Heir: it has none.
    Full { id: u64, full: Full },
    /// Elder: that request used so many tokens, and nano-dollars.
    Settle {
        id: u64,
        tokens: u64,
        #[serde(default)]
        cost: u64,
    },
    /// Elder: that request has ended.
    End { id: u64 },
    /// Elder: what my earlier requests hold has changed to this.
    Changed(Vec<Holding>),
}

/// What the elder leaves, beside its descriptors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Estate {
    /// Its process.
    pub(super) pid: u32,
    /// Its generation.
    pub(super) generation: u64,
    /// Its clock: the heir's goes on from there, so that windows mean the
    /// same in both.
    pub(super) ticks: u64,
    /// How many listeners follow.
    pub(super) listeners: usize,
    /// Whether a supervisor holds them too.
    #[serde(default)]
    pub(super) is_activated: bool,
    /// What its limits have given out.
    pub(super) holdings: Vec<Holding>,
}

/// Says `word`, and hands descriptors over with it.
pub(super) fn say(stream: &UnixStream, word: &Word, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let body = serde_json::to_vec(word)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors at once"));
    }
    let head = length.to_le_bytes();
    let sent = retry_on_intr(|| {
        let head = [IoSlice::new(&head)];
        sendmsg(stream, &head, &mut control, SendFlags::NOSIGNAL)
    })?;
    let mut stream = stream;
    stream.write_all(&head[sent..])?;
    stream.write_all(&body)
}

/// Hears the next word; `None` once the other side has ended.
pub(super) fn hear(stream: &UnixStream) -> io::Result<Option<(Word, Vec<OwnedFd>)>> {
    let mut head = [0; 4];
    let mut fds = Vec::new();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    // Who is stopped and goes on is interrupted, where a timeout is set.
    let read = retry_on_intr(|| {
        let mut head = [IoSliceMut::new(&mut head)];
        recvmsg(stream, &mut head, &mut control, RecvFlags::CMSG_CLOEXEC)
    })?
    .bytes;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if read == 0 {
        return Ok(None);
    }
    let mut stream = stream;
    stream.read_exact(&mut head[read..])?;
    let length = u32::from_le_bytes(head) as usize;
    if length > LONGEST {
        return Err(io::Error::other("a message that is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

/// Whether the other side is of this user.
pub(super) fn is_ours(stream: &UnixStream) -> bool {
    let peer = rustix::net::sockopt::socket_peercred(stream.as_fd());
    peer.is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_arrive_with_the_word_that_they_were_sent_with() {
        let (one, other) = UnixStream::pair().expect("a pair");
        assert!(is_ours(&one));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let word = Word::No {
            why: "x".repeat(100_000),
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                say(&one, &Word::Listeners, &[listener.as_fd()]).expect("said");
                say(&one, &word, &[]).expect("said");
            });
            let (first, fds) = hear(&other).expect("heard").expect("a word");
            assert!(matches!(first, Word::Listeners));
            let same = std::net::TcpListener::from(fds.into_iter().next().expect("one"));
            assert_eq!(same.local_addr().ok(), listener.local_addr().ok());
            let (second, fds) = hear(&other).expect("heard").expect("a word");
            assert!(matches!(second, Word::No { why } if why.len() == 100_000));
            assert!(fds.is_empty());
        });
        drop(one);
        assert!(hear(&other).expect("ends").is_none());
    }
}
