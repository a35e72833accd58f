//! Quirks that can be read and never do anything, or not what was meant.

use super::{LossSpec, QuirksSpec, RuleSpec, steps};

/// A quirk without sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Senseless {
    /// Which: `request[0].rename`.
    pub at: String,
    /// Why.
    pub why: String,
    /// What to write instead.
    pub help: String,
}

/// What stands in a member of `OpenAI`'s requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A list.
    Items,
    /// One value without members.
    Value,
}

/// Outermost members of which the dialect says what they hold. Others may hold
/// anything, and so may those that only some providers know.
const MEMBERS: &[(&str, Holds)] = &[
    ("messages", Holds::Items),
    ("tools", Holds::Items),
    ("functions", Holds::Items),
    ("modalities", Holds::Items),
    ("model", Holds::Value),
    ("n", Holds::Value),
    ("temperature", Holds::Value),
    ("top_p", Holds::Value),
    ("seed", Holds::Value),
    ("max_tokens", Holds::Value),
    ("max_completion_tokens", Holds::Value),
    ("presence_penalty", Holds::Value),
    ("frequency_penalty", Holds::Value),
    ("logprobs", Holds::Value),
    ("top_logprobs", Holds::Value),
    ("parallel_tool_calls", Holds::Value),
    ("reasoning_effort", Holds::Value),
    ("service_tier", Holds::Value),
    ("store", Holds::Value),
    ("stream", Holds::Value),
    ("user", Holds::Value),
    ("verbosity", Holds::Value),
];

/// Outermost members that only another dialect has, and `OpenAI`'s for them.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("contents", "Gemini's", "messages"),
    ("systemInstruction", "Gemini's", "messages"),
    (
        "generationConfig",
        "Gemini's",
        "temperature` or `max_tokens",
    ),
    ("toolConfig", "Gemini's and Converse's", "tool_choice"),
    ("safetySettings", "Gemini's", "messages"),
    (
        "inferenceConfig",
        "Converse's",
        "temperature` or `max_tokens",
    ),
    (
        "additionalModelRequestFields",
        "Converse's",
        "reasoning_effort",
    ),
    ("anthropic_version", "Anthropic's", "model"),
    ("stop_sequences", "Anthropic's", "stop"),
    ("max_output_tokens", "of Responses", "max_completion_tokens"),
    ("instructions", "of Responses", "messages"),
    ("previous_response_id", "of Responses", "messages"),
    ("num_predict", "Ollama's", "max_tokens"),
];

/// Words for the end of an answer that clients know.
const REASONS: &[&str] = &[
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "function_call",
];

impl QuirksSpec {
    /// What has no sense. Of quirks that [`Self::quirks`] takes; the catalogue's,
    /// which stand behind an operator's own, are none of it.
    #[must_use]
    pub fn senseless(&self) -> Vec<Senseless> {
        let mut all = Vec::new();
        for (number, rule) in self.request.iter().enumerate() {
            let mut say = |field: &str, why: String, help: String| {
                all.push(Senseless {
                    at: format!("request[{number}].{field}"),
                    why,
                    help,
                });
            };
            rule.place(&mut say);
            rule.deed(&mut say);
            for path in &rule.at {
                let earlier = self.request.iter().take(number);
                let hiding = earlier
                    .enumerate()
                    .find(|(_, other)| other.hides(rule, path));
                if let Some((first, _)) = hiding {
                    let why = format!("`request[{first}]` says already what becomes of `{path}`");
                    say("at", why, "write one of the two".to_owned());
                }
            }
        }
        for (theirs, own) in &self.finish_reasons {
            let at = format!("finish_reasons.{theirs}");
            if theirs == own {
                let (why, help) = (format!("`{own}` stays what it is"), "leave it out");
                all.push(Senseless {
                    at,
                    why,
                    help: help.to_owned(),
                });
            } else if !REASONS.contains(&own.as_str()) {
                let why = format!("no client knows the end `{own}`");
                let help = domain::suggest::help(own, REASONS.iter().copied());
                all.push(Senseless { at, why, help });
            }
        }
        all
    }
}

