//! The rooms of Google's bodies: where in them which member is *not* text. Google
//! takes each name in two spellings, so both are one here.

use std::borrow::Cow;

use super::canon::fields::camel;
use crate::json::Node;
use crate::texts::{self, Place, Rule, speaker};

/// What kind of object we are in; selects the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Of every route: of a conversation, of counting, of embedding.
    Request,
    Content,
    Part,
    Blob,
    Call,
    Code,
    Tools,
    Function,
    Choice,
    Config,
    Safety,
    Answer,
    Candidate,
    Grounding,
    Feedback,
}

pub(crate) const REQUEST: texts::Room = texts::Room::Gemini(Room::Request);
pub(crate) const ANSWER: texts::Room = texts::Room::Gemini(Room::Answer);

const ANY: Rule = Rule::In(texts::Room::ANY);
const JSON: Rule = Rule::In(texts::Room::JSON);
const SCHEMA: Rule = Rule::In(texts::Room::SCHEMA);

const fn of(room: Room) -> Rule {
    Rule::In(texts::Room::Gemini(room))
}

const fn by(room: Room, place: Place) -> Rule {
    Rule::By(texts::Room::Gemini(room), place)
}

impl Room {
    /// Whose words an object in it holds.
    pub(crate) fn of(self, object: Node<'_>, place: Place) -> (texts::Room, Place) {
        let place = match self {
            Self::Content => speaker(object).unwrap_or(place),
            _ => place,
        };
        (texts::Room::Gemini(self), place)
    }

    pub(crate) fn rule(self, key: &[u8]) -> Rule {
        if !key.contains(&b'_') {
            return self.known(key);
        }
        match std::str::from_utf8(key) {
            Ok(key) => self.known(camel(Cow::Borrowed(key)).as_bytes()),
            Err(_) => ANY,
        }
    }

    fn known(self, key: &[u8]) -> Rule {
        use Rule::Skip;
        match self {
            Self::Request => request(key),
            Self::Content => match key {
                b"role" => Skip,
                b"parts" => of(Self::Part),
                _ => ANY,
            },
            Self::Part => part(key),
            Self::Blob => match key {
                b"mimeType" | b"data" => Skip,
                _ => ANY,
            },
            Self::Call => match key {
                b"id" | b"scheduling" | b"toolType" => Skip,
                b"args" | b"response" => JSON,
                b"parts" => of(Self::Part),
                _ => ANY,
            },
            Self::Code => match key {
                b"id" | b"language" | b"outcome" => Skip,
                _ => ANY,
            },
            Self::Tools => match key {
                b"functionDeclarations" => of(Self::Function),
                b"environment" => Skip,
                _ => ANY,
            },
            Self::Function => match key {
                b"behavior" => Skip,
                b"parameters" | b"response" | b"parametersJsonSchema" | b"responseJsonSchema" => {
                    SCHEMA
                }
                _ => ANY,
            },
            Self::Choice => match key {
                b"mode" => Skip,
                b"functionCallingConfig" | b"retrievalConfig" => of(Self::Choice),
                _ => ANY,
            },
            Self::Config => config(key),
            Self::Safety => match key {
                b"category" | b"threshold" | b"method" | b"probability" | b"severity" => Skip,
                _ => ANY,
            },
            Self::Answer => answer(key),
            Self::Candidate => match key {
                b"finishReason" => Skip,
                b"content" => by(Self::Content, Place::Assistant),
                b"safetyRatings" => of(Self::Safety),
                b"groundingMetadata" | b"urlContextMetadata" => of(Self::Grounding),
                _ => ANY,
            },
            Self::Feedback => match key {
                b"blockReason" => Skip,
                b"safetyRatings" => of(Self::Safety),
                _ => ANY,
            },
            Self::Grounding => match key {
                b"sdkBlob" | b"urlRetrievalStatus" => Skip,
                b"searchEntryPoint" | b"urlMetadata" => of(Self::Grounding),
                _ => ANY,
            },
        }
    }
}

fn request(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        // Google's whole request, within that of counting, and one of many.
        b"generateContentRequest" | b"requests" | b"embedContentConfig" => of(Room::Request),
        b"contents" | b"content" => by(Room::Content, Place::User),
        b"systemInstruction" => by(Room::Content, Place::System),
        b"tools" => by(Room::Tools, Place::Definition),
        b"toolConfig" => of(Room::Choice),
        b"generationConfig" => of(Room::Config),
        b"safetySettings" => of(Room::Safety),
        b"labels" => JSON,
        b"model" | b"cachedContent" | b"serviceTier" | b"taskType" => Skip,
        _ => ANY,
    }
}

fn part(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"thoughtSignature" => Skip,
        b"inlineData" | b"fileData" => of(Room::Blob),
        b"functionCall" | b"functionResponse" | b"toolCall" | b"toolResponse" => of(Room::Call),
        b"executableCode" | b"codeExecutionResult" => of(Room::Code),
        b"partMetadata" => JSON,
        b"mediaResolution" => Rule::Id(texts::Room::ANY),
        _ => ANY,
    }
}

fn config(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"responseMimeType"
        | b"responseModalities"
        | b"mediaResolution"
        | b"thinkingLevel"
        | b"aspectRatio"
        | b"imageSize"
        | b"voiceName"
        | b"languageCode" => Skip,
        b"responseSchema" | b"responseJsonSchema" => SCHEMA,
        b"thinkingConfig"
        | b"imageConfig"
        | b"speechConfig"
        | b"voiceConfig"
        | b"prebuiltVoiceConfig"
        | b"multiSpeakerVoiceConfig"
        | b"speakerVoiceConfigs" => of(Room::Config),
        _ => ANY,
    }
}

fn answer(key: &[u8]) -> Rule {
    use Rule::Skip;
    match key {
        b"candidates" => of(Room::Candidate),
        b"promptFeedback" => of(Room::Feedback),
        b"usageMetadata" => Rule::In(texts::Room::QUIET),
        b"modelVersion" | b"responseId" | b"createTime" => Skip,
        _ => ANY,
    }
}
