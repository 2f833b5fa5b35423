#!/usr/bin/env bash
# Runs the commands of docs/performance.md on this machine, one after another.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: bench.sh BUILD_DIR [PAGE]     (run by ./run bench, after the build)
#
# A command is an indented line of the page that begins with attn-gen or
# attn-runner, so that what stands in the page is what was run. Nothing is
# asserted about speed: exit code 1 means that a command failed.

set -euo pipefail

readonly build_dir=$1
readonly page=${2:-docs/performance.md}
PATH=$PWD/$build_dir/bin:$PATH

mapfile -t commands < <(sed -nE 's/^    (attn-(gen|runner) .*)$/\1/p' "$page")
if [[ ${#commands[@]} -eq 0 ]]; then
  echo "bench: $page holds no command" >&2
  exit 2
fi
failed=0
for command in "${commands[@]}"; do
  printf '\n$ %s\n' "$command"
  bash -o pipefail -c "$command" </dev/null || failed=1
done
exit "$failed"
