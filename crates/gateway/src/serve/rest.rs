//! What an upstream still brings behind the last that a client reads.

use std::time::Duration;

use dialects::openai::{FrameClass, Tap};
use dialects::translate::Frames;
use tokio::time::Instant;

use crate::send::upstream::UpstreamBody;
use crate::settle::Ticket;

/// How long the rest of a finished upstream stream is waited for, so that its
/// connection can be used again.
const DRAIN: Duration = Duration::from_secs(1);
/// How long the usage of a stream is waited for whose client left after its
/// finish reason: the provider is done by then, and about to say what it costs.
const USAGE: Duration = Duration::from_millis(500);

/// The rest of a stream whose client has left: only its usage matters.
pub(super) struct Rest {
    pub(super) ticket: Ticket,
    pub(super) upstream: UpstreamBody,
    pub(super) frames: Frames,
    pub(super) tap: Tap,
}

impl Rest {
    /// Reads on until the usage has come or can come no more. The ticket's
    /// own drop then settles it as *client left*.
    pub(super) async fn settle(mut self) {
        let due = Instant::now() + USAGE;
        let mut frames = Vec::new();
        let mut is_over = false;
        while !is_over && let Some(Ok(data)) = self.upstream.data(USAGE, due).await {
            is_over = self.frames.push(data, &mut frames).is_err();
            for frame in frames.drain(..) {
                let class = self.tap.read(&frame).class;
                is_over |= matches!(class, FrameClass::Done | FrameClass::Error);
            }
            is_over |= self.tap.usage().is_some();
        }
        self.ticket.meter.reported = self.tap.usage();
        self.ticket.meter.said_so_far = self.frames.usage();
    }
}

/// Reads a finished stream to its end, so that its connection is kept.
pub(super) async fn drain(mut upstream: UpstreamBody) {
    let due = Instant::now() + DRAIN;
    while let Some(Ok(_)) = upstream.data(DRAIN, due).await {}
}
