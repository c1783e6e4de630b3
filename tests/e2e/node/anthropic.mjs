// SPDX-License-Identifier: Apache-2.0
// The official Anthropic client, one answer whole and one streamed: node anthropic.mjs BASE_URL
import Anthropic from "@anthropic-ai/sdk";
import { fetch, ProxyAgent } from "undici";

const dispatcher = new ProxyAgent(process.env.HTTPS_PROXY);
const client = new Anthropic({ baseURL: process.argv[2], fetch, fetchOptions: { dispatcher }, maxRetries: 0 });
const asked = { model: "test", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };

const whole = await client.messages.create(asked);
const streamed = [];
const stream = client.messages.stream(asked);
stream.on("text", (text) => streamed.push(text));
const final = await stream.finalMessage();
console.log(JSON.stringify({ whole: whole.content[0].text, streamed, final: final.content[0].text }));
process.exit(0);
