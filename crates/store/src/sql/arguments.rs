//! Values, and how each database takes them.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Encode, Postgres, Type};

/// What stands for a `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A whole number; yes and no are 1 and 0.
    Int(i64),
    /// A text, shared with whoever else holds it.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! values {
    ($($from:ty, |$it:ident| $value:expr;)*) => {
        $(impl From<$from> for Value {
            #[inline]
            fn from($it: $from) -> Self {
                $value
            }
        })*
    };
}

values! {
    i64, |it| Self::Int(it);
    bool, |it| Self::Int(it.into());
    Arc<str>, |it| Self::Text(it);
    &str, |it| Self::Text(it.into());
    String, |it| Self::Text(it.into());
    &String, |it| Self::Text(it.as_str().into());
    Vec<u8>, |it| Self::Bytes(it);
    &[u8], |it| Self::Bytes(it.to_vec());
}

impl<T: Into<Self>> From<Option<T>> for Value {
    #[inline]
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Null, Into::into)
    }
}

impl From<&Option<String>> for Value {
    fn from(it: &Option<String>) -> Self {
        it.as_deref().into()
    }
}

/// The values of one statement, as the database wants them, and the first that
/// could not be added.
#[derive(Debug)]
pub(crate) struct Arguments {
    kind: Kind,
    error: Option<BoxDynError>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

impl Arguments {
    pub(super) fn sqlite(count: usize) -> Self {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(count, 0);
        Self {
            kind: Kind::Sqlite(arguments),
            error: None,
        }
    }

    pub(super) fn postgres(count: usize) -> Self {
        let mut arguments = PgArguments::default();
        // A length and a number, each.
        arguments.reserve(count, count * 12);
        Self {
            kind: Kind::Postgres(arguments),
            error: None,
        }
    }
}

/// What values are added to, one for each `?`.
pub(crate) trait Values {
    /// Adds the value of the next `?`.
    fn add(&mut self, value: impl Into<Value>) -> &mut Self;
}

impl Values for Vec<Value> {
    fn add(&mut self, value: impl Into<Value>) -> &mut Self {
        self.push(value.into());
        self
    }
}

impl Values for Arguments {
    #[inline]
    fn add(&mut self, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let done = match &mut self.kind {
            Kind::Sqlite(arguments) => match value {
                Value::Null => arguments.add(None::<i64>),
                Value::Int(number) => arguments.add(number),
                Value::Text(text) => arguments.add(text),
                Value::Bytes(bytes) => arguments.add(bytes),
            },
            Kind::Postgres(arguments) => match value {
                Value::Null => arguments.add(Nothing),
                Value::Int(number) => arguments.add(number),
                Value::Text(text) => arguments.add(without_zero(&text)),
                Value::Bytes(bytes) => arguments.add(bytes),
            },
        };
        if let Err(error) = done {
            self.error.get_or_insert(error);
        }
        self
    }
}

impl Arguments {
    pub(super) fn done(self) -> Result<Kind, sqlx::Error> {
        match self.error {
            None => Ok(self.kind),
            Some(error) => Err(sqlx::Error::Encode(error)),
        }
    }
}

/// PostgreSQL has no texts with a zero byte, and anybody may send one as a part
/// of a name: it must not keep a whole batch out of the ledger.
fn without_zero(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// NULL, of the type that the statement asks for.
struct Nothing;

impl Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        // Zero stands for a type that the server finds out.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_missing_is_null_or_what_it_is() {
        assert_eq!(Value::from(None::<i64>), Value::Null);
        assert_eq!(Value::from(&Some("a".to_owned())), Value::Text("a".into()));
        assert_eq!(Value::from(true), Value::Int(1));
    }

    #[test]
    fn a_zero_byte_is_replaced_and_nothing_else() {
        assert_eq!(without_zero("a\0b"), "a\u{fffd}b");
        assert!(matches!(without_zero("ab"), Cow::Borrowed("ab")));
    }
}
