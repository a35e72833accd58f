//! `OpenAI`'s chat completions, from and into the canonical form.
