//! The rooms of Messages: where in a request, an answer or an event which member
//! is *not* text.

use crate::json::Node;
use crate::texts::{self, Place, Rule, kind_of, speaker};

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Request,
    /// `thinking`, `output_config` and their like: words that Anthropic gives.
    Settings,
    Format,
    Message,
    Block,
    /// A thought that only Anthropic can read.
    Redacted,
    /// Results of what Anthropic runs, and citations.
    Found,
    Source,
    /// A source whose data are no text.
    Media,
    Cache,
    Tool,
    Container,
    Answer,
    Event,
    Delta,
}

pub(crate) const REQUEST: texts::Room = texts::Room::Anthropic(Room::Request);
pub(crate) const ANSWER: texts::Room = texts::Room::Anthropic(Room::Answer);
pub(crate) const EVENT: texts::Room = texts::Room::Anthropic(Room::Event);

const ANY: Rule = Rule::In(texts::Room::ANY);
const JSON: Rule = Rule::In(texts::Room::JSON);

const fn of(room: Room) -> Rule {
    Rule::In(texts::Room::Anthropic(room))
}

const fn by(room: Room, place: Place) -> Rule {
    Rule::By(texts::Room::Anthropic(room), place)
}

impl Room {
    /// What an object in it is, and whose words it holds.
    pub(crate) fn of(self, object: Node<'_>, place: Place) -> (texts::Room, Place) {
        let (room, place) = match self {
            Self::Message => (self, speaker(object).unwrap_or(place)),
            Self::Block => match &*kind_of(object) {
                "redacted_thinking" => (Self::Redacted, place),
                "tool_result" => (self, Place::Tool),
                _ => (self, place),
            },
            Self::Source => match &*kind_of(object) {
                "base64" => (Self::Media, place),
                _ => (self, place),
            },
            _ => (self, place),
        };
        (texts::Room::Anthropic(room), place)
    }

    pub(crate) fn rule(self, key: &[u8]) -> Rule {
        use Rule::{In, Skip, Url};
        use texts::Room as All;
        match self {
            Self::Request => request(key),
            Self::Settings => match key {
                b"type" | b"effort" | b"display" => Skip,
                b"format" => of(Self::Format),
                _ => ANY,
            },
            Self::Format => match key {
                b"type" => Skip,
                b"schema" => In(All::SCHEMA),
                _ => ANY,
            },
            Self::Message => match key {
                b"role" => Skip,
                b"content" => of(Self::Block),
                _ => ANY,
            },
            Self::Block => block(key),
            Self::Redacted => match key {
                b"type" | b"data" => Skip,
                _ => ANY,
            },
            Self::Found => match key {
                b"type" | b"encrypted_content" | b"encrypted_index" | b"file_id" => Skip,
                _ => ANY,
            },
            Self::Source => match key {
                b"type" | b"media_type" | b"file_id" => Skip,
                b"url" => Url(All::ANY),
                b"content" => of(Self::Block),
                _ => ANY,
            },
            Self::Media => match key {
                b"type" | b"media_type" | b"data" => Skip,
                _ => ANY,
            },
            Self::Cache => match key {
                b"type" | b"ttl" => Skip,
                _ => ANY,
            },
            Self::Tool => match key {
                b"type" | b"allowed_callers" => Skip,
                b"input_schema" => In(All::SCHEMA),
                b"input_examples" => JSON,
                b"cache_control" => of(Self::Cache),
                b"user_location" => In(All::TYPED),
                _ => ANY,
            },
            Self::Container => match key {
                b"id" | b"expires_at" | b"type" | b"skill_id" | b"version" => Skip,
                b"skills" => of(Self::Container),
                _ => ANY,
            },
            Self::Answer => answer(key),
            Self::Event => match key {
                b"type" => Skip,
                b"message" => of(Self::Answer),
                b"content_block" => by(Self::Block, Place::Assistant),
                b"delta" => by(Self::Delta, Place::Assistant),
                b"usage" => In(All::QUIET),
                b"error" | b"context_management" => In(All::TYPED),
                _ => ANY,
            },
            Self::Delta => match key {
                b"type" | b"signature" | b"stop_reason" => Skip,
                b"citation" => of(Self::Found),
                b"container" => of(Self::Container),
                _ => ANY,
            },
        }
    }
}

fn request(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    use texts::Room as All;
    match key {
        b"messages" => of(Room::Message),
        b"system" => by(Room::Block, Place::System),
        b"tools" => by(Room::Tool, Place::Definition),
        b"tool_choice" | b"mcp_servers" | b"context_management" => In(All::TYPED),
        b"metadata" => JSON,
        b"thinking" | b"output_config" => of(Room::Settings),
        b"output_format" => of(Room::Format),
        b"container" => Rule::Id(texts::Room::Anthropic(Room::Container)),
        b"cache_control" => of(Room::Cache),
        b"model" | b"service_tier" | b"speed" | b"inference_geo" | b"anthropic_version"
        | b"anthropic_beta" | b"betas" => Skip,
        _ => ANY,
    }
}

fn block(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    match key {
        b"type" | b"id" | b"tool_use_id" | b"signature" | b"file_id" | b"encrypted_content"
        | b"encrypted_index" | b"encrypted_stdout" => Skip,
        b"content" => of(Room::Block),
        b"source" => of(Room::Source),
        b"cache_control" => of(Room::Cache),
        b"citations" => of(Room::Found),
        b"input" => JSON,
        b"caller" => In(texts::Room::TYPED),
        _ => ANY,
    }
}

fn answer(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    match key {
        b"id" | b"type" | b"role" | b"model" | b"stop_reason" => Skip,
        b"content" => by(Room::Block, Place::Assistant),
        b"usage" => In(texts::Room::QUIET),
        b"container" => of(Room::Container),
        b"context_management" => In(texts::Room::TYPED),
        _ => ANY,
    }
}
