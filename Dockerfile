# SPDX-License-Identifier: ISC
# logcollectd as an image of its own: built, tested, and then only what runs.
#
#   docker build -t logcollectd .
#   docker run -p 9000:9000 -v logs:/var/log/logcollectd logcollectd
#
# Every setting can be given by its environment variable: -e MIN_LOG_LEVEL=ERROR.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY GNUmakefile ./
COPY packaging/packages packaging/packages
COPY packaging/make packaging/make
RUN make deps && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make -j"$(nproc)" all && make install DESTDIR=/image prefix=/usr sysconfdir=/etc

FROM build AS test
RUN make check

FROM ${BASE} AS runtime
RUN apt-get update -q \
	&& apt-get install -q -y --no-install-recommends libjson-c5 libbsd0 libncurses6 libtinfo6 \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin logcollectd \
	&& install -d -o logcollectd -g logcollectd -m 0750 /var/log/logcollectd
COPY --from=build /image/ /
ENV LOG_DIR=/var/log/logcollectd
USER logcollectd
EXPOSE 9000
VOLUME /var/log/logcollectd
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/sbin/logcollectd", "-f", "/etc/logcollectd/logcollectd.conf"]
