//! A request's way through the gateway.
