// SPDX-License-Identifier: Apache-2.0
// The https module through https-proxy-agent: node https.mjs URL
import https from "node:https";
import { HttpsProxyAgent } from "https-proxy-agent";

const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
const headers = { authorization: `Bearer ${process.env.API_KEY}` };
https.get(process.argv[2], { agent, headers }, (answer) => {
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
  answer.pipe(process.stdout);
});
