// SPDX-License-Identifier: Apache-2.0
// echo.proto on grpc-js: node grpc_server.mjs PORT CERTIFICATE KEY
import fs from "node:fs";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [port, certificate, key] = process.argv.slice(2);
const { Echo } = grpc.loadPackageDefinition(loader.loadSync(new URL("echo.proto", import.meta.url).pathname)).test;

function unary(call, done) {
  const credentials = String(call.metadata.get("authorization")[0] ?? "");
  const { text } = call.request;
  const first = new grpc.Metadata();
  const last = new grpc.Metadata();
  console.log("authorization", credentials);
  first.set("x-first", "early");
  last.set("x-last", "late");
  last.set("x-some-bin", Buffer.from([0, 255]));
  call.sendMetadata(first);
  if (text === "fail") {
    done({ code: grpc.status.NOT_FOUND, details: "no such thing: 100 % é", metadata: last });
  } else if (text === "wait") {
    call.on("cancelled", () => console.log("cancelled"));
  } else {
    done(null, { text: text === "who" ? credentials : text.toUpperCase() }, last);
  }
}

function collect(call, done) {
  const texts = [];
  call.on("data", ({ text }) => texts.push(text));
  call.on("end", () => done(null, { text: texts.join(",") }));
}

function count(call) {
  for (let number = 0; number < Number(call.request.text); number++) call.write({ text: `${number}` });
  call.end();
}

function chat(call) {
  call.on("data", ({ text }) => call.write({ text: text.toUpperCase() }));
  call.on("end", () => call.end());
}

const server = new grpc.Server();
const pair = { private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(certificate) };
server.addService(Echo.service, { Unary: unary, Collect: collect, Count: count, Chat: chat });
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createSsl(null, [pair]), (error) => {
  if (error) throw error;
});
