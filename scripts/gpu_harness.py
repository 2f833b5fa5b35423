#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks and times compiled attention on a machine with PyTorch and a GPU.

usage: gpu_harness.py FOLDER [options]     (FOLDER: what gpu_bundle.sh made)

Needs this file, libattn-c.so and the kernels (*.attnk) beside each other, and
PyTorch; no compiler. Every kernel is compared with float64 on the device by the
rule of docs/semantics.md, run twice and from a captured CUDA graph with equal
bits, and timed with events beside the back ends of PyTorch's
scaled_dot_product_attention, in turns, each call after the L2 cache was
overwritten. Prints one table; the exit code is 1 if a result is wrong.
"""

import argparse
import ctypes
import json
import math
import pathlib
import re
import statistics
import sys

import torch

# ---- The C library -----------------------------------------------------------

# AttnDataType.
TYPES = {
    "f32": (1, torch.float32),
    "f16": (2, torch.float16),
    "bf16": (3, torch.bfloat16),
    "i32": (10, torch.int32),
    "i64": (11, torch.int64),
}


class Array(ctypes.Structure):
    """AttnArray."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("sizes", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
    ]


class RunOptions(ctypes.Structure):
    """AttnDeviceRunOptions."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("stream", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_size_t),
    ]


class Library:
    """libattn-c, with errors as exceptions."""

    def __init__(self, path):
        try:
            self.library = ctypes.CDLL(str(path))
        except OSError:
            # The bundle brings an OpenMP runtime for machines without one.
            ctypes.CDLL(str(path.with_name("libgomp.so.1")), ctypes.RTLD_GLOBAL)
            self.library = ctypes.CDLL(str(path))
        pointer = ctypes.c_void_p
        for name, result in [
            ("attnErrorGetText", ctypes.c_char_p),
            ("attnKernelGetManifest", ctypes.c_char_p),
            ("attnDeviceGetName", ctypes.c_char_p),
            ("attnDeviceKernelGetReport", ctypes.c_char_p),
            ("attnKernelLoad", pointer),
            ("attnDeviceOpen", pointer),
            ("attnDeviceKernelCreate", pointer),
            ("attnDeviceKernelGetWorkspaceSize", pointer),
            ("attnDeviceKernelRun", pointer),
        ]:
            getattr(self.library, name).restype = result

    def call(self, name, *arguments):
        error = getattr(self.library, name)(*arguments)
        if error:
            text = self.library.attnErrorGetText(ctypes.c_void_p(error))
            raise RuntimeError(text.decode())

    def create(self, name, *arguments):
        handle = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle

    def text(self, name, handle):
        return getattr(self.library, name)(handle).decode()


class Kernel:
    """A kernel from a file, loaded on a device."""

    def __init__(self, library, device, path):
        self.library = library
        binary = library.create("attnKernelLoad", str(path).encode())
        self.manifest = json.loads(
            library.text("attnKernelGetManifest", binary)
        )
        self.handle = library.create("attnDeviceKernelCreate", device, binary)
        self.report = json.loads(
            library.text("attnDeviceKernelGetReport", self.handle)
        )

    def bind(self, tensors):
        """A function that enqueues a call on the current stream."""
        arrays = (Array * len(tensors))()
        dims = []
        for array, tensor, argument in zip(
            arrays, tensors, self.manifest["arguments"]
        ):
            sizes = (ctypes.c_int64 * tensor.dim())(*tensor.shape)
            strides = (ctypes.c_int64 * tensor.dim())(*tensor.stride())
            dims += [sizes, strides]
            array.data = tensor.data_ptr()
            array.type = TYPES[argument["type"]][0]
            array.rank = tensor.dim()
            array.sizes = sizes
            array.strides = strides
        count = ctypes.c_size_t(len(tensors))
        size = ctypes.c_size_t()
        self.library.call(
            "attnDeviceKernelGetWorkspaceSize",
            self.handle,
            arrays,
            count,
            ctypes.byref(size),
        )
        workspace = torch.empty(
            size.value, dtype=torch.uint8, device=tensors[0].device
        )
        on_gpu = tensors[0].is_cuda
        options = RunOptions(ctypes.sizeof(RunOptions), None, None, 0)
        if size.value:
            options.workspace = workspace.data_ptr()
            options.workspace_size = size.value

        def run(keep=(tensors, dims, workspace)):
            if on_gpu:
                options.stream = torch.cuda.current_stream().cuda_stream
            self.library.call(
                "attnDeviceKernelRun",
                self.handle,
                arrays,
                count,
                ctypes.byref(options),
            )

        return run


# ---- Problems ----------------------------------------------------------------


class Problem:
    """What the manifest's description, options of attn-gen, says."""

    KNOWN = {
        "batch",
        "q-heads",
        "kv-heads",
        "sq",
        "skv",
        "dqk",
        "dv",
        "dtype",
        "out-dtype",
        "sinks",
        "layout",
        "mask",
        "scale",
        "memref",
        "lse",
        "num-splits",
        "split-size",
        "block-q",
        "block-kv",
        "block-kv-compute",
        "dynamic",
    }

    def __init__(self, text):
        options = {}
        for line in text.split("\n"):
            name, _, value = line.strip().partition("=")
            if name:
                options[name.strip()] = value.strip()
        unknown = set(options) - self.KNOWN
        if unknown:
            raise ValueError(f"no reference for {', '.join(sorted(unknown))}")

        def number(name, default):
            return int(options.get(name, default))

        self.batch = number("batch", 1)
        self.q_heads = number("q-heads", 4)
        self.kv_heads = number("kv-heads", self.q_heads)
        self.rows = number("sq", 2048)
        self.keys = number("skv", self.rows)
        self.dqk = number("dqk", 64)
        self.dv = number("dv", self.dqk)
        self.layout = options.get("layout", "bshd")
        self.dtype = options.get("dtype", "f32")
        self.mask = options.get("mask", "")
        self.scale = float(options.get("scale", 1 / math.sqrt(self.dqk)))
        # Keys that row i sees: [i - left, i + right].
        self.left, self.right = self.keys + self.rows, self.keys + self.rows
        window = re.fullmatch(r"window\((\d+|\*),(\d+|\*)\)", self.mask)
        if self.mask == "causal":
            self.right = 0
        elif window:
            left, right = window.groups()
            self.left = self.left if left == "*" else int(left)
            self.right = self.right if right == "*" else int(right)
        elif self.mask:
            raise ValueError(f"no reference for mask {self.mask}")
        if self.layout not in ("bshd", "bhsd"):
            raise ValueError(f"no reference for layout {self.layout}")

    def visible(self, first, last, device):
        """[last - first, keys], True where row i sees key j; None if all."""
        if not self.mask:
            return None
        i = torch.arange(first, last, device=device)[:, None]
        j = torch.arange(self.keys, device=device)[None, :]
        return (j >= i - self.left) & (j <= i + self.right)

    def pairs(self):
        """Visible (row, key) pairs of one head."""
        return sum(
            max(
                0,
                min(i + self.right, self.keys - 1) - max(i - self.left, 0) + 1,
            )
            for i in range(self.rows)
        )

    def flops(self):
        heads = self.batch * self.q_heads
        return 2 * heads * self.pairs() * (self.dqk + self.dv)

    def sizes(self, name):
        """Of the argument `name`."""
        if name == "lse":
            return [self.batch, self.q_heads, self.rows]
        if name == "sinks":
            return [self.q_heads]
        rows, heads = self.rows, self.q_heads
        if name in ("k", "v"):
            rows, heads = self.keys, self.kv_heads
        width = self.dqk if name in ("q", "k") else self.dv
        places = [rows, heads] if self.layout == "bshd" else [heads, rows]
        return [self.batch, *places, width]

    def by_head(self, tensor):
        """[B, H, S, D], a view."""
        return tensor.transpose(1, 2) if self.layout == "bshd" else tensor


