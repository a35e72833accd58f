//! A request that passes through unread: its bytes to the provider as they
//! come, and the answer's head back. Nothing of a body is sent twice.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::credential::AwsKeys;
use domain::model::{Auth, Deployment, Provider};
use domain::policy::RetryPolicy;
use domain::snapshot::Snapshot;
use http::{Method, StatusCode};
use http1::Fields;
use tokio::time::Instant;

use super::attempt::{LARGEST_ERROR, Patience, is_full, missed, unusable};
use super::course::Course;
use super::crossing::{Ask, Upload};
use super::failure::{Failure, Kind};
use super::keys::Turns;
use super::prepared::{Prepared, authority};
use super::rejected::{PathOf, redirected};
use super::signing::{self, Unsigned};
use super::upstream::{Reply, UpstreamBody};
use super::{aws, outgoing, sleep, unaccountable};
use crate::admit::Passing;
use crate::plane::Plane;
use crate::route::Whose;
use crate::settle::{Refused, Ticket};

/// A request whose answer has begun to come back.
pub struct Passed {
    /// Its account.
    pub ticket: Ticket,
    /// What was asked for.
    pub method: Method,
    /// Where, query and all.
    pub target: String,
    /// How the client reached the gateway: `https://gateway.example`.
    pub origin: Option<String>,
    /// The client's headers.
    pub asked: Fields,
    /// Who answers.
    pub provider: Arc<Provider>,
    /// The answer.
    pub answer: Answer,
    /// When all of it must be over.
    pub deadline: Instant,
}

/// An answer that passes back.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; `serve` hands on those that may go to clients.
    pub fields: Fields,
    /// Bytes of its body that were looked at for the provider's faults.
    pub held: VecDeque<Bytes>,
    /// The rest of it; none if that is all.
    pub body: Option<UpstreamBody>,
}

/// Asks the provider.
///
/// # Errors
/// 413 for a body that is too large, 502 to 504 for a provider that cannot be
/// asked or refuses the gateway's own account.
pub async fn pass(
    plane: &Rc<Plane>,
    snapshot: &Snapshot,
    passing: Passing,
) -> Result<Passed, Refused> {
    let Passing {
        mut ticket,
        provider,
        method,
        target,
        origin,
        fields,
        body,
        held,
    } = passing;
    ticket.meter.unread = true;
    let carried = Rc::clone(ticket.carried.get_or_insert_default());
    let upload = match Upload::new((body, held), snapshot.bounds.body, carried) {
        Ok(upload) => upload,
        Err(refusal) => return Err(Refused::new(ticket, refusal)),
    };
    let deployment = Arc::new(deployment(&provider));
    if is_full(plane, &deployment) {
        return Err(Failure::full().into_refused(ticket));
    }
    if let Err(error) = ticket.announce(&deployment, 0) {
        return Err(Refused::new(ticket, unaccountable(&error)));
    }
    let mut crossing = Crossing {
        deployment,
        method,
        target,
        fields,
        upload,
        deadline: Instant::now() + provider.timeouts.total,
    };
    match crossing.asked(plane, &snapshot.retry, &mut ticket).await {
        Ok(answer) => Ok(Passed {
            ticket,
            method: crossing.method,
            target: crossing.target,
            origin,
            asked: crossing.fields,
            provider,
            answer,
            deadline: crossing.deadline,
        }),
        Err(failure) => {
            if failure.is_owed {
                ticket.owe_prompt();
            }
            ticket.meter.asked = false;
            Err(failure.into_refused(ticket))
        }
    }
}

/// What stands for all of a provider: keys rest by it, and metrics count it.
fn deployment(provider: &Arc<Provider>) -> Deployment {
    Deployment {
        id: format!("{}/pass_through", provider.name).into(),
        provider: Arc::clone(provider),
        upstream_model: String::new(),
        weight: 1,
        order: 0,
        price: None,
        max_output: None,
        mode: domain::ability::Mode::default(),
        context: None,
        abilities: None,
        base_model: None,
        traits: domain::traits::Traits::default(),
        index: usize::MAX,
        also: Vec::new(),
    }
}

/// A request on its way.
struct Crossing {
    deployment: Arc<Deployment>,
    method: Method,
    target: String,
    fields: Fields,
    upload: Upload,
    deadline: Instant,
}

