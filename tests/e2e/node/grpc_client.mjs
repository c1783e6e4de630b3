// SPDX-License-Identifier: Apache-2.0
// Every kind of call of echo.proto with grpc-js, told as JSON: node grpc_client.mjs HOST
import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const LONG = "x".repeat(300_000);
const { Echo } = grpc.loadPackageDefinition(loader.loadSync(new URL("echo.proto", import.meta.url).pathname)).test;
const client = new Echo(`${process.argv[2]}:443`, grpc.credentials.createSsl());
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${process.env.API_KEY}`);

function unary(text, options = {}, begun = () => {}) {
  return new Promise((resolve) => {
    const seen = {};
    const call = client.Unary({ text }, metadata, options, (error, answer) => {
      seen.code = error && grpc.status[error.code];
      seen.details = error?.details;
      seen.text = answer?.text;
    });
    call.on("metadata", (first) => (seen.first = first.get("x-first")[0]));
    call.on("status", ({ metadata: last }) => resolve({ ...seen, last })); // comes last
    begun(call);
  });
}

async function counted(text) {
  const seen = [];
  for await (const { text: number } of client.Count({ text })) seen.push(number);
  return seen;
}

function collected(texts) {
  return new Promise((resolve, reject) => {
    const call = client.Collect((error, answer) => (error ? reject(error) : resolve(answer.text)));
    for (const text of texts) call.write({ text });
    call.end();
  });
}

// Says the next word when the last was answered.
async function talk(words) {
  const call = client.Chat();
  const heard = [];
  for (const text of words) {
    call.write({ text });
    heard.push((await once(call, "data"))[0].text);
  }
  call.end();
  await once(call, "end");
  return heard;
}

const whole = await unary("hello");
const failed = await unary("fail");
const out = {
  unary: whole.text,
  first: whole.first,
  last: whole.last.get("x-last")[0],
  binary: whole.last.get("x-some-bin")[0].toString("hex"),
  who: (await unary("who")).text,
  long: (await unary(LONG)).text === LONG.toUpperCase(),
  collect: await collected(["a", "b", "c"]),
  count: await counted("50"),
  chat: await talk(["one", "two", "three"]),
  failed: [failed.code, failed.details, failed.last.get("x-last")[0]],
  late: (await unary("wait", { deadline: Date.now() + 1500 })).code,
  cancelled: (await unary("wait", {}, (call) => call.cancel())).code,
  after: (await unary("still there")).text,
};
console.log(JSON.stringify(out));
process.exit(0);
