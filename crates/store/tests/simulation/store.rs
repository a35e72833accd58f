//! What the database does with a batch, in one step, and without a second
//! guard against what comes twice.

use std::collections::{BTreeMap, HashMap};

use domain::ids::TicketId;
use domain::record::{Opened, Record, Settled};
use journal::Batch;

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) marks: HashMap<String, u64>,
    pub(crate) open: BTreeMap<TicketId, Opened>,
    pub(crate) ended: BTreeMap<TicketId, Settled>,
}

impl Kept {
    pub(crate) fn commit(&mut self, batch: &Batch) {
        for record in &batch.records {
            match record {
                Record::Opened(opened) => {
                    let before = self.open.insert(opened.ticket, opened.clone());
                    if let Some(before) = before {
                        assert!(attempts(&before) < attempts(opened), "opened twice");
                    }
                    assert!(!self.ended.contains_key(&opened.ticket), "opened again");
                }
                Record::Settled(settled) => self.end(settled),
            }
        }
        self.marks.extend(batch.marks.iter().cloned());
        for name in &batch.gone {
            self.marks.remove(name);
        }
        let Some(alive) = batch.alive else { return };
        let open = self.open.values();
        let over: Vec<Settled> = open
            .filter(|opened| opened.ticket.generation != alive)
            .map(journal::lost)
            .collect();
        for lost in &over {
            self.end(lost);
        }
    }

    /// What the database does by a conflict of rows: nothing may come twice.
    fn end(&mut self, settled: &Settled) {
        self.open.remove(&settled.ticket);
        let twice = self.ended.insert(settled.ticket, settled.clone());
        assert_eq!(twice, None, "ended twice");
    }
}

fn attempts(opened: &Opened) -> u32 {
    opened.asked.as_ref().map_or(0, |asked| asked.attempts)
}
