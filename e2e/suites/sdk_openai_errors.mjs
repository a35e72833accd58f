// OpenAI's SDK in JavaScript: errors as its classes, waits, ends in the middle.

import assert from "node:assert/strict";
import OpenAI from "openai";

import { firsts, servers, told } from "./breaking.mjs";
import { data, event } from "./fakes.mjs";
import { runCases } from "./run_cases.mjs";

const baseURL = process.env.BASE_URL;
const clientOf = (more) => new OpenAI({ baseURL, apiKey: process.env.KEY, maxRetries: 0, ...more });
const client = clientOf();
const messages = [{ role: "user", content: "hello" }];

// Both APIs, plain, as streams, and by their helpers.
const chat = (model, by = client) => by.chat.completions.create({ model, messages });
const respond = (model, by = client) => by.responses.create({ model, input: "hello", store: false });
const plain = [chat, respond];
const helped = [
  (model) => client.chat.completions.stream({ model, messages }),
  (model) => client.responses.stream({ model, input: "hello", store: false }),
];

async function errorOf(kind, promise) {
  const error = await promise.then(() => assert.fail(`no ${kind.name}`), (error) => error);
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  if (error.status) assert.match(error.requestID ?? "", /^req_/);
  return error;
}

async function meanwhile(fake, answer, run) {
  await fake.script(answer);
  try {
    return await run();
  } finally {
    await fake.forget();
  }
}

// What is said in a stream of either helper.
function hears(stream, listener) {
  stream.on("content", listener);
  stream.on("response.output_text.delta", ({ delta }) => listener(delta));
}

const cases = {
  async "what is wrong has its class"() {
    const stranger = clientOf({ apiKey: "sk-wrong" });
    for (const ask of plain) {
      await errorOf(OpenAI.AuthenticationError, ask("m", stranger));
      const error = await errorOf(OpenAI.NotFoundError, ask("nope"));
      assert.equal(error.code, "model_not_found");
      assert.equal(error.param, "model");
    }
    for (const helper of helped) await errorOf(OpenAI.NotFoundError, helper("nope").done());
  },

  async "what a server refuses has its class"() {
    for (const [model, fake] of Object.entries(servers)) {
      for (const ask of plain) {
        const refused = { status: 400, body: told(model, 400, "no luck") };
        const error = await meanwhile(fake, refused, () => errorOf(OpenAI.BadRequestError, ask(model)));
        assert.match(error.message, /no luck/);
        assert.equal(error.type, "invalid_request_error");
      }
    }
  },

  async "a server that fails is an error of the server"() {
    for (const [model, fake] of Object.entries(servers)) {
      const failing = { status: 500, body: told(model, 500, "no luck"), times: 9 };
      for (const ask of plain) await meanwhile(fake, failing, () => errorOf(OpenAI.InternalServerError, ask(model)));
    }
  },

  async "a limit says when to come again, and the SDK comes then"() {
    for (const [number, [model, fake]] of Object.entries(servers).entries()) {
      const ask = plain[number % 2];
      const limited = { status: 429, headers: { "retry-after": "1" }, body: told(model, 429, "slow down"), times: 3 };
      const begun = Date.now();
      const error = await meanwhile(fake, limited, () => errorOf(OpenAI.RateLimitError, ask(model)));
      assert.equal(Number(error.headers.get("retry-after")), 1);
      assert.ok(await ask(model, clientOf({ maxRetries: 2 })));
      assert.ok(Date.now() - begun > 700);
    }
  },

  async "a stream that breaks off is an error"() {
    for (const [model, fake] of Object.entries(servers)) {
      for (const helper of helped) {
        for (const breaks of [true, false]) {
          await fake.script({ pieces: [firsts[model]], breaks });
          let text = "";
          const stream = helper(model);
          hears(stream, (delta) => (text += delta));
          await assert.rejects(stream.done(), OpenAI.OpenAIError, model);
          assert.equal(text, "one ", model);
        }
      }
    }
  },

  async "an error in a stream is one for the SDK"() {
    const overloaded = {
      m: data({ error: { message: "overloaded", type: "overloaded_error", code: 503 } }),
      c: event({ type: "error", error: { type: "overloaded_error", message: "overloaded" } }),
      "gemini-2.5-flash": JSON.stringify(told("g", 503, "overloaded"), null, 2),
    };
    for (const [model, fake] of Object.entries(servers)) {
      for (const helper of helped) {
        await fake.script({ pieces: [firsts[model], overloaded[model]] });
        const error = await errorOf(OpenAI.APIError, helper(model).done());
        // A server's own words stay where both sides speak the same.
        const codes = [503, "overloaded", "server_is_overloaded"];
        assert.ok(codes.includes(error.code), `${model}: ${error.code}`);
        assert.match(error.message, /overloaded/);
      }
    }
  },

  async "who aborts in the middle frees the server"() {
    for (const [model, fake] of Object.entries(servers)) {
      for (const helper of helped) {
        const { hungUp } = await fake.look();
        await fake.script({ pieces: [firsts[model], "never"], holds: true });
        const stream = helper(model);
        hears(stream, () => stream.abort());
        await assert.rejects(stream.done(), OpenAI.APIUserAbortError);
        await fake.hungUpAfter(hungUp);
      }
    }
  },
};

await runCases(cases);
