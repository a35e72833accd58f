//! A client's request, read.

use domain::canon::{Effort, Format, Json, Message, Reasoning, Request};
use domain::refusal::{Reason, Refusal};

use super::fields::{
    Path, flag, json, member, missing, number, object, positive, small, string, text, unknown,
    within, wrong,
};
use super::{messages, parts, reasoning, tools};
use crate::json::{Document, Kind, Node};
use crate::translate::values;

/// Reads a request.
///
/// # Errors
/// A member is missing or has the wrong type; the refusal says which, and what
/// to do.
pub fn read_request(document: &Document) -> Result<Request, Refusal> {
    let root = document.root();
    if root.kind() != Kind::Object {
        let message = "The body must be a JSON object.";
        return Err(Refusal::new(Reason::BadJson, message));
    }
    let mut read = Reading::default();
    for (key, _, value) in root.entries() {
        read.member(&key, value)?;
    }
    read.finish()
}

/// A request, while its members are read one by one.
#[derive(Default)]
pub(super) struct Reading {
    request: Request,
    has_messages: bool,
    /// `max_tokens`, which `max_completion_tokens` overrules.
    older_max: Option<u64>,
    /// What other fields than `reasoning_effort` say.
    other_reasoning: Option<Reasoning>,
}

impl Reading {
    /// Takes a member; one that is unknown stays as it is.
    pub(super) fn member(&mut self, key: &str, value: Node<'_>) -> Result<(), Refusal> {
        let path = Path::Root.key(key);
        let is_known = value.is_null()
            || self.sampling(key, value, path)?
            || self.conversation(key, value, path)?
            || self.about(key, value, path)?;
        if !is_known {
            self.keep(key, value);
        }
        Ok(())
    }

    /// Keeps a member as it is.
    pub(super) fn keep(&mut self, key: &str, value: Node<'_>) {
        self.request.rest.push(unknown(key, value));
    }

    /// Takes the next message.
    pub(super) fn say(&mut self, message: Message) {
        self.request.messages.push(message);
        self.has_messages = true;
    }

