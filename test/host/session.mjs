// An API session that stays open: prints the server's time, again and again, until its standard
// input ends; exits with 1 when the session ends first.
//   node test/host/session.mjs HOST PORT
import { EventName, IBApi } from '@stoqey/ib';

const [host = '127.0.0.1', port = '4001'] = process.argv.slice(2);
const api = new IBApi({ host, port: Number(port), clientId: 77 });

api.on(EventName.disconnected, () => end(1));
api.on(EventName.error, (error) => process.stderr.write(`${error.message}\n`));
api.on(EventName.nextValidId, () => api.reqCurrentTime());
api.on(EventName.currentTime, (time) => {
  process.stdout.write(`${time}\n`);
  setTimeout(() => api.reqCurrentTime(), 100);
});
process.stdin.resume().on('end', () => end(0));
api.connect();

function end(code) {
  process.exit(code);
}
