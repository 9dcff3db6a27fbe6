#!/usr/bin/env node
// A real API client: connects, prints the account list and the next order id as JSON, disconnects.
//   node scripts/accounts.mjs HOST PORT
import { EventName, IBApi } from '@stoqey/ib';

const [host = '127.0.0.1', port = '4001'] = process.argv.slice(2);
const api = new IBApi({ host, port: Number(port), clientId: 1 + Math.floor(Math.random() * 30) });
const news = {};

const giveUp = setTimeout(() => fail(`no account list from ${host}:${port} within 15 s`), 15_000);

api.on(EventName.error, (error, code) => {
  // Notices about data farms (2100-2199) are no errors.
  if (code < 2100 || code > 2199) fail(`${host}:${port}: ${error.message} (${code})`);
});
api.on(EventName.managedAccounts, (list) => tell({ accounts: list.split(',').filter(Boolean) }));
api.on(EventName.nextValidId, (id) => tell({ nextOrderId: id }));
api.connect();

function tell(part) {
  Object.assign(news, part);
  if (news.accounts === undefined || news.nextOrderId === undefined) return;
  process.stdout.write(`${JSON.stringify(news)}\n`);
  clearTimeout(giveUp);
  api.disconnect();
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
