import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

/**
 * The peer of the proxy rows: Express with http-proxy-middleware, set up as documented, plus keep-alive connections to the
 * target, which are not its default.
 *
 * node bench/peer/express-proxy.ts <port> <target URL>
 */
const [port, target] = process.argv.slice(2);
const app = express();
app.use(createProxyMiddleware({ target: target ?? '', xfwd: true, agent: new Agent({ keepAlive: true }) }));
app.listen(Number(port), '127.0.0.1');
