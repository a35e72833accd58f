//! Upstreams: where they are, which dialect they speak, how to sign.
//!
//! | room | what it holds |
//! |---|---|
//! | [`catalogue`] | the providers and models that are known without configuration |
//! | [`quirks`] | where a provider differs from its dialect, as it is written down |
//! | [`traits`] | what models take beyond their dialects, as it is written down |
//! | [`url`] | base URLs taken apart, and paths put together |
//! | [`refresh`] | prices and abilities from files that others keep |
//! | [`passing`] | paths that clients write themselves, joined to a base URL |
//! | [`headers`] | the credential's header, and which headers may cross |
//!
//! A provider that speaks a known dialect is an entry of
//! `config/catalogue.yaml` and nothing else; a model a line of
//! `config/models.jsonl`.

pub mod catalogue;
pub mod headers;
pub mod passing;
pub mod quirks;
pub mod refresh;
pub mod traits;
pub mod url;

mod rate;

pub use catalogue::{
    AuthStyle, Catalogue, CatalogueError, CatalogueModel, CatalogueProvider, Door, Fetched,
    KnownValue, ModelsRead, OPERATOR, Spoken, Unmetered, WrongLine, is_date, read_models,
    write_models,
};
pub use headers::{
    FORWARD_TO_CLIENT, FORWARD_TO_UPSTREAM, auth_header, dialect_headers, goes_along,
    goes_to_client, goes_upstream, passes_to_client, passes_upstream, stream_type,
};
pub use passing::{PathError, joined, query};
pub use quirks::{QuirksSpec, Senseless};
pub use rate::rate;
pub use url::{
    Batch, Delivery, counting_path, embeddings_path, kept_path, parse_base_url, path, url_path,
};
