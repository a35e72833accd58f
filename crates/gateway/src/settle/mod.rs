//! **settle**: the ticket. Usage, cost and the record, exactly once.
//!
//! A [`Ticket`] is opened by `accept` once the caller is known and travels
//! with the request. It ends in one of three ways: [`Ticket::settle`],
//! [`Ticket::refuse`], or by being dropped, which means that the client left.

mod bill;
mod carried;
mod counts;
mod decided;
mod log;
mod meter;
mod metrics;
mod refused;
mod reserved;
mod strangers;
mod who;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use domain::contract::Contracts;
use domain::counters::Used;
use domain::ids::{KeyId, ModelName, TicketId};
use domain::model::{Deployment, Model};
use domain::principal::Principal;
use domain::record::{Asked, Begun, Opened, Outcome, Record, Settled};
use domain::refusal::{Class, Reason, Refusal};
use domain::time::{Ticks, UnixMicros};

use bill::Bill;
pub use carried::Carried;
pub use counts::Counts;
pub use meter::Meter;
pub use metrics::Metrics;
pub use refused::{Refused, Verbatim};
pub use strangers::Strangers;

use crate::plane::Plane;

/// What records call a request that passes through unread.
pub(crate) const PASS_THROUGH: &str = "pass_through";
/// What they call one whose prompt is counted only.
pub(crate) const COUNT_TOKENS: &str = "count_tokens";
/// What they call one that asks for its plan only.
pub(crate) const DRY_RUN: &str = "dry_run";

/// One request's account. Owned by the stage that has the request; thin, so
/// that handing it on moves a pointer.
pub struct Ticket(Box<Account>);

/// What a [`Ticket`] stands for.
pub struct Account {
    plane: Rc<Plane>,
    started: Ticks,
    /// Room taken from the limits; given back when the ticket ends.
    pub taken: Option<Box<dyn domain::counters::Taken>>,
    /// What was reserved of it, all attempts together.
    pub reserved: Used,
    /// And for each of them.
    pub each: Used,
    /// How many tokens of the answer are reserved, where it may be longer.
    grown: Option<u64>,
    /// Whether clients are not told what is left of budgets.
    pub hides_budgets: bool,
    /// The model that is asked instead of the one that was asked for.
    pub degraded: Option<ModelName>,
    /// Tokens.
    pub meter: Meter,
    /// What the target could not be told, for the client to see.
    pub dropped: Option<String>,
    /// Whether the target was asked in the client's own words, and may keep
    /// the conversation under the id that the client gets.
    pub verbatim: bool,
    /// Prices by contract.
    contracts: Contracts,
    /// What passes through unread.
    pub carried: Option<Rc<Carried>>,
    /// The record so far.
    facts: Option<Box<Settled>>,
    /// What metrics call the model, if its name is one that a client made up.
    counted_as: Option<String>,
    /// The deployment that answers.
    target: Option<Arc<Deployment>>,
    /// What those used that were asked before it.
    earlier: Bill,
    /// What is owed to the last that may have worked on it and did not answer,
    /// if nobody does.
    unanswered: Bill,
    // Held so that the journal has room for this request's records.
    slot: Option<journal::Slot>,
}

impl std::ops::Deref for Ticket {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.0
    }
}

impl std::ops::DerefMut for Ticket {
    fn deref_mut(&mut self) -> &mut Account {
        &mut self.0
    }
}

impl Account {
    /// What the deployment that answers costs, where it is known.
    fn price(&self) -> Option<&domain::model::Price> {
        self.contracts.price(self.target.as_deref()?)
    }
}

