// Sends one e-mail with the official Node client, as it comes, and prints what the caller is told.
//
// Run in a folder that has customerio-node installed, with APP_URL, APP_API_KEY and MESSAGE, the
// request as JSON, in the environment.

import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "index.js"));
const { APIClient, SendEmailRequest } = require("customerio-node");
const { APP_API_KEY, APP_URL, MESSAGE } = process.env;

try {
  const app = new APIClient(APP_API_KEY, { url: `${APP_URL}/v1` });
  await app.sendEmail(new SendEmailRequest(JSON.parse(MESSAGE)));
  console.log("success");
} catch (error) {
  console.log(error.constructor.name);
}
