//! What went wrong at a target, and what that means for the next attempt.

use std::time::Duration;

use bytes::Bytes;
use dialects::json::Document;
use dialects::openai;
use domain::canon::FaultKind;
use domain::credential::Key;
use domain::refusal::{Reason, Refusal};
use domain::usage::Usage;
use http::StatusCode;
use http1::Fields;

use super::aws::Word;
use super::wait::{LONGEST_WAIT, retry_after};
use crate::settle::{Refused, Ticket, Verbatim};

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// May work the next time, here or elsewhere.
    Transient,
    /// A limit at the upstream.
    Limited,
    /// The gateway's own credential or account there: not again.
    Account,
    /// No other attempt will mend it: the client's mistake, or no time left.
    Client,
    /// This model cannot; another one may.
    Elsewhere,
    /// This deployment has no such model; another one may.
    Missing,
    /// As many requests as may be are there already; it was not asked.
    Full,
    /// An answer without any: the model's doing, by what it was asked. Another
    /// attempt may bring one.
    Empty,
    /// It takes no URLs, and what lies at one could not be fetched; a target
    /// that does may be asked.
    Media,
}

impl Kind {
    /// A stable word for logs and labels.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Limited => "limited",
            Self::Account => "account",
            Self::Client => "final",
            Self::Elsewhere => "unable",
            Self::Missing => "missing",
            Self::Full => "full",
            Self::Empty => "empty",
            Self::Media => "media",
        }
    }
}

/// A failed attempt.
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) refusal: Box<Refusal>,
    /// An upstream's own words to the client.
    pub(super) verbatim: Option<Box<Verbatim>>,
    pub(super) retry_after: Option<Duration>,
    /// Whether the upstream does not know the gateway's credential, or does no
    /// longer; that it may not do something is another thing.
    pub(super) is_unknown: bool,
    /// Whether the upstream was told and gave no word of refusal: it may have
    /// worked on it, and the prompt may be paid.
    pub(super) is_owed: bool,
    /// What the upstream says that it has used for it.
    pub(super) used: Option<Usage>,
    /// Whether it says that there is no such route.
    pub(super) is_no_route: bool,
}

