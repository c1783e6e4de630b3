// SPDX-License-Identifier: Apache-2.0
// Node's http2 over a tunnel of its own making: node h2_client.mjs URL
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";

const proxy = new URL(process.env.HTTPS_PROXY);
const url = new URL(process.argv[2]);
const credentials = Buffer.from(`${proxy.username}:${proxy.password}`).toString("base64");
const path = `${url.hostname}:443`;
const headers = { host: path, "proxy-authorization": `Basic ${credentials}` };
const ca = fs.readFileSync(process.env.SSL_CERT_FILE);

http
  .request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path, headers })
  .on("connect", (_, socket) => {
    const createConnection = () => tls.connect({ socket, servername: url.hostname, ca, ALPNProtocols: ["h2"] });
    const session = http2.connect(url.origin, { createConnection });
    const stream = session.request({ ":path": url.pathname, authorization: `Bearer ${process.env.API_KEY}` });
    stream.on("response", (head) => process.stdout.write(`2 ${head[":status"]} `));
    stream.pipe(process.stdout);
    stream.on("end", () => session.close());
  })
  .end();
