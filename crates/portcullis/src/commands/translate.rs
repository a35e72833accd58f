//! `portcullis translate`: what a request is in another dialect, and what is
//! lost on the way. Nothing is sent.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use dialects::json::Document;
use dialects::translate::{self, Codec, Head, Names, Target, Upstream};
use domain::canon::{Loss, Request, Weight};

use crate::cli::TranslateArgs;
use crate::output;

/// The deepest nesting that is read.
const DEPTH: usize = 128;

/// Reads from standard input, writes to standard output, and tells on standard
/// error what was lost.
pub(super) fn run(args: &TranslateArgs) -> anyhow::Result<()> {
    let mut text = Vec::new();
    std::io::stdin()
        .read_to_end(&mut text)
        .context("standard input cannot be read")?;
    let document = Document::parse(Bytes::from(text), DEPTH)
        .map_err(|error| anyhow::anyhow!("{}", error.refusal().message))?;
    let (from, to) = (args.from.into(), args.to.into());
    let (written, losses) = match args.answer {
        true => (answer(&document, upstream(from)?, codec(to)?)?, Vec::new()),
        false => request(&document, (codec(from)?, upstream(to)?), args)?,
    };
    let written = String::from_utf8(written).context("what was written is no text")?;
    output::line(written);
    for Loss { field, why, weight } in losses {
        let what = match weight {
            Weight::Hint => "dropped",
            Weight::Meaning => "lost",
        };
        output::error(&format!("{what}: {field}: {why}"));
    }
    Ok(())
}

fn codec(dialect: domain::canon::Dialect) -> anyhow::Result<&'static Codec> {
    let codec = translate::codec(dialect);
    codec.with_context(|| format!("no client speaks `{}`", dialect.as_str()))
}

fn upstream(dialect: domain::canon::Dialect) -> anyhow::Result<&'static Upstream> {
    let upstream = translate::upstream(dialect);
    upstream.with_context(|| format!("`{}` cannot be translated", dialect.as_str()))
}

fn request(
    document: &Document,
    (from, to): (&Codec, &Upstream),
    args: &TranslateArgs,
) -> anyhow::Result<(Vec<u8>, Vec<Loss>)> {
    let request = (from.read_request)(document).map_err(|refusal| {
        let at = refusal.param.map(|field| format!("{field}: "));
        anyhow::anyhow!("{}{}", at.unwrap_or_default(), refusal.message)
    })?;
    let names = Names::of(&request);
    let model = args.model.as_deref().unwrap_or(&request.model);
    let table = providers::traits::builtin().context("the built-in traits")?;
    let traits = table.at(to.dialect, "").of(model);
    let target = Target {
        model,
        output_limit: None,
        reasons: traits.thinks.or(Some(true)) == Some(true),
        traits,
        names: &names,
    };
    let written = (to.write_request)(&request, &target);
    Ok((written.value, written.losses))
}

fn answer(document: &Document, from: &Upstream, to: &Codec) -> anyhow::Result<Vec<u8>> {
    let Some(answer) = (from.read_answer)(document, &Names::default()) else {
        bail!(
            "this is no answer of the dialect `{}`",
            from.dialect.as_str()
        );
    };
    let head = Head {
        request: &Request::default(),
        created: answer.created.unwrap_or(0),
        id: &answer.id,
        request_id: "",
    };
    Ok((to.write_answer)(&answer, &head))
}
