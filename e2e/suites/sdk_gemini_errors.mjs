// What Google's SDK in JavaScript makes of errors; the servers' are scripted.

import assert from "node:assert/strict";
import { ApiError, GoogleGenAI } from "@google/genai";

import { runCases } from "./run_cases.mjs";

const httpOptions = { baseUrl: process.env.BASE_URL };
const ai = new GoogleGenAI({ apiKey: process.env.KEY, httpOptions });
const contents = "hello";

async function errorOf(status, promise) {
  const error = await promise.then(
    () => assert.fail("no error"),
    (error) => error,
  );
  assert.ok(error instanceof ApiError, `${error.name}: ${error.message}`);
  assert.equal(error.status, status, error.message);
  return JSON.parse(error.message).error;
}

const cases = {
  async "an error in the middle of a stream is thrown"() {
    const stream = await ai.models.generateContentStream({ model: "gemini-2.5-flash", contents });
    let text = "";
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.text ?? "";
    }, ApiError);
    assert.equal(text, "one ");
  },

  async "a limit says when to come again"() {
    const error = await errorOf(429, ai.models.generateContent({ model: "m", contents }));
    assert.equal(error.status, "RESOURCE_EXHAUSTED");
    const retry = error.details.find((one) => one["@type"].endsWith("RetryInfo"));
    assert.match(retry.retryDelay, /^\d+(\.\d+)?s$/);
  },

  async "what is wrong has its status"() {
    const stranger = new GoogleGenAI({ apiKey: "sk-wrong", httpOptions });
    const { models } = ai;
    assert.equal((await errorOf(401, stranger.models.generateContent({ model: "c", contents }))).status, "UNAUTHENTICATED");
    assert.equal((await errorOf(404, models.generateContent({ model: "nope", contents }))).status, "NOT_FOUND");
    assert.equal((await errorOf(404, models.generateContentStream({ model: "nope", contents }))).status, "NOT_FOUND");
    for (const model of ["c", "gemini-2.5-flash"]) {
      const bad = models.generateContent({ model, contents, config: { temperature: 3 } });
      assert.equal((await errorOf(400, bad)).status, "INVALID_ARGUMENT");
    }
  },
};

await runCases(cases);
