//! **size**: how many characters may pass.
//!
//! ```yaml
//! guards:
//!   size: {kind: size, max_characters: 200000, on: [request, answer], action: block}
//! ```
//!
//! It counts characters (Unicode code points, not bytes) over all texts of a
//! request or plain answer together. On a stream it counts each field of each
//! choice as it comes. It finds `too_long` once, at the first character too
//! many, and never holds text back: what is below the limit is harmless.

use std::sync::Arc;

use domain::guard::{Direction, Finding, Guard, StreamGuard, Verdict};
use serde_json::Value;

use crate::spec::{Common, Fields};

/// Reads the guard's fields.
pub(crate) fn build(name: &str, spec: &Value) -> Result<Arc<dyn Guard>, String> {
    let fields = Fields::new(spec, &["max_characters"])?;
    let max = fields
        .get("max_characters")
        .and_then(Value::as_u64)
        .filter(|max| *max > 0)
        .ok_or(
            "`max_characters` must be a whole number above zero: write `max_characters: 200000`",
        )?;
    Ok(Arc::new(Size {
        name: name.into(),
        max: usize::try_from(max).unwrap_or(usize::MAX),
        common: fields.common()?,
    }))
}

#[derive(Clone, Debug)]
struct Size {
    name: Arc<str>,
    max: usize,
    common: Common,
}

impl Guard for Size {
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
        let mut left = Some(self.max);
        let mut findings = Vec::new();
        for text in texts {
            findings.extend(self.count(&mut left, text, 0));
        }
        findings
    }

    fn stream(&self) -> Option<Box<dyn StreamGuard>> {
        self.reads(Direction::Answer).then(|| {
            Box::new(Counter {
                size: self.clone(),
                left: Some(self.max),
                read: 0,
            }) as Box<dyn StreamGuard>
        })
    }
}

impl Size {
    /// `left` is what may still come; `None` once the limit was passed.
    fn count(&self, left: &mut Option<usize>, text: &str, base: usize) -> Option<Finding> {
        let allowed = (*left)?;
        let Some((at, first)) = text.char_indices().nth(allowed) else {
            *left = Some(allowed - text.chars().count());
            return None;
        };
        *left = None;
        Some(Finding {
            guard: self.name.clone(),
            kind: "too_long",
            span: base + at..base + at + first.len_utf8(),
            action: self.common.action,
        })
    }
}

#[derive(Clone)]
struct Counter {
    size: Size,
    left: Option<usize>,
    read: usize,
}

impl StreamGuard for Counter {
    fn push(&mut self, text: &str) -> Verdict {
        let found = self.size.count(&mut self.left, text, self.read);
        self.read += text.len();
        Verdict {
            hold: 0,
            findings: found.into_iter().collect(),
        }
    }

    fn finish(&mut self) -> Verdict {
        Verdict::default()
    }

    fn fork(&self) -> Box<dyn StreamGuard> {
        Box::new(self.clone())
    }
}
