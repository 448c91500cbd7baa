# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS builder
WORKDIR /src
# A layer of its own, which stays until the tool's version changes.
COPY scripts/sbom scripts/
RUN scripts/sbom --install
COPY Cargo.toml Cargo.lock askama.toml ./
COPY scripts/build-image-binary scripts/
COPY config config
COPY migrations migrations
COPY ui ui
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    scripts/build-image-binary /out/doorward \
    && scripts/sbom /out/doorward.cdx.json

FROM debian:bookworm-slim
# A fixed id, so that a volume's files keep their owner from one image to the next.
RUN groupadd --gid 10001 doorward \
    && useradd --uid 10001 --gid doorward --no-create-home --home-dir /data --shell /usr/sbin/nologin doorward \
    && install --directory --mode 0700 --owner doorward --group doorward /data
# The public authorities, for what OpenSSL verifies: PostgreSQL with `sslrootcert=system`. Other outgoing calls have theirs compiled in.
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /out/doorward /usr/local/bin/doorward
COPY --from=builder /out/doorward.cdx.json /usr/share/doorward/doorward.cdx.json
# The operator's port stays at 127.0.0.1, inside the container, unless it is configured otherwise.
ENV DOORWARD__SERVER__LISTEN=0.0.0.0:8080 \
    DOORWARD__SERVER__DATA_DIR=/data \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["doorward", "healthcheck"]
ENTRYPOINT ["doorward"]
CMD ["serve"]