impl Failure {
    /// A failure that another attempt may mend.
    pub(super) fn transient(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Transient,
            refusal: Box::new(refusal),
            verbatim: None,
            retry_after: None,
            is_unknown: false,
            is_owed: false,
            used: None,
            is_no_route: false,
        }
    }

    /// Nothing of it was sent, or what came refused it.
    pub(super) fn unowed(self) -> Self {
        Self {
            is_owed: false,
            ..self
        }
    }

    /// It was sent, and what came was no refusal.
    pub(super) fn owed(self) -> Self {
        Self {
            is_owed: true,
            ..self
        }
    }

    /// The client's own mistake.
    pub(super) fn client(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Client,
            ..Self::transient(refusal)
        }
    }

    /// The gateway's own account is at fault.
    pub(super) fn account(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Account,
            ..Self::transient(refusal)
        }
    }

    /// Another target may be able to do it.
    pub(super) fn elsewhere(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Elsewhere,
            ..Self::transient(refusal)
        }
    }

    /// The upstream sent something that is no answer.
    pub(super) fn broken(cause: impl ToString) -> Self {
        Self::transient(
            Refusal::new(Reason::UpstreamBroken, "The upstream's answer was broken.")
                .because(cause),
        )
        .owed()
    }

    /// Nothing came in time.
    pub(super) fn timeout(what: &str) -> Self {
        Self::transient(
            Refusal::new(
                Reason::UpstreamTimeout,
                "The upstream did not answer in time.",
            )
            .because(what),
        )
        .owed()
    }

    /// The time for all attempts together is over.
    pub(super) fn total_timeout() -> Self {
        Self {
            kind: Kind::Client,
            ..Self::timeout("total")
        }
    }

    /// The provider has as many requests as it may have.
    pub(super) fn full() -> Self {
        let sentence = "Too many requests are at the upstream already. Try again shortly.";
        let refusal = Refusal::new(Reason::Busy, sentence).retry_after(Duration::from_secs(1));
        Self {
            kind: Kind::Full,
            ..Self::transient(refusal)
        }
    }

    /// Reads a status that is no success.
    pub(super) fn of_status(status: StatusCode, fields: &Fields, body: Bytes) -> Self {
        let code = error_code(&body);
        let retry_after = retry_after(fields);
        let account = [
            "insufficient_quota",
            "billing_hard_limit_reached",
            "account_deactivated",
            "invalid_api_key",
        ];
        let kind = match (status.as_u16(), code.as_deref()) {
            (_, Some(code)) if account.contains(&code) => Kind::Account,
            (401..=403, _) => Kind::Account,
            (429, _) => Kind::Limited,
            // Loops end at once: every gateway in one would try again.
            (508, _) => Kind::Client,
            (501, _) => Kind::Missing,
            // 424: what the provider itself asked has failed.
            (408 | 409 | 424 | 425 | 500..=599, _) => Kind::Transient,
            (
                _,
                Some("context_length_exceeded" | "content_filter" | "content_policy_violation"),
            ) => Kind::Elsewhere,
            (404, _) => Kind::Missing,
            _ => Kind::Client,
        };
        let (reason, sentence) = match kind {
            Kind::Account => (
                Reason::UpstreamCredential,
                "The upstream refused the gateway's own account.",
            ),
            Kind::Limited => (
                Reason::UpstreamLimit,
                "The upstream's rate limit is reached.",
            ),
            Kind::Transient if matches!(status.as_u16(), 503 | 529) => {
                (Reason::UpstreamOverloaded, "The upstream is overloaded.")
            }
            _ => (Reason::UpstreamBroken, "The upstream refused or failed."),
        };
        let mut sentence = format!("{sentence} (status {})", status.as_u16());
        if may_tell(reason)
            && let Some(said) = message(&body)
        {
            sentence = format!("{sentence} It said: {said}");
        }
        let cause = format!("status {} {}", status.as_u16(), code.unwrap_or_default());
        let mut refusal = Refusal::new(reason, sentence).because(cause.trim_end());
        refusal.retry_after =
            retry_after.or((kind == Kind::Limited).then_some(Duration::from_secs(1)));
        let passes_on = matches!(kind, Kind::Client | Kind::Elsewhere | Kind::Missing)
            // Anything else is a page of something that is no provider.
            && is_error_body(&body);
        // Some servers say what is wrong with a request in a form of their own.
        let is_said_otherwise = kind == Kind::Client && matches!(status.as_u16(), 400 | 413 | 422);
        let body = match passes_on {
            true => Some(body),
            false => is_said_otherwise.then(|| in_dialect(status, &body)),
        };
        let verbatim = body.map(|body| {
            Box::new(Verbatim {
                status: status.as_u16(),
                body,
                own: None,
                media_type: "application/json",
            })
        });
        if verbatim.is_some() {
            refusal.reason = Reason::UpstreamRefused;
        }
        Self {
            kind,
            refusal: Box::new(refusal),
            verbatim,
            retry_after,
            is_unknown: kind == Kind::Account && status == StatusCode::UNAUTHORIZED,
            is_owed: false,
            used: None,
            is_no_route: false,
        }
    }

    /// Reads an error event that came before any content: an error status in
    /// disguise.
    pub(super) fn of_event(data: Bytes) -> Self {
        let is_clients = error_code(&data).as_deref() == Some("invalid_request_error");
        let status = match openai::canon::read_fault(200, &data).kind {
            FaultKind::Server if is_clients => StatusCode::BAD_REQUEST,
            FaultKind::Invalid
            | FaultKind::TooLarge
            | FaultKind::ContextTooLong
            | FaultKind::Filtered => StatusCode::BAD_REQUEST,
            FaultKind::Authentication | FaultKind::Permission | FaultKind::Billing => {
                StatusCode::FORBIDDEN
            }
            FaultKind::NotFound => StatusCode::NOT_FOUND,
            FaultKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            FaultKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            FaultKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            FaultKind::Server => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let said = message(&data);
        let mut failure = Self::of_status(status, &Fields::default(), data);
        if status.is_server_error() {
            let said = said.map(|said| format!(" It said: {said}"));
            failure.refusal.message = format!("{BEFORE_CONTENT}{}", said.unwrap_or_default());
        }
        failure
    }

    /// What the provider said of it itself, for a client of its dialect: told
    /// where the client may read what it means.
    pub(super) fn in_its_words(mut self, own: Option<Bytes>) -> Self {
        if let Some(verbatim) = &mut self.verbatim {
            verbatim.own = own;
        }
        self
    }

    /// Says what an answer called itself that could not be read.
    pub(super) fn that_came_as(mut self, media_type: Option<&str>) -> Self {
        if let Some(cause) = &mut self.refusal.cause {
            let media_type: String = media_type.unwrap_or("nothing").chars().take(60).collect();
            cause.push_str(&format!("; it came as {media_type}"));
        }
        self
    }

    /// What AWS called it, and the status that it came with.
    pub(super) fn said_by_aws(mut self, status: StatusCode, word: &Word) -> Self {
        let cause = format!("status {} {}", status.as_u16(), word.text);
        self.refusal.cause = Some(cause);
        self
    }

    /// Tells the key that was taken if it is what was refused. One that is
    /// fetched may have ended early: the next attempt has another then.
    pub(super) fn of_keys(mut self, keys: &[Key], taken: Option<usize>) -> Self {
        if self.tells(keys, taken) && keys.len() == 1 {
            self.kind = Kind::Transient;
        }
        self
    }

    /// The same, where nothing is sent again: whether another key will come.
    pub(super) fn tells(&self, keys: &[Key], taken: Option<usize>) -> bool {
        let taken = taken.filter(|_| self.is_unknown);
        taken.and_then(|at| keys.get(at)).is_some_and(Key::refused)
    }

    /// When the upstream's body says to come again; a header's word is first.
    pub(super) fn or_after(mut self, wait: Option<Duration>) -> Self {
        let wait = wait.filter(|wait| *wait <= LONGEST_WAIT && self.retry_after.is_none());
        if wait.is_some() && matches!(self.kind, Kind::Limited | Kind::Transient) {
            self.retry_after = wait;
            self.refusal.retry_after = wait;
        }
        self
    }

    /// The end: what the client is told.
    pub(super) fn into_refused(self, ticket: Ticket) -> Refused {
        Refused {
            refusal: self.refusal,
            ticket: Some(Box::new(ticket)),
            verbatim: self.verbatim,
            room: Vec::new(),
            allow: None,
        }
    }
}

