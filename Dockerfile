# The image holds two static programs, /server and /cli, and nothing else: no shell, no package, no root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOCACHE=/go/build
# Parts that are built in besides those of app/parts/parts.go: docker build --build-arg PARTS="river otel" .
ARG PARTS=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build \
    if [ -n "${PARTS}" ]; then go run -trimpath ./cmd/cli add ${PARTS}; fi
# What /crons/instances and /metrics call this build, such as $(git describe --always --dirty); .git is not in here.
ARG VERSION
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build \
    go build -trimpath -ldflags="-s -w -X fibercrons/app/assembly.version=${VERSION}" -o /out/ ./cmd/server ./cmd/cli
# The image below has no mkdir: a folder for the data, and one for SQLite's temporary files.
RUN mkdir -p /rootfs/app/data /rootfs/tmp

FROM scratch
COPY --from=build --chown=65532:65532 /rootfs/ /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/server /out/cli /
USER 65532:65532
WORKDIR /app
# Inside a container loopback is the container itself, so the server listens outward, and therefore asks for
# CRON_OPERATOR_TOKEN at its start.
ENV HOST=0.0.0.0 PORT=3000
EXPOSE 3000
VOLUME /app/data
# There is no HEALTHCHECK: it would need a program to ask with. Point your platform's probes at /livez and /readyz.
# A job that starts commands needs an init as PID 1, which reaps what they leave behind: docker run --init, init: true in
# compose, shareProcessNamespace: true in Kubernetes.
ENTRYPOINT ["/server"]
