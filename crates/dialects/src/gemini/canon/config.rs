//! Reading `generationConfig`.

use domain::canon::{Dialect, Effort, Format, Reasoning, Request, Unknown};
use domain::refusal::Refusal;

use super::fields::{Fields, wrong};
use super::schema::to_json_schema;
use super::{raw, unknown};
use crate::translate::values;

/// Reads what the canonical form knows of it; the rest is kept.
///
/// # Errors
/// A member has a wrong type.
pub(super) fn read(mut config: Fields<'_>, request: &mut Request) -> Result<(), Refusal> {
    request.max_tokens = config.whole("maxOutputTokens")?;
    if request.max_tokens == Some(0) {
        let expected = "a whole number, at least 1";
        return Err(wrong(&config.at("maxOutputTokens"), expected));
    }
    request.temperature = config.within("temperature", &values::TEMPERATURE)?;
    request.top_p = config.within("topP", &values::PART)?;
    request.top_k = config.number("topK")?;
    request.presence_penalty = config.within("presencePenalty", &values::PENALTY)?;
    request.frequency_penalty = config.within("frequencyPenalty", &values::PENALTY)?;
    request.seed = match config.take("seed") {
        Some(node) if values::is_whole(node) => Some(raw(node)),
        Some(_) => return Err(wrong(&config.at("seed"), "a whole number")),
        None => None,
    };
    request.n = small(&mut config, "candidateCount")?;
    if request.n == Some(0) {
        let expected = "a whole number, at least 1";
        return Err(wrong(&config.at("candidateCount"), expected));
    }
    request.logprobs = config.flag("responseLogprobs")?;
    request.top_logprobs = small(&mut config, "logprobs")?;
    let most = values::MOST_LOGPROBS;
    if request.top_logprobs.is_some_and(|number| number > most) {
        let expected = format!("a whole number, at most {most}");
        return Err(wrong(&config.at("logprobs"), &expected));
    }
    let path = config.at("stopSequences");
    for (at, stop) in config.list("stopSequences")?.into_iter().enumerate() {
        let stop = stop.str();
        let stop = stop.ok_or_else(|| wrong(&format!("{path}[{at}]"), "a string"))?;
        request.stop.push(stop.into_owned());
    }
    if let Some(thinking) = config.object("thinkingConfig")? {
        request.reasoning = Some(reasoning(thinking, request)?);
    }
    format(&mut config, request)?;
    for (name, node) in config.rest() {
        let name = format!("generationConfig.{name}");
        request.rest.push(unknown(name, node));
    }
    Ok(())
}

fn small(config: &mut Fields<'_>, key: &str) -> Result<Option<u32>, Refusal> {
    let number = config.whole(key)?.map(u32::try_from).transpose();
    number.map_err(|_| wrong(&config.at(key), "a small whole number"))
}

/// Thoughts are shown only to who asks for them: without a word about it, they
/// are not wanted.
fn reasoning(mut thinking: Fields<'_>, request: &mut Request) -> Result<Reasoning, Refusal> {
    let wants = thinking.flag("includeThoughts")? == Some(true);
    let mut reasoning = Reasoning {
        summary: Some(if wants { "auto" } else { "none" }.to_owned()),
        ..Reasoning::default()
    };
    if let Some(node) = thinking.take("thinkingBudget") {
        match (node.raw(), super::fields::whole(node)) {
            (b"-1", _) => reasoning.adaptive = true,
            (_, Some(budget)) => reasoning.budget = Some(budget),
            _ => return Err(wrong(&thinking.at("thinkingBudget"), "a number of tokens")),
        }
    }
    let level = thinking.string("thinkingLevel")?.unwrap_or_default();
    reasoning.effort = match level.to_ascii_uppercase().as_str() {
        "" | "THINKING_LEVEL_UNSPECIFIED" => None,
        "MINIMAL" => Some(Effort::Minimal),
        "LOW" => Some(Effort::Low),
        "MEDIUM" => Some(Effort::Medium),
        "HIGH" => Some(Effort::High),
        "XHIGH" => {
            // Few models know it: others' strongest effort is `HIGH` here.
            let name = "generationConfig.thinkingConfig.thinkingLevel";
            let json = domain::canon::Json::trusted("\"XHIGH\"");
            let level = Unknown::new(Dialect::Gemini, name, json);
            request.rest.push(level);
            Some(Effort::XHigh)
        }
        _ => {
            let expected = "`MINIMAL`, `LOW`, `MEDIUM`, `HIGH` or `XHIGH`";
            return Err(wrong(&thinking.at("thinkingLevel"), expected));
        }
    };
    for (name, node) in thinking.rest() {
        let name = format!("generationConfig.thinkingConfig.{name}");
        request.rest.push(unknown(name, node));
    }
    Ok(reasoning)
}

/// What the answer must look like.
fn format(config: &mut Fields<'_>, request: &mut Request) -> Result<(), Refusal> {
    let mime = config.take("responseMimeType");
    let older = config.take("responseSchema");
    let newer = config.take("responseJsonSchema");
    if let Some(older) = older {
        let name = "generationConfig.responseSchema";
        request.rest.push(unknown(name, older));
    }
    let schema = newer.map(raw).or_else(|| older.map(to_json_schema));
    let Some(node) = mime else {
        request.format = schema.map(of_schema);
        return Ok(());
    };
    let text = node.str();
    let expected = "`text/plain` or `application/json`";
    let text = text.ok_or_else(|| wrong(&config.at("responseMimeType"), expected))?;
    request.format = match (&*text, schema) {
        ("text/plain" | "", _) => Some(Format::Text),
        ("application/json", Some(schema)) => Some(of_schema(schema)),
        ("application/json", None) => Some(Format::Json),
        _ => {
            // One word of a list (`text/x.enum`), or what comes later.
            let name = "generationConfig.responseMimeType";
            request.rest.push(unknown(name, node));
            let name = "generationConfig.responseJsonSchema";
            request.rest.extend(newer.map(|newer| unknown(name, newer)));
            None
        }
    };
    Ok(())
}

fn of_schema(schema: domain::canon::Json) -> Format {
    Format::Schema {
        name: None,
        description: None,
        schema,
        strict: None,
    }
}