/// A failed try, and whether the provider may have heard of it.
enum Missed {
    Unheard(Failure),
    Heard(Failure),
    /// There is no key to ask with.
    Unkeyed(Failure),
}

impl Crossing {
    /// Asks until the provider has heard it.
    async fn asked(
        &mut self,
        plane: &Rc<Plane>,
        retry: &RetryPolicy,
        ticket: &mut Ticket,
    ) -> Result<Answer, Failure> {
        let mut course = Course::new([Whose::Own], retry);
        loop {
            let (failure, may_try) = match self.with_keys(plane, retry, ticket).await {
                Ok(answer) => return Ok(answer),
                Err(Missed::Unheard(failure)) => (failure, true),
                Err(Missed::Heard(failure) | Missed::Unkeyed(failure)) => (failure, false),
            };
            let kind = failure.kind.as_str();
            plane
                .shared
                .metrics
                .attempt_failed(&self.deployment.id, kind);
            if failure.kind != Kind::Full {
                tracing::warn!(request_id = %ticket.id(), deployment = %self.deployment.id, kind,
                    cause = failure.refusal.cause, "attempt failed");
            }
            if !may_try {
                return Err(failure);
            }
            match course.after(&failure, |below| plane.roll(below)) {
                Some(pause) if Instant::now() + pause < self.deadline => sleep(pause).await,
                _ => return Err(failure),
            }
        }
    }

