//! Bounds on what clients may send and upstreams may answer.

use domain::snapshot::Bounds;
use serde::{Deserialize, Serialize};

use super::error::Report;
use super::scalars::Size;

/// The bounds; all have defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest body, after decompression.
    pub body: Size,
    /// Deepest JSON.
    pub json_depth: usize,
    /// Largest ratio of decompressed to compressed bytes.
    pub decompression_ratio: usize,
    /// Largest plain answer of an upstream.
    pub answer: Size,
}

impl Default for Limits {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            body: Size(bounds.body),
            json_depth: bounds.depth,
            decompression_ratio: bounds.ratio,
            answer: Size(bounds.answer),
        }
    }
}

impl Limits {
    /// Bounds that let nothing through, or everything, are mistakes.
    pub fn validate(&self, report: &mut Report<'_>) {
        // Spans of a body are 32-bit offsets.
        let most = Size(1 << 30);
        for (path, size) in [("limits.body", self.body), ("limits.answer", self.answer)] {
            if size.0 < 1024 || size.0 > most.0 {
                report.wrong(
                    path,
                    format!("`{size}` is outside of 1KiB to {most}"),
                    "the default is a good start",
                );
            }
        }
        if !(2..=512).contains(&self.json_depth) {
            report.wrong(
                "limits.json_depth",
                format!("`{}` is outside of 2 to 512", self.json_depth),
                "the default is 128",
            );
        }
        if self.decompression_ratio == 0 {
            report.wrong(
                "limits.decompression_ratio",
                "a ratio of 0 lets no compressed body through",
                "the default is 100",
            );
        }
    }

    /// As the gateway reads them.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            body: self.body.0,
            depth: self.json_depth,
            ratio: self.decompression_ratio,
            answer: self.answer.0,
        }
    }
}
