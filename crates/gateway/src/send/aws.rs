//! AWS' own word for an error. It stands in a header, and says more than the
//! status: a quota that is used up and a token that has ended are 400 as well.

use dialects::converse::canon::{error_word, kind_of_word};
use domain::canon::FaultKind;
use http::StatusCode;
use http1::Fields;

/// Where AWS says it.
const HEADER: &str = "x-amzn-errortype";

/// What AWS says that an error is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// As it stands there: `ThrottlingException`.
    pub(super) text: String,
    /// The status that everybody else has for it.
    pub(super) status: StatusCode,
}

/// Reads AWS' word for an error, if there is one that is known.
pub(super) fn word(status: StatusCode, fields: &Fields, body: &[u8]) -> Option<Word> {
    let text = error_word(fields.text(HEADER), body)?;
    let status = match kind_of_word(&text)? {
        FaultKind::Authentication => StatusCode::UNAUTHORIZED,
        FaultKind::Billing | FaultKind::Permission => StatusCode::FORBIDDEN,
        FaultKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FaultKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FaultKind::NotFound => StatusCode::NOT_FOUND,
        FaultKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FaultKind::Server if !status.is_server_error() => StatusCode::BAD_GATEWAY,
        // What is wrong with the request, the status and the body say.
        FaultKind::Server
        | FaultKind::Invalid
        | FaultKind::ContextTooLong
        | FaultKind::Filtered => status,
    };
    Some(Word { text, status })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, header: Option<&str>, body: &str) -> Option<(String, u16)> {
        let mut fields = Fields::with_room(2, 128);
        if let Some(header) = header {
            fields.add(HEADER, header);
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let word = word(status, &fields, body.as_bytes())?;
        Some((word.text, word.status.as_u16()))
    }

    #[test]
    fn the_word_counts_more_than_the_status() {
        for (status, word, meant) in [
            (400, "ServiceQuotaExceededException", 429),
            (400, "ThrottlingException", 429),
            (400, "ExpiredTokenException", 401),
            (403, "ExpiredTokenException", 401),
            (400, "UnrecognizedClientException", 401),
            (400, "AccessDeniedException", 403),
            (429, "ModelNotReadyException", 503),
            (408, "ModelTimeoutException", 504),
            (424, "ModelErrorException", 502),
            (400, "ResourceNotFoundException", 404),
            (400, "ValidationException", 400),
            (500, "InternalServerException", 500),
        ] {
            let expected = Some((word.to_owned(), meant));
            assert_eq!(of(status, Some(word), "{}"), expected, "{status} {word}");
        }
    }

    #[test]
    fn the_words_frame_falls_away_and_the_body_may_say_it_instead() {
        let framed = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        let throttled = Some(("ThrottlingException".to_owned(), 429));
        assert_eq!(of(400, Some(framed), ""), throttled);
        let body = r#"{"__type":"com.amazon.coral.service#ThrottlingException"}"#;
        assert_eq!(of(400, None, body), throttled);
        assert_eq!(of(400, Some(""), body), throttled);
    }

    #[test]
    fn where_aws_says_nothing_the_status_counts() {
        assert_eq!(of(400, None, r#"{"error":{"type":"invalid"}}"#), None);
        assert_eq!(of(400, Some("NewException"), "{}"), None);
        assert_eq!(of(502, None, "<html>"), None);
    }
}
