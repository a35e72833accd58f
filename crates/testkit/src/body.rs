//! A scripted body: pieces at their pace, and the way it ends.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use crate::fake::Watch;
use crate::reply::End;

/// What stands between two pieces. Even without a delay there is a turn of
/// the event loop, so that hyper flushes each piece by itself.
enum Pause {
    None,
    Turn,
    Sleep(Pin<Box<Sleep>>),
}

/// The body of one answer.
pub(crate) struct Script {
    pieces: VecDeque<Bytes>,
    between: Duration,
    pause: Pause,
    /// Bytes until the cut, if there is one.
    left: Option<usize>,
    end: End,
    socket: Arc<TcpStream>,
    watch: Watch,
}

impl Script {
    pub(crate) fn new(
        pieces: Vec<Bytes>,
        between: Duration,
        end: End,
        socket: Arc<TcpStream>,
        watch: Watch,
    ) -> Self {
        let left = match end {
            End::Reset(bytes) | End::Truncated(bytes) => Some(bytes),
            End::Whole | End::Never => None,
        };
        Self {
            pieces: pieces.into_iter().filter(|p| !p.is_empty()).collect(),
            between,
            pause: Pause::None,
            left,
            end,
            socket,
            watch,
        }
    }

    fn cut(&mut self) -> io::Error {
        self.watch.finish();
        if matches!(self.end, End::Reset(_)) {
            // Closing then sends RST instead of FIN. A failure leaves a FIN,
            // which is a break as well.
            let _ = socket2::SockRef::from(&*self.socket).set_linger(Some(Duration::ZERO));
        }
        io::Error::new(io::ErrorKind::ConnectionReset, "the script says: break")
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match &mut this.pause {
            Pause::None => {}
            Pause::Turn => {
                this.pause = Pause::None;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Pause::Sleep(sleep) => {
                ready!(sleep.as_mut().poll(cx));
                this.pause = Pause::None;
            }
        }
        if this.left == Some(0) {
            return Poll::Ready(Some(Err(this.cut())));
        }
        let Some(mut piece) = this.pieces.pop_front() else {
            return match this.end {
                End::Never => Poll::Pending,
                End::Whole => {
                    this.watch.finish();
                    Poll::Ready(None)
                }
                End::Reset(_) | End::Truncated(_) => Poll::Ready(Some(Err(this.cut()))),
            };
        };
        if let Some(left) = &mut this.left {
            piece.truncate(*left);
            *left -= piece.len();
        }
        if this.end == End::Whole && this.pieces.is_empty() {
            // hyper need not ask again after the last promised byte.
            this.watch.finish();
        }
        let more = !this.pieces.is_empty() && this.left != Some(0);
        this.pause = if more && !this.between.is_zero() {
            Pause::Sleep(Box::pin(sleep(this.between)))
        } else {
            Pause::Turn
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Whole && self.pieces.is_empty()
    }
}
