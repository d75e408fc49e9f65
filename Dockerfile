# The image of twist: Node and one file.
#
#     docker build -t twist .
#     docker run --rm -p 9001:9001 twist                           an echo server
#     docker run --rm -p 9001:9001 twist serve --tcp db:5900       a proxy to the service at db
#     docker run --rm -p 9001:9001 -e TWIST_TCP=db:5900 twist      the same by the environment

ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY build.mjs build-parts.mjs tsconfig.json ./
COPY src src
RUN npm run bundle

FROM ${NODE_IMAGE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="twist" \
      org.opencontainers.image.description="A WebSocket server in one command: echo, TCP proxy and traffic recording" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production
# What the image does by itself, weaker than every flag, variable and file; the mode gives way to any that is chosen.
ENV TWIST_DEFAULT_LISTEN=:9001 TWIST_DEFAULT_ECHO=true
COPY LICENSE-MIT LICENSE-APACHE /opt/twist/
COPY --from=build /build/dist/THIRD_PARTY_NOTICES.txt /build/dist/twist.cjs /opt/twist/
# The image's own unprivileged user, by number: what runs it can see that it is not root.
USER 1000:1000
EXPOSE 9001
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/twist/twist.cjs"]
CMD ["serve"]
