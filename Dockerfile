# Targets: tidemark (the default), shop (the demo's web shop), history (which
# fills the demo's Prometheus with two weeks of the shop's metrics).

ARG GO_VERSION=1.26.8
ARG PROMETHEUS_VERSION=v3.5.0

FROM golang:${GO_VERSION} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG REVISION=unknown
RUN CGO_ENABLED=0 go build -trimpath -o /out/ -ldflags "-s -w \
      -X github.com/prometheus/common/version.Version=$(cat VERSION) \
      -X github.com/prometheus/common/version.Revision=${REVISION}" \
      ./cmd/...
# A volume that is mounted here for the first time takes over the owner.
RUN mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot AS shop
COPY --from=build /out/shop /bin/shop
USER nonroot:nonroot
EXPOSE 9800
ENTRYPOINT ["/bin/shop"]
CMD ["serve", "--web.listen-address=:9800"]

# It needs promtool, and leaves files that Prometheus can write.
FROM prom/prometheus:${PROMETHEUS_VERSION} AS history
COPY --from=build /out/shop /bin/shop
USER nobody:nobody
ENTRYPOINT ["/bin/shop", "history"]
CMD ["--storage.tsdb.path=/prometheus"]

FROM gcr.io/distroless/static-debian12:nonroot AS tidemark
COPY --from=build /out/tidemark /bin/tidemark
COPY --from=build --chown=nonroot:nonroot /data /data
USER nonroot:nonroot
VOLUME /data
EXPOSE 9733
ENTRYPOINT ["/bin/tidemark"]
CMD ["serve", "--config.file=/etc/tidemark/tidemark.yml", "--storage.path=/data"]
