// A day of @azure/batch, told as JSON. Arguments: endpoint, account, key, an id for pool and job.
import { BatchServiceClient, BatchSharedKeyCredentials } from "@azure/batch";

const [endpoint, account, key, id] = process.argv.slice(2);
const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, key), endpoint, {
  noRetryPolicy: true,
});
const told = {};

async function codeOf(action) {
  try {
    await action();
    return "none";
  } catch (error) {
    return error.code ?? error.statusCode;
  }
}

async function until(holds) {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("not within a minute");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function text(response) {
  const chunks = [];
  for await (const chunk of response.readableStreamBody) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

await client.pool.add({
  id,
  vmSize: "standard_d2s_v3",
  virtualMachineConfiguration: {
    imageReference: { publisher: "canonical", offer: "ubuntu-24_04-lts", sku: "server" },
    nodeAgentSKUId: "batch.node.ubuntu 24.04",
  },
  targetDedicatedNodes: 1,
  targetNodeCommunicationMode: "simplified",
  metadata: [{ name: "grüße", value: "日本" }],
});
const pool = await client.pool.get(id);
told.pool = { metadata: pool.metadata, mode: pool.currentNodeCommunicationMode, created: pool.creationTime };
told.exists = [(await client.pool.exists(id)).body, (await client.pool.exists("none")).body];
await client.pool.patch(id, { metadata: [{ name: "a", value: "b" }] });
await client.pool.updateProperties(id, {
  certificateReferences: [],
  applicationPackageReferences: [],
  metadata: [],
});
await until(async () => (await client.pool.get(id)).allocationState === "steady");

await client.job.add({ id, poolInfo: { poolId: id } });
await client.task.add(id, { id: "one", commandLine: "/bin/sh -c 'echo seen; exit 3'" });
const added = await client.task.addCollection(id, [
  { id: "two", commandLine: "/bin/true" },
  { id: "three", commandLine: "/bin/true" },
]);
told.added = added.value.map((item) => item.status);
await until(async () => (await client.job.getTaskCounts(id)).taskCounts.completed === 3);
const filter = "startswith(id,'t') and executionInfo/exitCode eq 0";
told.filtered = (await client.task.list(id, { taskListOptions: { filter, select: "id,state" } })).map(
  (item) => item.id,
);
const ids = [];
let page = await client.task.list(id, { taskListOptions: { maxResults: 1 } });
for (;;) {
  ids.push(...page.map((item) => item.id));
  if (!page.odatanextLink) break;
  page = await client.task.listNext(page.odatanextLink);
}
told.ids = ids;
told.exitCode = (await client.task.get(id, "one")).executionInfo.exitCode;
told.output = await text(await client.file.getFromTask(id, "one", "stdout.txt"));
told.slice = await text(
  await client.file.getFromTask(id, "one", "stdout.txt", {
    fileGetFromTaskOptions: { ocpRange: "bytes=1-2" },
  }),
);
told.length = (await client.file.getPropertiesFromTask(id, "one", "stdout.txt")).contentLength;
await client.file.deleteFromTask(id, "one", "stdout.txt");
await client.task.reactivate(id, "one");
await client.task.deleteMethod(id, "three");

const [node] = await client.computeNode.list(id);
await until(async () => (await client.computeNode.get(id, node.id)).state === "idle");
await client.computeNode.disableScheduling(id, node.id, { nodeDisableSchedulingOption: "requeue" });
await client.computeNode.enableScheduling(id, node.id);
await client.job.patch(id, { priority: 7 });
await client.job.update(id, { poolInfo: { poolId: id }, priority: 8 });
told.priority = (await client.job.get(id)).priority;
await client.job.disable(id, "requeue");
await client.job.terminate(id, { jobTerminateParameter: { terminateReason: "enough" } });
told.refused = {
  "a missing pool": await codeOf(() => client.pool.get("none")),
  "the same job": await codeOf(() => client.job.add({ id, poolInfo: { poolId: id } })),
  "an old version": await codeOf(() =>
    client.job.patch(id, { priority: 1 }, { jobPatchOptions: { ifMatch: "0x1" } }),
  ),
};
await client.job.deleteMethod(id);
await client.pool.deleteMethod(id);
await until(async () => !(await client.pool.exists(id)).body);
console.log(JSON.stringify(told));
