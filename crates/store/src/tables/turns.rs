//! Conversations that are kept for clients: one row a turn.

use std::sync::Arc;

use domain::time::UnixMicros;
use domain::turns::{Finish, Reach, Turn, Unkept, Wanted};

use super::{Store, StoreError, Write, running_turns};
use crate::sql::{On, Row, Transaction, query};

/// Rows that are swept in one transaction: nobody waits long for it.
const SWEPT: i64 = 200;
/// What a conversation is read by. Events may be many times the answer: they
/// are read where they are asked for.
const WITHOUT_EVENTS: &str = "SELECT owner, id, previous, created_at, expires_at, provider, \
     deployment, is_there, input, answer, runs_in, is_lost, NULL AS events FROM turns \
     WHERE owner = ? AND id = ? AND expires_at > ?";
const WHOLE: &str = "SELECT * FROM turns WHERE owner = ? AND id = ? AND expires_at > ?";

impl Store {
    /// Keeps turns, and how others have ended that were worked on, all or none;
    /// says of each of the latter whether it was worked on until now.
    ///
    /// # Errors
    /// The database would not write, or into a file that is gone.
    pub async fn keep_turns(
        &self,
        turns: &[Turn],
        ended: &[Finish],
    ) -> Result<Vec<bool>, StoreError> {
        self.read_only.noted(self.kept_turns(turns, ended).await)
    }

    async fn kept_turns(&self, turns: &[Turn], ended: &[Finish]) -> Result<Vec<bool>, StoreError> {
        let mut write = self.pool.write().await?;
        for turn in turns {
            insert(&mut write, &self.node, turn).await?;
            if turn.previous.is_some() {
                prolong(&mut write, turn).await?;
            }
        }
        let mut were_running = Vec::with_capacity(ended.len());
        for finish in ended {
            were_running.push(running_turns::end(&mut write, finish).await?);
        }
        write.commit().await?;
        if self.is_in_place() {
            Ok(were_running)
        } else {
            Err(StoreError::Gone)
        }
    }

    /// A turn of its owner.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn turn(&self, wanted: &Wanted) -> Result<Option<Turn>, StoreError> {
        find(&self.pool, WHOLE, wanted).await
    }

    /// A turn of its owner and those before it, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conversation(
        &self,
        wanted: &Wanted,
        reach: Reach,
    ) -> Result<Result<Vec<Turn>, Unkept>, StoreError> {
        let mut moment = self.pool.read().await?;
        let line = line(&mut moment, wanted, reach).await?;
        moment.commit().await?;
        Ok(line)
    }
    /// Forgets a turn of its owner; says whether there was one.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn forget_turn(&self, wanted: &Wanted) -> Result<bool, StoreError> {
        let done = query("DELETE FROM turns WHERE owner = ? AND id = ? AND expires_at > ?")
            .bind(wanted.owner.as_str())
            .bind(&wanted.id)
            .bind(wanted.now.0)
            .execute(&self.pool)
            .await?;
        Ok(done > 0)
    }

    /// Forgets some of the turns whose time is over; says whether there may be
    /// more.
    ///
    /// # Errors
    /// The database would not write.
    pub async fn sweep_turns(&self, now: UnixMicros) -> Result<bool, StoreError> {
        let done = query(
            "DELETE FROM turns WHERE (owner, id) IN \
             (SELECT owner, id FROM turns WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
        )
        .bind(now.0)
        .bind(SWEPT)
        .execute(&self.pool)
        .await?;
        Ok(done >= SWEPT.unsigned_abs())
    }
}

async fn find(
    on: impl Into<On<'_>>,
    sql: &'static str,
    wanted: &Wanted,
) -> Result<Option<Turn>, StoreError> {
    let row = query(sql)
        .bind(wanted.owner.as_str())
        .bind(&wanted.id)
        .bind(wanted.now.0)
        .fetch_optional(on)
        .await?;
    row.as_ref().map(read).transpose()
}

/// A turn and those before it, within reach.
async fn line(
    moment: &mut Transaction,
    wanted: &Wanted,
    reach: Reach,
) -> Result<Result<Vec<Turn>, Unkept>, StoreError> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut bytes = 0;
    let mut next = Some(wanted.clone());
    while let Some(wanted) = next {
        let Some(turn) = find(&mut *moment, WITHOUT_EVENTS, &wanted).await? else {
            return Ok(match turns.is_empty() {
                true => Ok(turns),
                false => Err(Unkept::Gap),
            });
        };
        bytes += turn.input.len() + turn.answer.len();
        if turns.len() >= reach.turns || bytes > reach.bytes {
            return Ok(Err(Unkept::TooLong));
        }
        let previous = turn.previous.clone();
        next = previous.map(|id| Wanted { id, ..wanted });
        turns.push(turn);
    }
    turns.reverse();
    Ok(Ok(turns))
}

/// Adds a turn. Where a provider gives an id again the newest counts, and does
/// not go on from itself.
async fn insert(write: &mut Write, node: &Arc<str>, turn: &Turn) -> Result<(), StoreError> {
    query(
        "INSERT INTO turns (owner, id, previous, created_at, expires_at, provider, \
         deployment, is_there, input, answer, runs_in, node) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (owner, id) DO UPDATE SET previous = \
         CASE excluded.previous WHEN excluded.id THEN turns.previous ELSE excluded.previous END, \
         created_at = excluded.created_at, expires_at = excluded.expires_at, \
         provider = excluded.provider, deployment = excluded.deployment, \
         is_there = excluded.is_there, input = excluded.input, answer = excluded.answer, \
         runs_in = excluded.runs_in, node = excluded.node, is_lost = 0, events = NULL",
    )
    .bind(turn.owner.as_str())
    .bind(&turn.id)
    .bind(&turn.previous)
    .bind(turn.created.0)
    .bind(turn.expires.0)
    .bind(&turn.provider)
    .bind(&turn.deployment)
    .bind(turn.is_there)
    .bind(turn.input.as_ref())
    .bind(turn.answer.as_ref())
    .bind(running_turns::written(turn.work))
    .bind(Arc::clone(node))
    .execute(&mut *write)
    .await?;
    Ok(())
}

/// A turn is of no use without those before it: they are kept as long.
async fn prolong(write: &mut Write, turn: &Turn) -> Result<(), StoreError> {
    query(
        "WITH RECURSIVE line (id) AS (SELECT ?1 UNION SELECT turns.previous FROM turns \
         JOIN line ON turns.id = line.id WHERE turns.owner = ?2 AND turns.previous IS NOT NULL) \
         UPDATE turns SET expires_at = ?3 \
         WHERE owner = ?2 AND expires_at < ?3 AND id IN (SELECT id FROM line)",
    )
    .bind(&turn.previous)
    .bind(turn.owner.as_str())
    .bind(turn.expires.0)
    .execute(&mut *write)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Turn, StoreError> {
    Ok(Turn {
        id: row.try_get("id")?,
        owner: row.try_get::<String>("owner")?.into(),
        previous: row.try_get("previous")?,
        created: UnixMicros(row.try_get("created_at")?),
        expires: UnixMicros(row.try_get("expires_at")?),
        provider: row.try_get("provider")?,
        deployment: row.try_get("deployment")?,
        is_there: row.try_get_flag("is_there")?,
        input: row.try_get::<Vec<u8>>("input")?.into(),
        answer: row.try_get::<Vec<u8>>("answer")?.into(),
        work: running_turns::read(row)?,
        events: row
            .try_get::<Option<Vec<u8>>>("events")?
            .unwrap_or_default()
            .into(),
    })
}
