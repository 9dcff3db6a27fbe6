/** supervisord's own web page (`[inet_http_server]`): what runs, to whoever may look. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Container } from '../container.ts';
import { reason } from '../files.ts';

export interface PageOptions {
  port: number;
  /** Empty: nobody is asked who he is. */
  user: string;
  password: string;
  /** Programs and their states, at the time of the request. */
  states: () => readonly { name: string; state: string }[];
}

/** A port that is taken ends supervisord. Resolves with what was wrong, `null`: it listens. */
export async function startSupervisorPage(
  { bind, port, services }: Container,
  options: PageOptions,
): Promise<string | null> {
  const server = createServer((request, response) => {
    if (!mayLook(request.headers.authorization, options)) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="default"' });
      response.end('Error 401: Unauthorized');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(page(options));
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: port(options.port), host: bind }, resolve);
    });
  } catch (error) {
    return reason(error);
  }
  const close = () => closed(server);
  const { port: open } = server.address() as AddressInfo;
  services.set('supervisor', { port: open, close, drain: close });
  return null;
}

function mayLook(header: string | undefined, { user, password }: PageOptions): boolean {
  if (user === '') return true;
  const [, given] = /^Basic (.+)$/.exec(header ?? '') ?? [];
  return Buffer.from(given ?? '', 'base64').toString('utf8') === `${user}:${password}`;
}

function page({ states }: PageOptions): string {
  const rows = states().map(({ name, state }) => `<tr><td>${state}</td><td>${name}</td></tr>`);
  const title = '<title>Supervisor Status</title>';
  return `<!DOCTYPE html>\n<html><head>${title}</head><body><table>${rows.join('')}</table></body></html>\n`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
