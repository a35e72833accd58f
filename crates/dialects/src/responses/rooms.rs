//! The rooms of Responses: where in a request, an answer or an event which member
//! is *not* text.

use crate::json::Node;
use crate::texts::{self, Place, Rule, kind_of, speaker};

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Request,
    /// `reasoning`, `text`: words that `OpenAI` gives.
    Settings,
    Prompt,
    Item,
    /// An image that was made.
    Drawn,
    Part,
    ImageUrl,
    AudioData,
    /// What is named by an id, beside text.
    Found,
    Tool,
    /// A tool's environment.
    Container,
    Answer,
    Event,
    /// An event whose piece is sound.
    Sound,
}

pub(crate) const REQUEST: texts::Room = texts::Room::Responses(Room::Request);
pub(crate) const ANSWER: texts::Room = texts::Room::Responses(Room::Answer);
pub(crate) const EVENT: texts::Room = texts::Room::Responses(Room::Event);

const ANY: Rule = Rule::In(texts::Room::ANY);
const JSON: Rule = Rule::In(texts::Room::JSON);
const QUIET: Rule = Rule::In(texts::Room::QUIET);

const fn of(room: Room) -> Rule {
    Rule::In(texts::Room::Responses(room))
}

const fn by(room: Room, place: Place) -> Rule {
    Rule::By(texts::Room::Responses(room), place)
}

const fn id_or(room: Room) -> Rule {
    Rule::Id(texts::Room::Responses(room))
}

impl Room {
    /// What an object in it is, and whose words it holds.
    pub(crate) fn of(self, object: Node<'_>, place: Place) -> (texts::Room, Place) {
        let (room, place) = match self {
            Self::Item => item(object, place),
            Self::Event => match &*kind_of(object) {
                "response.audio.delta" => (Self::Sound, place),
                _ => (self, place),
            },
            _ => (self, place),
        };
        (texts::Room::Responses(room), place)
    }

    pub(crate) fn rule(self, key: &[u8]) -> Rule {
        use Rule::{Skip, Url};
        use texts::Room as All;
        match self {
            Self::Request => request(key),
            Self::Settings => match key {
                b"effort" | b"summary" | b"generate_summary" | b"verbosity" => Skip,
                b"format" => by(Self::Tool, Place::Definition),
                _ => ANY,
            },
            Self::Prompt => match key {
                b"id" | b"version" => Skip,
                b"variables" => JSON,
                _ => ANY,
            },
            Self::Item => item_member(key),
            Self::Drawn => match key {
                b"result" => Skip,
                _ => item_member(key),
            },
            Self::Part => match key {
                b"type" | b"file_id" | b"detail" | b"file_data" => Skip,
                b"image_url" => Url(All::Responses(Self::ImageUrl)),
                b"input_audio" => of(Self::AudioData),
                b"annotations" => of(Self::Found),
                _ => ANY,
            },
            Self::ImageUrl => match key {
                b"url" => Url(All::ANY),
                b"detail" => Skip,
                _ => ANY,
            },
            Self::AudioData => match key {
                b"data" | b"format" => Skip,
                _ => ANY,
            },
            Self::Found => match key {
                b"type" | b"id" | b"file_id" | b"container_id" | b"vector_store_id" => Skip,
                _ => ANY,
            },
            Self::Tool => tool(key),
            Self::Container => match key {
                b"type" | b"id" | b"container_id" | b"file_ids" | b"memory_limit" => Skip,
                _ => ANY,
            },
            Self::Answer => answer(key),
            Self::Event => event(key),
            Self::Sound => match key {
                b"delta" => Skip,
                _ => event(key),
            },
        }
    }
}

/// Whose words an item holds.
fn item(object: Node<'_>, place: Place) -> (Room, Place) {
    match &*kind_of(object) {
        "image_generation_call" => (Room::Drawn, Place::Assistant),
        kind if kind.ends_with("_output") => (Room::Item, Place::Tool),
        kind if kind.ends_with("_call") || kind == "reasoning" => (Room::Item, Place::Assistant),
        _ => (Room::Item, speaker(object).unwrap_or(place)),
    }
}

fn request(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    use texts::Room as All;
    match key {
        b"input" => by(Room::Item, Place::User),
        b"instructions" => by(Room::Item, Place::System),
        b"tools" => by(Room::Tool, Place::Definition),
        b"tool_choice" => id_or(Room::Tool),
        b"reasoning" | b"text" => of(Room::Settings),
        b"prompt" => of(Room::Prompt),
        b"metadata" => JSON,
        b"conversation" => Rule::Id(All::TAGGED),
        b"context_management" => In(All::TYPED),
        b"model"
        | b"previous_response_id"
        | b"service_tier"
        | b"truncation"
        | b"include"
        | b"prompt_cache_retention" => Skip,
        _ => ANY,
    }
}

fn item_member(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    use texts::Room as All;
    match key {
        b"id"
        | b"type"
        | b"role"
        | b"status"
        | b"phase"
        | b"call_id"
        | b"encrypted_content"
        | b"container_id"
        | b"approval_request_id"
        | b"format"
        | b"quality"
        | b"size"
        | b"background"
        | b"output_format" => Skip,
        b"content" | b"summary" | b"output" | b"outputs" => of(Room::Part),
        b"results" => of(Room::Found),
        b"tools" => by(Room::Tool, Place::Definition),
        b"action" | b"actions" | b"operation" | b"caller" => In(All::TYPED),
        b"acknowledged_safety_checks" | b"pending_safety_checks" => In(All::TAGGED),
        _ => ANY,
    }
}

fn tool(key: &[u8]) -> Rule {
    use Rule::{In, Skip};
    use texts::Room as All;
    match key {
        b"type"
        | b"syntax"
        | b"mode"
        | b"vector_store_ids"
        | b"search_context_size"
        | b"connector_id"
        | b"quality"
        | b"size"
        | b"background"
        | b"output_format"
        | b"moderation"
        | b"input_fidelity"
        | b"model"
        | b"execution" => Skip,
        b"require_approval" => Rule::Id(All::ANY),
        b"parameters" | b"schema" | b"input_schema" => In(All::SCHEMA),
        b"format" | b"tools" => of(Room::Tool),
        b"container" | b"environment" => id_or(Room::Container),
        b"user_location" | b"filters" => In(All::TYPED),
        b"input_image_mask" => of(Room::Part),
        _ => ANY,
    }
}

fn answer(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"id" | b"object" | b"status" | b"model" | b"service_tier" | b"previous_response_id" => {
            Skip
        }
        b"output" => by(Room::Item, Place::Assistant),
        // What it repeats of its request: guards have read it there.
        b"instructions"
        | b"tools"
        | b"tool_choice"
        | b"text"
        | b"reasoning"
        | b"metadata"
        | b"user"
        | b"prompt"
        | b"safety_identifier"
        | b"prompt_cache_key"
        | b"prompt_cache_retention"
        | b"truncation"
        | b"conversation"
        | b"context_management" => Rule::Echo,
        b"usage" | b"billing" | b"incomplete_details" => QUIET,
        _ => ANY,
    }
}

fn event(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"type" | b"item_id" | b"obfuscation" | b"partial_image_b64" => Skip,
        b"response" => of(Room::Answer),
        b"item" => by(Room::Item, Place::Assistant),
        b"part" => by(Room::Part, Place::Assistant),
        b"annotation" => of(Room::Found),
        _ => ANY,
    }
}
