# The image of twist: one program, Node, and the libraries that Node is linked with. docs/docker.md is its manual,
# docs/adr/0042-image.md says why it is as it is.
#
#     docker build -t twist .
#     docker run --rm -p 9001:9001 twist                           an echo server
#     docker run --rm -p 9001:9001 twist serve --tcp db:5900       a proxy to the service at db
#     docker run --rm -p 9001:9001 -e TWIST_TCP=db:5900 twist      the same by the environment

# The full image, for it has what strips a program.
ARG NODE_IMAGE=node:24-bookworm

# The program is the same for all processors, so it is built by that of the building machine.
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/var/cache/npm npm ci --ignore-scripts --cache /var/cache/npm
COPY build.mjs build-pages.mjs build-parts.mjs build-sbom.mjs tsconfig.json LICENSE-MIT LICENSE-APACHE ./
COPY src src
COPY web web
RUN npm run bundle

# The root of the image, for the processor that it is for.
FROM ${NODE_IMAGE} AS root
WORKDIR /make
COPY build-sbom.mjs ./
COPY tools/image tools/image
COPY --from=build /build/dist/sbom.cdx.json ./
RUN sh tools/image/make-root.sh /image && mkdir /own && mkdir -m 1777 /own/twist
COPY LICENSE-MIT LICENSE-APACHE /image/opt/twist/
COPY --from=build /build/dist/THIRD_PARTY_NOTICES.txt /build/dist/twist.cjs /image/opt/twist/

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="twist" \
      org.opencontainers.image.description="A WebSocket server in one command: echo, TCP proxy and traffic recording" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=root /image /
# Where it may write, whoever it runs as; a volume that is mounted here for the first time is made like it.
COPY --from=root --chown=1000:1000 /own /var/lib
ENV PATH=/usr/local/bin NODE_ENV=production
# What the image does by itself, weaker than every flag, variable and file; the mode gives way to any that is chosen.
ENV TWIST_DEFAULT_LISTEN=:9001 TWIST_DEFAULT_ECHO=true TWIST_DEFAULT_HEALTH=/healthz
# An empty one is there, for another to be mounted over it.
ENV TWIST_DEFAULT_CONFIG=/etc/twist/config.json
# By number: what runs the image can see that this is not root.
USER 1000:1000
WORKDIR /var/lib/twist
EXPOSE 9001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s --retries=2 CMD ["twist", "healthcheck", "--pid", "1"]
ENTRYPOINT ["twist"]
CMD ["serve"]
