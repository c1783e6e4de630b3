// SPDX-License-Identifier: Apache-2.0
// An origin on Node's http2: tells what came, as JSON: node h2_origin.mjs PORT CERTIFICATE KEY
import crypto from "node:crypto";
import fs from "node:fs";
import http2 from "node:http2";

const [port, certificate, key] = process.argv.slice(2);
const options = { cert: fs.readFileSync(certificate), key: fs.readFileSync(key), allowHTTP1: false };

http2
  .createSecureServer(options, (request, response) => {
    const digest = crypto.createHash("sha256");
    let length = 0;
    request.on("data", (piece) => {
      digest.update(piece);
      length += piece.length;
    });
    request.on("end", () => {
      const { method, url, headers, httpVersion } = request;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ method, url, headers, httpVersion, length, digest: digest.digest("hex") }));
    });
  })
  .listen(Number(port), "127.0.0.1");
