//! A call's entry: all that the ledger has of it, where it came from, and what was
//! decided.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use domain::ids::TicketId;
use domain::money::NanoUsd;
use domain::record::{Decided, Outcome, Passed, Settled, Who};
use domain::time::UnixMicros;
use domain::usage::{Usage, UsageSource};
use serde::{Deserialize, Serialize};

use super::{Unreadable, VERSION};

/// The longest text of a call whose entry would be too long, in bytes.
const SHORT: usize = 256;
/// How many findings, tags or attempts it may have then, each.
const MOST: usize = 64;

type Word<'a> = Option<Cow<'a, str>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call<'a> {
    v: u8,
    ticket: String,
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    tenant: Cow<'a, str>,
    key: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Word<'a>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    operation: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_no")]
    streamed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded_from: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Word<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_model: Word<'a>,
    attempts: u32,
    outcome: Cow<'a, str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Word<'a>,
    duration_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_content_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Tokens::is_none")]
    tokens: Tokens,
    usage_source: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<i64>,
    #[serde(default, skip_serializing_if = "is_no")]
    price_missing: bool,
    #[serde(default, skip_serializing_if = "is_no")]
    cache_hit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<i64>,
    #[serde(default, skip_serializing_if = "is_no")]
    overrun: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<(Cow<'a, str>, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided: Option<Cow<'a, Decided>>,
}

