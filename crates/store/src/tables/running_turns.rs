//! Answers that are worked on in the background: how they end, also if the
//! process that works on them does not live to see it.

use std::sync::Arc;

use domain::turns::{Finish, Wanted, Work};

use super::{Store, StoreError, Write};
use crate::sql::{Row, query};

impl Store {
    /// Whether a turn of its owner is there and worked on.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn turn_runs(&self, wanted: &Wanted) -> Result<bool, StoreError> {
        let found = query(
            "SELECT id FROM turns WHERE owner = ? AND id = ? AND expires_at > ? \
             AND runs_in IS NOT NULL",
        )
        .bind(wanted.owner.as_str())
        .bind(&wanted.id)
        .bind(wanted.now.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }

    /// Takes note that the process of this generation works on nothing any
    /// more, as its last word: what it leaves has no end.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn lose_turns_of(&self, generation: u64) -> Result<(), StoreError> {
        query("UPDATE turns SET runs_in = NULL, is_lost = 1 WHERE runs_in = ?")
            .bind(generation.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// Keeps how an answer has ended, if it is still worked on; says whether it
/// was.
pub(super) async fn end(write: &mut Write, finish: &Finish) -> Result<bool, StoreError> {
    let events = Some(finish.events.as_ref()).filter(|events| !events.is_empty());
    let done = query(
        "UPDATE turns SET runs_in = NULL, expires_at = ?, provider = ?, deployment = ?, \
         answer = ?, events = ? WHERE owner = ? AND id = ? AND runs_in IS NOT NULL",
    )
    .bind(finish.expires.0)
    .bind(&finish.provider)
    .bind(&finish.deployment)
    .bind(finish.answer.as_ref())
    .bind(events)
    .bind(finish.owner.as_str())
    .bind(&finish.id)
    .execute(&mut *write)
    .await?;
    Ok(done > 0)
}

/// Takes note that no process of this node works on anything any more but the
/// one that lives.
pub(super) async fn lose_all_but(
    write: &mut Write,
    node: &Arc<str>,
    alive: u64,
) -> Result<(), StoreError> {
    query(
        "UPDATE turns SET runs_in = NULL, is_lost = 1 \
         WHERE runs_in IS NOT NULL AND runs_in <> ? AND node = ?",
    )
    .bind(alive.cast_signed())
    .bind(Arc::clone(node))
    .execute(&mut *write)
    .await?;
    Ok(())
}

/// The number that stands in a row for this.
pub(super) fn written(work: Work) -> Option<i64> {
    match work {
        Work::Runs(generation) => Some(generation.cast_signed()),
        Work::Over | Work::Lost => None,
    }
}

/// What a row says of the work.
pub(super) fn read(row: &Row) -> Result<Work, StoreError> {
    let runs_in: Option<i64> = row.try_get("runs_in")?;
    Ok(match runs_in {
        Some(generation) => Work::Runs(generation.cast_unsigned()),
        None if row.try_get_flag("is_lost")? => Work::Lost,
        None => Work::Over,
    })
}