    /// Asks with one key after the other, as long as the fault is the key's and
    /// to ask again changes nothing.
    async fn with_keys(
        &mut self,
        plane: &Rc<Plane>,
        retry: &RetryPolicy,
        ticket: &mut Ticket,
    ) -> Result<Answer, Missed> {
        let deployment = Arc::clone(&self.deployment);
        let mut turns = Turns::of(&deployment);
        let mut key = turns.next(plane);
        loop {
            ticket.attempt(&deployment);
            let (failure, may_try) = match self.once(plane, key).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => (failure, self.may_be_repeated()),
                Err(Missed::Unkeyed(failure)) => (failure, true),
                Err(missed) => return Err(missed),
            };
            let is_its_fault = turns.blame(plane, &failure, retry.cooldown);
            if !is_its_fault || !may_try || Instant::now() >= self.deadline {
                return Err(Missed::Heard(failure));
            }
            let number = turns.last();
            key = turns.next(plane);
            if key.is_none() {
                return Err(Missed::Heard(failure));
            }
            let kind = failure.kind.as_str();
            plane.shared.metrics.attempt_failed(&deployment.id, kind);
            tracing::warn!(request_id = %ticket.id(), deployment = %deployment.id, kind,
                key = number, cause = failure.refusal.cause, "a key failed, another one is taken");
        }
    }

    fn may_be_repeated(&self) -> bool {
        self.method.is_safe() && self.upload.is_empty()
    }

    /// Asks once. The inner failure is the provider's word about its own key
    /// or account.
    async fn once(
        &mut self,
        plane: &Rc<Plane>,
        key: Option<usize>,
    ) -> Result<Result<Answer, Failure>, Missed> {
        let bulkheads = &plane.shared.bulkheads;
        let prepared = plane.pool.prepared(&self.deployment.provider, bulkheads);
        let prepared = prepared.map_err(|error| Missed::Heard(unusable(error)))?;
        // Nobody waits for a client within the provider's room.
        if matches!(prepared.provider.auth, Auth::SigV4 { .. }) && prepared.unready(key).is_some() {
            let gathering = tokio::time::timeout_at(self.deadline, self.upload.gather());
            let gathered = gathering.await;
            let gathered =
                gathered.map_err(|_| Missed::Heard(Failure::total_timeout().unowed()))?;
            gathered.map_err(|refusal| Missed::Heard(Failure::client(refusal)))?;
        }
        let place = prepared.bulkhead.enter();
        let place = place.ok_or_else(|| Missed::Unheard(Failure::full()))?;
        let head = match self.head(&prepared, key).await {
            Ok(head) => head,
            Err(failure) => return Err(Missed::Unkeyed(failure)),
        };
        let ask = Ask {
            method: self.method.clone(),
            head,
        };
        plane.others_first().await;
        let tls = &plane.shared.tls;
        let passing = plane
            .pool
            .pass(tls, (&prepared, &ask), &mut self.upload, self.deadline);
        match Box::pin(passing).await {
            Ok(reply) => {
                let read = self.read(reply.holding(place)).await;
                if let Ok(Err(failure)) = &read {
                    failure.tells(&prepared.provider.keys, key);
                }
                read.map_err(Missed::Heard)
            }
            Err(error) => Err(match missed(error) {
                unsent if unsent.kind == Kind::Transient && !unsent.is_owed => {
                    Missed::Unheard(unsent)
                }
                failure => Missed::Heard(failure),
            }),
        }
    }

    /// The request's head, with one of the provider's keys.
    async fn head(&self, prepared: &Prepared, key: Option<usize>) -> Result<Bytes, Failure> {
        let provider = &prepared.provider;
        let lines = prepared.lines(key);
        let mut fields = Fields::from(&lines.headers);
        // Of the client's body, whatever that is.
        fields.remove("content-type");
        let mut own = Fields::default();
        let parties = (lines, &**provider);
        outgoing::further(&mut own, &self.fields, parties, providers::passes_upstream);
        if let Some(key) = prepared.unready(key) {
            let added = outgoing::add_credential(&mut own, &provider.auth, key);
            if let Some(keys) = added.map_err(Failure::account)? {
                self.sign(&mut own, provider, &keys).await?;
            }
        }
        if let Some(kind) = self.fields.get("content-type") {
            own.set("content-type", kind);
        }
        for (name, value) in own.iter() {
            if let Ok(name) = std::str::from_utf8(name) {
                fields.add(name, value);
            }
        }
        let mut out = BytesMut::new();
        let length = self.upload.length();
        http1::write_ask(&mut out, &self.method, &self.target, &fields, length);
        Ok(out.freeze())
    }

    /// Signs it for AWS, its body included.
    async fn sign(
        &self,
        own: &mut Fields,
        provider: &Provider,
        keys: &AwsKeys,
    ) -> Result<(), Failure> {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let unsigned = Unsigned {
            auth: &provider.auth,
            method: self.method.as_str(),
            host: &authority(provider),
            path,
            query,
        };
        match signing::sign(own, self.upload.gathered(), &unsigned, keys).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::account(outgoing::none(&outgoing::UNSIGNED))),
            Err(refusal) => Err(Failure::transient(refusal)),
        }
    }

    /// Looks at an answer's head, and at the body of an error: what is said
    /// there of the gateway's own account is not the client's to read.
    async fn read(&self, reply: Reply) -> Result<Result<Answer, Failure>, Failure> {
        let Reply {
            status,
            fields,
            mut body,
        } = reply;
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(redirected(status, &fields, PathOf::Client));
        }
        if status.is_informational() {
            return Err(Failure::broken(format!("status {status}")).unowed());
        }
        let mut held = VecDeque::new();
        if !(status.is_client_error() || status.is_server_error()) {
            let body = Some(body);
            return Ok(Ok(Answer {
                status,
                fields,
                held,
                body,
            }));
        }
        let patience = Patience {
            silence: self.deployment.provider.timeouts.between_chunks,
            deadline: self.deadline,
        };
        let answer = |fields, held, body| Answer {
            status,
            fields,
            held,
            body,
        };
        let mut length = 0;
        while let Some(data) = patience.next(&mut body).await? {
            length += data.len();
            held.push_back(data);
            if length > LARGEST_ERROR {
                let named = aws::word(status, &fields, b"");
                let meant = named.map_or(status, |word| word.status);
                if matches!(meant.as_u16(), 401 | 402 | 403 | 429) {
                    // Whatever it says there, it says it of our account.
                    return Ok(Err(Failure::of_status(meant, &fields, Bytes::new())));
                }
                // No provider says so much of an account.
                return Ok(Ok(answer(fields, held, Some(body))));
            }
        }
        let mut whole = BytesMut::with_capacity(length);
        held.iter().for_each(|data| whole.extend_from_slice(data));
        let whole = whole.freeze();
        let meant = aws::word(status, &fields, &whole).map_or(status, |word| word.status);
        let failure = Failure::of_status(meant, &fields, whole);
        match failure.kind {
            Kind::Account | Kind::Limited => Ok(Err(failure)),
            _ => Ok(Ok(answer(fields, held, None))),
        }
    }
}
