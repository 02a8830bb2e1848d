# Sutra. `make help` lists the targets; each is a script of scripts/ and can be run without make.
PG ?= 18
export PG
export PG_CONFIG DESTDIR

.PHONY: help demo psql stop test test-17 test-long test-crash test-versions test-clients fuzz lint packages build install uninstall clean bench bench-learn bench-search bench-ask bench-embed

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "PG=15|16|17|18 chooses the PostgreSQL of build and test (default 18), PG_CONFIG=/path/pg_config one of your own."

demo: ## build, start a private PostgreSQL 18, learn the sample and ask it
	@scripts/demo

psql: ## a psql session in the demo
	@scripts/demo psql

stop: ## stop the demo's server; its data stays
	@scripts/demo stop

test: ## all tests on PostgreSQL 18, or on the one of PG
	@scripts/test

test-17: ## build for PostgreSQL 17 and run the SQL tests; where Debian has no 17 it is fetched from Debian 13
	@PG=17 scripts/test regress

test-long: ## the tests on 18, 16 and 15, with the long loops and the clients
	@scripts/test --long
	@for version in 18 16 15; do PG=$$version scripts/test-clients || exit 1; done

fuzz: ## look for input that breaks something, 4 minutes; MINUTES=10 for longer
	@scripts/fuzz $(MINUTES)

test-clients: ## psycopg, SQLAlchemy with pandas, ODBC, and PgBouncer in front, against a real server
	@scripts/test-clients

test-crash: ## kill the server 50 times under load; under 15 minutes
	@scripts/test crash

test-versions: ## pg_upgrade and dumps from one PostgreSQL to another
	@scripts/test versions

bench: ## measure sutra_hnsw against pgvector; OPTIONS="--help" lists the options
	@scripts/bench $(OPTIONS)

bench-learn: ## measure learning; OPTIONS as for bench
	@scripts/bench learn $(OPTIONS)

bench-search: ## measure searching 100,000 statements; OPTIONS as for bench
	@scripts/bench search $(OPTIONS)

bench-ask: ## measure asking; OPTIONS as for bench
	@scripts/bench ask $(OPTIONS)

bench-embed: ## measure embedding against Python; OPTIONS as for bench
	@scripts/bench embed $(OPTIONS)

lint: ## rustfmt, clippy, shell, SQL and dependency checks
	@scripts/lint

packages:
	@scripts/install-packages build

build: packages ## build into .build
	@scripts/build

install: PG_CONFIG := $(or $(PG_CONFIG),pg_config)
install: build ## build and install into the PostgreSQL of PG_CONFIG (default: the one on the PATH)
	@scripts/install

uninstall: ## remove exactly what install put there
	@scripts/install --uninstall

clean: ## stop the servers and remove the demo, the test clusters and the build; the cache stays
	@scripts/demo clean
	@scripts/bench clean
