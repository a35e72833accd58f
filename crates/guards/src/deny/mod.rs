//! **deny**: words and patterns that may not pass.
//!
//! ```yaml
//! guards:
//!   words:
//!     kind: deny
//!     literals: [project-x]          # plain text, in any case, in any script
//!     patterns: ['\bsecret-\d+\b']   # regular expressions, linear time
//!     on: [request, answer]          # the default
//!     action: block                  # or observe: only recorded
//! ```
//!
//! **What is found.** Reading on from the end of the last finding, the first
//! place at which any word or pattern is complete. So findings never overlap,
//! and `ab+` on `abbb` finds `ab`. `^` and `$` are the ends of one text (with
//! `(?m)` those of a line); `\b` and `\B` know ASCII letters only, so `\bab` is
//! found in `äab`; beside other letters in a pattern they are refused.
//!
//! **Streams.** The findings do not depend on how the text was cut: a plain
//! answer is read by the same automaton, in one piece. Held back are exactly
//! the bytes from the first place where a finding may still begin; so nothing
//! of a blocked finding leaves, and text that begins nothing waits for nothing.
//!
//! **Two limits.** At most [`CAP`] bytes are held. A finding longer than that
//! is still found and ends the stream, but the text before its last [`CAP`]
//! bytes may have left, and its span covers those last bytes only. And when a
//! pattern makes the earliest beginning dear to find (`.*x` on endless lines),
//! more than needed may be held for a while, never less.

mod automaton;
mod scan;

use std::sync::Arc;

use domain::guard::{Action, Direction, Finding, Guard, StreamGuard, Verdict};
use serde_json::Value;

use crate::spec::{Common, Fields};
use automaton::Automaton;
use scan::{Scan, Watch};

/// The most bytes that a stream is held back by.
pub(crate) const CAP: usize = 4096;

/// Reads the guard's fields and compiles what they list.
pub(crate) fn build(name: &str, spec: &Value) -> Result<Arc<dyn Guard>, String> {
    let fields = Fields::new(spec, &["literals", "patterns"])?;
    let literals = fields.strings("literals")?;
    let patterns = fields.strings("patterns")?;
    if literals.is_empty() && patterns.is_empty() {
        return Err(
            "it denies nothing: write `literals: [a word]` or `patterns: ['a\\d+']`".to_owned(),
        );
    }
    Ok(Arc::new(Deny {
        name: name.into(),
        common: fields.common()?,
        automaton: Arc::new(Automaton::new(&literals, &patterns)?),
    }))
}

#[derive(Clone, Debug)]
struct Deny {
    name: Arc<str>,
    common: Common,
    automaton: Arc<Automaton>,
}

impl Deny {
    fn findings(&self, spans: Vec<std::ops::Range<usize>>) -> Vec<Finding> {
        let finding = |span| Finding {
            guard: self.name.clone(),
            kind: "deny",
            span,
            action: self.common.action,
        };
        spans.into_iter().map(finding).collect()
    }
}

impl Guard for Deny {
    fn name(&self) -> &str {
        &self.name
    }

    fn reads(&self, direction: Direction) -> bool {
        self.common.reads(direction)
    }

    fn screen(&self, direction: Direction, texts: &[&str]) -> Vec<Finding> {
        if !self.reads(direction) {
            return Vec::new();
        }
        let screen = |text: &&str| {
            let mut scan = Scan::new(self.automaton.clone(), Watch::Findings);
            let mut spans = scan.push(text);
            spans.extend(scan.finish());
            self.findings(spans)
        };
        texts.iter().flat_map(screen).collect()
    }

    fn stream(&self) -> Option<Box<dyn StreamGuard>> {
        // What is only observed may leave at once.
        let watch = match self.common.action {
            Action::Block => Watch::Beginnings,
            Action::Observe => Watch::Findings,
        };
        self.reads(Direction::Answer).then(|| {
            Box::new(Stream {
                scan: Scan::new(self.automaton.clone(), watch),
                deny: self.clone(),
            }) as Box<dyn StreamGuard>
        })
    }
}

#[derive(Clone)]
struct Stream {
    scan: Scan,
    deny: Deny,
}

impl StreamGuard for Stream {
    fn push(&mut self, text: &str) -> Verdict {
        let spans = self.scan.push(text);
        Verdict {
            hold: self.scan.hold(),
            findings: self.deny.findings(spans),
        }
    }

    fn finish(&mut self) -> Verdict {
        Verdict {
            hold: 0,
            findings: self.deny.findings(self.scan.finish()),
        }
    }

    fn fork(&self) -> Box<dyn StreamGuard> {
        Box::new(self.clone())
    }
}
