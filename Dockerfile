# clowder-otel: collector, proxy, monitor, sinks and command line in one image, made by `docker build .`. `--target demo` makes
# the stand-in Clowder and its visitors.

FROM node:26.10.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY taxonomy taxonomy
COPY runtime runtime
COPY exporter exporter
COPY instrumentation instrumentation
COPY proxy proxy
COPY collector collector
COPY monitor monitor
COPY sinks sinks
COPY usage usage
COPY cli cli
COPY dashboard dashboard
COPY tools/bundle.ts tools/guide.ts tools/
COPY docs/operate.md docs/operate.md
RUN npm run build

FROM node:26.10.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM build AS demo
COPY test/stand-in test/stand-in
USER node
CMD ["node", "test/stand-in/main.ts", "--host", "0.0.0.0", "--port", "9000"]

FROM node:26.10.0-bookworm-slim AS clowder-otel
ENV NODE_ENV=production DATA_DIR=/var/lib/clowder-otel
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
# Named volumes of the collector, the monitor and the sinks take their owner from these directories.
RUN mkdir -p /var/lib/clowder-otel /var/lib/clowder-otel-monitor /var/lib/clowder-otel-sinks \
  && chown node:node /var/lib/clowder-otel /var/lib/clowder-otel-monitor /var/lib/clowder-otel-sinks
USER node
VOLUME /var/lib/clowder-otel
EXPOSE 4317 4318 8000
STOPSIGNAL SIGTERM
# Health check of the collector; the proxy has its own in docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["node", "-e", "fetch('http://127.0.0.1:4318/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--enable-source-maps", "--max-semi-space-size=8", "/app/dist/cli/main.js"]
CMD ["collector"]
