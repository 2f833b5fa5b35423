#!/usr/bin/env bash
# Checks the tree against the rules of the house; prints one line a violation.
#
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: lint.sh [TREE]     (default: the tree this script is in)
# Exit code 1 when a rule is broken. The tools clang-format (22), shellcheck and
# codespell are used where present; the last line names those that were not.

set -euo pipefail
export LC_ALL=C.UTF-8
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/..}"

readonly MAX_FILE_LINES=1000
readonly MAX_FUNCTION_LINES=100
readonly MAX_COLUMNS=80
readonly MAX_OPT_LINES=60

violations=0
not_run=()

# list REGEX [EXCEPT]: the files of the tree whose path matches REGEX. In a
# checkout those that git tracks or would; elsewhere all but build trees.
list() {
  if [[ -e .git ]]; then
    git ls-files -co --exclude-standard
  else
    find . -type f -not -path './build*' | sed 's#^\./##'
  fi | grep -E "$1" | { grep -vE "${2:-^$}" || true; } | sort -u |
    while IFS= read -r file; do
      if [[ -f $file ]]; then echo "$file"; fi
    done
}

# report RULE: prints the lines it reads as violations of RULE.
report() {
  local line
  while IFS= read -r line; do
    echo "lint: $1: $line"
    violations=$((violations + 1))
  done
}