/// Tokens in disjoint parts; a part without any is left out.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tokens {
    #[serde(skip_serializing_if = "is_zero")]
    input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_1h: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    output: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reasoning: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_output: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_no(it: &bool) -> bool {
    !*it
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(it: &u64) -> bool {
    *it == 0
}

impl Tokens {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn of(usage: &Usage) -> Self {
        Self {
            input: usage.input,
            cached_input: usage.cached_input,
            cache_write: usage.cache_write,
            cache_write_1h: usage.cache_write_1h,
            audio_input: usage.audio_input,
            output: usage.output,
            reasoning: usage.reasoning,
            audio_output: usage.audio_output,
        }
    }

    fn usage(self) -> Usage {
        Usage {
            input: self.input,
            cached_input: self.cached_input,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            audio_input: self.audio_input,
            output: self.output,
            reasoning: self.reasoning,
            audio_output: self.audio_output,
        }
    }
}

/// A text by reference, where there is one.
macro_rules! word {
    ($text:expr) => {
        $text.as_ref().map(|it| Cow::Borrowed(it.as_str()))
    };
}

impl<'a> Call<'a> {
    pub(super) fn of(call: &'a Settled) -> Self {
        let who = call.who.as_deref();
        let tags = who.into_iter().flat_map(|who| &who.tags);
        let findings = call.findings.iter();
        Self {
            v: VERSION,
            ticket: call.ticket.to_string(),
            at: call.opened.0,
            from: call.from,
            tenant: call.tenant.as_str().into(),
            key: call.key.as_str().into(),
            team: who.and_then(|who| word!(who.team)),
            app: who.and_then(|who| word!(who.app)),
            user: who.and_then(|who| word!(who.user)),
            end_user: who.and_then(|who| word!(who.end_user)),
            session: who.and_then(|who| word!(who.session)),
            tags: tags.map(|(n, v)| (n.into(), v.into())).collect(),
            operation: Cow::Borrowed(&*call.operation),
            streamed: call.streamed,
            model: word!(call.model),
            degraded_from: who.and_then(|who| word!(who.degraded_from)),
            provider: word!(call.provider),
            deployment: word!(call.deployment),
            answered_model: word!(call.answered_model),
            attempts: call.attempts,
            outcome: call.outcome.as_str().into(),
            status: call.status,
            error: word!(call.error),
            duration_us: call.duration_us,
            first_content_us: call.first_content_us,
            tokens: Tokens::of(&call.usage),
            usage_source: call.usage_source.as_str().into(),
            cost: call.cost.map(|cost| cost.0),
            price_missing: call.price_missing,
            cache_hit: call.cache_hit,
            saved: call.saved.map(|saved| saved.0),
            overrun: who.is_some_and(|who| who.overrun),
            findings: findings.map(|(name, n)| (name.into(), *n)).collect(),
            bytes_in: call.passed.map(|passed| passed.bytes_in),
            bytes_out: call.passed.map(|passed| passed.bytes_out),
            decided: call.decided.as_deref().map(Cow::Borrowed),
        }
    }

    pub(super) fn settled(self) -> Result<Settled, Unreadable> {
        let unreadable = |what: &str, it: &str| Unreadable(format!("`{it}` is no {what}"));
        let ticket = ticket(&self.ticket).ok_or_else(|| unreadable("ticket", &self.ticket))?;
        let outcome = Outcome::named(&self.outcome);
        let outcome = outcome.ok_or_else(|| unreadable("outcome", &self.outcome))?;
        let source = UsageSource::named(&self.usage_source);
        let source = source.ok_or_else(|| unreadable("source of tokens", &self.usage_source))?;
        let passed = match (self.bytes_in, self.bytes_out) {
            (Some(bytes_in), Some(bytes_out)) => Some(Passed {
                bytes_in,
                bytes_out,
            }),
            _ => None,
        };
        let owned = |it: Word<'_>| it.map(Cow::into_owned);
        let tags = self.tags.into_iter();
        let who = Who {
            team: self.team.as_deref().map(Into::into),
            app: self.app.as_deref().map(Into::into),
            user: self.user.as_deref().map(Into::into),
            end_user: owned(self.end_user),
            session: owned(self.session),
            tags: tags
                .map(|(n, v)| (n.into_owned(), v.into_owned()))
                .collect(),
            degraded_from: self.degraded_from.as_deref().map(Into::into),
            overrun: self.overrun,
        };
        let findings = self.findings.into_iter();
        Ok(Settled {
            ticket,
            opened: UnixMicros(self.at),
            duration_us: self.duration_us,
            first_content_us: self.first_content_us,
            tenant: (&*self.tenant).into(),
            key: (&*self.key).into(),
            operation: Cow::Owned(self.operation.into_owned()),
            streamed: self.streamed,
            model: self.model.as_deref().map(Into::into),
            provider: self.provider.as_deref().map(Into::into),
            deployment: self.deployment.as_deref().map(Into::into),
            answered_model: owned(self.answered_model),
            attempts: self.attempts,
            outcome,
            status: self.status,
            error: owned(self.error),
            usage: self.tokens.usage(),
            usage_source: source,
            cost: self.cost.map(NanoUsd),
            price_missing: self.price_missing,
            cache_hit: self.cache_hit,
            saved: self.saved.map(NanoUsd),
            findings: findings.map(|(name, n)| (name.into_owned(), n)).collect(),
            passed,
            who: (who != Who::default()).then(|| Box::new(who)),
            from: self.from,
            decided: self.decided.map(|it| Box::new(it.into_owned())),
        })
    }
}

/// A ticket from its text, `req_` and 32 digits.
fn ticket(text: &str) -> Option<TicketId> {
    let digits = text.strip_prefix("req_").filter(|it| it.len() == 32)?;
    let number = u128::from_str_radix(digits, 16).ok()?;
    Some(TicketId::from_bytes(number.to_be_bytes()))
}

/// Cuts the texts that others chose of a call whose entry would be too long, and
/// says so in them.
pub(super) fn shorten(call: &mut Settled) {
    let cut = |text: &mut String| {
        if text.len() > SHORT {
            let whole = text.len();
            text.truncate(text.floor_char_boundary(SHORT));
            text.push_str(&format!("… ({whole} bytes)"));
        }
    };
    let cut_some = |text: &mut Option<String>| text.iter_mut().for_each(cut);
    cut_some(&mut call.answered_model);
    cut_some(&mut call.error);
    call.findings.truncate(MOST);
    if let Some(model) = &mut call.model {
        let mut name = model.to_string();
        cut(&mut name);
        *model = name.as_str().into();
    }
    if let Some(who) = &mut call.who {
        cut_some(&mut who.end_user);
        cut_some(&mut who.session);
        who.tags.truncate(MOST);
        for (name, value) in &mut who.tags {
            cut(name);
            cut(value);
        }
    }
    if let Some(decided) = &mut call.decided {
        cut_some(&mut decided.refusal);
        decided.found.truncate(MOST);
        decided.tried.truncate(MOST);
    }
}

/// Leaves out of a call what there may be many of.
pub(super) fn bare(call: &mut Settled) {
    call.findings.clear();
    call.decided = None;
    if let Some(who) = &mut call.who {
        who.tags.clear();
    }
}
