//! What the store does, on each database that it knows.

mod background;
mod file;
mod home;
mod keys;
mod ledger;
mod lost;
mod rows;
mod server;
mod turns;
