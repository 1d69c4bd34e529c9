// SPDX-License-Identifier: Apache-2.0
// OpenAI's Node SDK, unchanged, sends the cases to one server: node sdk_openai.mjs URL CASES.json RECORDS.jsonl
// The records are those of sdk_records.py.
import { readFileSync, writeFileSync } from 'node:fs';
import OpenAI from 'openai';
import { VERSION } from 'openai/version';

const [url, casesFile, recordsFile] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000 });
const methods = {
  completions: (body) => client.completions.create(body),
  chat: (body) => client.chat.completions.create(body),
  responses: (body) => client.responses.create(body),
  models: () => client.models.list(),
};

function errorOf(error) {
  const { status, code, param, type, message } = error;
  return { class: error.constructor.name, status_code: status, code, param, type, message, body: error.error };
}

// An engine may close an idle connection in the moment in which it is used again: sdk_records.py.
async function observe(call, body) {
  const seen = await observeOnce(call, body);
  const again = process.env.E2E_RECONNECT && seen.error?.class === 'APIConnectionError';
  return again ? observeOnce(call, body) : seen;
}

async function observeOnce(call, body) {
  const seen = {};
  try {
    const { data, response } = await call(body).withResponse();
    seen.headers = Object.fromEntries(response.headers);
    if (body?.stream) {
      seen.chunks = [];
      for await (const chunk of data) seen.chunks.push(chunk);
    } else {
      seen.answer = data.body ?? data;
    }
  } catch (error) {
    seen.error = errorOf(error);
    seen.headers ??= error.headers ? Object.fromEntries(error.headers) : {};
  }
  return seen;
}

const cases = JSON.parse(readFileSync(casesFile)).filter((one) => methods[one.api]);
const lines = [];
for (const one of cases) {
  lines.push(JSON.stringify({ sdk: `openai-node ${VERSION}`, case: one.name, ...(await observe(methods[one.api], one.body)) }));
}
writeFileSync(recordsFile, lines.join('\n') + '\n');
console.error(`openai-node ${VERSION}: ${cases.length} cases`);
