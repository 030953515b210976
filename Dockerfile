# SPDX-License-Identifier: ISC
# logcollectd as an image of its own: built, tested, and then only what runs.
#
#   docker build -t logcollectd .
#   docker run -p 9000:9000 -v logs:/var/log/logcollectd logcollectd
#
# Every setting that has an environment variable is set by it: -e MIN_LOG_LEVEL=ERROR; the others in files that are
# mounted as /etc/logcollectd/conf.d/*.conf.
#
# It writes in the volume and in /dev/shm, which every container has, and nowhere else: --read-only is fine.  With --user UID it
# may be anybody, of the group 0 as is usual then.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY GNUmakefile ./
COPY packaging/packages packaging/packages
COPY packaging/make packaging/make
RUN make deps && rm -rf /var/lib/apt/lists/*
COPY . .
RUN make -j"$(nproc)" all && make install DESTDIR=/image prefix=/usr sysconfdir=/etc localstatedir=/var runstatedir=/run \
	&& install -m 644 packaging/docker/logcollectd.conf /image/etc/logcollectd/logcollectd.conf

FROM build AS test
RUN make check

FROM ${BASE} AS runtime
# From librabbitmq4 on for the drivers of Forward: their libraries, and whom they trust without ForwardTLS ca=.
RUN apt-get update -q \
	&& apt-get install -q -y --no-install-recommends libjson-c5 libbsd0 libmicrohttpd12 libncurses6 libseccomp2 libtinfo6 libssl3 zlib1g \
		librabbitmq4 librdkafka1 ca-certificates \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin logcollectd \
	&& install -d -o logcollectd -g 0 -m 0770 /var/log/logcollectd
COPY --from=build /image/ /
ENV LOG_DIR=/var/log/logcollectd SCOREBOARD_FILE=/dev/shm/logcollectd.scoreboard
# As a number, so that it can be seen from outside that it is not root.
USER 10001
EXPOSE 9000
VOLUME /var/log/logcollectd
STOPSIGNAL SIGTERM
# 69 when it is dead or hangs; docker run --no-healthcheck does without.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/sbin/logcollectctl", "status"]
ENTRYPOINT ["/usr/sbin/logcollectd", "-f", "/etc/logcollectd/logcollectd.conf"]
