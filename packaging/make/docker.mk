# SPDX-License-Identifier: ISC
# The daemon in a container, for everyday use: the short way of packaging/docker/compose.yaml, for engines without compose,
# too.  DOCKER=podman is fine.  Settings are read from packaging/docker/.env, if there is one.

DOCKER             ?= docker
DOCKER_IMAGE       ?= logcollectd
DOCKER_NAME        ?= logcollectd
DOCKER_VOLUME      ?= logcollectd-logs
DOCKER_BUILD_FLAGS ?=
DOCKER_RUN_FLAGS   ?=
DOCKER_LIMITS      ?= --ulimit nofile=65536:65536

docker_env  := $(wildcard packaging/docker/.env)
docker_port  = $(or $(SERVER_PORT),$(if $(docker_env),$(shell sed -n 's/^SERVER_PORT=//p' $(docker_env))),9000)
# As in compose.yaml, which says why.
docker_safe  = --read-only --cap-drop ALL --security-opt no-new-privileges

.PHONY: docker-build docker-run docker-client docker-logs docker-test docker-stop
docker-build: ## build the image logcollectd (DOCKER=podman, DOCKER_BUILD_FLAGS='--build-arg BASE=…')
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) --target runtime -t $(DOCKER_IMAGE) .

docker-run: ## serve from a container in the background on SERVER_PORT=9000 (DOCKER_RUN_FLAGS='-e MIN_LOG_LEVEL=ERROR …')
	$(DOCKER) run -d --name $(DOCKER_NAME) $(docker_safe) $(DOCKER_LIMITS) \
		-v $(DOCKER_VOLUME):/var/log/logcollectd $(addprefix --env-file ,$(docker_env)) \
		-e SERVER_PORT=$(docker_port) -p $(docker_port):$(docker_port) $(DOCKER_RUN_FLAGS) $(DOCKER_IMAGE)

docker-client: ## send one record of each level to that container and show its answers (ARGS='-l ERROR disk full')
	$(DOCKER) run --rm $(docker_safe) $(DOCKER_LIMITS) --network container:$(DOCKER_NAME) -e SERVER_HOST=localhost \
		-e SERVER_PORT=$(docker_port) --entrypoint /usr/bin/logsend $(DOCKER_IMAGE) $(or $(ARGS),--smoke)

docker-logs: ## show that container's messages and follow its log file
	$(DOCKER) logs --tail 20 $(DOCKER_NAME)
	$(DOCKER) exec $(DOCKER_NAME) tail -n 20 -F /var/log/logcollectd/server.log

docker-test: ## run every test in a container (TESTS='t/10-wire.t …')
	$(DOCKER) build $(DOCKER_BUILD_FLAGS) --target build -t $(DOCKER_IMAGE)-tests .
	$(DOCKER) run --rm --init $(DOCKER_LIMITS) $(DOCKER_RUN_FLAGS) $(DOCKER_IMAGE)-tests make check $(if $(TESTS),TESTS='$(TESTS)')

docker-stop: ## stop that container, after all that has arrived is answered; its volume stays
	$(DOCKER) stop -t 25 $(DOCKER_NAME)
	$(DOCKER) rm $(DOCKER_NAME)
