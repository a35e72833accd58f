//! Logs and metrics, a folder an exporter.
