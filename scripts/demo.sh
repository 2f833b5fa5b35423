#!/usr/bin/env bash
# The main job of Attn on one example, each step with the command that does it.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: demo.sh BUILD_DIR     (run by ./run demo, after the build)

set -euo pipefail

readonly build_dir=$1
readonly example=examples/causal-gqa.mlir
readonly data=$build_dir/demo
readonly shown_lines=40
PATH=$PWD/$build_dir/bin:$PATH

heading() {
  printf '\n==== %s\n' "$1"
}

# step COMMAND...: prints the command and runs it.
step() {
  printf '$ %s\n' "$*"
  "$@"
}

# step_shortened COMMAND...: the same, with the first lines of its output.
step_shortened() {
  local output
  printf '$ %s\n' "$*"
  output=$("$@")
  head -n "$shown_lines" <<<"$output"
  printf '... (%s lines; the command prints all)\n' "$(wc -l <<<"$output")"
}

mkdir -p "$data"
heading "An attention op in MLIR"
step cat "$example"
heading "Stage 'configured': tiles and instructions for this machine"
step attn-opt --attn-to-configured "$example"
heading "Stage 'tile': the online softmax on tiles with layouts"
step_shortened attn-runner "$example" --emit=tile
heading "Q, K and V as .npy files"
step attn-runner "$example" --random --seed=1 --save-inputs="$data"
heading "The kernel on these files: checked against the f64 reference, and timed"
step attn-runner "$example" --inputs="$data/q.npy,$data/k.npy,$data/v.npy" \
  --outputs="$data/out.npy" --check --bench
