// SPDX-License-Identifier: Apache-2.0
// The official OpenAI client, one answer whole and one streamed: node openai.mjs BASE_URL
import OpenAI from "openai";
import { fetch, ProxyAgent } from "undici";

const dispatcher = new ProxyAgent(process.env.HTTPS_PROXY);
const client = new OpenAI({ baseURL: process.argv[2], fetch, fetchOptions: { dispatcher }, maxRetries: 0 });
const asked = { model: "test", messages: [{ role: "user", content: "hello" }] };

const whole = await client.chat.completions.create(asked);
const streamed = [];
for await (const event of await client.chat.completions.create({ ...asked, stream: true })) {
  streamed.push(event.choices[0].delta.content);
}
console.log(JSON.stringify({ whole: whole.choices[0].message.content, streamed }));
process.exit(0);
