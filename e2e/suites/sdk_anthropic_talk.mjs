// Anthropic's SDK in JavaScript: messages, documents, counts, models. `m` is of a
// server of OpenAI's dialect, the next two of Anthropic's, the others of Gemini's.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { z } from "zod";

import { fakeOf } from "./fakes.mjs";
import { runCases } from "./run_cases.mjs";

const client = new Anthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash"];
const [openai, claude, google] = ["openai", "anthropic", "google"].map(fakeOf);

const ask = (model, more) => client.messages.create({ model, max_tokens: 100, messages, ...more });
const saying = (...content) => ({ messages: [{ role: "user", content }] });
const textOf = (message) => message.content.map((block) => block.text ?? "").join("").trim();

const cases = {
  async "a plain message with its usage and request id"() {
    for (const model of models) {
      const answer = await ask(model);
      assert.deepEqual([answer.type, answer.role, answer.stop_reason], ["message", "assistant", "end_turn"]);
      assert.equal(answer.model, model);
      assert.equal(textOf(answer), "You said: hello");
      assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, model);
      assert.match(answer._request_id ?? "", /^req_/);
      assert.ok(answer.id);
    }
  },

  async "a streamed message, event by event"() {
    for (const model of models) {
      const kinds = [];
      let text = "";
      const stream = await ask(model, { stream: true });
      for await (const event of stream) {
        if (kinds.at(-1) !== event.type) kinds.push(event.type);
        if (event.type === "content_block_delta") text += event.delta.text ?? "";
        if (event.type === "message_delta") assert.equal(event.delta.stop_reason, "end_turn");
      }
      const expected = ["message_start", "content_block_start", "content_block_delta", "content_block_stop"];
      assert.deepEqual(kinds.filter((kind) => kind !== "ping"), [...expected, "message_delta", "message_stop"], model);
      assert.equal(text.trim(), "You said: hello");
    }
  },

  async "the stream helper with its events"() {
    for (const model of models) {
      const seen = { connect: 0, streamEvent: 0, text: "", message: 0, contentBlock: 0, finalMessage: 0, end: 0 };
      const stream = client.messages.stream({ model, max_tokens: 100, messages });
      for (const name of ["connect", "streamEvent", "message", "contentBlock", "finalMessage", "end"]) {
        stream.on(name, () => (seen[name] += 1));
      }
      stream.on("text", (delta, snapshot) => {
        seen.text += delta;
        assert.equal(seen.text, snapshot);
      });
      const final = await stream.finalMessage();
      await stream.done();
      assert.equal(seen.text.trim(), "You said: hello");
      assert.equal(await stream.finalText(), seen.text);
      assert.equal(final.content[0].text, seen.text);
      assert.deepEqual([final.role, final.stop_reason], ["assistant", "end_turn"]);
      const { input_tokens, output_tokens } = (await ask(model)).usage;
      assert.deepEqual([final.usage.input_tokens, final.usage.output_tokens], [input_tokens, output_tokens], model);
      const { connect, message, contentBlock, finalMessage, end } = seen;
      assert.deepEqual({ connect, message, contentBlock, finalMessage, end }, {
        connect: 1, message: 1, contentBlock: 1, finalMessage: 1, end: 1,
      });
      assert.match(stream.request_id ?? "", /^req_/);
    }
  },

  async "a conversation with an answer kept"() {
    for (const model of models) {
      const first = await ask(model);
      const more = { role: "user", content: "and again" };
      const second = await ask(model, {
        messages: [...messages, { role: "assistant", content: first.content }, more],
      });
      assert.equal(textOf(second), "You said: and again");
    }
  },

  async "a system, settings and stop sequences"() {
    const settings = { system: "Be brief.", temperature: 0.5, top_p: 0.9, stop_sequences: ["END"] };
    for (const model of models) {
      assert.equal(textOf(await ask(model, settings)), "You said: hello");
    }
    assert.deepEqual((await openai.look()).body.stop, "END");
    assert.deepEqual((await google.look()).body.generationConfig.stopSequences, ["END"]);
  },

  async "cache marks reach who has them and hurt nobody"() {
    const cache_control = { type: "ephemeral" };
    const marked = [{ type: "text", text: "Be brief.", cache_control }];
    const { messages } = saying({ type: "text", text: "hello", cache_control: { type: "ephemeral", ttl: "1h" } });
    for (const model of models) {
      const answer = await ask(model, { system: marked, messages });
      assert.equal(textOf(answer), "You said: hello");
    }
    const { body } = await claude.look();
    assert.deepEqual([body.system, body.messages], [marked, messages]);
    const { usage } = await ask("c", { system: marked, messages });
    assert.deepEqual([usage.cache_creation_input_tokens, usage.cache_read_input_tokens], [3, 5]);
    const cached = (await ask("gemini-2.5-flash")).usage;
    assert.deepEqual([cached.input_tokens, cached.cache_read_input_tokens], [11, 5]);
  },

  async "an image in base64"() {
    const data = Buffer.alloc(300, 7).toString("base64");
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    for (const model of models) {
      const answer = await ask(model, saying({ type: "text", text: "what?" }, image));
      assert.match(textOf(answer), /^You said: what\? \(1 images, 4\d\d characters\)$/);
    }
  },

  async "a document that is a PDF"() {
    const data = Buffer.from("%PDF-1.4 tiny").toString("base64");
    const pdf = { type: "document", title: "tiny.pdf", source: { type: "base64", media_type: "application/pdf", data } };
    for (const model of models) {
      assert.match(textOf(await ask(model, saying({ type: "text", text: "what?" }, pdf))), /^You said: what\?/);
    }
    assert.deepEqual((await claude.look()).body.messages[0].content[1], pdf);
    const part = (await openai.look()).body.messages[0].content[1];
    assert.equal(part.file.file_data, `data:application/pdf;base64,${data}`);
    assert.ok(part.file.filename);
    assert.deepEqual((await google.look()).body.contents[0].parts[1].inlineData, { mimeType: "application/pdf", data });
  },

  async "a document that is plain text"() {
    const text = "The sky is blue.";
    const document = { type: "document", title: "sky", source: { type: "text", media_type: "text/plain", data: text } };
    for (const model of models) {
      assert.match(textOf(await ask(model, saying({ type: "text", text: "what?" }, document))), /what\?/);
    }
    for (const fake of [openai, google]) {
      const { body } = await fake.look();
      const told = JSON.stringify(body);
      const packed = Buffer.from(text).toString("base64");
      assert.ok(told.includes(text) || told.includes(packed), told);
    }
  },

  async "citations, whole and streamed"() {
    const source = { type: "text", media_type: "text/plain", data: "The sky is blue." };
    const document = { type: "document", title: "sky", source, citations: { enabled: true } };
    const request = { model: "c", max_tokens: 100, ...saying(document, { type: "text", text: "what?" }) };
    const whole = await client.messages.create(request);
    const heard = [];
    const stream = client.messages.stream(request).on("citation", (citation) => heard.push(citation));
    const final = await stream.finalMessage();
    for (const answer of [whole, final]) {
      const [citation] = answer.content[0].citations;
      assert.deepEqual([citation.type, citation.cited_text], ["char_location", "The sky is blue."]);
    }
    assert.equal(heard.length, 1);
  },

  async "structured output, parsed by the SDK"() {
    const format = zodOutputFormat(z.object({ name: z.string(), age: z.number() }));
    for (const model of models) {
      const request = { model, max_tokens: 100, messages, output_config: { format } };
      const answer = await client.messages.parse(request);
      assert.deepEqual(answer.parsed_output, { name: "Ada", age: 36 }, model);
      const streamed = await client.messages.stream(request).finalMessage();
      assert.deepEqual(streamed.parsed_output, { name: "Ada", age: 36 }, model);
    }
  },

  async "tokens are counted"() {
    // By the gateway for `m`, by the providers for the others.
    for (const [at, tokens] of [12, 42, 43, 43].entries()) {
      const count = await client.messages.countTokens({ model: models[at], messages, system: "Be brief." });
      assert.equal(count.input_tokens, tokens, models[at]);
    }
  },

  async "models are listed and found"() {
    const ids = [];
    for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
    for (const model of models) assert.ok(ids.includes(model), ids.join());
    assert.equal(new Set(ids).size, ids.length);
    const one = await client.models.retrieve("m");
    assert.deepEqual([one.id, one.type], ["m", "model"]);
    assert.ok(one.display_name && Date.parse(one.created_at) >= 0);
  },

  async "the beta messages, with a beta header"() {
    for (const model of models) {
      const request = { model, max_tokens: 100, messages, betas: ["interleaved-thinking-2025-05-14"] };
      assert.equal(textOf(await client.beta.messages.create(request)), "You said: hello");
      const final = await client.beta.messages.stream(request).finalMessage();
      assert.equal(textOf(final), "You said: hello");
    }
  },
};

await runCases(cases);
