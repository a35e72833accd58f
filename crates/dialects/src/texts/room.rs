//! The rooms of a document: where in it which member is *not* text. Here are
//! those that every dialect has.

use super::Place;
use crate::json::Node;
use crate::{anthropic, gemini, openai, responses};

/// What kind of object we are in; selects the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// One that dialects have in common.
    Shared(Shared),
    OpenAi(openai::rooms::Room),
    Responses(responses::rooms::Room),
    Anthropic(anthropic::rooms::Room),
    Gemini(gemini::rooms::Room),
}

/// Rooms that dialects have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// Holds nothing but text.
    Any,
    /// Holds nothing that policy needs to see.
    Quiet,
    /// JSON of a tool, or a map of somebody's own words.
    Json,
    /// `type` beside text.
    Typed,
    /// `id` and `type` beside text.
    Tagged,
    Schema,
    /// The names of a tool's parameters are words of its author.
    Properties,
}

/// What becomes of a member.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// A string is no text, nor is one in an array; anything else is read as
    /// [`Room::ANY`].
    Skip,
    /// Go on in that room, with the same words' owner.
    In(Room),
    /// Go on in that room; the words are that one's.
    By(Room, Place),
    /// A URL: no text if it carries its data itself; what is no string is read
    /// in that room.
    Url(Room),
    /// An id or an enum: no text; what is no string is read in that room.
    Id(Room),
    /// What an answer repeats of its request: read there.
    Echo,
}

/// What of an object is read beside the strings in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Nothing, not even those.
    Nothing,
    Strings,
    Keys,
    /// Keys and numbers.
    All,
}

impl Room {
    pub(crate) const ANY: Self = Self::Shared(Shared::Any);
    pub(crate) const QUIET: Self = Self::Shared(Shared::Quiet);
    pub(crate) const JSON: Self = Self::Shared(Shared::Json);
    pub(crate) const TYPED: Self = Self::Shared(Shared::Typed);
    pub(crate) const TAGGED: Self = Self::Shared(Shared::Tagged);
    pub(crate) const SCHEMA: Self = Self::Shared(Shared::Schema);

    /// What is read in it.
    pub(super) fn reads(self) -> Reads {
        match self {
            Self::Shared(Shared::Quiet) => Reads::Nothing,
            Self::Shared(Shared::Json) => Reads::All,
            Self::Shared(Shared::Properties) => Reads::Keys,
            _ => Reads::Strings,
        }
    }

    /// Which room an object in it is, and whose words it holds, by what stands
    /// in it.
    pub(super) fn of(self, object: Node<'_>, place: Place) -> (Self, Place) {
        match self {
            Self::Shared(_) => (self, place),
            Self::OpenAi(room) => room.of(object, place),
            Self::Responses(room) => room.of(object, place),
            Self::Anthropic(room) => room.of(object, place),
            Self::Gemini(room) => room.of(object, place),
        }
    }

    /// What becomes of the member with this (decoded) key. What is not listed is
    /// text.
    pub(super) fn rule(self, key: &[u8]) -> Rule {
        match self {
            Self::Shared(room) => room.rule(key),
            Self::OpenAi(room) => room.rule(key),
            Self::Responses(room) => room.rule(key),
            Self::Anthropic(room) => room.rule(key),
            Self::Gemini(room) => room.rule(key),
        }
    }
}

impl Shared {
    fn rule(self, key: &[u8]) -> Rule {
        match (self, key) {
            (Self::Typed | Self::Tagged, b"type") | (Self::Tagged, b"id") => Rule::Skip,
            (Self::Schema, b"type" | b"format") => Rule::Skip,
            (
                Self::Schema,
                b"properties" | b"$defs" | b"definitions" | b"patternProperties"
                | b"dependentSchemas",
            ) => Rule::In(Room::Shared(Self::Properties)),
            (
                Self::Schema,
                b"items"
                | b"prefixItems"
                | b"additionalItems"
                | b"unevaluatedItems"
                | b"contains"
                | b"anyOf"
                | b"allOf"
                | b"oneOf"
                | b"not"
                | b"if"
                | b"then"
                | b"else"
                | b"additionalProperties"
                | b"unevaluatedProperties"
                | b"propertyNames",
            )
            | (Self::Properties, _) => Rule::In(Room::SCHEMA),
            (Self::Json, _) => Rule::In(Room::JSON),
            _ => Rule::In(Room::ANY),
        }
    }
}
