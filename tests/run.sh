#!/usr/bin/env bash
# Runs all tests. Wants a Rust toolchain; what else the tests need and the machine lacks, it installs
# with the system's package manager: a C compiler (SQLite is compiled in) and curl (the README's lines are run).
# Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cc >/dev/null || missing+=(compiler)
command -v curl >/dev/null || missing+=(curl)

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
        echo "tests/run.sh: run it once as root, or install: ${missing[*]}" >&2
        exit 2
    fi
}

# The names of what is missing, where the C compiler's package is called $1.
packages() { echo "${missing[@]/compiler/$1}"; }

if [ ${#missing[@]} -gt 0 ]; then
    echo "tests/run.sh: installing ${missing[*]}" >&2
    # The names are words without blanks: they are to be split.
    # shellcheck disable=SC2046
    if command -v apt-get >/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
            $(packages build-essential)
    elif command -v dnf >/dev/null; then
        as_root dnf install -q -y $(packages gcc)
    elif command -v apk >/dev/null; then
        as_root apk add -q $(packages build-base)
    elif command -v pacman >/dev/null; then
        as_root pacman -S --noconfirm --needed $(packages base-devel)
    elif command -v zypper >/dev/null; then
        as_root zypper -q install -y $(packages gcc)
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

exec cargo test --workspace --locked "$@"
