#!/usr/bin/env bash
# Compiles each problem of standard input; fails if a kernel spills.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_spills.sh FILE TARGET
#
# Problems are lines of options of attn-gen; lines with # are comments. FILE is
# written over and over.

set -euo pipefail
readonly FILE=$1 TARGET=$2

failed=0
while read -r options; do
  [[ -n $options && $options != \#* ]] || continue
  attn-compile --problem="$options --memref" --target="$TARGET" -o "$FILE" \
    --fail-on-spill || {
    echo "spills: $options"
    failed=1
  }
done
exit $failed
