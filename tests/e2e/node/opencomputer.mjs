// SPDX-License-Identifier: Apache-2.0
// @opencomputer/sdk, unmodified, against sealgate's control API: prints what each call gave.
// The URL and the key come from OPENCOMPUTER_API_URL and OPENCOMPUTER_API_KEY.
import { Sandbox, SecretStore } from "@opencomputer/sdk";

const [suffix, value] = process.argv.slice(2);
const out = {};

// Stores and secrets.
const base = await SecretStore.create({ name: `base-${suffix}`, egressAllowlist: ["api.test"] });
const extra = await SecretStore.create({ name: `extra-${suffix}` });
out.created = base;
out.listed = (await SecretStore.list()).map((store) => store.name);
out.got = await SecretStore.get(base.id);
out.updated = await SecretStore.update(extra.id, { egressAllowlist: ["other.test", "*.example.test"] });
await SecretStore.setSecret(base.id, "API_KEY", value, { allowedHosts: ["api.test"] });
await SecretStore.setSecret(base.id, "DOOMED", `${value}-doomed`);
out.secrets = await SecretStore.listSecrets(base.id);
await SecretStore.deleteSecret(base.id, "DOOMED");
await SecretStore.deleteSecret(base.id, "DOOMED"); // the SDK takes 404 for done
out.secretsLeft = (await SecretStore.listSecrets(base.id)).map((secret) => secret.name);

// The life of a sandbox.
const sandbox = await Sandbox.create({
  secretStore: base.name,
  envs: { MODE: "test" },
  metadata: { task: "sdk" },
  timeout: 600,
  cpuCount: 2,
  memoryMB: 1024,
});
out.sandboxId = sandbox.sandboxId;
out.status = sandbox.status;
out.running = await sandbox.isRunning();
out.connected = (await Sandbox.connect(sandbox.sandboxId)).status;
out.allowedHosts = await sandbox.getAllowedHosts();
await sandbox.hibernate();
out.hibernated = [sandbox.status, await sandbox.isRunning()];
await sandbox.wake({ timeout: 300 });
out.woken = [sandbox.status, await sandbox.isRunning()];

// Checkpoints and forks.
const checkpoint = await sandbox.createCheckpoint("first");
out.checkpoint = checkpoint;
out.checkpoints = await sandbox.listCheckpoints();
const fork = await Sandbox.createFromCheckpoint(checkpoint.id, { secretStore: extra.name });
out.forkId = fork.sandboxId;
out.forkHosts = await fork.getAllowedHosts();

// The end.
await fork.kill();
out.forkRunning = await fork.isRunning();
out.gone = await Sandbox.connect(fork.sandboxId).then(() => "there", (error) => error.message);
await SecretStore.delete(extra.id);
out.deleted = await SecretStore.get(extra.id).then(() => "there", (error) => error.message);
out.previewAuth = await Sandbox.create({ previewAuth: { scheme: "bearer" } }).then(
  () => "there",
  (error) => error.message,
);
console.log(JSON.stringify(out));
process.exit(0);