def make_tensors(kernel, problem, device, seed):
    """Random inputs, outputs full of NaN, in the order of the manifest. Sizes
    that the kernel leaves open are the problem's."""
    generator = torch.Generator(device=device).manual_seed(seed)
    tensors, names = [], []
    for argument in kernel.manifest["arguments"]:
        sizes = [
            own if size == -1 else size
            for size, own in zip(
                argument["sizes"], problem.sizes(argument["name"])
            )
        ]
        kind = TYPES[argument["type"]][1]
        if argument["name"] in ("out", "lse"):
            tensor = torch.full(sizes, math.nan, dtype=kind, device=device)
        else:
            tensor = torch.randn(
                sizes, generator=generator, device=device
            ).to(kind)
        tensors.append(tensor)
        names.append(argument["name"])
    return tensors, names


# ---- The reference -----------------------------------------------------------


class Evaluation:
    """out and lse of some rows of one head in float64, the same as coarse
    arithmetic has it, and the bounds of the tolerance rule."""

    def __init__(self, problem, q, k, v, sink, visible, dtype):
        self.exact, self.lse, weights = self.attend(
            problem,
            q.double(),
            k.double(),
            v.double(),
            sink,
            visible,
            lambda x: x,
        )
        self.values = (weights @ v.double().abs()).max().item()
        low, low_lse, _ = self.attend(
            problem,
            q.float(),
            k.float(),
            v.float(),
            sink,
            visible,
            lambda x: x.to(dtype).to(x.dtype),
        )
        self.low_error = (low.double() - self.exact).abs().max().item()
        # Not a number where both are -inf.
        difference = (low_lse.double() - self.lse).abs().nan_to_num(0.0)
        self.low_lse_error = difference.max().item()

    @staticmethod
    def attend(problem, q, k, v, sink, visible, rounded):
        score = rounded(problem.scale * rounded(q @ k.T))
        if visible is not None:
            score = score.masked_fill(~visible, -math.inf)
        top = score.amax(-1, keepdim=True).clamp_min(sink)
        # A row that sees no key: all weights are 0.
        top = torch.where(top.isinf(), torch.zeros_like(top), top)
        weight = (score - top).exp()
        total = weight.sum(-1, keepdim=True) + (sink - top).exp()
        lse = (top + total.log()).squeeze(-1)
        weight = rounded(weight / total.clamp_min(1e-300))
        return rounded(weight @ v), lse, weight


