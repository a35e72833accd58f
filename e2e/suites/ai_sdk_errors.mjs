// The AI SDK: errors as it reads them, waits, ends in the middle.

import assert from "node:assert/strict";
import { APICallError, generateText, streamText } from "ai";

import { everyWay, providersOf, ways } from "./ai_sdk_world.mjs";
import { firsts, servers } from "./breaking.mjs";
import { runCases } from "./run_cases.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const prompt = "hello";
const quiet = { onError() {} };

async function errorOf(status, promise) {
  const error = await promise.then(() => assert.fail("no error"), (error) => error);
  assert.ok(APICallError.isInstance(error), `${error.name}: ${error.message}`);
  assert.equal(error.statusCode, status, error.responseBody);
  // The message is the server's sentence, so the SDK could read the body.
  assert.ok(error.data?.error?.message, error.responseBody);
  assert.equal(error.message, error.data.error.message);
  return error;
}

const cases = {
  async "what is wrong has its status"() {
    const { openai, anthropic, google, alike } = providersOf("sk-wrong");
    for (const stranger of [openai.chat("m"), openai.responses("m"), anthropic("m"), google("m"), alike("m")]) {
      await errorOf(401, generateText({ model: stranger, prompt, maxRetries: 0 }));
    }
    await everyWay(async (model) => {
      const error = await errorOf(404, generateText({ model, prompt, maxRetries: 0 }));
      assert.equal(error.isRetryable, false);
    }, ["nope"]);
    await everyWay(async (model) => {
      const streamed = streamText({ model, prompt, maxRetries: 0, ...quiet });
      const errors = [];
      for await (const part of streamed.fullStream) if (part.type === "error") errors.push(part.error);
      assert.equal(errors[0]?.statusCode, 404);
    }, ["nope"]);
  },

  async "a limit is retried when it says"() {
    const body = { error: { message: "slow down", type: "rate_limit_error", code: 429, status: "RESOURCE_EXHAUSTED" } };
    const limited = async (way, number) => {
      // Each way to one of the servers.
      const names = Object.keys(servers);
      const name = names[number % names.length];
      await servers[name].script({ status: 429, headers: { "retry-after": "1" }, body, times: 3 });
      const model = ways[way](name);
      const error = await errorOf(429, generateText({ model, prompt, maxRetries: 0 }));
      await servers[name].forget();
      assert.equal(error.isRetryable, true);
      assert.ok(Number(error.responseHeaders["retry-after"]) >= 1);
      const { text } = await generateText({ model, prompt, maxRetries: 3 });
      assert.equal(text.trim(), "You said: hello", `${way}, ${name}`);
    };
    for (const [number, way] of Object.keys(ways).entries()) await limited(way, number);
  },

  async "a stream that breaks off is an error"() {
    await everyWay(async (model, name) => {
      await servers[name].script({ pieces: [firsts[name]], breaks: true });
      const streamed = streamText({ model, prompt, maxRetries: 0, ...quiet });
      const parts = [];
      for await (const part of streamed.fullStream) parts.push(part);
      const said = parts.filter((part) => part.type === "text-delta").map((part) => part.text).join("");
      assert.equal(said, "one ");
      const end = parts.find((part) => part.type === "finish");
      const isTold = parts.some((part) => part.type === "error") || end?.finishReason === "error";
      assert.ok(isTold, JSON.stringify(parts.map((part) => part.type)));
    }, Object.keys(servers));
  },

  async "who aborts in the middle frees the server"() {
    await everyWay(async (model, name) => {
      const { hungUp } = await servers[name].look();
      await servers[name].script({ pieces: [firsts[name], "never"], holds: true });
      const abort = new AbortController();
      const streamed = streamText({ model, prompt, maxRetries: 0, abortSignal: abort.signal, ...quiet });
      let isAborted = false;
      for await (const part of streamed.fullStream) {
        if (part.type === "text-delta") abort.abort();
        isAborted ||= part.type === "abort";
      }
      assert.ok(isAborted);
      await servers[name].hungUpAfter(hungUp);
    }, Object.keys(servers));
  },
};

await runCases(cases);
