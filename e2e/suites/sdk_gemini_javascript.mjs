// Google's SDK in JavaScript, with only base URL and key changed. `m` is of a
// server of OpenAI's dialect, `c` of one of Anthropic's, the others of Gemini's.

import assert from "node:assert/strict";
import { FinishReason, GoogleGenAI } from "@google/genai";

import { runCases } from "./run_cases.mjs";

const baseUrl = process.env.BASE_URL;
const clientOf = (more) => new GoogleGenAI({ apiKey: process.env.KEY, httpOptions: { baseUrl, ...more } });
const ai = clientOf();
const contents = "hello";
const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash"];
const functionDeclarations = ["weather", "time"].map((name) => ({
  name,
  description: `The ${name}`,
  parametersJsonSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
}));
const config = { tools: [{ functionDeclarations }] };

const ask = (model, more) => ai.models.generateContent({ model, contents, ...more });

async function partsOf(stream) {
  const parts = [];
  for await (const chunk of stream) parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
  return parts;
}

function turn(parts) {
  const calls = parts.map((part) => part.functionCall).filter(Boolean);
  const results = calls.map(({ id, name }) => ({ functionResponse: { id, name, response: { output: "sunny" } } }));
  return [
    { role: "user", parts: [{ text: "hello" }] },
    { role: "model", parts },
    { role: "user", parts: results },
  ];
}

const cases = {
  async "a plain answer with its usage"() {
    for (const model of models) {
      const answer = await ask(model);
      assert.equal(answer.text, "You said: hello");
      assert.equal(answer.candidates[0].finishReason, FinishReason.STOP);
      const { promptTokenCount, candidatesTokenCount, totalTokenCount } = answer.usageMetadata;
      assert.ok(promptTokenCount > 0 && candidatesTokenCount > 0 && totalTokenCount > promptTokenCount);
    }
  },

  async "a streamed answer"() {
    for (const model of models) {
      const stream = await ai.models.generateContentStream({ model, contents });
      let text = "";
      let last;
      for await (const chunk of stream) {
        text += chunk.text ?? "";
        last = chunk;
      }
      assert.equal(text.trim(), "You said: hello");
      assert.equal(last.candidates[0].finishReason, FinishReason.STOP);
      assert.ok(last.usageMetadata.totalTokenCount > 0);
    }
  },

  async "a chat over turns, plain and streamed"() {
    for (const model of models) {
      const chat = ai.chats.create({ model });
      assert.equal((await chat.sendMessage({ message: "hello" })).text, "You said: hello");
      const parts = await partsOf(await chat.sendMessageStream({ message: "again" }));
      assert.equal(parts.map((part) => part.text ?? "").join("").trim(), "You said: again");
      assert.equal((await chat.sendMessage({ message: "once more" })).text, "You said: once more");
    }
  },

  async "parallel functions and their results, plain and streamed"() {
    for (const model of models) {
      const plain = (await ask(model, { config })).candidates[0].content.parts;
      const streamed = await partsOf(await ai.models.generateContentStream({ model, contents, config }));
      for (const parts of [plain, streamed]) {
        const calls = parts.map((part) => part.functionCall).filter(Boolean);
        assert.deepEqual(calls.map((call) => call.name), ["weather", "time"]);
        assert.deepEqual(calls[1].args, { city: "Zürich" });
        const again = await ask(model, { contents: turn(parts), config });
        assert.ok(again.text && !again.functionCalls, model);
      }
    }
  },

  async "a chat with functions over turns, streamed"() {
    for (const model of models) {
      const chat = ai.chats.create({ model, config });
      const parts = await partsOf(await chat.sendMessageStream({ message: "hello" }));
      const message = turn(parts)[2].parts;
      const said = await partsOf(await chat.sendMessageStream({ message }));
      assert.ok(said.some((part) => part.text), model);
    }
  },

  async "a system instruction and settings"() {
    for (const model of models) {
      const more = { systemInstruction: "Be brief.", temperature: 0.5, maxOutputTokens: 99, stopSequences: ["END"] };
      assert.equal((await ask(model, { config: more })).text, "You said: hello");
    }
  },

  async "an answer by a schema"() {
    for (const schema of ["responseSchema", "responseJsonSchema"]) {
      const properties = { name: { type: schema === "responseSchema" ? "STRING" : "string" } };
      const type = schema === "responseSchema" ? "OBJECT" : "object";
      const more = { responseMimeType: "application/json", [schema]: { type, properties } };
      for (const model of ["m", "gemini-2.5-flash", "gemini-3-flash"]) {
        assert.deepEqual(JSON.parse((await ask(model, { config: more })).text), { name: "Ada" });
      }
    }
  },

  async "an image within the request"() {
    const data = Buffer.alloc(300, 7).toString("base64");
    const image = { inlineData: { mimeType: "image/png", data } };
    for (const model of models) {
      const answer = await ask(model, { contents: [{ role: "user", parts: [{ text: "what?" }, image] }] });
      assert.match(answer.text, /^You said: what\? \(1 images, 4\d\d characters\)$/);
    }
  },

  async "thoughts with their signatures over turns"() {
    for (const [model, more] of [
      ["claude-haiku-4-5", { thinkingBudget: 2048 }],
      ["gemini-2.5-flash", { thinkingBudget: 1024 }],
      ["gemini-3-flash", { thinkingLevel: "HIGH" }],
    ]) {
      const thinking = { ...config, maxOutputTokens: 8000, thinkingConfig: { includeThoughts: true, ...more } };
      const parts = await partsOf(await ai.models.generateContentStream({ model, contents, config: thinking }));
      const thoughts = parts.filter((part) => part.thought && part.text);
      assert.equal(thoughts.map((part) => part.text).join(""), "Let me think.");
      assert.ok((await ask(model, { contents: turn(parts), config: thinking })).text);
    }
  },

  async "tokens are counted"() {
    // By the gateway for `m`, by the providers for the others.
    for (const [at, tokens] of [6, 42, 43, 43].entries()) {
      assert.equal((await ai.models.countTokens({ model: models[at], contents })).totalTokens, tokens, models[at]);
    }
  },

  async "models are listed and found"() {
    const names = [];
    for await (const model of await ai.models.list()) names.push(model.name);
    assert.ok(names.includes("models/m") && names.includes("models/openai/gpt-4o"), names.join());
    assert.equal((await ai.models.get({ model: "m" })).name, "models/m");
    assert.equal((await ask("openai/gpt-4o")).text, "You said: hello");
  },

  async "embeddings of one text and of many"() {
    for (const model of ["m", "gemini-embedding-001"]) {
      const { embeddings } = await ai.models.embedContent({ model, contents: ["a", "abc"] });
      assert.deepEqual(embeddings.map((one) => one.values), [[0.5, -0.25, 1], [0.5, -0.25, 3]]);
      const one = await ai.models.embedContent({ model, contents, config: { outputDimensionality: 3 } });
      assert.deepEqual(one.embeddings[0].values, [0.5, -0.25, 5]);
    }
  },

  async "either version of the API"() {
    for (const apiVersion of ["v1", "v1beta"]) {
      const client = clientOf({ apiVersion });
      for (const model of models) {
        assert.equal((await client.models.generateContent({ model, contents })).text, "You said: hello");
      }
    }
  },

  async "a stream that is left early ends without an error"() {
    for (const model of models) {
      const stream = await ai.models.generateContentStream({ model, contents });
      for await (const _ of stream) break;
    }
  },
};

await runCases(cases);