/// Whether a client may read what an upstream says of such a failure. What it
/// says of an account or its limits is the operator's; the rest helps.
pub(super) fn may_tell(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UpstreamBroken | Reason::UpstreamOverloaded | Reason::UpstreamRefused
    )
}

/// What happened to a stream that failed so early.
pub(super) const BEFORE_CONTENT: &str = "The upstream's stream failed before its first content.";

/// `error.code`, or `error.type` where there is no code.
fn error_code(body: &Bytes) -> Option<String> {
    let document = Document::parse(body.clone(), 64).ok()?;
    let error = document.root().get("error")?;
    let word = |name: &str| {
        error
            .get(name)
            .and_then(|node| node.str().map(std::borrow::Cow::into_owned))
    };
    word("code").or_else(|| word("type"))
}

/// The most of an upstream's sentence that is told, in characters.
const LONGEST_SAYING: usize = 300;

/// `error.message`, or `message` where servers know no better.
fn message(body: &Bytes) -> Option<String> {
    let document = Document::parse(body.clone(), 64).ok()?;
    let root = document.root();
    let node = root.get("error").and_then(|error| error.get("message"));
    let text = node.or_else(|| root.get("message"))?.str()?.into_owned();
    Some(text.chars().take(LONGEST_SAYING).collect())
}

/// An error as `OpenAI`'s clients read it, of one that has another form.
fn in_dialect(status: StatusCode, body: &Bytes) -> Bytes {
    let mut fault = openai::canon::read_fault(status.as_u16(), body);
    if let Some(said) = message(body) {
        fault.message = said;
    }
    openai::canon::write_fault(&fault, "").into()
}

/// Whether it is an error as this dialect's clients recognise one.
pub(super) fn is_error_body(body: &Bytes) -> bool {
    Document::parse(body.clone(), 64).is_ok_and(|document| document.root().get("error").is_some())
}
