//! The rooms of `OpenAI`'s bodies: where in them which member is *not* text.

use crate::json::Node;
use crate::texts::{self, Place, Rule, speaker};

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Request,
    /// An answer as its words are counted: each once.
    Answer,
    Choice,
    /// An answer as guards read it.
    Screened,
    ScreenedChoice,
    Message,
    Part,
    ImageUrl,
    AudioData,
    FileData,
    Tool,
    AnswerData,
}

pub(crate) const REQUEST: texts::Room = texts::Room::OpenAi(Room::Request);
pub(crate) const SCREENED: texts::Room = texts::Room::OpenAi(Room::Screened);
pub(super) const ANSWER: texts::Room = texts::Room::OpenAi(Room::Answer);
pub(super) const CHOICE: texts::Room = texts::Room::OpenAi(Room::Choice);

const ANY: Rule = Rule::In(texts::Room::ANY);
const QUIET: Rule = Rule::In(texts::Room::QUIET);

const fn of(room: Room) -> Rule {
    Rule::In(texts::Room::OpenAi(room))
}

impl Room {
    /// Whose words an object in it holds.
    pub(crate) fn of(self, object: Node<'_>, place: Place) -> (texts::Room, Place) {
        let place = match self {
            Self::Message => speaker(object).unwrap_or(place),
            _ => place,
        };
        (texts::Room::OpenAi(self), place)
    }

    pub(crate) fn rule(self, key: &[u8]) -> Rule {
        use Rule::{In, Skip, Url};
        use texts::Room as All;
        match self {
            Self::Request => request(key),
            Self::Answer => answer(key),
            Self::Screened => match key {
                b"choices" => by(Room::ScreenedChoice, Place::Assistant),
                _ => answer(key),
            },
            Self::Message => match key {
                b"role" | b"tool_call_id" => Skip,
                b"content" => of(Self::Part),
                b"tool_calls" => In(All::TAGGED),
                b"audio" => of(Self::AudioData),
                _ => ANY,
            },
            Self::Part => match key {
                b"type" => Skip,
                b"image_url" => Url(All::OpenAi(Self::ImageUrl)),
                b"input_audio" => of(Self::AudioData),
                b"file" => of(Self::FileData),
                b"content" => of(Self::Part),
                b"cache_control" => In(All::TAGGED),
                _ => ANY,
            },
            Self::ImageUrl => match key {
                b"url" => Url(All::ANY),
                b"detail" => Skip,
                _ => ANY,
            },
            Self::AudioData => match key {
                b"data" | b"format" | b"voice" | b"id" => Skip,
                _ => ANY,
            },
            Self::FileData => match key {
                b"file_data" | b"file_id" => Skip,
                _ => ANY,
            },
            Self::Tool => match key {
                b"type" => Skip,
                b"function" | b"json_schema" => of(Self::Tool),
                b"parameters" | b"schema" => In(All::SCHEMA),
                _ => ANY,
            },
            Self::Choice => match key {
                // The tokens of a text that is read as a whole beside them.
                b"logprobs" | b"content_filter_results" => QUIET,
                _ => choice(key),
            },
            Self::ScreenedChoice => choice(key),
            Self::AnswerData => match key {
                b"object" | b"embedding" => Skip,
                _ => ANY,
            },
        }
    }
}

const fn by(room: Room, place: Place) -> Rule {
    Rule::By(texts::Room::OpenAi(room), place)
}

fn choice(key: &[u8]) -> Rule {
    match key {
        b"finish_reason" => Rule::Skip,
        b"message" | b"delta" => of(Room::Message),
        _ => ANY,
    }
}

fn request(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"messages" => of(Room::Message),
        b"prompt" | b"suffix" | b"input" => Rule::By(texts::Room::ANY, Place::User),
        b"prediction" => by(Room::Part, Place::Assistant),
        b"tools" | b"functions" | b"response_format" => by(Room::Tool, Place::Definition),
        b"tool_choice" => Rule::In(texts::Room::TAGGED),
        // Its names are the application's own words.
        b"metadata" => Rule::In(texts::Room::JSON),
        b"audio" => of(Room::AudioData),
        b"model" | b"function_call" | b"modalities" | b"service_tier" | b"reasoning_effort"
        | b"verbosity" | b"encoding_format" => Skip,
        _ => ANY,
    }
}

fn answer(key: &[u8]) -> Rule {
    match key {
        b"id" | b"object" | b"model" | b"system_fingerprint" | b"service_tier" => Rule::Skip,
        b"usage" | b"timings" | b"prompt_filter_results" => QUIET,
        b"choices" => by(Room::Choice, Place::Assistant),
        b"data" => of(Room::AnswerData),
        _ => ANY,
    }
}
