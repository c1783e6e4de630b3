// SPDX-License-Identifier: Apache-2.0
// fetch through undici's ProxyAgent: node fetch.mjs URL
import { fetch, ProxyAgent } from "undici";

const dispatcher = new ProxyAgent(process.env.HTTPS_PROXY);
const headers = { authorization: `Bearer ${process.env.API_KEY}` };
const answer = await fetch(process.argv[2], { dispatcher, headers });
process.stdout.write(await answer.text());
process.exitCode = answer.ok ? 0 : 1;
