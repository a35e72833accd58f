// What a case tells a fake, and asks it: see `fake_remote.py`.

import { setTimeout as sleep } from "node:timers/promises";

export function fakeOf(name) {
  const origin = process.env[`FAKE_${name.toUpperCase()}`];
  const put = async (path, told = {}) => {
    const answer = await fetch(origin + path, { method: "PUT", body: JSON.stringify(told) });
    return answer.json();
  };
  return {
    // The next answers: `status`, `headers`, `body` or `pieces`, `times`, `holds`, `breaks`.
    script: (told) => put("/script", told),
    look: () => put("/look"),
    forget: () => put("/forget"),
    // Waits until one more client has hung up than `before`.
    async hungUpAfter(before) {
      for (let tries = 0; tries < 250; tries += 1) {
        if ((await put("/look")).hungUp > before) return;
        await sleep(20);
      }
      throw new Error(`nobody hung up on ${name}`);
    },
  };
}

// One event of a stream, as a server writes it.
export const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
export const data = (value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
