#!/usr/bin/env bash
# Makes a folder that a GPU machine without a compiler can run.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: gpu_bundle.sh FOLDER TARGET [PROBLEMS]
#
# PROBLEMS is a file with one problem a line: a name, then options of attn-gen;
# lines with # are comments. Default: the shapes of docs/gpu.md. The build tree
# is build/, or $ATTN_BUILD. On the GPU machine:
#
#   python3 FOLDER/gpu_harness.py FOLDER

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
readonly BUILD=${ATTN_BUILD:-$ROOT/build}

[[ $# -eq 2 || $# -eq 3 ]] || {
  echo "usage: gpu_bundle.sh FOLDER TARGET [PROBLEMS]" >&2
  exit 2
}
readonly FOLDER=$1 TARGET=$2

# The tokens of a batch stay 16384, and the widths of the heads 2048.
default_problems() {
  local dim mask length heads
  for dim in 64 128; do
    heads=$((2048 / dim))
    for mask in full causal; do
      for length in 4096 8192 16384; do
        echo "d$dim-$mask-$length --batch=$((16384 / length))" \
          "--q-heads=$heads --sq=$length --dqk=$dim --dtype=bf16 --memref" \
          "$([[ $mask == full ]] || echo "--mask=$mask")"
      done
    done
  done
}

mkdir -p "$FOLDER"
cp -f "$BUILD/lib/libattn-c.so" "$ROOT/scripts/gpu_harness.py" "$FOLDER/"
# PyTorch brings an OpenMP runtime under another name; not every machine has one
# under this.
gomp=$(ldd "$BUILD/lib/libattn-c.so" | awk '/libgomp/ { print $3 }')
[[ -z $gomp ]] || cp -fL "$gomp" "$FOLDER/libgomp.so.1"

failed=0
while read -r name options; do
  [[ -n $name && $name != \#* ]] || continue
  echo "== $name"
  "$BUILD/bin/attn-compile" --problem="$options" --target="$TARGET" --report \
    -o "$FOLDER/$name.attnk" || failed=1
done < <(if [[ $# -eq 3 ]]; then cat "$3"; else default_problems; fi)
exit $failed