# forbid RULE PATTERN FILE...: lines of the files that match PATTERN.
forbid() {
  local rule=$1 pattern=$2
  shift 2
  [[ $# -gt 0 ]] || return 0
  report "$rule" < <(grep -nHIE -e "$pattern" -- "$@" || true)
}

# run_tool NAME LINES COMMAND...: what the tool prints are violations, as far as
# it matches LINES; a tool that fails without saying why is one too.
run_tool() {
  local name=$1 lines=$2 output status=0
  shift 2
  output=$("$@" 2>&1) || status=$?
  report "$name" < <(
    if ! grep -E -- "$lines" <<<"$output" && [[ $status -ne 0 ]]; then
      echo "exit code $status: $output"
    fi
  )
}

# ---- Rules -------------------------------------------------------------------

check_layout() {
  forbid "line longer than $MAX_COLUMNS columns" \
    "^.{$((MAX_COLUMNS + 1)),}" "${SOURCES[@]}"
  forbid "trailing blank" '[[:blank:]]+$' "${SOURCES[@]}" "${SCRIPTS[@]}"
  forbid "tab" $'\t' "${SOURCES[@]}" "${SCRIPTS[@]}"
}

check_sizes() {
  local file
  report "file longer than $MAX_FILE_LINES lines" < <(
    for file in "${SOURCES[@]}" "${SCRIPTS[@]}"; do
      awk -v file="$file" -v max="$MAX_FILE_LINES" \
        'END { if (NR > max) print file ": " NR " lines" }' "$file"
    done
  )
  [[ ${#CXX_FILES[@]} -gt 0 ]] || return 0
  report "function longer than $MAX_FUNCTION_LINES lines" < <(
    awk -v max="$MAX_FUNCTION_LINES" "$FUNCTION_LENGTHS" "${CXX_FILES[@]}"
  )
  local opt=tools/attn-opt/attn-opt.cpp
  [[ -f $opt ]] || return 0
  report "attn-opt is thin: at most $MAX_OPT_LINES lines" < <(
    awk -v file="$opt" -v max="$MAX_OPT_LINES" \
      'END { if (NR > max) print file ": " NR " lines" }' "$opt"
  )
}

# In LLVM's layout a function starts with a name and a parenthesis in column 0
# and ends with a brace in column 0.
# shellcheck disable=SC2016
readonly FUNCTION_LENGTHS='
  FNR == 1 { start = 0; open = 0 }
  !open && /^[A-Za-z_].*\(/ && !/^(namespace|extern "C"|using|typedef)/ {
    start = FNR
    name = $0
  }
  !open && start && /{$/ { open = 1 }
  !open && /;$/ { start = 0 }
  /^}/ {
    if (open && FNR - start + 1 > max)
      print FILENAME ":" start ": " FNR - start + 1 " lines: " name
    start = 0
    open = 0
  }'

check_banners() {
  local file base
  report "no banner of LLVM's form with the file's name" < <(
    for file in "${SOURCES[@]}"; do
      base=${file##*/}
      [[ $(head -n 1 "$file") =~ ^//===-+\ "$base"\ -\ .+===//$ ]] ||
        echo "$file: $(head -n 1 "$file")"
    done
  )
  report "no SPDX licence line at the top" < <(
    for file in "${SOURCES[@]}" "${SCRIPTS[@]}"; do
      head -n 6 "$file" |
        grep -q 'SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception' ||
        echo "$file"
    done
  )
}

check_walls() {
  local -a files
  mapfile -t files < <(list '^(lib|include/attn)/' \
    '/(Target|Emulator)/|/Support/MachinePeak\.|CMakeLists')
  forbid "chip name outside Target/" \
    '\b(sm_[0-9]+|gfx[0-9a-f]{3,4}|[Aa][Vv][Xx]([0-9_]|\b)|zmm|ymm)' \
    "${files[@]}"
  mapfile -t files < <(
    list '^(lib|include/attn)/(Runtime|Reference|Support|Emulator/Runtime)/'
  )
  forbid "compiler header in a library that ships without one" \
    '#include *["<]((llvm|mlir)(-c)?/|attn/(Dialect|Analysis|Conversion|Target|Pipelines|Compiler)/)' \
    "${files[@]}"
  mapfile -t files < <(list '^(lib|include)/.*\.(cpp|h)$')
  forbid "command line option outside tools/" 'cl::(opt|list|bits)<' \
    "${files[@]}"
  mapfile -t files < <(list '^(lib|include)/.*\.(cpp|h)$' '/Support/')
  forbid "environment read outside Support/" '\bgetenv\b|GetEnv\(' \
    "${files[@]}"
}

check_words() {
  local -a files
  mapfile -t files < <(list '\.h$')
  forbid "using namespace in a header" '^ *using namespace' "${files[@]}"
  mapfile -t files < <(list '^(include|lib|tools|python)/')
  forbid "left open" '\b(TODO|FIXME|XXX)\b' "${files[@]}"
  mapfile -t files < <(list '.' '\.(png|npy|bin)$')
  forbid "conflict marker" '^(<<<<<<<|>>>>>>>)( |$)' "${files[@]}"
  forbid "path of one machine" '(^|[^A-Za-z0-9_.])/(home|root|work|farm)/' \
    "${files[@]}"
}

# One name, all paths: pass attn-split-kv = SplitKVPass = SplitKV.cpp =
# split-kv.mlir; a conversion, convert-attn-x-to-y = ConvertXToYPass, may leave
# "Convert" to its folder.
check_passes() {
  local -a tables
  mapfile -t tables < <(list '^include/.*/Passes\.td$')
  [[ ${#tables[@]} -gt 0 ]] || return 0
  local table name flag
  report "pass without a file of its name" < <(
    awk '/^def [A-Za-z0-9]+Pass/ { name = $2; sub(/Pass$/, "", name) }
         match($0, /Pass<"[^"]+"/) {
           flag = substr($0, RSTART + 6, RLENGTH - 7)
           sub(/^convert-/, "", flag)
           sub(/^attn-/, "", flag)
           print FILENAME, name, flag
         }' "${tables[@]}" |
      while read -r table name flag; do
        [[ -n $(list "^lib/.*/(Convert)?${name#Convert}\.cpp$") ]] ||
          echo "$table: lib/**/$name.cpp"
        [[ -n $(list "^test/.*/(convert-)?(attn-)?$flag\.mlir$") ]] ||
          echo "$table: test/**/$flag.mlir"
      done
  )
}

# ---- Tools -------------------------------------------------------------------

find_clang_format() {
  local tool
  for tool in "${LLVM_BIN:-/usr/lib/llvm-22/bin}/clang-format" \
    clang-format-22 clang-format; do
    if "$tool" --version 2>/dev/null | grep -q 'version 22\.'; then
      echo "$tool"
      return
    fi
  done
}

check_with_tools() {
  local tool
  tool=$(find_clang_format)
  if [[ -z $tool ]]; then
    not_run+=("clang-format 22")
  elif [[ ${#CXX_FILES[@]} -gt 0 ]]; then
    run_tool clang-format ': error: ' \
      "$tool" --dry-run -Werror "${CXX_FILES[@]}"
  fi
  if ! command -v shellcheck >/dev/null; then
    not_run+=(shellcheck)
  elif [[ ${#SHELL_FILES[@]} -gt 0 ]]; then
    run_tool shellcheck '^.+:[0-9]+:[0-9]+: ' \
      shellcheck -x -f gcc "${SHELL_FILES[@]}"
  fi
  if ! command -v codespell >/dev/null; then
    not_run+=(codespell)
  else
    local -a files
    mapfile -t files < <(list '\.(cpp|h|td|md|py|sh|mlir|test)$|^run$')
    run_tool codespell ' ==> ' codespell "${files[@]}"
  fi
}

main() {
  mapfile -t SOURCES < <(list '^(include|lib|tools|test)/.*\.(c|cpp|h|td)$' \
    '/Inputs/')
  mapfile -t CXX_FILES < <(list '^(include|lib|tools|test)/.*\.(cpp|h)$' \
    '/Inputs/')
  mapfile -t SHELL_FILES < <(list '^(run|\.ci/run|scripts/.*\.sh)$')
  mapfile -t SCRIPTS < <(list '^(run|\.ci/run|(scripts|python)/.*\.(sh|py))$')
  check_layout
  check_sizes
  check_banners
  check_walls
  check_words
  check_passes
  check_with_tools
  if [[ ${#not_run[@]} -gt 0 ]]; then
    printf 'lint: not found, so not run: %s\n' "${not_run[*]}"
  fi
  [[ $violations -eq 0 ]] || {
    echo "lint: $violations violations"
    exit 1
  }
  echo "lint: clean"
}

main
