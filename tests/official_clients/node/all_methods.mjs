// Calls every method of the official Node client and prints what became of each, as JSON.
//
// Run in a folder that has customerio-node installed, with TRACK_URL, APP_URL, SITE_ID,
// TRACK_API_KEY and APP_API_KEY in the environment. `served` holds the answers of the calls below;
// `rest` the status of every other method, tried with arguments that get past its own checks.

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "index.js"));
const cio = require("customerio-node");
const { APIClient, SendEmailRequest, SendPushRequest, TrackClient } = cio;
const { APP_API_KEY, APP_URL, SITE_ID, TRACK_API_KEY, TRACK_URL } = process.env;

const once = { retry: { maxRetries: 0 } };
const track = new TrackClient(SITE_ID, TRACK_API_KEY, { url: `${TRACK_URL}/api/v1`, ...once });
const app = new APIClient(APP_API_KEY, { url: `${APP_URL}/v1`, ...once });
const ulid = "01JD5T3Q6C9W4Y2M8K7H1N0PZX";
const person = { type: "person", identifiers: { id: "js-batch" } };
const answers = {};

async function note(name, call) {
  answers[name] = await call();
  return answers[name];
}

async function useTrack() {
  await note("identify", () => track.identify("js/1 + ü", { email: "js1@example.com", plan: "pro" }));
  await track.identify("js-bare"); // a PUT of {}
  await track.track("js-track", { name: "paid", id: ulid, data: { total: 19.5 } });
  await note("track", () => track.track("js-track", { name: "paid", id: ulid }));
  await track.trackAnonymous("js-visitor", { name: "looked" });
  await track.identify("js-anon", { anonymous_id: "js-visitor" });
  const invite = { name: "signed_up", data: { recipient: "friend@example.com" } };
  await note("trackAnonymous", () => track.trackAnonymous("", invite));
  await note("trackPageView", () => track.trackPageView("js-page", "https://example.com/pricing"));
  const device = { last_used: 1795435000, device_os: "18.1" };
  await note("addDevice", () => track.addDevice("js-device", "tok:5/a+b", "ios", device));
  await track.addDevice("js-device", "gone:1", "android");
  await note("deleteDevice", () => track.deleteDevice("js-device", "gone:1"));
  await track.identify("js-suppressed");
  await note("suppress", () => track.suppress("js-suppressed"));
  await track.suppress("js-free");
  await note("unsuppress", () => track.unsuppress("js-free"));
  await track.identify("js-free", { plan: "new" });
  await track.identify("js-gone");
  await note("destroy", () => track.destroy("js-gone"));
  await track.identify("js-one", { city: "" });
  await track.identify("js-two", { email: "js-two@example.com", plan: "team" });
  await note("mergeCustomers", () =>
    track.mergeCustomers("id", "js-one", "email", "js-two@example.com"),
  );
  await note("batch", () =>
    track.batch([
      { ...person, action: "identify", attributes: { plan: "pro" } },
      { ...person, action: "event", name: "paid" },
    ]),
  );
  await note("entity", () => track.entity({ ...person, action: "screen", name: "Home" }));
  await note("getAccountRegion", () => track.getAccountRegion());
  await note("addCustomersToSegment", () =>
    track.addCustomersToSegment(1, ["nobody@example.com", "js1@example.com"], "email"),
  );
  await track.addCustomersToSegment(1, ["js-track"]);
  await note("removeCustomersFromSegment", () =>
    track.removeCustomersFromSegment(1, ["js-track"], "id"),
  );
}

async function useSends() {
  const mail = new SendEmailRequest({
    to: "ada+test@example.com",
    transactional_message_id: "receipt",
    identifiers: { id: "u1" },
  });
  mail.attach("invoice.txt", "Thank you");
  const sent = await note("sendEmail", () => app.sendEmail(mail));
  const push = { transactional_message_id: "order_shipped", identifiers: { id: "u1" } };
  await note("sendPush", () => app.sendPush(new SendPushRequest(push)));
  await note("getArchivedMessage", () => app.getArchivedMessage(sent.delivery_id));
  await note("getMessage", () => app.getMessage(sent.delivery_id, { associations: true }));
  const wanted = { type: "email", transactional_id: 1, limit: 1, get_tracked_responses: true };
  await note("getMessages", () => app.getMessages(wanted));
}

async function useBroadcast() {
  const audience = { ids: ["u1", "nobody"], id_ignore_missing: true };
  const { id } = await note("triggerBroadcast", () =>
    app.triggerBroadcast(30, { month: "May" }, audience),
  );
  await note("getBroadcastTriggerStatus", () => app.getBroadcastTriggerStatus(30, id));
  await note("getBroadcastTriggerErrors", () => app.getBroadcastTriggerErrors(30, id, { limit: 5 }));
  await note("getBroadcastTriggers", () => app.getBroadcastTriggers(30));
  await note("getCustomerMessages", () => app.getCustomerMessages("u1"));
  await note("getBroadcastMessages", () => app.getBroadcastMessages(30, { limit: 1 }));
  await note("getBroadcastMetrics", () => app.getBroadcastMetrics(30, { period: "days", steps: 3 }));
  await note("getBroadcast", () => app.getBroadcast(30));
  await note("listBroadcasts", () => app.listBroadcasts());
}