    /// What shapes the answer. Says whether the member is known.
    fn sampling(&mut self, key: &str, value: Node<'_>, path: Path<'_>) -> Result<bool, Refusal> {
        let to = &mut self.request;
        match key {
            "max_completion_tokens" => to.max_tokens = Some(positive(value, path)?),
            "max_tokens" => self.older_max = Some(positive(value, path)?),
            "temperature" => to.temperature = Some(within(value, path, &values::TEMPERATURE)?),
            "top_p" => to.top_p = Some(within(value, path, &values::PART)?),
            "top_k" => to.top_k = Some(number(value, path)?),
            "presence_penalty" => {
                to.presence_penalty = Some(within(value, path, &values::PENALTY)?);
            }
            "frequency_penalty" => {
                to.frequency_penalty = Some(within(value, path, &values::PENALTY)?);
            }
            "seed" if !values::is_whole(value) => return Err(wrong(path, "a whole number")),
            "seed" => to.seed = Some(json(value)),
            "stop" => to.stop = parts::strings(value, path)?,
            "n" => {
                let n = small(value, path)?;
                if n == 0 {
                    return Err(wrong(path, "a positive whole number"));
                }
                to.n = Some(n);
            }
            "logprobs" => to.logprobs = Some(flag(value, path)?),
            "top_logprobs" => {
                let most = values::MOST_LOGPROBS;
                let number = small(value, path)?;
                if number > most {
                    return Err(wrong(path, &format!("a whole number, at most {most}")));
                }
                to.top_logprobs = Some(number);
            }
            "response_format" => {
                object(value, path)?;
                to.format = Some(read_format(value, path)?);
            }
            "verbosity" => {
                let word = string(value, path)?;
                if !values::is_verbosity(&word) {
                    return Err(wrong(path, values::VERBOSITIES));
                }
                to.verbosity = Some(word.into_owned());
            }
            "reasoning_effort" => match reasoning::effort(&string(value, path)?) {
                Some(effort) => set_effort(to, effort),
                None => return Err(wrong(path, values::EFFORTS)),
            },
            "reasoning" | "thinking" => {
                let read = match key {
                    "reasoning" => reasoning::read_object(value, path)?,
                    _ => reasoning::read_thinking(value, path)?,
                };
                let is_known = read.is_some();
                self.other_reasoning = reasoning::joined(self.other_reasoning.take(), read);
                return Ok(is_known);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the model is told. Says whether the member is known.
    fn conversation(
        &mut self,
        key: &str,
        value: Node<'_>,
        path: Path<'_>,
    ) -> Result<bool, Refusal> {
        let to = &mut self.request;
        match key {
            "messages" => {
                to.messages = messages::read_messages(value, path)?;
                self.has_messages = true;
            }
            "tools" => {
                to.knows_one_call = false;
                to.tools.extend(tools::read_tools(value, path)?);
            }
            "functions" => {
                to.knows_one_call = to.tools.is_empty();
                to.tools.extend(tools::read_functions(value, path)?);
                // The old form answers with one call at most.
                to.parallel_tools.get_or_insert(false);
            }
            "web_search_options" => to.tools.push(tools::search(object(value, path)?)),
            "tool_choice" => to.tool_choice = Some(tools::read_choice(value, path)?),
            "function_call" => {
                let choice = tools::read_old_choice(value, path)?;
                to.tool_choice.get_or_insert(choice);
            }
            "parallel_tool_calls" => to.parallel_tools = Some(flag(value, path)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is about the request. Says whether the member is known.
    fn about(&mut self, key: &str, value: Node<'_>, path: Path<'_>) -> Result<bool, Refusal> {
        let to = &mut self.request;
        match key {
            "model" => to.model = string(value, path)?.into_owned(),
            "stream" => to.stream = flag(value, path)?,
            "stream_options" => {
                // What else stands there is about the bytes on the wire.
                if let Some(wanted) = member(object(value, path)?, "include_usage") {
                    to.stream_usage = flag(wanted, path.key("include_usage"))?;
                }
            }
            "user" => to.user = Some(string(value, path)?.into_owned()),
            "metadata" => to.metadata = Some(json(object(value, path)?)),
            "service_tier" => to.service_tier = Some(string(value, path)?.into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The whole request.
    pub(super) fn finish(self) -> Result<Request, Refusal> {
        let mut request = self.request;
        if request.model.is_empty() {
            return Err(missing(Path::Root.key("model"), "name the model to use"));
        }
        if !self.has_messages {
            let what = "send the conversation as an array of messages";
            return Err(missing(Path::Root.key("messages"), what));
        }
        request.max_tokens = request.max_tokens.or(self.older_max);
        request.reasoning = reasoning::joined(request.reasoning, self.other_reasoning);
        Ok(request)
    }
}

fn set_effort(request: &mut Request, effort: Effort) {
    request.reasoning = Some(Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    });
}

fn read_format(node: Node<'_>, path: Path<'_>) -> Result<Format, Refusal> {
    let kind = text(node, "type").ok_or_else(|| {
        missing(
            path.key("type"),
            "say `text`, `json_object` or `json_schema`",
        )
    })?;
    match &*kind {
        "text" => Ok(Format::Text),
        "json_object" => {
            // Some servers take a schema here.
            let schema = member(node, "schema").map(|schema| Format::Schema {
                name: None,
                description: None,
                schema: json(schema),
                strict: None,
            });
            Ok(schema.unwrap_or(Format::Json))
        }
        "json_schema" => {
            let path = path.key("json_schema");
            let schema = member(node, "json_schema")
                .ok_or_else(|| missing(path, "send an object with the schema and its name"))?;
            read_schema(object(schema, path)?, path)
        }
        _ => {
            let expected = "`text`, `json_object` or `json_schema`";
            Err(wrong(path.key("type"), expected))
        }
    }
}

fn read_schema(node: Node<'_>, path: Path<'_>) -> Result<Format, Refusal> {
    let words = |key| {
        let found = member(node, key).map(|words| string(words, path.key(key)));
        Ok::<_, Refusal>(found.transpose()?.map(|words| words.into_owned()))
    };
    let strict = member(node, "strict")
        .map(|strict| flag(strict, path.key("strict")))
        .transpose()?;
    Ok(Format::Schema {
        name: words("name")?,
        description: words("description")?,
        schema: match member(node, "schema") {
            Some(schema) => json(object(schema, path.key("schema"))?),
            None => Json::trusted("{}"),
        },
        strict,
    })
}
