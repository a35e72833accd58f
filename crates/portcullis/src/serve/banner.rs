//! What a start prints: the address, the key, and a call that works as pasted.

use std::io::Write;

use super::first_key::Minted;
use super::world::{Places, World};

/// Prints to standard output; the log goes to standard error.
pub(super) fn show(places: &Places, minted: Option<&Minted>, world: &World) {
    if let Err(error) = print(places, minted, world) {
        // Whoever read it went away (`| head -1`): no reason not to serve.
        tracing::warn!(%error, "the greeting could not be printed");
    }
}

fn print(places: &Places, minted: Option<&Minted>, world: &World) -> anyhow::Result<()> {
    let scheme = if world.has_tls() { "https" } else { "http" };
    let base = format!("{scheme}://{}", places.listen);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "\n  Portcullis {} listens on {base}/v1",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(
        out,
        "  For operators:        http://{}/metrics, /readyz",
        places.admin
    )?;
    writeln!(out, "  Data:                 {}", places.data_dir.display())?;
    writeln!(out, "  Models:               {}", world.describe_models())?;
    let key = match minted {
        Some(Minted::Shown(key)) => {
            writeln!(out, "  Your key, shown once: {}", key.reveal())?;
            key.reveal().to_owned()
        }
        Some(Minted::Written(path)) => {
            writeln!(out, "  A fresh key is in:    {}", path.display())?;
            tracing::info!(file = %path.display(), "a first virtual key was minted into this file");
            format!("$(cat {})", path.display())
        }
        None => {
            writeln!(
                out,
                "  Another key:          portcullis keys create --name NAME\n"
            )?;
            return Ok(out.flush()?);
        }
    };
    let Some(model) = world.a_model() else {
        return Ok(out.flush()?);
    };
    writeln!(
        out,
        "\n  Try it:\n\n    curl {base}/v1/chat/completions \\\n      \
         -H \"Authorization: Bearer {key}\" \\\n      -H 'content-type: application/json' \\\n      \
         -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'\n"
    )?;
    Ok(out.flush()?)
}
