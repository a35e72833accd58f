// The AI SDK: texts, objects, images, embeddings.

import assert from "node:assert/strict";
import { embed, embedMany, generateObject, generateText, Output, streamObject, streamText } from "ai";
import { z } from "zod";

import { everyWay, providersOf } from "./ai_sdk_world.mjs";
import { runCases } from "./run_cases.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { openai, google, alike } = providersOf();
const prompt = "hello";
const schema = z.object({ name: z.string(), age: z.number() });
const person = { name: "Ada", age: 36 };

function isCounted(usage) {
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0, JSON.stringify(usage));
  assert.ok(usage.totalTokens >= usage.inputTokens + usage.outputTokens, JSON.stringify(usage));
}

const cases = {
  async "a text with its usage"() {
    await everyWay(async (model, name) => {
      const { text, finishReason, usage, response } = await generateText({ model, prompt });
      assert.equal(text.trim(), "You said: hello");
      assert.equal(finishReason, "stop");
      isCounted(usage);
      assert.equal(response.modelId ?? name, name);
      assert.match(response.headers["x-request-id"], /^req_/);
    });
  },

  async "a streamed text with its usage"() {
    await everyWay(async (model) => {
      const result = streamText({ model, prompt });
      let text = "";
      let pieces = 0;
      for await (const piece of result.textStream) {
        text += piece;
        pieces += 1;
      }
      assert.equal(text.trim(), "You said: hello");
      assert.ok(pieces > 1);
      assert.equal(await result.finishReason, "stop");
      isCounted(await result.usage);
    });
  },

  async "a conversation with a system and settings"() {
    await everyWay(async (model) => {
      const { response } = await generateText({ model, prompt });
      const { text } = await generateText({
        model,
        system: "Be brief.",
        messages: [{ role: "user", content: "hello" }, ...response.messages, { role: "user", content: "and again" }],
        temperature: 0.5,
        maxOutputTokens: 99,
        stopSequences: [],
      });
      assert.equal(text.trim(), "You said: and again");
    });
  },

  async "an object by a schema"() {
    await everyWay(async (model) => {
      assert.deepEqual((await generateObject({ model, prompt, schema })).object, person);
      const streamed = streamObject({ model, prompt, schema });
      for await (const _ of streamed.partialObjectStream);
      assert.deepEqual(await streamed.object, person);
    });
  },

  async "an output by a schema"() {
    await everyWay(async (model) => {
      const output = Output.object({ schema });
      assert.deepEqual((await generateText({ model, prompt, output })).output, person);
      const streamed = streamText({ model, prompt, output });
      for await (const _ of streamed.partialOutputStream);
      assert.deepEqual(await streamed.output, person);
    });
  },

  async "an image"() {
    const image = new Uint8Array(Buffer.from("89504e470d0a1a0a".padEnd(600, "07"), "hex"));
    const content = [{ type: "text", text: "what?" }, { type: "image", image, mediaType: "image/png" }];
    await everyWay(async (model) => {
      const { text } = await generateText({ model, messages: [{ role: "user", content }] });
      assert.match(text.trim(), /^You said: what\? \(1 images, 4\d\d characters\)$/);
    });
  },

  async "a file that is a PDF"() {
    const data = new Uint8Array(Buffer.from("%PDF-1.4 tiny"));
    const file = { type: "file", data, mediaType: "application/pdf", filename: "tiny.pdf" };
    const content = [{ type: "text", text: "what?" }, file];
    await everyWay(async (model) => {
      const { text } = await generateText({ model, messages: [{ role: "user", content }] });
      assert.match(text, /^You said: what\?/);
    });
  },

  async "embeddings of one text and of many"() {
    const names = ["m", "gemini-embedding-001"];
    for (const make of [openai.embedding, google.embedding, alike.embeddingModel].map((f) => (name) => f(name))) {
      for (const name of names) {
        const model = make(name);
        const one = await embed({ model, value: "hello" });
        assert.deepEqual(one.embedding, [0.5, -0.25, 5], name);
        const many = await embedMany({ model, values: ["a", "abc"] });
        assert.deepEqual(many.embeddings, [[0.5, -0.25, 1], [0.5, -0.25, 3]], name);
      }
    }
  },
};

await runCases(cases);
