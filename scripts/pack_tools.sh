#!/usr/bin/env bash
# Makes a folder in which tools of the build tree run on a machine without LLVM.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: pack_tools.sh FOLDER TOOL...
#
# FOLDER/TOOL then runs the tool with the libraries beside it, the C library
# included: the machine may have an older one. Some 300 MB; a GPU's driver is the
# machine's own. The build tree is build/, or $ATTN_BUILD.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
readonly BUILD=${ATTN_BUILD:-$ROOT/build}

[[ $# -ge 2 ]] || {
  echo "usage: pack_tools.sh FOLDER TOOL..." >&2
  exit 2
}
readonly FOLDER=$1
shift

mkdir -p "$FOLDER/bin" "$FOLDER/lib"
# Prints the interpreter and the libraries of a tool. The drivers ask for those
# parts of the C library that are empty today.
list_libraries() {
  local dir
  ldd "$1" | awk '$3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'
  dir=$(dirname "$(ldd "$1" | awk '$1 == "libc.so.6" { print $3 }')")
  echo "$dir"/lib{dl.so.2,pthread.so.0,rt.so.1}
}

for path in "$@"; do
  tool=$(basename "$path")
  [[ -x $BUILD/bin/$tool ]] || {
    echo "pack_tools.sh: no tool '$tool' in $BUILD/bin" >&2
    exit 2
  }
  cp -f "$BUILD/bin/$tool" "$FOLDER/bin/"
  mapfile -t libraries < <(list_libraries "$BUILD/bin/$tool" | tr ' ' '\n')
  cp -fL "${libraries[@]}" "$FOLDER/lib/"
  interpreter=$(ldd "$BUILD/bin/$tool" | awk '$1 ~ /^\// { print $1 }')
  cat >"$FOLDER/$tool" <<TEXT
#!/bin/sh
here=\$(cd "\$(dirname "\$0")" && pwd)
exec "\$here/lib/$(basename "$interpreter")" --library-path "\$here/lib" \\
  "\$here/bin/$tool" "\$@"
TEXT
  chmod +x "$FOLDER/$tool"
done
