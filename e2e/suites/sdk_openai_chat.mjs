// OpenAI's SDK in JavaScript: the helpers of chat completions. `m` is of a server of
// this dialect, `c` of one of Anthropic's, `r` of Responses, the others of Gemini's.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { runCases } from "./run_cases.mjs";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const { completions } = client.chat;
const messages = [{ role: "user", content: "hello" }];
const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash", "r"];
const include_usage = { stream_options: { include_usage: true } };
const Person = z.object({ name: z.string(), age: z.number() });
const City = z.object({ city: z.string() });
const city = { city: "Zürich" };

const isSaid = (text) => assert.match(text, /^(You said: hello|Results: 2|Items: \d+)\s*$/);

function toolsOf(heard) {
  return ["weather", "time"].map((name) =>
    zodFunction({
      name,
      parameters: City,
      function: ({ city }) => {
        heard.push([name, city]);
        return `fine in ${city}`;
      },
    }),
  );
}

function areCalled(heard) {
  assert.deepEqual([...heard].sort(), [["time", "Zürich"], ["weather", "Zürich"]]);
}

const cases = {
  async "the stream helper with its events"() {
    for (const model of models) {
      const seen = { content: "", chunk: 0, message: 0, finalContent: 0, end: 0 };
      const stream = completions.stream({ model, messages, ...include_usage });
      stream.on("content", (delta, snapshot) => {
        seen.content += delta;
        assert.equal(seen.content, snapshot);
      });
      for (const name of ["chunk", "message", "finalContent", "end"]) stream.on(name, () => (seen[name] += 1));
      const final = await stream.finalChatCompletion();
      await stream.done();
      isSaid(seen.content);
      assert.equal(await stream.finalContent(), seen.content);
      assert.deepEqual([final.object, final.choices[0].finish_reason], ["chat.completion", "stop"]);
      assert.deepEqual([seen.message, seen.finalContent, seen.end], [1, 1, 1]);
      const usage = await stream.totalUsage();
      assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0, `${model}: ${JSON.stringify(usage)}`);
    }
  },

  async "parallel functions in the stream helper"() {
    for (const model of models) {
      const done = [];
      const stream = completions.stream({ model, messages, tools: toolsOf([]) });
      stream.on("tool_calls.function.arguments.done", ({ name, parsed_arguments }) => done.push([name, parsed_arguments]));
      const { choices } = await stream.finalChatCompletion();
      assert.deepEqual(done, [["weather", city], ["time", city]], model);
      assert.equal(choices[0].finish_reason, "tool_calls");
      const { tool_calls } = choices[0].message;
      assert.deepEqual(tool_calls.map((call) => call.function.parsed_arguments), [city, city]);
      assert.equal(new Set(tool_calls.map((call) => call.id)).size, 2);
    }
  },

  async "functions that the SDK runs"() {
    for (const model of models) {
      const heard = [];
      const runner = completions.runTools({ model, messages, tools: toolsOf(heard) });
      isSaid(await runner.finalContent());
      areCalled(heard);
      assert.equal(runner.allChatCompletions().length, 2, model);
      assert.ok((await runner.totalUsage()).total_tokens > 0);
    }
  },

  async "functions that the SDK runs in a stream"() {
    for (const model of models) {
      const heard = [];
      const runner = completions.runTools({ model, messages, tools: toolsOf(heard), stream: true, ...include_usage });
      let text = "";
      for await (const chunk of runner) text += chunk.choices[0]?.delta.content ?? "";
      isSaid(text);
      areCalled(heard);
      assert.ok((await runner.totalUsage()).completion_tokens > 0, model);
    }
  },

  async "one function that is asked for, and none"() {
    for (const model of models) {
      const tools = toolsOf([]);
      const tool_choice = { type: "function", function: { name: "time" } };
      const answer = await completions.create({ model, messages, tools, tool_choice, parallel_tool_calls: false });
      assert.ok(answer.choices[0].message.tool_calls.some((call) => call.function.name === "time"), model);
      const said = await completions.create({ model, messages, tools, tool_choice: "none" });
      assert.ok(!said.choices[0].message.tool_calls?.length, model);
    }
  },

  async "an answer by a schema, parsed"() {
    const response_format = zodResponseFormat(Person, "person");
    for (const model of models) {
      const answer = await completions.parse({ model, messages, response_format });
      assert.deepEqual(answer.choices[0].message.parsed, { name: "Ada", age: 36 }, model);
      const stream = completions.stream({ model, messages, response_format });
      const { choices } = await stream.finalChatCompletion();
      assert.deepEqual(choices[0].message.parsed, { name: "Ada", age: 36 }, model);
    }
  },

  async "a developer's word, settings and a name"() {
    const more = {
      messages: [{ role: "developer", content: "Be brief." }, { role: "user", name: "ada", content: "hello" }],
      temperature: 0.5, top_p: 0.9, max_completion_tokens: 99,
    };
    for (const model of models) {
      const { choices, usage } = await completions.create({ model, ...more });
      isSaid(choices[0].message.content);
      assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    }
  },

  async "an image and a file"() {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"iVBORw0KGgo=".repeat(9)}` } };
    const file = { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${btoa("%PDF-1.4")}` } };
    for (const model of models) {
      const content = [{ type: "text", text: "what?" }, image, file];
      const { choices } = await completions.create({ model, messages: [{ role: "user", content }] });
      assert.match(choices[0].message.content, /You said: what\? \([12] images, \d+ characters\)|Items: 1/, model);
    }
  },
};

await runCases(cases);
