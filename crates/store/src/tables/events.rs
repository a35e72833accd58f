//! Events that somebody is told, each once, and what of them is still to be sent.

use domain::time::UnixMicros;

use super::{Store, StoreError};
use crate::sql::{Row, query};

/// Something that somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The same for the same thing: it is told once.
    pub id: String,
    /// When it came about.
    pub at: UnixMicros,
    /// What kind of event it is: `budget.threshold`.
    pub kind: String,
    /// What is known of it: a JSON object.
    pub body: String,
}

/// An event that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The event.
    pub event: Event,
    /// How often it was tried before.
    pub tries: u32,
}

impl Store {
    /// Keeps events; those come back that were not there before. They are to be
    /// sent from `due` on, if at all.
    ///
    /// # Errors
    /// The database would not write: none is kept.
    pub async fn note_events(
        &self,
        events: Vec<Event>,
        due: Option<UnixMicros>,
    ) -> Result<Vec<Event>, StoreError> {
        let mut new = Vec::new();
        if events.is_empty() {
            return Ok(new);
        }
        let mut write = self.pool.write().await?;
        for event in events {
            let done = query(
                "INSERT INTO events (id, at, kind, body, due) VALUES (?, ?, ?, ?, ?) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(event.id.as_str())
            .bind(event.at.0)
            .bind(event.kind.as_str())
            .bind(event.body.as_str())
            .bind(due.map(|due| due.0))
            .execute(&mut write)
            .await?;
            if done > 0 {
                new.push(event);
            }
        }
        write.commit().await?;
        Ok(new)
    }

    /// Takes events that are due, the oldest first; until `again` nobody else does.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn take_events(
        &self,
        now: UnixMicros,
        again: UnixMicros,
        most: u32,
    ) -> Result<Vec<Unsent>, StoreError> {
        let all = query(
            "SELECT id, at, kind, body, tries, due FROM events WHERE due IS NOT NULL AND due <= ? \
             ORDER BY due, at LIMIT ?",
        );
        let all = all.bind(now.0).bind(i64::from(most));
        let rows = all.fetch_all(&self.pool).await?;
        let mut taken = Vec::new();
        if rows.is_empty() {
            return Ok(taken);
        }
        let mut write = self.pool.write().await?;
        for row in &rows {
            let (unsent, due) = read(row)?;
            let done =
                query("UPDATE events SET tries = tries + 1, due = ? WHERE id = ? AND due = ?")
                    .bind(again.0)
                    .bind(unsent.event.id.as_str())
                    .bind(due)
                    .execute(&mut write)
                    .await?;
            // Another gateway may have taken it this moment.
            if done > 0 {
                taken.push(unsent);
            }
        }
        write.commit().await?;
        Ok(taken)
    }

    /// Says when an event is tried again; never, if it was taken or is given up.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn event_is_due(&self, id: &str, due: Option<UnixMicros>) -> Result<(), StoreError> {
        let mut write = self.pool.write().await?;
        query("UPDATE events SET due = ? WHERE id = ?")
            .bind(due.map(|due| due.0))
            .bind(id)
            .execute(&mut write)
            .await?;
        Ok(write.commit().await?)
    }

    /// Forgets events from before this moment that are not to be sent any more;
    /// not those of thresholds, whose periods may be of any length.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn forget_events(&self, before: UnixMicros) -> Result<(), StoreError> {
        let mut write = self.pool.write().await?;
        query("DELETE FROM events WHERE at < ? AND due IS NULL AND kind <> 'budget.threshold'")
            .bind(before.0)
            .execute(&mut write)
            .await?;
        Ok(write.commit().await?)
    }
}

fn read(row: &Row) -> Result<(Unsent, i64), StoreError> {
    let tries: i64 = row.try_get("tries")?;
    let event = Event {
        id: row.try_get("id")?,
        at: UnixMicros(row.try_get("at")?),
        kind: row.try_get("kind")?,
        body: row.try_get("body")?,
    };
    let tries = u32::try_from(tries).unwrap_or(u32::MAX);
    Ok((Unsent { event, tries }, row.try_get("due")?))
}
