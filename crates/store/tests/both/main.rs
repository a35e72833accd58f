//! What the store does, on each database that it knows.

mod audit;
mod away;
mod background;
mod file;
mod home;
mod keys;
mod ledger;
mod lost;
mod nodes;
mod report;
mod rollups;
mod rows;
mod schema;
mod server;
mod spent;
mod turns;