def chunks(problem):
    """(b, h, first row, last row) of pieces that fit the memory."""
    step = max(1, (1 << 26) // max(problem.keys, 1))
    for b in range(problem.batch):
        for h in range(problem.q_heads):
            for first in range(0, problem.rows, step):
                yield b, h, first, min(first + step, problem.rows)


def ulp(dtype, value):
    info = torch.finfo(dtype)
    return info.eps * 2.0 ** math.floor(math.log2(max(value, info.tiny)))


def check(problem, tensors, names):
    """None if out and lse are right, else what is wrong."""
    given = dict(zip(names, tensors))
    q, k, v = (problem.by_head(given[n]) for n in "qkv")
    out, lse = problem.by_head(given["out"]), given.get("lse")
    # Logits that enter the sum only; -inf counts nothing.
    nothing = torch.full((problem.q_heads,), -math.inf)
    sinks = given.get("sinks", nothing).tolist()
    dtype = TYPES[problem.dtype][1]
    group = problem.q_heads // problem.kv_heads
    error = lse_error = low = low_lse = 0.0
    bound = largest = largest_lse = 0.0
    norms = [t.double().norm(dim=-1).max().item() for t in (q, k)]
    score = abs(problem.scale) * norms[0] * norms[1]
    score = max([score] + [abs(s) for s in sinks if math.isfinite(s)])
    for b, h, first, last in chunks(problem):
        visible = problem.visible(first, last, q.device)
        exact = Evaluation(
            problem,
            q[b, h, first:last],
            k[b, h // group],
            v[b, h // group],
            sinks[h],
            visible,
            dtype,
        )
        found = out[b, h, first:last].double()
        if found.isnan().any():
            return f"out has NaN in batch {b}, head {h}"
        error = max(error, (found - exact.exact).abs().max().item())
        low = max(low, exact.low_error)
        low_lse = max(low_lse, exact.low_lse_error)
        bound = max(bound, exact.values)
        largest = max(largest, exact.exact.abs().max().item())
        if lse is None:
            continue
        seen = exact.lse.isfinite()
        found = lse[b, h, first:last].double()
        if not torch.equal(found[~seen], exact.lse[~seen]):
            return f"lse is wrong in a row without keys, head {h}"
        if seen.any():
            difference = (found - exact.lse)[seen].abs()
            if difference.isnan().any():
                return f"lse has NaN in batch {b}, head {h}"
            lse_error = max(lse_error, difference.max().item())
            largest_lse = max(
                largest_lse, exact.lse[seen].abs().max().item()
            )
    # The rule of docs/semantics.md.
    epsilon = 2.0**-23
    allowed = 2 * low + (8 + 4 * score) * epsilon * bound
    allowed += ulp(out.dtype, largest)
    if dtype != torch.float32:
        allowed += 0.25 * ulp(dtype, 1.0) * bound
    if error > allowed:
        return f"out is off by {error:.3g}, allowed {allowed:.3g}"
    allowed = 8 * epsilon * (8 + score + largest_lse)
    if dtype == torch.float32:
        allowed += 2 * low_lse
    if lse_error > allowed:
        return f"lse is off by {lse_error:.3g}, allowed {allowed:.3g}"
    return None


def check_repeats(run, outputs):
    """None if calls give equal bits, from a captured graph too."""
    first = [tensor.clone() for tensor in outputs]

    def differs():
        return not all(
            torch.equal(a.view(torch.uint8), b.view(torch.uint8))
            for a, b in zip(first, outputs)
        )

    for tensor in outputs:
        tensor.fill_(math.nan)
    run()
    if differs():
        return "a second call gives other bits"
    if not outputs[0].is_cuda:
        return None
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    for tensor in outputs:
        tensor.fill_(math.nan)
    graph.replay()
    torch.cuda.synchronize()
    return "a captured graph gives other bits" if differs() else None


# ---- Times -------------------------------------------------------------------


def sdpa_calls(problem, tensors, names, device):
    """PyTorch's back ends that take the problem, by name."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if problem.mask not in ("", "causal"):
        return {}
    given = dict(zip(names, tensors))
    q, k, v = (problem.by_head(given[n]) for n in "qkv")
    calls = {}
    for name, backend in [
        ("flash", SDPBackend.FLASH_ATTENTION),
        ("cudnn", SDPBackend.CUDNN_ATTENTION),
        ("efficient", SDPBackend.EFFICIENT_ATTENTION),
        ("math", SDPBackend.MATH),
    ]:
        scores = problem.batch * problem.q_heads * problem.rows * problem.keys
        if name == "math" and scores > 1 << 31:
            continue

        def call(backend=backend):
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(
                    q,
                    k,
                    v,
                    is_causal=problem.mask == "causal",
                    scale=problem.scale,
                    enable_gqa=problem.q_heads != problem.kv_heads,
                )

        try:
            call()
            torch.cuda.synchronize(device)
        except RuntimeError:
            continue
        calls[name] = call
    return calls


def time_calls(calls, runs, device):
    """Median seconds of each call, in turns."""
    flush = torch.empty(256 << 20, dtype=torch.uint8, device=device)
    times = {name: [] for name in calls}
    begin = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    for call in calls.values():
        for _ in range(3):
            call()
    for _ in range(runs):
        for name, call in calls.items():
            flush.zero_()
            begin.record()
            call()
            end.record()
            end.synchronize()
            times[name].append(begin.elapsed_time(end) * 1e-3)
    return {name: statistics.median(t) for name, t in times.items()}


# ---- The table ---------------------------------------------------------------

BACKENDS = ["flash", "cudnn", "efficient", "math"]


def describe(kernel):
    """Registers, spilled bytes and blocks per multiprocessor of the largest
    kernel, as the device says, else as the compiler does."""
    largest = max(
        kernel.report["kernels"], key=lambda k: k.get("registers", 0)
    )
    return (
        f"{kernel.report['code']} {largest.get('registers', '?')} regs, "
        f"{largest.get('local_bytes', '?')} B local, "
        f"{largest.get('blocks_per_multiprocessor', '?')} blocks"
    )


def measure(library, device, path, arguments):
    """A row of the table, and whether the results are right."""
    kernel = Kernel(library, device, path)
    problem = Problem(kernel.manifest.get("problem", ""))
    place = "cpu" if arguments.device == "emulator" else "cuda"
    tensors, names = make_tensors(
        kernel, problem, place, arguments.seed
    )
    run = kernel.bind(tensors)
    run()
    verdict = None
    if not arguments.no_check:
        outputs = [t for t, n in zip(tensors, names) if n in ("out", "lse")]
        verdict = check(problem, tensors, names) or check_repeats(run, outputs)
    cells = [path.stem, verdict or "ok"]
    if place == "cuda" and arguments.runs:
        calls = {"attn": run, **sdpa_calls(problem, tensors, names, place)}
        seconds = time_calls(calls, arguments.runs, place)
        rates = {n: problem.flops() / s * 1e-12 for n, s in seconds.items()}
        cells += [f"{seconds['attn'] * 1e3:.3f}", f"{rates['attn']:.0f}"]
        cells += [
            f"{rates[n]:.0f}" if n in rates else "-" for n in BACKENDS
        ]
        cells += [
            f"{rates['attn'] / rates[n]:.2f}" if n in rates else "-"
            for n in BACKENDS[:2]
        ]
    else:
        cells += ["-"] * (4 + len(BACKENDS))
    return cells + [describe(kernel)], verdict is None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--device", default="cuda", help="cuda or emulator")
    parser.add_argument("--runs", type=int, default=30, help="0: no times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--filter", default="", help="part of a kernel's name")
    parser.add_argument("--no-check", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    library = Library(folder / "libattn-c.so")
    device = library.create(
        "attnDeviceOpen", arguments.device.encode(), None
    )
    print(f"device: {library.text('attnDeviceGetName', device)}")
    print(f"torch {torch.__version__}; TFLOP/s, medians of {arguments.runs}")
    header = ["kernel", "check", "ms", "attn", *BACKENDS]
    header += ["/flash", "/cudnn", "code"]
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header), flush=True)
    right = True
    paths = sorted(arguments.folder.glob("*.attnk"))
    for path in paths:
        if arguments.filter not in path.stem:
            continue
        try:
            cells, ok = measure(library, device, path, arguments)
        except (RuntimeError, ValueError) as error:
            cells, ok = [path.stem, f"error: {error}"], False
        right = right and ok
        print("| " + " | ".join(cells) + " |", flush=True)
    if not paths:
        print(f"{arguments.folder}: no *.attnk", file=sys.stderr)
        return 2
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
