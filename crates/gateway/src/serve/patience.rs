//! How long a stream waits for its upstream, and signs of life meanwhile.

use bytes::Bytes;
use tokio::time::Instant;

use super::stream::Streaming;
use crate::send::Client;

impl Streaming {
    /// Notes the next moment that matters.
    pub(super) fn wind(&mut self) {
        let silence = self.last + self.silence;
        let next = self
            .keepalive
            .map_or(silence, |every| silence.min(Instant::now() + every));
        self.due = next.min(self.deadline);
    }

    /// The timer rang: too long a silence, or time for a sign of life.
    pub(super) fn rang(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            self.broke("timeout: total");
        } else if now >= self.last + self.silence {
            self.broke("timeout: between_chunks");
        } else {
            let usual = || Bytes::from_static(b": keep-alive\n\n");
            let sign = self
                .client
                .as_ref()
                .map_or_else(usual, Client::sign_of_life);
            self.ready.push_back(sign);
            self.wind();
        }
    }
}
