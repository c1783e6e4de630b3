// SPDX-License-Identifier: Apache-2.0
// An origin on the package ws, as websockets_server.py: node ws_server.mjs PORT CERTIFICATE KEY
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";
import { WebSocketServer } from "ws";

const [port, certificate, key] = process.argv.slice(2);
const server = https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) });
const sockets = new WebSocketServer({ server, perMessageDeflate: true });

sockets.on("connection", (link) => {
  link.on("message", (data, isBinary) => {
    console.log(crypto.createHash("sha256").update(data).digest("hex"), data.length);
    link.send(data, { binary: isBinary });
  });
});
server.listen(Number(port), "127.0.0.1");
