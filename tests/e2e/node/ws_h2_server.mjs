// SPDX-License-Identifier: Apache-2.0
// WebSockets as streams of Node's http2, and nothing but HTTP/2: node ws_h2_server.mjs PORT CERTIFICATE KEY
// What came is logged as ws_server.mjs does, and sent back.
import crypto from "node:crypto";
import fs from "node:fs";
import http2 from "node:http2";
import { WebSocket } from "ws";

const [port, certificate, key] = process.argv.slice(2);
const server = http2.createSecureServer({
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  allowHTTP1: false,
  settings: { enableConnectProtocol: true },
});

server.on("stream", (stream, headers) => {
  if (headers[":method"] !== "CONNECT" || headers[":protocol"] !== "websocket") {
    stream.respond({ ":status": 404 }, { endStream: true });
    return;
  }
  stream.respond({ ":status": 200 });
  stream.setNoDelay = stream.setKeepAlive = () => {};
  const link = new WebSocket(null, undefined, { autoPong: true });
  link.on("message", (data, isBinary) => {
    console.log(crypto.createHash("sha256").update(data).digest("hex"), data.length);
    link.send(data, { binary: isBinary });
  });
  link.on("close", (code) => console.log("closed", code));
  link.setSocket(stream, Buffer.alloc(0), { maxPayload: 1 << 26 });
});
server.listen(Number(port), "127.0.0.1");
