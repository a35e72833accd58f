// Anthropic's SDK in JavaScript: tools by hand and by its runner, thoughts over turns.

import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";

import { fakeOf } from "./fakes.mjs";
import { runCases } from "./run_cases.mjs";

const client = new Anthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash"];
const thinkers = ["claude-haiku-4-5", "gemini-2.5-flash", "gemini-3-flash"];
const [openai, claude, google] = ["openai", "anthropic", "google"].map(fakeOf);
const city = { city: "Zürich" };
const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = ["weather", "time"].map((name) => ({ name, description: `The ${name}`, input_schema }));

const request = (model, more) => ({ model, max_tokens: 4000, messages, ...more });
const plain = (model, more) => client.messages.create(request(model, more));
const streamed = (model, more) => client.messages.stream(request(model, more)).finalMessage();
const ways = [plain, streamed];
const callsOf = (answer) => answer.content.filter((block) => block.type === "tool_use");
const saidIn = (answer) => answer.content.filter((block) => block.type === "text").map((block) => block.text).join("");

function turnAfter(answer, resultOf = () => "sunny") {
  const content = callsOf(answer).map((call) => ({
    type: "tool_result",
    tool_use_id: call.id,
    content: resultOf(call),
  }));
  return [...messages, { role: "assistant", content: answer.content }, { role: "user", content }];
}

const runnable = (heard) =>
  ["weather", "time"].map((name) =>
    betaZodTool({
      name,
      description: `The ${name}`,
      inputSchema: z.object({ city: z.string() }),
      run: ({ city }) => {
        heard.push([name, city]);
        return `${name} in ${city}`;
      },
    }),
  );

