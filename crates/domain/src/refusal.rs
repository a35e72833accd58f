//! Every way to say no. One table: reason → status, class, machine code.
//!
//! The public sentence and the internal cause are separate fields; dialects
//! render the first in the client's own shape, logs keep the second.

use std::time::Duration;

/// The kind of error, as every dialect names it in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request is wrong as it stands.
    InvalidRequest,
    /// No or no valid credential.
    Authentication,
    /// A valid credential that may not do this.
    Permission,
    /// No such route, model or object.
    NotFound,
    /// A limit is reached.
    RateLimit,
    /// The gateway or every upstream is too busy.
    Overloaded,
    /// A guardrail said no.
    ContentPolicy,
    /// An upstream failed.
    Upstream,
    /// The gateway itself failed.
    Server,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $status:literal $class:ident $code:literal;)*) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason, for tests and reference pages.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }

            /// The kind of error.
            #[must_use]
            pub const fn class(self) -> Class { match self { $(Self::$name => Class::$class,)* } }

            /// The machine-readable code.
            #[must_use]
            pub const fn code(self) -> &'static str { match self { $(Self::$name => $code,)* } }
        }
    };
}

reasons! {
    /// No such path.
    UnknownRoute = 404 NotFound "unknown_route";
    /// The path exists, the method does not.
    WrongMethod = 405 InvalidRequest "method_not_allowed";
    /// A header cannot be read, or there are too many.
    BadHeader = 400 InvalidRequest "invalid_header";
    /// The head is larger than the limit, or has too many fields.
    HeadTooLarge = 431 InvalidRequest "headers_too_large";
    /// The path and query are longer than the limit.
    TargetTooLong = 414 InvalidRequest "uri_too_long";
    /// An expectation other than `100-continue`.
    Expectation = 417 InvalidRequest "unknown_expectation";
    // Not 501: what a client sends wrong is never the server's error.
    /// A `transfer-encoding` other than chunked.
    UnknownCoding = 400 InvalidRequest "unsupported_transfer_encoding";
    /// A version of HTTP that is not spoken here.
    UnknownVersion = 400 InvalidRequest "unsupported_http_version";
    /// The body is larger than the limit.
    BodyTooLarge = 413 InvalidRequest "request_too_large";
    /// The body stopped coming.
    BodyTimeout = 408 InvalidRequest "request_timeout";
    /// The body broke off.
    BodyBroken = 400 InvalidRequest "request_incomplete";
    /// `content-encoding` is one that the gateway cannot undo.
    UnknownEncoding = 415 InvalidRequest "unsupported_content_encoding";
    /// The compressed body is damaged.
    BadEncoding = 400 InvalidRequest "invalid_content_encoding";
    /// `content-type` is not JSON.
    NotJson = 415 InvalidRequest "unsupported_media_type";
    /// The body is not valid JSON.
    BadJson = 400 InvalidRequest "invalid_json";
    /// A key stands twice in one object.
    DuplicateKey = 400 InvalidRequest "duplicate_key";
    /// The JSON is nested too deeply.
    TooDeep = 400 InvalidRequest "json_too_deep";
    /// A field has the wrong type or value.
    BadField = 400 InvalidRequest "invalid_value";
    /// The target's dialect cannot say this.
    Untranslatable = 400 InvalidRequest "unsupported_by_target";
    /// What lies at a URL could not be fetched for a target that takes no URL.
    MediaNotFetched = 400 InvalidRequest "media_not_fetched";
    /// A required field is missing.
    MissingField = 400 InvalidRequest "missing_required_parameter";
    /// No credential was sent.
    NoCredential = 401 Authentication "missing_api_key";
    /// Two different credentials were sent.
    TwoCredentials = 401 Authentication "conflicting_credentials";
    /// The credential is unknown, expired or revoked.
    BadCredential = 401 Authentication "invalid_api_key";
    /// The key may not use this model.
    ModelForbidden = 403 Permission "model_not_allowed";
    /// The key may pass nothing through: something of it could not be held to.
    PassThroughForbidden = 403 Permission "pass_through_forbidden";
    /// The key may not be used from there.
    WrongNetwork = 403 Permission "address_not_allowed";
    /// The key may not make such requests.
    RouteForbidden = 403 Permission "route_not_allowed";
    /// The key may not ask for this.
    FeatureForbidden = 403 Permission "feature_not_allowed";
    /// A tag that every request must carry is not there.
    MissingTag = 400 InvalidRequest "missing_tag";
    /// A budget in money holds, and the model has no price.
    PriceUnknown = 400 InvalidRequest "price_unknown";
    /// Nothing is passed through there.
    PassThroughOff = 404 NotFound "pass_through_off";
    /// A path that could be read in two ways, or leads out of the provider's.
    BadPath = 400 InvalidRequest "invalid_path";
    /// The connection was to become one of another protocol.
    NoUpgrade = 501 InvalidRequest "upgrade_not_supported";
    /// No model has this name.
    UnknownModel = 404 NotFound "model_not_found";
    /// No answer of this id is kept for the key.
    UnknownResponse = 404 NotFound "response_not_found";
    /// No item of this id is kept for the key.
    UnknownItem = 404 NotFound "item_not_found";
    /// The turn to go on from is not kept for the key.
    UnknownPrevious = 400 InvalidRequest "previous_response_not_found";
    /// Requests per minute are used up.
    RequestLimit = 429 RateLimit "rate_limit_exceeded";
    /// Tokens per minute are used up.
    TokenLimit = 429 RateLimit "rate_limit_exceeded";
    /// Too many requests of this key run at once.
    ParallelLimit = 429 RateLimit "rate_limit_exceeded";
    /// A budget is spent.
    BudgetSpent = 429 RateLimit "budget_exceeded";
    /// The request alone is larger than the limit.
    OverLimit = 400 InvalidRequest "request_exceeds_limit";
    /// A guardrail blocked the request or the answer.
    GuardBlocked = 400 ContentPolicy "content_filter";
    /// The gateway holds as many requests as it may.
    Busy = 503 Overloaded "overloaded";
    /// The gateway is shutting down.
    Draining = 503 Overloaded "shutting_down";
    /// The journal takes no more records.
    JournalFull = 503 Overloaded "accounting_unavailable";
    /// Every deployment of the model is resting after failures.
    NoTarget = 503 Overloaded "no_deployment_available";
    /// The upstream cannot be reached.
    UpstreamUnreachable = 502 Upstream "upstream_unreachable";
    /// The upstream has no room now.
    UpstreamOverloaded = 503 Overloaded "upstream_overloaded";
    /// The upstream answered too late.
    UpstreamTimeout = 504 Upstream "upstream_timeout";
    /// The upstream broke off or answered nonsense.
    UpstreamBroken = 502 Upstream "upstream_error";
    /// The upstream refused the gateway's own credential.
    UpstreamCredential = 502 Upstream "upstream_authentication";
    /// The upstream finds the request itself wrong; its own error is handed on.
    UpstreamRefused = 400 InvalidRequest "upstream_refused";
    /// The upstream's limit is reached.
    UpstreamLimit = 429 RateLimit "upstream_rate_limit";
    /// The upstream's answer is larger than the gateway takes.
    UpstreamTooLarge = 502 Upstream "upstream_response_too_large";
    /// The request has gone through gateways in a circle.
    Loop = 508 Server "loop_detected";
    /// A bug of the gateway.
    Internal = 500 Server "internal_error";
}

/// A refusal, ready to be rendered in any dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which row of the table.
    pub reason: Reason,
    /// The sentence for the client: what is wrong and what to do.
    pub message: String,
    /// The field that is wrong, where there is one: `messages[0].role`.
    pub param: Option<String>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
    /// For logs only; never shown to a client.
    pub cause: Option<String>,
}

impl Refusal {
    /// A refusal with its public sentence.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            param: None,
            retry_after: None,
            cause: None,
        }
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}
