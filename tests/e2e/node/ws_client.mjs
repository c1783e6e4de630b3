// SPDX-License-Identifier: Apache-2.0
// The package ws: node ws_client.mjs URL < MESSAGES, as of websockets_client.py
import fs from "node:fs";
import { HttpsProxyAgent } from "https-proxy-agent";
import WebSocket from "ws";

const messages = JSON.parse(fs.readFileSync(0, "utf8"));
const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
const link = new WebSocket(process.argv[2], { agent });
const answers = [];
let sent;

function longText(size) {
  const line = `${process.env.API_KEY} and some text around it, é included.\n`;
  return line.repeat(size / line.length + 1).slice(0, size);
}

function next() {
  if (messages.length === 0) {
    console.log(JSON.stringify(answers));
    return link.close();
  }
  const message = messages.shift();
  const pieces = Array.isArray(message) ? message : [Number.isInteger(message) ? longText(message) : message];
  sent = Number.isInteger(message) ? pieces[0] : undefined;
  pieces.forEach((piece, at) => link.send(piece, { fin: at === pieces.length - 1 }));
}

link.on("open", next);
link.on("message", (data) => {
  const text = data.toString();
  answers.push(sent === undefined ? text : text === sent);
  next();
});
link.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