const cases = {
  async "parallel tools and their results, plain and streamed"() {
    for (const model of models) {
      for (const ask of ways) {
        const answer = await ask(model, { tools });
        assert.deepEqual(callsOf(answer).map(({ name, input }) => [name, input]), [["weather", city], ["time", city]]);
        assert.equal(answer.stop_reason, "tool_use");
        assert.equal(new Set(callsOf(answer).map((call) => call.id)).size, 2);
        const again = await ask(model, { tools, messages: turnAfter(answer) });
        assert.deepEqual([again.stop_reason, callsOf(again).length], ["end_turn", 0], model);
        assert.ok(saidIn(again));
      }
    }
  },

  async "arguments come in pieces that make the whole"() {
    for (const model of models) {
      const snapshots = new Map();
      const kinds = [];
      const stream = client.messages.stream(request(model, { tools }));
      stream.on("inputJson", (_, snapshot) => snapshots.set(snapshots.size, snapshot));
      stream.on("contentBlock", (block) => kinds.push(block.type));
      await stream.finalMessage();
      assert.deepEqual([...snapshots.values()].at(-1), city, model);
      assert.deepEqual(kinds.filter((kind) => kind !== "thinking"), ["tool_use", "tool_use"]);
    }
  },

  async "results in blocks, with an image, and one that failed"() {
    const data = Buffer.alloc(30, 7).toString("base64");
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    for (const model of models) {
      const answer = await plain(model, { tools });
      const told = turnAfter(answer, (call) => (call.name === "time" ? "no clock" : [{ type: "text", text: "sunny" }, image]));
      told[2].content[1].is_error = true;
      assert.ok((await plain(model, { tools, messages: told })).content.length, model);
    }
    for (const fake of [openai, claude, google]) {
      const told = JSON.stringify((await fake.look()).body);
      assert.ok(told.includes("sunny") && told.includes("no clock") && told.includes(data), told);
    }
  },

  async "a text beside the results of tools"() {
    for (const model of models) {
      const answer = await plain(model, { tools });
      const told = turnAfter(answer);
      told[2].content.push({ type: "text", text: "and be quick" });
      await plain(model, { tools, messages: told });
    }
    for (const fake of [openai, claude, google]) {
      assert.ok(JSON.stringify((await fake.look()).body).includes("and be quick"));
    }
  },

  async "every choice of tools"() {
    const choices = [
      { type: "auto" },
      { type: "any" },
      { type: "tool", name: "time" },
      { type: "auto", disable_parallel_tool_use: true },
      { type: "none" },
    ];
    for (const model of models) {
      for (const tool_choice of choices) {
        assert.ok((await plain(model, { tools, tool_choice })).content.length, `${model} ${tool_choice.type}`);
      }
    }
    assert.equal((await openai.look()).body.tool_choice, "none");
    assert.equal((await google.look()).body.toolConfig.functionCallingConfig.mode, "NONE");
  },

  async "the tool runner comes to its end"() {
    for (const model of models) {
      const heard = [];
      const final = await client.beta.messages.toolRunner(request(model, { tools: runnable(heard) }));
      assert.deepEqual(heard.sort(), [["time", "Zürich"], ["weather", "Zürich"]], model);
      assert.equal(final.stop_reason, "end_turn");
      assert.ok(saidIn(final));
    }
  },

  async "the tool runner streams"() {
    for (const model of models) {
      const heard = [];
      const runner = client.beta.messages.toolRunner(request(model, { tools: runnable(heard), stream: true }));
      const reasons = [];
      for await (const stream of runner) {
        for await (const _ of stream);
        reasons.push((await stream.finalMessage()).stop_reason);
      }
      assert.deepEqual(reasons, ["tool_use", "end_turn"], model);
      assert.equal(heard.length, 2);
    }
  },

  async "a thread is kept by who keeps threads, or by the SDK"() {
    for (const model of models) {
      const unsupportedRequestBehavior = "continue_unthreaded";
      const thread = client.beta.messages.thread({ model, max_tokens: 100, unsupportedRequestBehavior });
      const first = await thread.send({ role: "user", content: "hello" });
      assert.equal(saidIn(first).trim(), "You said: hello", model);
      assert.equal(saidIn(await thread.send({ role: "user", content: "more" })).trim(), "You said: more");
      assert.equal(thread.messages.length, 4);
      assert.equal(thread.previousMessageId !== null, model === "c");
    }
    assert.equal((await openai.look()).body.messages.length, 3);
    assert.equal((await claude.look()).body.messages.length, 1);
  },

  async "a thread that the server lost is told again"() {
    const thread = client.beta.messages.thread({ model: "c", max_tokens: 100 });
    await thread.send({ role: "user", content: "hello" });
    const details = { error_code: "thread_not_found" };
    const error = { type: "not_found_error", message: "Thread not found", details };
    await claude.script({ status: 404, body: { type: "error", error } });
    assert.equal(saidIn(await thread.send({ role: "user", content: "more" })).trim(), "You said: more");
    assert.equal((await claude.look()).body.messages.length, 3);
  },

  async "thoughts keep their signature over turns"() {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    for (const model of thinkers) {
      for (const ask of ways) {
        const answer = await ask(model, { tools, thinking });
        const [first] = answer.content;
        assert.equal(first.type, "thinking", model);
        assert.equal(first.thinking, "Let me think.");
        if (model.startsWith("claude")) assert.ok(first.signature);
        const told = turnAfter(answer);
        const again = await ask(model, { tools, thinking, messages: told });
        assert.equal(saidIn(again), "Results: 2", model);
        const next = [...told, { role: "assistant", content: again.content }, { role: "user", content: "more" }];
        assert.ok((await ask(model, { tools, thinking, messages: next })).content.length);
      }
    }
  },

  async "thoughts come as events of the stream helper"() {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    for (const model of thinkers) {
      let thought = "";
      let signature = "";
      const stream = client.messages.stream(request(model, { thinking }));
      stream.on("thinking", (delta) => (thought += delta));
      stream.on("signature", (whole) => (signature = whole));
      const final = await stream.finalMessage();
      assert.equal(thought, "Let me think.", model);
      if (signature) assert.equal(final.content[0].signature, signature);
      assert.equal(saidIn(final).trim(), "You said: hello");
    }
  },

  async "adaptive thinking and effort"() {
    for (const model of thinkers) {
      const more = { thinking: { type: "adaptive" }, output_config: { effort: "high" } };
      assert.equal(saidIn(await plain(model, more)).trim(), "You said: hello", model);
    }
  },

  async "a loop of tools goes on with every other server"() {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    for (const begun of models) {
      for (const ask of ways) {
        const told = turnAfter(await ask(begun, { tools, thinking }));
        for (const other of models) {
          assert.ok(saidIn(await ask(other, { tools, thinking, messages: told })), `${begun} to ${other}`);
        }
      }
    }
  },
};

await runCases(cases);
