// The AI SDK's providers, each with address and key of the gateway only. `m` is of a
// server of OpenAI's dialect, `c` of one of Anthropic's, the others of Gemini's.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";

const origin = process.env.BASE_URL;
const at = (apiKey) => ({ baseURL: `${origin}/v1`, apiKey });

export function providersOf(key = process.env.KEY) {
  const openai = createOpenAI(at(key));
  const anthropic = createAnthropic(at(key));
  const google = createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey: key });
  const alike = createOpenAICompatible({
    name: "portcullis", includeUsage: true, supportsStructuredOutputs: true, ...at(key),
  });
  return { openai, anthropic, google, alike };
}

const { openai, anthropic, google, alike } = providersOf();

// What speaks to the gateway, by the API that it uses.
export const ways = {
  chat: (model) => openai.chat(model),
  responses: (model) => openai.responses(model),
  messages: (model) => anthropic(model),
  gemini: (model) => google(model),
  alike: (model) => alike(model),
};

export const models = ["m", "c", "gemini-2.5-flash", "gemini-3-flash"];

// Every way to every model.
export async function everyWay(run, names = models) {
  for (const [way, make] of Object.entries(ways)) {
    for (const name of names) {
      try {
        await run(make(name), name, way);
      } catch (error) {
        error.stack = `${way}, ${name}: ${error.stack}\n${error.responseBody ?? ""}`;
        throw error;
      }
    }
  }
}
