// Servers of three dialects by a model of each, and how they fail.

import { data, event, fakeOf } from "./fakes.mjs";

export const servers = { m: fakeOf("openai"), c: fakeOf("anthropic"), "gemini-2.5-flash": fakeOf("google") };

// What a model's server says for a status.
export function told(model, status, message) {
  const type = { 400: "invalid_request_error", 429: "rate_limit_error" }[status];
  if (model === "m") return { error: { message, type: type ?? "server_error", param: null, code: null } };
  if (model === "c") return { type: "error", error: { type: type ?? "api_error", message } };
  const names = { 400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE" };
  return { error: { code: status, message, status: names[status] ?? "INTERNAL" } };
}

const delta = { index: 0, delta: { role: "assistant", content: "one " }, finish_reason: null };
const usage = { input_tokens: 1, output_tokens: 1 };
const message = { id: "msg_1", type: "message", role: "assistant", model: "c", content: [], stop_reason: null, usage };

// The beginning of a model's stream, with the text `one `.
export const firsts = {
  m: data({ id: "x", object: "chat.completion.chunk", created: 1, model: "m", choices: [delta] }),
  c: [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "one " } },
  ].map(event).join(""),
  "gemini-2.5-flash": data({ candidates: [{ content: { role: "model", parts: [{ text: "one " }] }, index: 0 }] }),
};
