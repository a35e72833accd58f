//! Nouns and rules of the gateway. No IO, no clock, no wire format.
//!
//! | room | what it holds |
//! |---|---|
//! | [`ids`] | prefixed identifiers: keys, tenants, tickets |
//! | [`time`], [`calendar`] | points in time, as plain numbers that the caller hands in; days, months, fiscal years of a time zone |
//! | [`money`], [`price`], [`usage`] | nano-dollars, rates, and tokens in disjoint parts |
//! | [`secret`] | strings that never print |
//! | [`edit`] | spans of a body, and replacements spliced into it |
//! | [`model`] | providers, deployments, models: what a name resolves to |
//! | [`shape`], [`embedding`], [`counting`] | where a provider's requests differ: paths, members, headers; forms of embeddings, and of counts of tokens |
//! | [`quirks`] | where a provider differs from its dialect |
//! | [`ability`] | what a model can do beside text |
//! | [`traits`] | what a model takes beyond its dialect: patterns over names |
//! | [`party`], [`terms`] | tenants, teams, apps, users; what is set for each |
//! | [`virtual_key`], [`principal`] | keys as they are kept; who is asking and what they may do |
//! | [`policy`] | system rules, guards, cache, retries that apply to a request |
//! | [`model_pattern`] | which models: `*claude* >= 4.6` |
//! | [`pattern`], [`probe`], [`suggest`] | names with an open end; health routes; "did you mean …?" |
//! | [`fetching`] | how media are fetched that requests name by URL |
//! | [`guard`] | the interface that every guardrail has |
//! | [`refusal`] | every way to say no: status, code, sentence |
//! | [`record`] | what the journal keeps of a request |
//! | [`audit`] | what the audit log keeps: calls, changes by people, strangers |
//! | [`counters`], [`shelf`], [`turns`], [`reasoning`] | traits that `store` implements |
//! | [`limit`], [`budget`] | how much of what in which time, as people write it |
//! | [`bound`] | all of them that hold for a key, in one list |
//! | [`network`] | networks of addresses |
//! | [`holding`] | what limits have given out, told to another process |
//! | [`snapshot`] | all that the way reads, immutable, swapped whole |

pub mod ability;
mod as_text;
pub mod audit;
pub mod bound;
pub mod budget;
pub mod calendar;
pub mod canon;
pub mod contract;
pub mod counters;
pub mod counting;
pub mod credential;
pub mod edit;
pub mod embedding;
pub mod fetching;
pub mod guard;
pub mod holding;
pub mod ids;
pub mod limit;
pub mod model;
pub mod model_pattern;
pub mod money;
pub mod network;
pub mod party;
pub mod pattern;
pub mod policy;
pub mod price;
pub mod principal;
pub mod probe;
pub mod quirks;
pub mod reasoning;
pub mod record;
pub mod refusal;
pub mod secret;
pub mod shape;
pub mod shelf;
pub mod snapshot;
pub mod suggest;
pub mod terms;
pub mod time;
pub mod traits;
pub mod turns;
pub mod usage;
pub mod virtual_key;
