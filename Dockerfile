# syntax=docker/dockerfile:1
FROM node:20-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Further build tags: teradata, for an image that reads Teradata over ODBC.
ARG TAGS=
ENV GOFLAGS=-tags=duckdb_arrow,${TAGS}
RUN case "${TAGS}" in *teradata*) apt-get update && apt-get install -y --no-install-recommends unixodbc-dev && rm -rf /var/lib/apt/lists/* ;; esac
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist ./web/dist
ARG VERSION=dev
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /millrace ./cmd/millrace

FROM debian:bookworm-slim
ARG TAGS=
RUN apt-get update \
    && case "${TAGS}" in *teradata*) odbc="unixodbc" ;; esac \
    && apt-get install -y --no-install-recommends ca-certificates libstdc++6 tzdata ${odbc} \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/millrace --create-home millrace
COPY --from=build /millrace /usr/local/bin/millrace
USER millrace
ENV MILLRACE_HOME=/var/lib/millrace MILLRACE_LISTEN=0.0.0.0:8484 MILLRACE_LOG_FORMAT=json
VOLUME /var/lib/millrace
EXPOSE 8484
ENTRYPOINT ["millrace"]
CMD ["serve"]
