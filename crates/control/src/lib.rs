//! What people do: use-cases and the admin listener.
