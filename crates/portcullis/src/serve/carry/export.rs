//! Checkpoints go where whoever has this machine cannot take them back.

use std::path::{Path, PathBuf};

use config::audit::Export;
use config::environment::process;
use config::secret::SecretRef;
use credentials::http::Http;
use domain::model::HttpVersion;
use gateway::send::tls::ClientTls;
use tokio::sync::watch;
use tokio::time::Instant;

/// Exports every checkpoint to files, and the newest one now and then to an address,
/// until nobody seals any more.
pub(super) async fn run(to: Export, mut sealed: watch::Receiver<Option<String>>) {
    let mut posted: Option<Instant> = None;
    while sealed.changed().await.is_ok() {
        let Some(note) = sealed.borrow_and_update().clone() else {
            continue;
        };
        for file in &to.files {
            let (file, note) = (file.clone(), note.clone());
            let written = tokio::task::spawn_blocking(move || replace(&file, &note)).await;
            if let Ok(Err((file, error))) = written {
                tracing::error!(file = %file.display(), %error, "audit: a checkpoint is not exported");
            }
        }
        let is_time = posted.is_none_or(|at| at.elapsed() >= to.every.0);
        if let Some(webhook) = to.webhook.clone().filter(|_| is_time) {
            posted = Some(Instant::now());
            // Nobody waits for it: a server that is away holds nothing up here.
            tokio::spawn(async move {
                if let Err(error) = post(&webhook, note).await {
                    tracing::error!("audit: a checkpoint is not posted: {error:#}");
                }
            });
        }
    }
}

/// Whole or not at all.
fn replace(file: &Path, note: &str) -> Result<(), (PathBuf, std::io::Error)> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, note)
        .and_then(|()| std::fs::rename(&beside, file))
        .map_err(|error| (file.to_owned(), error))
}

async fn post(webhook: &SecretRef, note: String) -> anyhow::Result<()> {
    let url = webhook.text(&process).map_err(anyhow::Error::msg)?;
    let tls = ClientTls::default().config(None, HttpVersion::Http1);
    let http = Http::new(tls.map_err(anyhow::Error::msg)?);
    Ok(http.post(&url, note).await?)
}
