//! The books: closed up to a time, and rid of old rows.

use domain::time::{Moment, UnixMicros};
use serde_json::{Value, json};
use store::{Books, Store, StoreError};

use crate::change::{Actor, Told};

/// Why the books were not changed.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// What is closed stays closed.
    #[error("the books are closed up to {0} already; what is closed is not opened again")]
    Closed(Moment),
    /// Nobody knows yet what will be in it.
    #[error("{0} is not over yet: books are closed up to a time that is past")]
    Future(Moment),
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Told for Books {
    fn told(&self) -> Value {
        let moment = |at: UnixMicros| (at.0 > 0).then(|| Moment(at).to_string());
        json!({
            "locked_until": moment(self.locked_until),
            "pruned_until": moment(self.pruned_until),
        })
    }
}

/// Closes the books up to a time: what reports tell of the time before does not change
/// any more. Requests of before that are booked later count from then on.
///
/// # Errors
/// They are closed up to then or later, it is not past, or the store would not write.
pub async fn lock(store: &Store, until: UnixMicros, by: &Actor) -> Result<Books, BooksError> {
    if until > by.now {
        return Err(BooksError::Future(Moment(until)));
    }
    let mut change = store.change().await?;
    let before = change.books().await?;
    if until <= before.locked_until {
        return Err(BooksError::Closed(Moment(before.locked_until)));
    }
    change.lock_books(until).await?;
    let after = change.books().await?;
    let object = ("books", "default".into());
    let record = by.did("books.lock".to_owned(), object, Some(&before), Some(&after));
    change.commit(&record).await?;
    Ok(after)
}

/// Notes that rows of before a time may be deleted from now on: whoever wants to
/// delete them says so first.
///
/// # Errors
/// It is not past, or the store would not write.
pub async fn prune(store: &Store, before: UnixMicros, by: &Actor) -> Result<(), BooksError> {
    if before > by.now {
        return Err(BooksError::Future(Moment(before)));
    }
    let mut change = store.change().await?;
    let was = change.books().await?;
    let mut will = was;
    will.pruned_until = was.pruned_until.max(before);
    let object = ("books", "default".into());
    let record = by.did("books.prune".to_owned(), object, Some(&was), Some(&will));
    change.commit(&record).await?;
    // All of it is in the sums first: what is not is not deleted.
    while store.roll_up().await? {}
    while store.prune(before).await? {}
    Ok(())
}
