#!/usr/bin/env bash
# What mpirun starts its daemon on another "host" with, in the place of ssh: ADDRESS COMMAND…, in the namespace of that address.
while [[ "$1" == -* ]]; do shift; done
host="$1"
shift
exec ip netns exec "gfn${host##*.}" bash -c "$*"
