//! Credentials: who is asking.
//!
//! | room | what it holds |
//! |---|---|
//! | [`keys`] | virtual keys: minted once, shown once, never stored |
//! | [`install`] | the install secret, and the digest under which a key is looked up |
//! | [`presented`] | the one credential of a request's head |

pub mod install;
pub mod keys;
pub mod presented;

mod random;

pub use install::{Install, InstallError, short_digest};
pub use keys::{Minted, mint, mint_id};
pub use presented::{CredentialError, present};
pub use random::random_generation;