/// Takes a field, what is wrong with it and what to do.
type Say<'a> = dyn FnMut(&str, String, String) + 'a;

impl RuleSpec {
    /// What of its paths leads nowhere.
    fn place(&self, say: &mut Say<'_>) {
        for path in &self.at {
            let first = path.split(['.', '[']).next().unwrap_or_default();
            let rest = path.strip_prefix(first).unwrap_or_default();
            if let Some((_, whose, own)) = FOREIGN.iter().find(|(name, ..)| *name == first) {
                let why = format!("`{first}` is {whose}: no request of OpenAI's dialect has it");
                say("at", why, format!("write `{own}`, if that is meant"));
            }
            match MEMBERS.iter().find(|(name, _)| *name == first) {
                Some((_, Holds::Items)) if rest.starts_with('.') => {
                    say(
                        "at",
                        format!("`{first}` is a list"),
                        format!("write `{first}[]{rest}`"),
                    );
                }
                Some((_, Holds::Value)) if !rest.is_empty() => {
                    let why = format!("`{first}` has neither members nor items");
                    say("at", why, format!("write `{first}`"));
                }
                _ => {}
            }
        }
    }

    /// What of its action changes nothing.
    fn deed(&self, say: &mut Say<'_>) {
        if let Some(name) = &self.rename {
            let is_same = |path: &String| last(path) == name;
            let is_path = name.is_empty() || name.contains(['.', '[', ']', '$']);
            if is_path {
                let why = format!("`{name}` is no name of a member");
                say(
                    "rename",
                    why,
                    "write the new name alone: the place stays".to_owned(),
                );
            } else if let Some(path) = self.at.iter().find(|path| is_same(path)) {
                let why = format!("`{path}` is called `{name}` already");
                say("rename", why, "leave the rule out".to_owned());
            }
        }
        if let Some((word, _)) = self.values.iter().find(|(from, to)| from == to) {
            let why = format!("`{word}` becomes itself");
            say("values", why, "leave it out".to_owned());
        }
        let number = |at: usize| self.within.as_ref()?.get(at)?.text().parse::<f64>().ok();
        if let (Some(least), Some(most)) = (number(0), number(1))
            && least > most
        {
            let why = format!("nothing lies between {least} and {most}");
            say("within", why, format!("write `[{most}, {least}]`"));
        }
        if self.at_most == Some(0) {
            say(
                "at_most",
                "it leaves nothing".to_owned(),
                "write `drop: meaning`".to_owned(),
            );
        }
        if let Some(both) = self.only.iter().find(|it| self.unless.contains(it)) {
            let why = format!("{} stands under `only` too", both.text());
            say("unless", why, "write it in one of them".to_owned());
        }
        if self.drop.is_some() && self.loss.is_some() {
            let word = match self.loss {
                Some(LossSpec::Nothing) => "nothing",
                Some(LossSpec::Hint) => "hint",
                _ => "meaning",
            };
            let why = "`drop` says itself what is lost".to_owned();
            say("loss", why, format!("write `drop: {word}` alone"));
        }
    }

    /// Whether nothing is left of `path` for a later rule to do.
    fn hides(&self, later: &Self, path: &str) -> bool {
        let is_same = self.at.iter().any(|own| steps(own) == steps(path));
        let is_wider = |own: bool, same: bool| own || same;
        let is_for = is_wider(self.models.is_empty(), self.models == later.models)
            && is_wider(self.only.is_empty(), self.only == later.only);
        let is_gone = self.drop.is_some() || self.refuse == Some(true) && self.unless.is_empty();
        let takes = later.drop.is_some() || later.refuse == Some(true) || later.rename.is_some();
        is_same && is_for && (is_gone || self.rename.is_some() && takes)
    }
}

/// The member that a path leads to.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
