// The AI SDK: loops of tools over steps, whole and streamed, and thoughts.

import assert from "node:assert/strict";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { everyWay, ways } from "./ai_sdk_world.mjs";
import { servers } from "./breaking.mjs";
import { runCases } from "./run_cases.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const prompt = "hello";
const stopWhen = stepCountIs(5);

function toolsOf(heard) {
  const made = ["weather", "time"].map((name) => [
    name,
    tool({
      description: `The ${name}`,
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => {
        heard.push([name, city]);
        return { [name]: `fine in ${city}` };
      },
    }),
  ]);
  return Object.fromEntries(made);
}

function areCalled(heard) {
  assert.deepEqual([...heard].sort(), [["time", "Zürich"], ["weather", "Zürich"]]);
}

const thinkers = ["claude-haiku-4-5", "gemini-2.5-flash", "gemini-3-flash"];
// How each provider of the SDK asks for thoughts.
const providerOptions = {
  anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } },
  google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
  openai: { reasoningEffort: "low", reasoningSummary: "auto", forceReasoning: true },
  portcullis: { reasoningEffort: "low" },
};
// OpenAI's chat completions have no thoughts in an answer.
const thoughtful = Object.keys(ways).filter((way) => way !== "chat");

const cases = {
  async "tools over steps"() {
    await everyWay(async (model) => {
      const heard = [];
      const { steps, text, finishReason } = await generateText({ model, prompt, tools: toolsOf(heard), stopWhen });
      areCalled(heard);
      assert.equal(steps.length, 2);
      assert.equal(steps[0].finishReason, "tool-calls");
      assert.deepEqual(steps[0].toolResults.map((result) => result.toolName), ["weather", "time"]);
      assert.equal(finishReason, "stop");
      assert.ok(text);
    });
  },

  async "streamed tools over steps"() {
    await everyWay(async (model) => {
      const heard = [];
      const result = streamText({ model, prompt, tools: toolsOf(heard), stopWhen });
      const kinds = new Map();
      for await (const part of result.fullStream) {
        assert.notEqual(part.type, "error", `${part.error?.message} ${part.error?.responseBody}`);
        kinds.set(part.type, (kinds.get(part.type) ?? 0) + 1);
      }
      areCalled(heard);
      assert.deepEqual([kinds.get("tool-call"), kinds.get("tool-result"), kinds.get("finish-step")], [2, 2, 2]);
      assert.ok(kinds.get("text-delta") >= 1);
      assert.ok((await result.totalUsage).outputTokens > 0);
    });
  },

  async "a choice of tools"() {
    await everyWay(async (model) => {
      const tools = toolsOf([]);
      for (const toolChoice of ["auto", "required", { type: "tool", toolName: "time" }]) {
        const { toolCalls } = await generateText({ model, prompt, tools, toolChoice });
        assert.ok(toolCalls.length >= 1, JSON.stringify(toolChoice));
      }
      await generateText({ model, prompt, tools, toolChoice: "none" });
    });
  },

  async "a tool that fails is told to the model"() {
    await everyWay(async (model) => {
      const tools = toolsOf([]);
      tools.time.execute = async () => {
        throw new Error("no clock");
      };
      const { steps } = await generateText({ model, prompt, tools, stopWhen });
      assert.equal(steps.length, 2);
    });
    for (const fake of Object.values(servers)) {
      assert.ok(JSON.stringify((await fake.look()).body).includes("no clock"));
    }
  },

  async "thoughts are parts of their own"() {
    for (const way of thoughtful) {
      for (const name of thinkers) {
        const asked = { model: ways[way](name), prompt, providerOptions, maxOutputTokens: 4000 };
        const { reasoningText, text } = await generateText(asked);
        assert.equal(reasoningText, "Let me think.", `${way}, ${name}`);
        assert.equal(text.trim(), "You said: hello");
        const streamed = streamText(asked);
        await streamed.consumeStream();
        assert.equal(await streamed.reasoningText, "Let me think.", `${way}, ${name}, streamed`);
      }
    }
  },

  async "thoughts go back in a loop of tools"() {
    for (const [way, make] of Object.entries(ways)) {
      for (const name of thinkers) {
        const asked = { model: make(name), prompt, providerOptions, maxOutputTokens: 4000, stopWhen };
        const plain = await generateText({ ...asked, tools: toolsOf([]) });
        assert.equal(plain.text.trim(), "Results: 2", `${way}, ${name}`);
        const streamed = streamText({ ...asked, tools: toolsOf([]) });
        await streamed.consumeStream({ onError: (error) => assert.fail(`${way}, ${name}: ${error}`) });
        assert.equal((await streamed.text).trim(), "Results: 2", `${way}, ${name}, streamed`);
        const messages = [{ role: "user", content: prompt }, ...plain.response.messages, { role: "user", content: "more" }];
        assert.ok((await generateText({ ...asked, prompt: undefined, messages })).text, `${way}, ${name}`);
      }
    }
  },
};

await runCases(cases);
