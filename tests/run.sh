#!/usr/bin/env bash
# Runs all tests. Wants a Rust toolchain; what else the tests need and the machine lacks, it installs
# with the system's package manager: a C compiler (SQLite is compiled in), curl and openssl (the lines of the
# documentation are run), Python for Schemathesis, which drives the API, and openapi-spec-validator, which reads its
# descriptions (both stay below target/), PostgreSQL (tests start servers of their own), Chromium with its driver, which open
# the dashboard, and npm, which gets axe-core (stays below target/, too).
# Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."
SCHEMATHESIS_VERSION=4.32.5
OPENAPI_VALIDATOR_VERSION=0.9.0
AXE_VERSION=4.14.1

missing=()
command -v cc >/dev/null || missing+=(compiler)
command -v curl >/dev/null || missing+=(curl)
command -v openssl >/dev/null || missing+=(openssl)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python)
command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(database)
command -v chromedriver >/dev/null || missing+=(browser)
command -v npm >/dev/null || missing+=(npm)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "tests/run.sh: run it once as root, or install: ${missing[*]}" >&2
        exit 2
    fi
}

# The names of what is missing, where the packages of the C compiler, of Python, of PostgreSQL and of Chromium with its driver
# are called $1 to $4.
packages() {
    local names=("${missing[@]/compiler/$1}")
    names=("${names[@]/python/$2}")
    names=("${names[@]/database/$3}")
    echo "${names[@]/browser/$4}"
}

if [ ${#missing[@]} -gt 0 ]; then
    echo "tests/run.sh: installing ${missing[*]}" >&2
    # The names are words without blanks: they are to be split.
    # shellcheck disable=SC2046
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
            $(packages build-essential "python3 python3-venv" postgresql "chromium chromium-driver")
    elif command -v dnf >/dev/null; then
        as_root dnf install -q -y $(packages gcc python3 postgresql-server "chromium chromedriver")
    elif command -v apk >/dev/null; then
        as_root apk add -q $(packages build-base python3 postgresql "chromium chromium-chromedriver")
    elif command -v pacman >/dev/null; then
        as_root pacman -S --noconfirm --needed $(packages base-devel python postgresql chromium)
    elif command -v zypper >/dev/null; then
        as_root zypper -q install -y $(packages gcc python3 postgresql-server "chromium chromedriver")
    else
        echo "tests/run.sh: no package manager it knows; install: ${missing[*]}" >&2
        exit 2
    fi
fi

if ! command -v cargo >/dev/null && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck disable=SC1091
    . "$HOME/.cargo/env"
fi
command -v cargo >/dev/null || { echo "tests/run.sh: no cargo; install Rust from https://rustup.rs" >&2; exit 2; }

schemathesis=target/schemathesis/bin/schemathesis
if ! "$schemathesis" --version 2>/dev/null | grep -q "version $SCHEMATHESIS_VERSION\$"; then
    { python3 -m venv --clear target/schemathesis &&
        target/schemathesis/bin/pip install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS_VERSION"; } ||
        echo 'tests/run.sh: Schemathesis cannot be installed; the API is not held against its description' >&2
fi
if [ -x "$schemathesis" ]; then
    SCHEMATHESIS="$PWD/$schemathesis"
    export SCHEMATHESIS
fi

validator=target/openapi-validator/bin/openapi-spec-validator
if ! target/openapi-validator/bin/pip list 2>/dev/null | grep -q "^openapi-spec-validator *$OPENAPI_VALIDATOR_VERSION\$"; then
    { python3 -m venv --clear target/openapi-validator &&
        target/openapi-validator/bin/pip install --quiet --disable-pip-version-check \
            "openapi-spec-validator==$OPENAPI_VALIDATOR_VERSION"; } ||
        echo 'tests/run.sh: openapi-spec-validator cannot be installed; descriptions are not validated' >&2
fi
if [ -x "$validator" ]; then
    OPENAPI_VALIDATOR="$PWD/$validator"
    export OPENAPI_VALIDATOR
fi

if ! grep -q "\"version\": \"$AXE_VERSION\"" target/axe/node_modules/axe-core/package.json 2>/dev/null; then
    mkdir -p target/axe && npm install --silent --no-audit --no-fund --ignore-scripts --prefix target/axe "axe-core@$AXE_VERSION" ||
        echo 'tests/run.sh: axe-core cannot be installed; the accessibility of the dashboard is not checked' >&2
fi

exec cargo test --workspace --locked "$@"
