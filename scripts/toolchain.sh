# shellcheck shell=bash
# Finds what the build needs and installs what is missing. Sourced by ./run.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Input:  MLIR_DIR      folder of MLIRConfig.cmake of an LLVM/MLIR 22.1
#                       (default: where the distribution's packages put it)
#         ATTN_INSTALL  0 forbids installing packages
# Output: MLIR_DIR, LLVM_BIN, OWN_LLVM (non-empty when MLIR_DIR was given)

readonly LLVM_VERSION=22.1
readonly LLVM_PACKAGE_PREFIX=/usr/lib/llvm-22

# Sets MLIR_DIR and LLVM_BIN; refuses a given MLIR_DIR that cannot be used.
locate_llvm() {
  OWN_LLVM=${MLIR_DIR:-}
  if [[ -z ${MLIR_DIR:-} ]]; then
    MLIR_DIR=$LLVM_PACKAGE_PREFIX/lib/cmake/mlir
    LLVM_BIN=$LLVM_PACKAGE_PREFIX/bin
    return
  fi
  if [[ ! -f $MLIR_DIR/MLIRConfig.cmake ]]; then
    echo "run: MLIR_DIR=$MLIR_DIR holds no MLIRConfig.cmake; give the folder" \
      "<prefix>/lib/cmake/mlir of an LLVM/MLIR $LLVM_VERSION" >&2
    exit 2
  fi
  local version
  version=$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")/\1/p' \
    "$MLIR_DIR/MLIRConfigVersion.cmake")
  if [[ $version != "$LLVM_VERSION".* ]]; then
    echo "run: MLIR_DIR=$MLIR_DIR is LLVM/MLIR ${version:-of no version};" \
      "allowed: $LLVM_VERSION.x" >&2
    exit 2
  fi
  MLIR_DIR=$(cd "$MLIR_DIR" && pwd)
  LLVM_BIN=$(cd "$MLIR_DIR/../../../bin" && pwd)
}

# need PACKAGE WHAT COMMAND...: notes the need as missing unless COMMAND is true.
need() {
  local package=$1 what=$2
  shift 2
  "$@" >/dev/null 2>&1 && return
  MISSING_PACKAGES+=("$package")
  MISSING_NAMES+=("$what")
}

# need_llvm PACKAGE WHAT COMMAND...: the same for a part of LLVM; no package can
# add one to an LLVM that the user gave.
need_llvm() {
  local package=${OWN_LLVM:+-}
  need "${package:-$1}" "${@:2}"
}

have_header() {
  echo "#include <$1>" | "${CXX:-c++}" -E -x c++ - -o /dev/null
}

# lit may also come from elsewhere in PATH.
find_lit() {
  PATH=$LLVM_BIN:$PATH command -v lit ||
    PATH=$LLVM_BIN:$PATH command -v llvm-lit
}

have_test_tools() {
  [[ -x $LLVM_BIN/FileCheck ]] && find_lit
}

# In the Python that lit runs in, which may not be the first in PATH.
have_psutil() {
  local lit interpreter
  lit=$(find_lit) || return
  read -ra interpreter < <(sed -n '1s/^#! *//p' "$lit")
  "${interpreter[@]:-python3}" -c 'import psutil'
}

# Fills MISSING_PACKAGES and MISSING_NAMES for building and testing.
list_missing() {
  MISSING_PACKAGES=()
  MISSING_NAMES=()
  need g++ "a C++17 compiler" command -v "${CXX:-c++}"
  need cmake "CMake 3.20" command -v cmake
  need ninja-build "Ninja" command -v ninja
  need python3 "Python 3 (for lit)" command -v python3
  need python3-venv "Python's venv (for the tests of the package)" \
    python3 -c 'import ensurepip, venv'
  need_llvm llvm-22-dev "LLVM $LLVM_VERSION CMake files and headers" \
    test -f "$MLIR_DIR/../llvm/LLVMConfig.cmake"
  need_llvm libmlir-22-dev "MLIR $LLVM_VERSION CMake files and headers" \
    test -f "$MLIR_DIR/MLIRConfig.cmake"
  need_llvm mlir-22-tools "mlir-tblgen" test -x "$LLVM_BIN/mlir-tblgen"
  need_llvm llvm-22-tools "lit and FileCheck" have_test_tools
  need python3-psutil "Python's psutil (for lit)" have_psutil
  need_llvm lld-22 "lld" test -x "$LLVM_BIN/ld.lld"
  need_llvm liblld-22-dev "lld as a library" \
    test -f "$MLIR_DIR/../lld/LLDConfig.cmake"
  need libgtest-dev "GoogleTest" have_header gtest/gtest.h
  need nlohmann-json3-dev "nlohmann-json" have_header nlohmann/json.hpp
  need libxxhash-dev "xxHash" have_header xxhash.h
}

# The same for ./run lint, which can do without them.
list_missing_lint() {
  MISSING_PACKAGES=()
  MISSING_NAMES=()
  need clang-format-22 "clang-format 22" test -x "$LLVM_BIN/clang-format"
  need shellcheck "shellcheck" command -v shellcheck
  need codespell "codespell" command -v codespell
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

# True when apt offers PACKAGE, and LLVM's packages in the wanted version.
apt_offers() {
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null |
    sed -n 's/^ *Candidate: *\([0-9]*:\)\?//p')
  case $1 in
    *-22 | *-22-*) [[ $candidate == "$LLVM_VERSION".* ]] ;;
    *) [[ -n $candidate && $candidate != "(none)" ]] ;;
  esac
}

can_install() {
  local package
  for package in "${MISSING_PACKAGES[@]}"; do
    [[ $package != - ]] || return
  done
  [[ ${ATTN_INSTALL:-1} != 0 ]] && command -v apt-get >/dev/null &&
    { [[ $EUID -eq 0 ]] || command -v sudo >/dev/null; }
}

# Installs MISSING_PACKAGES; false when apt does not offer one of them.
# --no-remove: a package of ours is not worth one of the user's.
install_missing() {
  can_install || return
  echo "run: installing ${MISSING_PACKAGES[*]}"
  as_root apt-get update -q || echo "run: apt-get update failed" >&2
  local package
  for package in "${MISSING_PACKAGES[@]}"; do
    apt_offers "$package" || return
  done
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends --no-remove \
    "${MISSING_PACKAGES[@]}"
}

report_missing() {
  {
    echo "run: missing on this machine, and not installed:"
    local i from
    for i in "${!MISSING_NAMES[@]}"; do
      from="package ${MISSING_PACKAGES[i]}"
      [[ ${MISSING_PACKAGES[i]} != - ]] || from="LLVM of MLIR_DIR"
      printf '  %-42s (%s)\n' "${MISSING_NAMES[i]}" "$from"
    done
    echo "Install these, or give an LLVM/MLIR $LLVM_VERSION of your own:"
    echo "  MLIR_DIR=<prefix>/lib/cmake/mlir ./run ..."
    echo "Its <prefix>/bin needs mlir-tblgen, FileCheck, lit and ld.lld."
  } >&2
}

# ensure LIST: runs the function LIST, which fills MISSING_*, and installs what
# it found. Exits with 2 when something stays missing.
ensure() {
  "$1"
  [[ ${#MISSING_PACKAGES[@]} -gt 0 ]] || return 0
  install_missing || true
  "$1"
  [[ ${#MISSING_PACKAGES[@]} -gt 0 ]] || return 0
  report_missing
  exit 2
}
