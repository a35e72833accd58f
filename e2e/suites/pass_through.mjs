// Google's SDK in JavaScript, with `/providers/gemini` in its base URL.

import assert from "node:assert/strict";
import { GoogleGenAI } from "@google/genai";

import { runCases } from "./run_cases.mjs";

const httpOptions = { baseUrl: process.env.BASE_URL, apiVersion: "v1beta" };
const ai = new GoogleGenAI({ apiKey: process.env.KEY, httpOptions });

await runCases({
  async "a file is uploaded in pieces"() {
    // A piece is 8 MiB: the second is the rest.
    const file = new Blob([new Uint8Array(9 << 20).fill(7)]);
    const made = await ai.files.upload({ file, config: { mimeType: "application/pdf" } });
    assert.equal(made.sizeBytes, String(9 << 20));
    assert.equal(made.state, "ACTIVE");
  },
});
