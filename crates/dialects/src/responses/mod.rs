//! `OpenAI`'s newer dialect: Responses.
