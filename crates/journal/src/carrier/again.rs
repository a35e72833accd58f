//! The batch that another consumer has already and the store has not: read once
//! more, up to the same marks and no further.

use super::{Batch, Carrier};
use crate::JournalError;
use crate::segment::Name;

impl Carrier {
    /// The records between where the store is and exactly these marks: those of the
    /// [`Batch`] that came with them. `alive` is what that batch said. Like
    /// [`Carrier::next`], it is handed out again until [`Carrier::done`].
    ///
    /// What a power cut took from the journal meanwhile is not in it.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn again(
        &mut self,
        marks: &[(String, u64)],
        alive: Option<u64>,
    ) -> Result<Batch, JournalError> {
        self.shared.look_at_others()?;
        self.issued.clear();
        let mut batch = Batch {
            alive,
            ..Batch::default()
        };
        let segments = self.shared.segments().clone();
        for (text, mark) in marks {
            let Some(segment) = Name::parse(text).and_then(|name| segments.get(&name)) else {
                continue;
            };
            let from = self.passed(segment);
            if from.mark >= *mark {
                continue;
            }
            let before = batch.records.len();
            let to = self.read(segment, from, *mark, (usize::MAX, &mut batch.records))?;
            let records = (batch.records.len() - before) as u64;
            self.issued.push((segment.name, to, records));
            batch.marks.push((text.clone(), to.mark));
        }
        batch.gone = self.gone.iter().cloned().collect();
        Ok(batch)
    }
}
