// The official JavaScript SDK, with only base URL and key changed.

import assert from "node:assert/strict";
import OpenAI from "openai";

import { runCases } from "./run_cases.mjs";

const baseURL = process.env.BASE_URL;
const client = new OpenAI({ baseURL, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const tools = ["weather", "time"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object" } },
}));

async function errorOf(kind, promise) {
  const error = await promise.then(
    () => assert.fail(`no ${kind.name}`),
    (error) => error,
  );
  assert.equal(error.constructor, kind, `${error.constructor.name}: ${error.message}`);
  assert.match(error.requestID ?? "", /^req_/);
  assert.ok(error.error.message && error.error.type);
  return error;
}

const cases = {
  async "a plain chat with its request id"() {
    const answer = await client.chat.completions.create({ model: "m", messages });
    assert.equal(answer.choices[0].message.content, "You said: hello");
    assert.equal(answer.usage.total_tokens, 18);
    assert.match(answer._request_id, /^req_/);
  },

  async "a streamed chat without usage"() {
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    let text = "";
    let finish = null;
    for await (const chunk of stream) {
      assert.equal(chunk.choices.length, 1);
      assert.ok(!chunk.usage);
      text += chunk.choices[0].delta.content ?? "";
      finish = chunk.choices[0].finish_reason ?? finish;
    }
    assert.equal(text, "You said: hello ");
    assert.equal(finish, "stop");
  },

  async "a streamed chat with usage"() {
    const stream_options = { include_usage: true };
    const request = { model: "m", messages, stream: true, stream_options };
    let usage = null;
    for await (const chunk of await client.chat.completions.create(request)) {
      usage = chunk.usage ?? usage;
    }
    assert.equal(usage.total_tokens, 18);
  },

  async "tools"() {
    const answer = await client.chat.completions.create({ model: "m", messages, tools });
    const calls = answer.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.name), ["weather", "time"]);
    assert.deepEqual(JSON.parse(calls[0].function.arguments), { city: "Zürich" });
  },

  async "parallel tools in a stream, put together by the SDK"() {
    const runner = client.chat.completions.stream({ model: "m", messages, tools });
    const final = await runner.finalChatCompletion();
    const calls = final.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.name), ["weather", "time"]);
    assert.deepEqual(JSON.parse(calls[1].function.arguments), { city: "Zürich" });
  },

  async "vision parts"() {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const content = [
      { type: "text", text: "what?" },
      { type: "image_url", image_url: { url } },
    ];
    const request = { model: "m", messages: [{ role: "user", content }] };
    const answer = await client.chat.completions.create(request);
    assert.equal(
      answer.choices[0].message.content,
      `You said: what? (1 images, ${url.length} characters)`,
    );
  },

  async "two choices with logprobs"() {
    const request = { model: "m", messages, n: 2, logprobs: true };
    const answer = await client.chat.completions.create(request);
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
    assert.equal(answer.choices[1].logprobs.content[0].logprob, -0.25);
  },

  async "structured output"() {
    const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
    const response_format = { type: "json_schema", json_schema: { name: "person", schema } };
    const request = { model: "m", messages, response_format };
    const answer = await client.chat.completions.create(request);
    assert.deepEqual(JSON.parse(answer.choices[0].message.content), { name: "Ada" });
  },

  async "completions, plain and streamed"() {
    const answer = await client.completions.create({ model: "m", prompt: "once" });
    assert.equal(answer.choices[0].text, "once and so on");
    let text = "";
    const stream = await client.completions.create({ model: "m", prompt: "once", stream: true });
    for await (const chunk of stream) text += chunk.choices[0].text;
    assert.equal(text.trim(), "once and so on");
  },

  async "embeddings as base64 and as floats"() {
    const input = ["a", "bcd"];
    const expected = [
      [0.5, -0.25, 1],
      [0.5, -0.25, 3],
    ];
    const packed = await client.embeddings.create({ model: "m", input });
    assert.deepEqual(packed.data.map((item) => Array.from(item.embedding)), expected);
    const floats = await client.embeddings.create({ model: "m", input, encoding_format: "float" });
    assert.deepEqual(floats.data.map((item) => item.embedding), expected);
  },

  async "models are listed and found"() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes("m") && names.includes("fake-large"), names.join());
    assert.equal((await client.models.retrieve("m")).id, "m");
  },

  async "a stream that is left early ends without an error"() {
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    for await (const _ of stream) break;
  },

  async "errors have the SDK's own classes"() {
    const stranger = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
    const { chat } = client;
    await errorOf(OpenAI.AuthenticationError, stranger.models.list());
    const unknown = chat.completions.create({ model: "gpt-nope", messages });
    assert.equal((await errorOf(OpenAI.NotFoundError, unknown)).code, "model_not_found");
    const bad = chat.completions.create({ model: "m", messages, temperature: 3 });
    assert.equal((await errorOf(OpenAI.BadRequestError, bad)).param, "temperature");
  },
};

await runCases(cases);
