// OpenAI's SDK in JavaScript: Responses and its helpers. `m` is of a server of chat
// completions, `c` of Messages, `r` of Responses, the others of Gemini's.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { data, fakeOf } from "./fakes.mjs";
import { runCases } from "./run_cases.mjs";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const { responses } = client;
const openai = fakeOf("openai");
const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash", "r"];
const thinkers = ["claude-haiku-4-5", "gemini-2.5-flash", "gemini-3-flash"];
const input = "hello";
const City = z.object({ city: z.string() });
const Person = z.object({ name: z.string(), age: z.number() });
const city = { city: "Zürich" };
const tools = ["weather", "time"].map((name) => zodResponsesFunction({ name, parameters: City }));

const plain = (asked) => responses.create(asked);
const streamed = (asked) => responses.stream(asked).finalResponse();
const ways = [plain, streamed];
const callsOf = (answer) => answer.output.filter((item) => item.type === "function_call");
const isSaid = (text) => assert.match(text, /^(You said: \w+|Results: 2|Items: \d+)\s*$/);
const outputsOf = (answer) =>
  callsOf(answer).map(({ call_id }) => ({ type: "function_call_output", call_id, output: "sunny" }));

const cases = {
  async "a response, plain and streamed"() {
    for (const model of models) {
      for (const ask of ways) {
        const answer = await ask({ model, input, instructions: "Be brief." });
        isSaid(answer.output_text);
        assert.deepEqual([answer.object, answer.status, answer.error], ["response", "completed", null]);
        const { input_tokens, output_tokens, total_tokens } = answer.usage;
        assert.ok(input_tokens > 0 && output_tokens > 0, model);
        assert.equal(total_tokens, input_tokens + output_tokens);
      }
    }
  },

  async "the events of a stream, in their order"() {
    for (const model of models) {
      const kinds = [];
      let number = -1;
      let text = "";
      const stream = responses.stream({ model, input });
      stream.on("response.output_text.delta", ({ delta, snapshot }) => {
        text += delta;
        assert.equal(text, snapshot);
      });
      for await (const event of stream) {
        assert.ok(event.sequence_number > number, `${event.type}: ${event.sequence_number} after ${number}`);
        number = event.sequence_number;
        if (kinds.at(-1) !== event.type) kinds.push(event.type.replace("response.", ""));
      }
      const expected = [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
      ];
      const isNew = (kind, at) => kind !== kinds[at - 1];
      assert.deepEqual(kinds.filter(isNew).filter((kind) => model !== "r" || kind !== "in_progress"),
        expected.filter((kind) => model !== "r" || kind !== "in_progress"), model);
    }
  },

  async "parallel functions with parsed arguments"() {
    for (const model of models) {
      for (const ask of [(asked) => responses.parse(asked), streamed]) {
        const answer = await ask({ model, input, tools });
        const calls = callsOf(answer).map((call) => [call.name, call.parsed_arguments]);
        assert.deepEqual(calls, [["weather", city], ["time", city]], model);
      }
    }
  },

  async "a loop of functions goes on from the answer's id"() {
    for (const model of models) {
      for (const ask of ways) {
        const first = await ask({ model, input, tools });
        const second = await ask({ model, tools, previous_response_id: first.id, input: outputsOf(first) });
        isSaid(second.output_text);
        assert.equal(second.previous_response_id, first.id);
        const third = await ask({ model, previous_response_id: second.id, input: "more" });
        isSaid(third.output_text);
        const items = [];
        for await (const item of responses.inputItems.list(third.id, { limit: 2, order: "asc" })) items.push(item);
        assert.equal(new Set(items.map((item) => item.id)).size, items.length, JSON.stringify(items));
        // What was asked, two calls, two outputs, what was said, what was asked then; thoughts too.
        assert.equal(items.filter((item) => item.type !== "reasoning").length, 7, model);
      }
    }
  },

  async "a loop of functions with everything sent along"() {
    for (const model of models) {
      for (const ask of ways) {
        const said = [{ role: "user", content: input }];
        const first = await ask({ model, input: said, tools, store: false });
        const second = await ask({ model, tools, store: false, input: [...said, ...first.output, ...outputsOf(first)] });
        isSaid(second.output_text);
      }
    }
  },

  async "kept items are named by their ids"() {
    for (const model of models) {
      const first = await responses.create({ model, input, tools });
      const named = first.output.map(({ id }) => ({ type: "item_reference", id }));
      const again = [{ role: "user", content: input }, ...named, ...outputsOf(first)];
      isSaid((await responses.create({ model, input: again, tools })).output_text);
    }
    const gone = [{ type: "item_reference", id: `msg_${"0".repeat(32)}_0` }];
    await assert.rejects(responses.create({ model: "m", input: gone }), OpenAI.NotFoundError);
  },

  async "an answer by a schema, parsed"() {
    const text = { format: zodTextFormat(Person, "person") };
    for (const model of models) {
      const answer = await responses.parse({ model, input, text });
      assert.deepEqual(answer.output_parsed, { name: "Ada", age: 36 }, model);
      assert.deepEqual((await streamed({ model, input, text })).output_parsed, { name: "Ada", age: 36 }, model);
    }
  },

  async "thoughts as items, and sealed for the next turn"() {
    const reasoning = { effort: "low", summary: "auto" };
    const include = ["reasoning.encrypted_content"];
    for (const model of thinkers) {
      for (const ask of ways) {
        const said = [{ role: "user", content: input }];
        const asked = { model, tools, reasoning, include, store: false, max_output_tokens: 8000 };
        const first = await ask({ ...asked, input: said });
        const [thought] = first.output;
        assert.equal(thought.type, "reasoning", model);
        assert.equal(thought.summary[0].text, "Let me think.");
        const second = await ask({ ...asked, input: [...said, ...first.output, ...outputsOf(first)] });
        assert.equal(second.output_text.trim(), "Results: 2", model);
      }
    }
  },

  async "kept answers are fetched, replayed, forgotten"() {
    for (const model of models.filter((name) => name !== "r")) {
      const answer = await streamed({ model, input });
      const found = await responses.retrieve(answer.id);
      assert.equal(found.output_text, answer.output_text);
      const replayed = await responses.stream({ response_id: answer.id }).finalResponse();
      assert.equal(replayed.output_text, answer.output_text);
      const later = [];
      for await (const event of responses.stream({ response_id: answer.id, starting_after: 3 })) {
        later.push(event.sequence_number);
      }
      assert.ok(later.length && Math.min(...later) > 3, `${model}: ${later}`);
      await responses.delete(answer.id);
      await assert.rejects(responses.retrieve(answer.id), OpenAI.NotFoundError);
    }
  },

  async "in the background: asked after, picked up, stopped"() {
    for (const model of models) {
      let answer = await responses.create({ model, input, background: true });
      const { id } = answer;
      while (["queued", "in_progress"].includes(answer.status)) answer = await responses.retrieve(id);
      assert.deepEqual([answer.id, answer.status, answer.background], [id, "completed", true]);
      isSaid(answer.output_text);
      const events = [];
      for await (const event of await responses.create({ model, input, background: true, stream: true })) {
        events.push(event);
      }
      const numbers = events.map((event) => event.sequence_number);
      assert.deepEqual(numbers, events.map((_, at) => at));
      const again = [];
      const cursor = { stream: true, starting_after: 3 };
      for await (const event of await responses.retrieve(events[0].response.id, cursor)) again.push(event);
      assert.deepEqual(again, events.slice(4));
      assert.equal((await responses.cancel(id)).status, "completed");
      isSaid((await streamed({ model, input, background: true })).output_text);
    }
    const { hungUp } = await openai.look();
    const chunk = { id: "x", object: "chat.completion.chunk", created: 1, model: "m" };
    const choices = [{ index: 0, delta: { role: "assistant", content: "one" }, finish_reason: null }];
    await openai.script({ pieces: [data({ ...chunk, choices }), data("[DONE]")], holds: true });
    const held = await responses.create({ model: "m", input, background: true, stream: true });
    let id;
    for await (const event of held) {
      id ??= event.response.id;
      if (event.type === "response.output_text.delta") await responses.cancel(id);
    }
    assert.equal((await responses.retrieve(id)).status, "cancelled");
    await openai.hungUpAfter(hungUp);
  },

  async "tokens are counted"() {
    // By the gateway for the first and the last, by the providers for the others.
    for (const [at, tokens] of [6, 42, 43, 43, 6].entries()) {
      const count = await responses.inputTokens.count({ model: models[at], input: "hello" });
      assert.deepEqual(count, { object: "response.input_tokens", input_tokens: tokens }, models[at]);
    }
  },

  async "an image, a file and a message by the assistant"() {
    const image = { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${"iVBORw0KGgo=".repeat(9)}` };
    const file = { type: "input_file", filename: "a.pdf", file_data: `data:application/pdf;base64,${btoa("%PDF-1.4")}` };
    for (const model of models) {
      const content = [{ type: "input_text", text: "what?" }, image, file];
      const said = [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "hello" },
        { role: "assistant", content: "You said: hello" },
        { role: "user", content },
      ];
      const answer = await responses.create({ model, input: said });
      assert.match(answer.output_text, /You said: what\? \([12] images, \d+ characters\)|Items: 4/, model);
    }
  },
};

await runCases(cases);
