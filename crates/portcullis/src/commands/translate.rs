//! `portcullis translate`: what a request is in another dialect, and what is
//! lost on the way. Nothing is sent.

use std::io::Read as _;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use dialects::json::Document;
use dialects::translate::{self, Codec, Head, Names, Target, Upstream};
use dialects::{gemini, responses};
use domain::canon::{Dialect, Loss, Request, Weight};

use crate::cli::TranslateArgs;
use crate::output;

/// What stands for a model that nobody named.
const NO_MODEL: &str = "MODEL";
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
        true => answer(&document, (upstream(from)?, codec(to)?), args)?,
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
    let model = named(args, &request.model);
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

/// The model that is written: of some dialects' requests it stands in the path, and of
/// some answers nowhere.
fn named<'a>(args: &'a TranslateArgs, said: &'a str) -> &'a str {
    match args.model.as_deref() {
        Some(model) => model,
        None if said.is_empty() => {
            output::error("no model is named in it: add --model NAME");
            NO_MODEL
        }
        None => said,
    }
}

fn answer(
    document: &Document,
    (from, to): (&Upstream, &Codec),
    args: &TranslateArgs,
) -> anyhow::Result<(Vec<u8>, Vec<Loss>)> {
    let Some(answer) = (from.read_answer)(document, &Names::default()) else {
        let failure = match from.dialect {
            Dialect::Gemini => gemini::canon::read_failure(document),
            Dialect::Responses => responses::canon::read_failure(document),
            _ => None,
        };
        match failure {
            Some((fault, _)) => bail!(
                "no client of another dialect would get this as an answer, but an error: {}",
                fault.message
            ),
            None => bail!(
                "this is no answer of the dialect `{}`",
                from.dialect.as_str()
            ),
        }
    };
    let request = Request {
        model: named(args, &answer.model).to_owned(),
        ..Request::default()
    };
    let head = Head {
        request: &request,
        created: answer.created.unwrap_or(0),
        id: &answer.id,
        request_id: "",
    };
    let lost = translate::unshown(&answer, to.dialect).into_iter();
    let lost = lost.map(|name| Loss::hint(name, "an answer of that dialect has no place for it"));
    Ok(((to.write_answer)(&answer, &head), lost.collect()))
}
