// Anthropic's SDK in JavaScript: errors as its classes, waits, ends in the middle.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";

import { firsts, servers, told } from "./breaking.mjs";
import { data, event } from "./fakes.mjs";
import { runCases } from "./run_cases.mjs";

const baseURL = process.env.BASE_URL;
const clientOf = (more) => new Anthropic({ baseURL, apiKey: process.env.KEY, maxRetries: 0, ...more });
const client = clientOf();
const messages = [{ role: "user", content: "hello" }];

const ask = (model, more, by = client) => by.messages.create({ model, max_tokens: 100, messages, ...more });

async function errorOf(kind, type, promise) {
  const error = await promise.then(
    () => assert.fail(`no ${kind.name}`),
    (error) => error,
  );
  assert.equal(error.constructor, kind, `${error.constructor.name}: ${error.message}`);
  assert.equal(error.type, type);
  assert.equal(error.error.type, "error");
  assert.ok(error.error.error.message);
  assert.match(error.requestID ?? "", /^req_/);
  return error;
}

// While `fake` answers so.
async function meanwhile(fake, told, run) {
  await fake.script(told);
  try {
    return await run();
  } finally {
    await fake.forget();
  }
}

const cases = {
  async "what is wrong has its class"() {
    const stranger = clientOf({ apiKey: "sk-wrong" });
    await errorOf(Anthropic.AuthenticationError, "authentication_error", ask("m", {}, stranger));
    await errorOf(Anthropic.AuthenticationError, "authentication_error", stranger.models.list());
    await errorOf(Anthropic.NotFoundError, "not_found_error", ask("nope"));
    await errorOf(Anthropic.NotFoundError, "not_found_error", ask("nope", { stream: true }));
    await errorOf(Anthropic.NotFoundError, "not_found_error", client.models.retrieve("nope"));
    for (const model of Object.keys(servers)) {
      await errorOf(Anthropic.BadRequestError, "invalid_request_error", ask(model, { temperature: 3 }));
    }
    await errorOf(Anthropic.BadRequestError, "invalid_request_error", ask("c", { messages: [] }));
    await errorOf(Anthropic.BadRequestError, "invalid_request_error", ask("c", { max_tokens: undefined }));
  },

  async "what a server refuses has its class"() {
    for (const [model, fake] of Object.entries(servers)) {
      for (const [status, kind, type] of [
        [400, Anthropic.BadRequestError, "invalid_request_error"],
        [429, Anthropic.RateLimitError, "rate_limit_error"],
      ]) {
        const answer = { status, body: told(model, status, "no luck"), times: 3 };
        await meanwhile(fake, answer, () => errorOf(kind, type, ask(model)));
      }
    }
  },

  async "a server that fails is an error of the server"() {
    for (const [model, fake] of Object.entries(servers)) {
      for (const status of [500, 503]) {
        const answer = { status, body: told(model, status, "no luck"), times: 9 };
        const error = await meanwhile(fake, answer, () => ask(model).then(() => assert.fail("no error"), (error) => error));
        assert.ok(error instanceof Anthropic.InternalServerError, error.message);
        assert.ok(["api_error", "overloaded_error", "timeout_error"].includes(error.type), error.type);
        assert.ok(error.status >= 500);
      }
    }
  },

  async "a limit says when to come again, and the SDK comes then"() {
    for (const [model, fake] of Object.entries(servers)) {
      const answer = { status: 429, headers: { "retry-after": "1" }, body: told(model, 429, "slow down"), times: 3 };
      const begun = Date.now();
      const refused = () => errorOf(Anthropic.RateLimitError, "rate_limit_error", ask(model));
      const error = await meanwhile(fake, answer, refused);
      const wait = Number(error.headers.get("retry-after"));
      assert.ok(wait === 1, `${model}: ${wait}`);
      const second = await ask(model, {}, clientOf({ maxRetries: 2 }));
      assert.match(second.content[0].text, /^You said: hello/);
      assert.ok(Date.now() - begun > 700, `${model}: after ${Date.now() - begun} ms`);
    }
  },

  async "a stream that breaks off is an error"() {
    for (const [model, fake] of Object.entries(servers)) {
      await fake.script({ pieces: [firsts[model]], breaks: true });
      let text = "";
      const stream = client.messages.stream({ model, max_tokens: 100, messages });
      stream.on("text", (delta) => (text += delta));
      await assert.rejects(stream.finalMessage(), Anthropic.APIError, model);
      assert.equal(text, "one ", model);
    }
  },

  async "a stream that ends without an end is an error"() {
    for (const [model, fake] of Object.entries(servers)) {
      await fake.script({ pieces: [firsts[model]] });
      const stream = client.messages.stream({ model, max_tokens: 100, messages });
      await assert.rejects(stream.finalMessage(), Anthropic.AnthropicError, model);
    }
  },

  async "an error event in a stream has its type"() {
    const overloaded = {
      m: data({ error: { message: "overloaded", type: "overloaded_error", code: 503 } }),
      c: event({ type: "error", error: { type: "overloaded_error", message: "overloaded" } }),
      "gemini-2.5-flash": JSON.stringify(told("g", 503, "overloaded"), null, 2),
    };
    for (const [model, fake] of Object.entries(servers)) {
      await fake.script({ pieces: [firsts[model], overloaded[model]] });
      const stream = client.messages.stream({ model, max_tokens: 100, messages });
      const error = await stream.finalMessage().then(() => assert.fail("no error"), (error) => error);
      assert.ok(error instanceof Anthropic.APIError, `${model}: ${error}`);
      assert.equal(error.type, "overloaded_error", model);
    }
  },

  async "who aborts in the middle frees the server"() {
    for (const [model, fake] of Object.entries(servers)) {
      const { hungUp } = await fake.look();
      await fake.script({ pieces: [firsts[model], "never"], holds: true });
      const stream = client.messages.stream({ model, max_tokens: 100, messages });
      stream.on("text", () => stream.abort());
      await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
      await fake.hungUpAfter(hungUp);
    }
  },

  async "a stream that is left early ends without an error"() {
    for (const [model, fake] of Object.entries(servers)) {
      const { hungUp } = await fake.look();
      await fake.script({ pieces: [firsts[model], "never"], holds: true });
      const stream = await ask(model, { stream: true });
      for await (const event of stream) if (event.type === "content_block_delta") break;
      await fake.hungUpAfter(hungUp);
    }
  },
};

await runCases(cases);