async function useApp() {
  await note("getCustomersByEmail", () => app.getCustomersByEmail("JS1@example.com"));
  const filter = { and: [{ segment: { id: 1 } }, { attribute: { field: "plan", operator: "exists" } }] };
  await note("searchCustomers", () => app.searchCustomers(filter, { limit: 1 }));
  await note("getCustomerSegments", () => app.getCustomerSegments("u1"));
  await note("getCustomerActivities", () => app.getCustomerActivities("js/1 + ü", { limit: 1 }));
  await note("getAttributes", () => app.getAttributes("js/1 + ü"));
  answers.getAttributesByEmail = await app.getAttributes("js1@example.com", "email");
  const { segment } = await note("createSegment", () => app.createSegment({ name: "From Node" }));
  await note("getSegment", () => app.getSegment(segment.id));
  await note("listSegments", () => app.listSegments());
  await note("getSegmentCustomerCount", () => app.getSegmentCustomerCount(1));
  await note("getSegmentMembership", () => app.getSegmentMembership(1, { limit: 1 }));
  await note("getSegmentUsedBy", () => app.getSegmentUsedBy(2));
  await note("deleteSegment", () => app.deleteSegment(segment.id));
  await note("listCampaigns", () => app.listCampaigns());
  await note("getCampaign", () => app.getCampaign(12));
  const span = { version: "2", res: "daily", tz: "Europe/Berlin", start: 1795200000 };
  await note("getCampaignMetrics", () => app.getCampaignMetrics(12, span));
  await note("listTransactionalMessages", () => app.listTransactionalMessages());
  await note("getTransactionalMessage", () => app.getTransactionalMessage(2));
  await note("getTransactionalMessageContents", () => app.getTransactionalMessageContents(2));
}

const shapes = [
  [],
  ["1"],
  ["1", "1"],
  ["1", "1", "en"],
  [{ name: "x", delivery_id: "1", url: "x", endpoint: "x", value: "x", tag: "x" }],
  ["1", { name: "x" }],
  ["1", {}, {}],
  ["1", { start: 1795200000, end: 1795300000, res: "days" }],
  ["hard_bounces", "a@example.com"],
  ["example.com", "hard_bounces"],
  [["1"]],
  [[{ name: "x" }]],
  ["1", [{ a: 1 }]],
  [{ name: "x", data: [{ a: 1 }] }],
  [{ data: "x", filename: "x.png" }],
  ["1", { language: "en" }],
  ["1", "en", { content: { subject: "x" } }],
  [{ name: "x", type: "people", identifier: "id", data_file_url: "https://example.com/x.csv" }],
  ...["SendSMSRequest", "SendWhatsAppRequest", "SendInboxMessageRequest", "SendInAppRequest"].map(
    (kind) => [new cio[kind]({ transactional_message_id: 1, identifiers: { id: "u1" } })],
  ),
];

async function tried(client, name) {
  let last = "no arguments fit";
  for (const shape of shapes) {
    try {
      await client[name](...shape);
      return 200;
    } catch (error) {
      if (error.statusCode) return error.statusCode;
      last = error.message;
    }
  }
  return last;
}

async function useRest(client, known) {
  const found = {};
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(client))) {
    const makesRequests = !["constructor", "resourceBase"].includes(name);
    if (makesRequests && !(name in known)) found[name] = await tried(client, name);
  }
  return found;
}

async function refusals() {
  const stranger = new TrackClient(SITE_ID, "wrong", { url: `${TRACK_URL}/api/v1`, ...once });
  const unknown = new SendEmailRequest({
    to: "a@example.com",
    transactional_message_id: "none",
    identifiers: { id: "u1" },
  });
  const calls = {
    wrongKey: () => stranger.identify("u1"),
    wrongTemplate: () => app.sendEmail(unknown),
    longValue: () => track.identify("u1", { myAttribute: "x".repeat(1001) }),
    secondTrigger: () => app.triggerBroadcast(30, {}, { ids: ["u1"] }),
  };
  const found = {};
  for (const [name, call] of Object.entries(calls)) {
    found[name] = await call().catch((error) => `${error.statusCode} ${error.message}`);
  }
  return found;
}

await useTrack();
await useSends();
await useBroadcast();
await useApp();
const refused = await refusals();
const rest = { track: await useRest(track, answers), app: await useRest(app, answers) };
console.log(JSON.stringify({ served: answers, refused, rest }));
