// SPDX-License-Identifier: Apache-2.0
// OpenAI's Node SDK against a running gateway: OPENAI_BASE_URL=http://…/v1 OPENAI_API_KEY=none node sdk_openai.mjs
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'Name three rivers.' }];
let passed = 0;
let failed = 0;

async function check(name, question) {
  let seen;
  try {
    seen = await question();
  } catch (e) {
    console.log(`FAIL  ${name}\n      ${e}`);
    failed++;
    return;
  }
  console.log(`${seen ? 'PASS' : 'FAIL'}  ${name}`);
  seen ? passed++ : failed++;
}

const model = (await client.models.list()).data[0].id;
await check('models', () => model);
await check('completion', async () => {
  const answer = await client.completions.create({ model, prompt: 'A river is', max_tokens: 8 });
  return answer.choices[0].text;
});
await check('chat', async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
  return answer.choices[0].message.content && answer.usage.total_tokens > 0;
});
await check('chat, streamed', async () => {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 16, stream: true });
  let chunks = 0;
  let text = '';
  for await (const chunk of stream) {
    chunks++;
    text += chunk.choices[0]?.delta?.content ?? '';
  }
  return chunks > 2 && text.length > 0;
});
await check('stream closed by the client', async () => {
  const stream = await client.completions.create({ model, prompt: 'Go on.', max_tokens: 1000, stream: true });
  for await (const chunk of stream) {
    if (chunk) break;
  }
  return (await client.completions.create({ model, prompt: 'Still there?', max_tokens: 4 })).choices[0].text;
});
await check('unknown path is a NotFoundError', async () => {
  try {
    await client.post('/no/such/path', { body: {} });
  } catch (e) {
    return e instanceof OpenAI.NotFoundError;
  }
  return false;
});
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
