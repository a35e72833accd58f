//! The rooms of a body: where in it which member is *not* text.

use super::texts::Place;

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Request,
    Answer,
    /// Holds nothing but text.
    Any,
    /// Holds nothing that policy needs to see.
    Quiet,
    Message,
    Part,
    ImageUrl,
    AudioData,
    FileData,
    /// `id` and `type` beside text.
    Tagged,
    Tool,
    Schema,
    Properties,
    Choice,
    AnswerData,
    /// An array whose strings are no text.
    Names,
}

/// What becomes of a member.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// A string is no text, nor is one in an array; anything else is read as
    /// [`Room::Any`].
    Skip,
    /// Go on in that room, with the same words' owner.
    In(Room),
    /// Go on in that room; the words are that one's.
    By(Room, Place),
    /// A URL: no text if it carries its data itself.
    Url,
}

/// What becomes of the member with this (decoded) key. What is not listed is
/// text.
pub(super) fn rule(room: Room, key: &[u8]) -> Rule {
    use Rule::{In, Skip, Url};
    match room {
        Room::Request => request(key),
        Room::Answer => answer(key),
        Room::Message => match key {
            b"role" | b"tool_call_id" => Skip,
            b"content" => In(Room::Part),
            b"tool_calls" => In(Room::Tagged),
            b"audio" => In(Room::AudioData),
            _ => In(Room::Any),
        },
        Room::Part => match key {
            b"type" => Skip,
            b"image_url" => In(Room::ImageUrl),
            b"input_audio" => In(Room::AudioData),
            b"file" => In(Room::FileData),
            b"content" => In(Room::Part),
            b"cache_control" => In(Room::Tagged),
            _ => In(Room::Any),
        },
        Room::ImageUrl => match key {
            b"url" => Url,
            b"detail" => Skip,
            _ => In(Room::Any),
        },
        Room::AudioData => match key {
            b"data" | b"format" | b"voice" | b"id" => Skip,
            _ => In(Room::Any),
        },
        Room::FileData => match key {
            b"file_data" | b"file_id" => Skip,
            _ => In(Room::Any),
        },
        Room::Tagged => match key {
            b"id" | b"type" => Skip,
            _ => In(Room::Any),
        },
        Room::Tool => match key {
            b"type" => Skip,
            b"function" | b"json_schema" => In(Room::Tool),
            b"parameters" | b"schema" => In(Room::Schema),
            _ => In(Room::Any),
        },
        Room::Schema => match key {
            b"type" | b"format" => Skip,
            b"properties" | b"$defs" => In(Room::Properties),
            b"items" | b"anyOf" | b"allOf" | b"oneOf" => In(Room::Schema),
            _ => In(Room::Any),
        },
        Room::Choice => match key {
            b"finish_reason" => Skip,
            // The tokens of a text that is read as a whole beside them.
            b"logprobs" | b"content_filter_results" => In(Room::Quiet),
            b"message" | b"delta" => In(Room::Message),
            _ => In(Room::Any),
        },
        Room::AnswerData => match key {
            b"object" | b"embedding" => Skip,
            _ => In(Room::Any),
        },
        Room::Properties => In(Room::Schema),
        Room::Any | Room::Quiet | Room::Names => In(Room::Any),
    }
}

fn request(key: &[u8]) -> Rule {
    use Rule::{By, In, Skip};
    match key {
        b"messages" => In(Room::Message),
        b"prompt" | b"suffix" | b"input" => By(Room::Any, Place::User),
        b"prediction" => By(Room::Part, Place::Assistant),
        b"tools" | b"functions" | b"response_format" => By(Room::Tool, Place::Definition),
        b"tool_choice" => In(Room::Tagged),
        b"audio" => In(Room::AudioData),
        b"model" | b"function_call" | b"modalities" | b"service_tier" | b"reasoning_effort"
        | b"verbosity" | b"encoding_format" => Skip,
        _ => In(Room::Any),
    }
}

fn answer(key: &[u8]) -> Rule {
    use Rule::{By, In, Skip};
    match key {
        b"id" | b"object" | b"model" | b"system_fingerprint" | b"service_tier" => Skip,
        b"usage" | b"timings" | b"prompt_filter_results" => In(Room::Quiet),
        b"choices" => By(Room::Choice, Place::Assistant),
        b"data" => In(Room::AnswerData),
        _ => In(Room::Any),
    }
}
