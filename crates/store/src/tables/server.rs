//! A PostgreSQL server, and how long it may take to answer.

use std::time::Duration;

use domain::secret::Secret;
use sqlx::postgres::PgConnectOptions;

use super::StoreError;
use crate::sql::postgres::PgConnections;

/// Where the server is, and how it is used.
#[derive(Clone, Debug)]
pub struct Server {
    /// `postgres://user:password@host:port/database`.
    pub url: Secret,
    /// The password, if it stands elsewhere than in the address.
    pub password: Option<Secret>,
    /// Connections at most.
    pub connections: u32,
    /// How long it may take until there is a connection.
    pub connect_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}

impl Server {
    /// What its address says, without connecting.
    ///
    /// # Errors
    /// It says nothing that is understood. The error does not repeat it: there
    /// may be a password in it.
    pub fn check(&self) -> Result<(), StoreError> {
        self.options().map(drop)
    }

    /// Connections for what is asked, and one for what the journal hands over,
    /// which never waits for the others.
    pub(crate) fn connect(&self) -> Result<[PgConnections; 2], StoreError> {
        let options = self.options()?;
        let others = self.connections.saturating_sub(1).max(1);
        let pool = |most| {
            let options = options.clone();
            PgConnections::new(options, most, self.connect_timeout, self.statement_timeout)
        };
        Ok([pool(others), pool(1)])
    }

    fn options(&self) -> Result<PgConnectOptions, StoreError> {
        let url = self.url.reveal();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(StoreError::Address(
                "it begins with `postgres://`".to_owned(),
            ));
        }
        let options: PgConnectOptions = url.parse().map_err(|error| match error {
            sqlx::Error::Configuration(why) => StoreError::Address(why.to_string()),
            other => StoreError::Database(other),
        })?;
        let options = options.application_name("portcullis");
        Ok(match &self.password {
            Some(password) => options.password(password.reveal()),
            None => options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(url: &str) -> String {
        let server = Server {
            url: Secret::new(url),
            password: Some(Secret::new("hunter2")),
            connections: 4,
            connect_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(1),
        };
        assert!(!format!("{server:?}").contains("hunter2"));
        match server.check() {
            Ok(()) => String::new(),
            Err(error) => format!("{error} {error:?}"),
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_its_password() {
        assert_eq!(said("postgres://me:hunter2@db.example:5432/gateway"), "");
        for wrong in [
            "mysql://me:hunter2@db.example/gateway",
            "postgres://me:hunter2@db.example:port/gateway",
            "postgres://me:hunter2#@db.example/gateway",
            "postgres://me:hunter2@db.example/gateway?sslmode=none",
        ] {
            let said = said(wrong);
            assert!(!said.is_empty() && !said.contains("hunter2"), "{said}");
        }
    }
}
