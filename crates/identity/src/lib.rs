//! Credentials: who is asking.