impl Ticket {
    /// Opens a ticket of a request that came `at` this moment from there. `slot` is the
    /// journal's promise of room.
    #[must_use]
    pub fn open(
        plane: &Rc<Plane>,
        principal: &Principal,
        (operation, at, from): (&'static str, UnixMicros, Option<IpAddr>),
        slot: Option<journal::Slot>,
    ) -> Self {
        let begun = Begun {
            ticket: plane.next_ticket(),
            at,
            tenant: principal.tenant.clone(),
            key: principal.key.clone(),
            operation: operation.into(),
        };
        let mut facts = Settled::at_once(begun, Outcome::ClientLeft, 499);
        facts.who = who::who(principal);
        facts.from = from;
        plane.shared.metrics.in_flight.inc();
        plane.in_flight.set(plane.in_flight.get() + 1);
        Self(Box::new(Account {
            plane: Rc::clone(plane),
            started: plane.shared.ticks(),
            taken: None,
            reserved: Used::default(),
            each: Used::default(),
            grown: None,
            hides_budgets: false,
            degraded: None,
            meter: Meter::default(),
            dropped: None,
            verbatim: false,
            contracts: principal.contracts.clone(),
            carried: None,
            facts: Some(Box::new(facts)),
            counted_as: None,
            target: None,
            earlier: Bill::default(),
            unanswered: Bill::default(),
            slot,
        }))
    }

    fn facts(&mut self) -> &mut Settled {
        // Present until `finish` takes it, and `finish` ends the ticket.
        self.facts.as_mut().expect("an open ticket has its facts")
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> TicketId {
        self.facts.as_ref().map_or(
            TicketId {
                generation: 0,
                core: 0,
                sequence: 0,
            },
            |f| f.ticket,
        )
    }

    /// When the request came.
    #[must_use]
    pub fn opened(&self) -> UnixMicros {
        self.facts.as_ref().map_or(UnixMicros(0), |f| f.opened)
    }

    /// Lets a stage write into the record.
    pub fn note(&mut self, write: impl FnOnce(&mut Settled)) {
        write(self.facts());
    }

    /// The model that was asked for, once it is resolved.
    pub fn asks_for(&mut self, model: &Model) {
        // Names of models that nobody listed share one deployment id.
        let unlisted = model.deployments.iter().find(|d| d.index == usize::MAX);
        self.counted_as = unlisted.map(|d| d.id.to_string());
        self.facts().model = Some(model.name.clone());
    }

    /// How many attempts there were.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.facts.as_ref().map_or(0, |f| f.attempts)
    }

    /// The model and provider that answer, for response headers.
    #[must_use]
    pub fn served_by(&self) -> (Option<&str>, Option<&str>) {
        let provider = self.facts.as_ref().and_then(|f| f.provider.as_ref());
        let model = self.target.as_ref().map(|t| t.upstream_model.as_str());
        // What passes through asks for none.
        let model = model.filter(|model| !model.is_empty());
        (model, provider.map(|p| p.as_str()))
    }

    /// Whose request it is, and the provider and deployment that answer.
    #[must_use]
    pub fn parties(&self) -> Option<(KeyId, &str, &str)> {
        let (facts, target) = (self.facts.as_ref()?, self.target.as_ref()?);
        let provider = target.provider.name.as_str();
        Some((facts.key.clone(), provider, target.id.as_str()))
    }

    /// Stages the *opened* record, unless the last attempt was at this
    /// `target` too: the request is about to go upstream, by a socket that
    /// writes it first.
    ///
    /// # Errors
    /// The journal would not take it; nothing may be sent.
    pub fn announce(
        &mut self,
        target: &Arc<Deployment>,
        reserved_tokens: u64,
    ) -> Result<(), journal::JournalError> {
        let is_there = |last: &Arc<Deployment>| Arc::ptr_eq(last, target);
        if !crate::GOVERNS {
            return Ok(());
        }
        if self.slot.is_none() || self.target.as_ref().is_some_and(is_there) {
            return Ok(());
        }
        let (usage, usage_source) = self.meter.asks();
        let price = self.contracts.price(target).cloned();
        let passed = self.carried.as_ref().map(|carried| carried.so_far());
        let facts = self.facts();
        let asked = Asked {
            streamed: facts.streamed,
            provider: target.provider.name.clone(),
            deployment: target.id.clone(),
            attempts: facts.attempts + 1,
            prompt: usage.input,
            usage_source,
            cost: price.map(|price| ledger::cost(&usage, &price)),
            passed,
        };
        let opened = Opened {
            ticket: facts.ticket,
            at: facts.opened,
            tenant: facts.tenant.clone(),
            key: facts.key.clone(),
            operation: facts.operation.clone(),
            model: facts.model.clone().unwrap_or_else(|| "".into()),
            reserved_tokens,
            asked: Some(asked),
            who: facts.who.clone(),
            from: facts.from,
        };
        if let Some(carried) = &self.carried {
            carried.tell(&self.plane, &opened);
        }
        self.plane.record(&Record::Opened(opened))
    }

    /// An attempt begins at this deployment.
    pub fn attempt(&mut self, deployment: &Arc<Deployment>) {
        let is_it = |last: &Arc<Deployment>| Arc::ptr_eq(last, deployment);
        if !self.target.as_ref().is_some_and(is_it) {
            self.leave_target();
        }
        self.target = Some(Arc::clone(deployment));
        self.meter.asked = true;
        let facts = self.facts();
        facts.attempts += 1;
        facts.provider = Some(deployment.provider.name.clone());
        facts.deployment = Some(deployment.id.clone());
    }

    /// The first content has come.
    pub fn first_content(&mut self) {
        let after = self.plane.shared.ticks().since(self.started);
        self.facts().first_content_us.get_or_insert(after);
    }

    /// What the answer costs by what is known now.
    #[must_use]
    pub fn cost(&self) -> Option<domain::money::NanoUsd> {
        self.bill().cost
    }

    /// Ends the ticket: the record is in the journal when this returns.
    pub fn settle(mut self, outcome: Outcome, status: u16) {
        self.finish(outcome, status);
    }

    /// Ends the ticket with a refusal; `status` is what the client got.
    pub fn refuse(mut self, refusal: &Refusal, status: u16) {
        self.facts().error = Some(refusal.reason.code().to_owned());
        decided::refused(self.facts(), refusal);
        let outcome = match (refusal.reason.class(), refusal.reason) {
            (Class::Upstream, _)
            | (_, Reason::UpstreamRefused | Reason::UpstreamLimit | Reason::UpstreamOverloaded) => {
                Outcome::UpstreamFailed
            }
            _ => Outcome::Refused,
        };
        self.finish(outcome, status);
    }

    fn finish(&mut self, outcome: Outcome, status: u16) {
        let account = &mut *self.0;
        let Some(mut facts) = account.facts.take() else {
            return;
        };
        let shared = &account.plane.shared;
        shared.metrics.in_flight.dec();
        let in_flight = &account.plane.in_flight;
        in_flight.set(in_flight.get().saturating_sub(1));
        if !crate::GOVERNS {
            return;
        }
        let now = shared.ticks();
        let bill = account.bill();
        facts.duration_us = now.since(account.started);
        facts.outcome = outcome;
        facts.status = status;
        facts.usage = bill.usage;
        facts.usage_source = bill.source;
        facts.cost = bill.cost;
        facts.price_missing = bill.price_missing;
        if let Some(carried) = &account.carried {
            facts.passed = Some(carried.so_far());
            carried.end();
        }
        if let Some(mut taken) = account.taken.take() {
            let used = bill.used();
            let is_over = |reserved: u64, used: u64| reserved > 0 && used > reserved;
            let reserved = account.reserved;
            if is_over(reserved.cost, used.cost) || is_over(reserved.tokens, used.tokens) {
                who::overran(&mut facts);
            }
            taken.settle(used, shared.moment());
        }
        let unlisted = account.counted_as.as_deref();
        let counts = &account.plane.counts;
        counts.settled(&shared.metrics, &facts, unlisted);
        log::log(&facts);
        let ticket = facts.ticket;
        if account.slot.is_none() {
            // It was let in without a promise that its records are kept.
            shared.journal.give_up_record();
        } else if let Err(error) = account.plane.record(&Record::Settled(facts)) {
            tracing::error!(%error, %ticket, "journal: record lost");
        }
        account.slot = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.facts.is_some() {
            self.finish(Outcome::ClientLeft, 499);
            // No byte follows that would bring the record to the disk. An
            // error is said there, and the record is owed.
            let _ = self.plane.flush();
        }
    }
}
