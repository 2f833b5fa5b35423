#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The support table of README.md, made by trying every feature of the op.

For each operand, attribute, layout, mask and element type of attn.attention
there is a small problem below. Each is lowered by attn-opt for every target of
the table: the error "unsupported on <target>" puts the feature in the target's
column, and any other error is a bug. What the op has is read from its TableGen
definition, so a feature without a problem is an error too.

usage: support_table.py --attn-opt=PATH --llvm-tblgen=PATH [--include=DIR]...
                        [--pipeline=FLAG] (--print | --check | --write) [README]

--pipeline is what attn-opt is told, with the target's name for "{}".

--check compares the table in README with reality, --write replaces it, --names
prints the features of the table without trying them.
Exit code 1: the table is wrong or a feature is untried; 2: bad usage.
"""

import argparse
import concurrent.futures
import functools
import json
import os
import subprocess
import sys

BEGIN = "<!-- support table: made by scripts/support_table.py --write -->"
END = "<!-- end of support table -->"

# Targets and what the table calls them. The CPUs share their lowerings.
TARGETS = {"native": "CPUs", "sm_80": "sm_80", "gfx942": "gfx942"}

ELEMENT_TYPES = [
    "f32",
    "f16",
    "bf16",
    "f8E4M3FN",
    "f8E5M2",
    "f8E4M3FNUZ",
    "f8E5M2FNUZ",
]

# Arguments of the op that other groups of the table stand for, and `config`,
# which a target writes for itself.
COVERED_ELSEWHERE = {
    "q", "k", "v", "outs", "mask", "mask_operands",
    "q_layout", "k_layout", "v_layout", "out_layout", "config",
}  # fmt: skip

# ---- Problems ----------------------------------------------------------------

# B 2, Hq 4, Hkv 2, Sq = Skv 64, D 32; packed: 128 tokens; paged: pages of 16.
SHAPES = {
    "bshd": ("2x64x4x32", "2x64x2x32"),
    "bhsd": ("2x4x64x32", "2x2x64x32"),
    "bhds": ("2x4x32x64", "2x2x32x64"),
    "thd": ("128x4x32", "128x2x32"),
    "htd": ("4x128x32", "2x128x32"),
    "hdt": ("4x32x128", "2x32x128"),
    "paged": ("2x64x4x32", "8x16x2x32"),
}
PACKED = {"thd", "htd", "hdt"}


def problem(clauses="", arguments=(), layout="bshd", element="bf16", **options):
    """IR of one attention op on memrefs.

    `arguments` are further function arguments, "%name: type", that `clauses`
    use. Options: `scale`, `lse`, `dynamic`, `functions` (IR before the op's).
    """
    q_shape, kv_shape = SHAPES[layout]
    if options.get("dynamic"):
        q_shape, kv_shape = "?x?x4x32", "?x?x2x32"
    out_element = "bf16" if element.startswith("f8") else element
    q, kv = f"memref<{q_shape}x{element}>", f"memref<{kv_shape}x{element}>"
    out = f"memref<{q_shape}x{out_element}>"
    arguments = list(arguments)
    if layout in PACKED:
        arguments += ["%cu_q: memref<3xi32>", "%cu_kv: memref<3xi32>"]
        clauses += " cu_seqlens_q(%cu_q : memref<3xi32>)"
        clauses += " cu_seqlens_kv(%cu_kv : memref<3xi32>)"
    layouts = f"layout({layout})"
    if layout == "paged":
        arguments += ["%table: memref<2x4xi32>", "%lens: memref<2xi32>"]
        clauses += " block_table(%table : memref<2x4xi32>)"
        clauses += " kv_lens(%lens : memref<2xi32>)"
        layouts = "layout(q = bshd, k = paged, v = paged, out = bshd)"
    outs, out_types = "%out", out
    if options.get("lse"):
        arguments.append("%lse: memref<2x4x64xf32>")
        outs, out_types = "%out, %lse", f"{out}, memref<2x4x64xf32>"
    signature = [f"%q: {q}", f"%k: {kv}", f"%v: {kv}", f"%out: {out}"]
    scale = options.get("scale", "scale(1.250000e-01)")
    return f"""{options.get("functions", "")}
func.func @problem({", ".join(signature + arguments)}) {{
  attn.attention ins(%q, %k, %v : {q}, {kv}, {kv}) {layouts}
      {scale} {clauses} outs({outs} : {out_types})
  return
}}
"""


def given(name, type_):
    """A problem with one more operand in the clause of its name."""
    return problem(f"{name}(%x : {type_})", [f"%x: {type_}"])


MASK_PROBLEMS = {
    "causal": problem("mask(#attn.causal)"),
    "sliding_window": problem("mask(#attn.sliding_window<7, 0>)"),
    "chunked": problem("mask(#attn.chunked<16>)"),
    "prefix": problem("mask(#attn.prefix<9>)"),
    "segments": problem(
        "mask(#attn.segments<q = 0, kv = 1>)"
        " mask_operands(%qs, %ks : memref<2x64xi32>, memref<2x64xi32>)",
        ["%qs: memref<2x64xi32>", "%ks: memref<2x64xi32>"],
    ),
    "dense": problem(
        "mask(#attn.dense<0>) mask_operands(%m : memref<2x4x64x64xi1>)",
        ["%m: memref<2x4x64x64xi1>"],
    ),
    "custom": problem(
        "mask(#attn.custom<@see>)",
        functions="""
func.func private @see(%b: index, %h: index, %q: index, %j: index) -> i1 {
  %r = arith.cmpi sle, %j, %q : index
  return %r : i1
}""",
    ),
    "per_head": problem(
        "mask(#attn.per_head<[#attn.causal, #attn.causal,"
        " #attn.sliding_window<7, 0>, #attn.chunked<16>]>)"
    ),
    "and": problem(
        "mask(#attn.and<[#attn.causal, #attn.sliding_window<7, 0>]>)"
    ),
    "or": problem("mask(#attn.or<[#attn.causal, #attn.prefix<9>]>)"),
    "not": problem("mask(#attn.not<#attn.causal>)"),
}

# A row may name a form of an argument, "argument (form)", beside the argument.
ARGUMENT_PROBLEMS = {
    "scale": problem(),
    "dynamic_scale": problem(
        "", ["%x: f32"], scale="dynamic_scale(%x)"
    ),
    "softcap": problem("softcap(3.000000e+01)"),
    "dynamic_softcap": problem("dynamic_softcap(%x)", ["%x: f32"]),
    "q_offset": problem("q_offset(7)"),
    "dynamic_q_offset": given("dynamic_q_offset", "i64"),
    "dynamic_q_offset (per batch)": given("dynamic_q_offset", "memref<2xi64>"),
    "q_positions": given("q_positions", "memref<2x64xi64>"),
    "q_lens": given("q_lens", "memref<2xi32>"),
    "kv_lens": given("kv_lens", "memref<2xi32>"),
    "cu_seqlens_q": problem(layout="thd"),
    "cu_seqlens_kv": problem(layout="thd"),
    "block_table": problem(layout="paged"),
    "bias": given("bias", "memref<2x4x64x64xf32>"),
    "sinks": given("sinks", "memref<4xf32>"),
    "alibi_slopes": given("alibi_slopes", "memref<4xf32>"),
    "score_mod": problem(
        "score_mod(@mod)",
        functions="""
func.func private @mod(%s: f32, %b: index, %h: index, %q: index,
                       %j: index) -> f32 {
  %r = arith.addf %s, %s : f32
  return %r : f32
}""",
    ),
    "score_operands": problem(
        "score_mod(@mod) score_operands(%x : f32)",
        ["%x: f32"],
        functions="""
func.func private @mod(%s: f32, %b: index, %h: index, %q: index,
                       %j: index, %x: f32) -> f32 {
  %r = arith.addf %s, %x : f32
  return %r : f32
}""",
    ),
    "num_splits": problem("num_splits(2)"),
    "split_size": problem("split_size(32)"),
    "block_q": problem("block_q(32)"),
    "block_kv": problem("block_kv(32)"),
    "block_kv_compute": problem("block_kv(32) block_kv_compute(16)"),
}
for _name in ("q_descale", "k_descale", "v_descale"):
    ARGUMENT_PROBLEMS[_name] = problem(
        f"{_name}(%x : memref<2x2xf32>)",
        ["%x: memref<2x2xf32>"],
        element="f8E4M3FN",
    )

FORM_PROBLEMS = {
    "lse as second result": problem(lse=True),
    "dynamic sizes": problem(dynamic=True),
}

# ---- What the op has ---------------------------------------------------------


def read_definition(tblgen, includes):
    """Records of AttnOps.td as llvm-tblgen dumps them."""
    command = [tblgen, "--dump-json"]
    command += [f"-I{include}" for include in includes]
    for include in includes:
        path = f"{include}/attn/Dialect/Attn/IR/AttnOps.td"
        try:
            open(path).close()
        except OSError:
            continue
        return json.loads(subprocess.check_output(command + [path]))
    raise SystemExit(f"no attn/Dialect/Attn/IR/AttnOps.td under {includes}")


def features(records):
    """{group: names} of everything the op's definition offers."""
    arguments = records["Attn_AttentionOp"]["arguments"]["args"]
    masks = records["!instanceof"]["Attn_Mask"]
    layouts = records["Attn_Layout"]["enumerants"]
    return {
        "element types": ELEMENT_TYPES,
        "layouts": [records[case["def"]]["str"] for case in layouts],
        "masks": [records[mask]["mnemonic"] for mask in masks],
        "operands and attributes": [
            name for _, name in arguments if name not in COVERED_ELSEWHERE
        ],
    }


def problems():
    """{group: {name: IR}}, in the order of the table."""
    return {
        "element types": {
            element: problem(element=element) for element in ELEMENT_TYPES
        },
        "layouts": {layout: problem(layout=layout) for layout in SHAPES},
        "masks": MASK_PROBLEMS,
        "operands and attributes": ARGUMENT_PROBLEMS,
        "forms": FORM_PROBLEMS,
    }


def compare(offered, tried):
    """Complaints about features without a problem and the other way round."""
    complaints = []
    for group, names in offered.items():
        bare = {name.split(" (")[0] for name in tried[group]}
        for name in sorted(set(names) - bare):
            complaints.append(f"{group}: '{name}' of the op is not tried")
        for name in sorted(bare - set(names)):
            complaints.append(f"{group}: '{name}' is tried but not in the op")
    return complaints


# ---- The table ---------------------------------------------------------------


def is_supported(command, ir):
    """True, False, or the output of a run that ended in neither way."""
    run = subprocess.run(
        command, input=ir, capture_output=True, text=True, check=False
    )
    if run.returncode == 0 and "unrealized_conversion_cast" in run.stdout:
        return "a conversion is left over"
    if run.returncode == 0:
        return True
    if run.returncode == 1 and "unsupported on" in run.stderr:
        return False
    return f"exit code {run.returncode}\n{run.stderr}"


def try_all(attn_opt, pipeline):
    """The table's lines, and complaints about runs that ended in neither way."""
    header = ["", "lowered for all targets"]
    header += [f"unsupported on {name}" for name in TARGETS.values()]
    lines = [row(header), "|---" * len(header) + "|"]
    complaints = []

    def try_one(target, ir):
        flag = pipeline.replace("{}", target)
        return is_supported([attn_opt, flag, "-"], ir)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for group, rows in problems().items():
            refused = {}
            for target in TARGETS:
                outcomes = pool.map(
                    functools.partial(try_one, target), rows.values()
                )
                refused[target] = []
                for name, outcome in zip(rows, outcomes):
                    if outcome is False:
                        refused[target].append(name)
                    elif outcome is not True:
                        complaints.append(f"{group}: {name}: {outcome}")
            somewhere = set(sum(refused.values(), []))
            cells = [[name for name in rows if name not in somewhere]]
            cells += refused.values()
            lines.append(
                row([group] + [", ".join(names) or "-" for names in cells])
            )
    return lines, complaints


def row(cells):
    """A line of a Markdown table."""
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def split_readme(path):
    """Lines before, in and after the table of a README."""
    with open(path, encoding="utf-8") as readme:
        lines = readme.read().splitlines()
    if BEGIN not in lines or END not in lines:
        raise SystemExit(f"{path}: no lines '{BEGIN}' and '{END}'")
    begin, end = lines.index(BEGIN) + 1, lines.index(END)
    return lines[:begin], lines[begin:end], lines[end:]


def parse_arguments():
    parser = argparse.ArgumentParser(description="the support table")
    parser.add_argument("--attn-opt", required=True)
    parser.add_argument("--llvm-tblgen", required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--pipeline", default="--attn-to-llvm=target={}")
    action = parser.add_mutually_exclusive_group(required=True)
    for name in ("--print", "--check", "--write", "--names"):
        action.add_argument(name, action="store_true")
    parser.add_argument("readme", nargs="?", default="README.md")
    return parser.parse_args()


def main():
    options = parse_arguments()
    records = read_definition(options.llvm_tblgen, options.include)
    complaints = compare(features(records), problems())
    if options.names:
        print("\n".join(sorted(name for rows in problems().values() for name in rows)))
        return 0
    table, failures = try_all(options.attn_opt, options.pipeline)
    complaints += failures
    if options.print:
        print("\n".join(table))
    elif not complaints:
        before, old, after = split_readme(options.readme)
        if options.write:
            with open(options.readme, "w", encoding="utf-8") as readme:
                readme.write("\n".join(before + table + after) + "\n")
        elif old != table:
            complaints.append(
                f"the table in {options.readme} differs from what attn-opt"
                " does, which is:\n" + "\n".join(table)
            )
    for complaint in complaints:
        print(f"support table: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
