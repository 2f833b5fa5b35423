#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One tiny kernel per NVIDIA operation, and what it is fed.

The same kernels run on hardware (scripts/record_goldens.py, once) and on the
emulator (hardware.test, always). A kernel is one block; thread t loads `loads`
32-bit words from its row of the input, runs the operation and stores `stores`
words to its row of the output. Inputs follow from a name and a seed, so only
outputs are kept.
"""

import struct
import zlib

# ---- Numbers ----------------------------------------------------------------


class Random:
    """A 64-bit linear congruential generator: the same on every machine."""

    def __init__(self, text):
        self.state = zlib.crc32(text.encode()) << 16 | 0x330E

    def bits(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 32

    def below(self, limit):
        return self.bits() % limit

    def uniform(self):
        return self.bits() / 2**31 - 1


def f32(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def f16(value):
    return struct.unpack("<H", struct.pack("<e", value))[0]


def bf16(value):
    """Truncated: every value that is used here is exact or random anyway."""
    return f32(value) >> 16


def e4m3(value):
    """Small integers and 0 only."""
    if value == 0:
        return 0
    magnitude, exponent = abs(value), 0
    while magnitude >= 2:
        magnitude, exponent = magnitude / 2, exponent + 1
    return (0x80 if value < 0 else 0) | (exponent + 7) << 3 | int((magnitude - 1) * 8)


ENCODE = {"f32": (f32, 32), "f16": (f16, 16), "bf16": (bf16, 16), "e4m3": (e4m3, 8)}


def words(kind, values):
    """Elements of `kind`, packed into 32-bit words, the first one lowest."""
    encode, width = ENCODE[kind]
    per_word = 32 // width
    return [
        sum(encode(v) << width * i for i, v in enumerate(values[at : at + per_word]))
        for at in range(0, len(values), per_word)
    ]


def draw(kind, count, data, random):
    """`count` words. Data is "integers", "one-hot" or "random"."""
    if kind == "bits":
        return [random.bits() for _ in range(count)]
    elements = count * 32 // ENCODE[kind][1]
    if data == "integers":
        values = [random.below(9) - 4 for _ in range(elements)]
    elif data == "one-hot":
        values = [0] * elements
        values[random.below(elements)] = 1
    else:
        values = [random.uniform() * 2 ** (random.below(9) - 4) for _ in range(elements)]
    return words(kind, values)


# ---- Kernels ----------------------------------------------------------------

TYPES = {
    "i32": "i32",
    "f32": "float",
    "h2": "<2 x half>",
    "b2": "<2 x bfloat>",
}


def call(intrinsic, result, operands):
    return f"call {result} @llvm.nvvm.{intrinsic}({', '.join(operands)})"


class Kernel:
    """IR of one kernel; `threads` run it."""

    def __init__(self, name, fed, stores, threads=32, shared=0, exact=True):
        self.name, self.fed, self.stores = name, fed, stores
        self.threads, self.shared, self.exact = threads, shared, exact
        self.lines, self.declared, self.values = [], set(), 0

    @property
    def loads(self):
        return sum(count for _, count in self.fed)

    def inputs(self, data):
        """Rows of all threads. One-hot data has a single 1 in the whole first
        operand, and integers in the others, which it then selects from."""
        random = Random(f"{self.name} {data}")
        columns = []
        for kind, count in self.fed:
            drawn = "integers" if data == "one-hot" and columns else data
            columns.append(draw(kind, count * self.threads, drawn, random))
        rows = []
        for thread in range(self.threads):
            for (_, count), column in zip(self.fed, columns):
                rows += column[thread * count : (thread + 1) * count]
        return rows

    def op(self, text):
        self.values += 1
        self.lines.append(f"  %v{self.values} = {text}")
        return f"%v{self.values}"

    def do(self, text):
        self.lines.append("  " + text)

    def intrinsic(self, name, result, arguments):
        """A call with typed arguments ("i32 %x"); a name for its value."""
        types = ", ".join(a.rsplit(" ", 1)[0] for a in arguments)
        self.declared.add(f"declare {result} @llvm.nvvm.{name}({types})")
        text = call(name, result, arguments)
        if result == "void":
            return self.do(text)
        return self.op(text)

    def load(self, index, kind="i32"):
        at = self.op(f"getelementptr i32, ptr addrspace(1) %row, i32 {index}")
        return self.op(f"load {TYPES[kind]}, ptr addrspace(1) {at}, align 4")

    def store(self, index, value, kind="i32"):
        at = self.op(f"getelementptr i32, ptr addrspace(1) %result, i32 {index}")
        self.do(f"store {TYPES[kind]} {value}, ptr addrspace(1) {at}, align 4")

    def shared_at(self, offset):
        return self.op(
            "getelementptr i8, ptr addrspace(3) @attn_shared, i32 " + str(offset)
        )

    def barrier(self):
        self.intrinsic("barrier.cta.sync.aligned.all", "void", ["i32 0"])

    def text(self):
        body = "\n".join(self.lines)
        declares = "\n".join(sorted(self.declared))
        return f"""target triple = "nvptx64-nvidia-cuda"
@attn_shared = external addrspace(3) global [0 x i8], align 1024
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
{declares}
define ptx_kernel void @{self.name}(ptr addrspace(1) %in, ptr addrspace(1) %out) #0 {{
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %first = mul i32 %tid, {self.loads}
  %row = getelementptr i32, ptr addrspace(1) %in, i32 %first
  %stored = mul i32 %tid, {self.stores}
  %result = getelementptr i32, ptr addrspace(1) %out, i32 %stored
{body}
  ret void
}}
attributes #0 = {{ "nvvm.reqntid"="{self.threads}" }}
"""


def matrix_product(name, intrinsic, element, a, b, kind, exact=True):
    """mma.sync: `a` and `b` registers of `kind`, four f32 accumulators."""
    k = Kernel(name, [(element, a), (element, b), ("f32", 4)], 4, exact=exact)
    registers = [k.load(i, kind) for i in range(a + b)]
    registers = [f"{TYPES[kind]} {r}" for r in registers]
    registers += [f"float {k.load(a + b + i, 'f32')}" for i in range(4)]
    struct_type = "{ float, float, float, float }"
    result = k.intrinsic(intrinsic, struct_type, registers)
    for i in range(4):
        k.store(i, k.op(f"extractvalue {struct_type} {result}, {i}"), "f32")
    return k


def fp8_product():
    k = Kernel("mma_e4m3", [("e4m3", 4), ("e4m3", 2), ("f32", 4)], 4)
    registers = [f"i32 {k.load(i)}" for i in range(6)]
    registers += [f"float {k.load(6 + i, 'f32')}" for i in range(4)]
    struct_type = "{ float, float, float, float }"
    result = k.op(
        f"call {struct_type} asm sideeffect "
        '"mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {$0, $1, $2, $3}, '
        '{$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};", '
        f'"=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f"({", ".join(registers)}) convergent'
    )
    for i in range(4):
        k.store(i, k.op(f"extractvalue {struct_type} {result}, {i}"), "f32")
    return k


def shuffle(mode, lanes, clamp):
    k = Kernel(f"shfl_{mode}_{lanes}_{clamp}", [("bits", 1)], 1)
    lane = "%tid" if mode == "idx" else str(lanes)
    if mode == "idx":
        lane = k.op(f"xor i32 %tid, {lanes}")
    value = k.intrinsic(
        f"shfl.sync.{mode}.i32",
        "i32",
        ["i32 -1", f"i32 {k.load(0)}", f"i32 {lane}", f"i32 {clamp}"],
    )
    k.store(0, value)
    return k


def ballot():
    k = Kernel("vote_ballot", [("bits", 1)], 1)
    odd = k.op(f"trunc i32 {k.load(0)} to i1")
    k.store(0, k.intrinsic("vote.ballot.sync", "i32", ["i32 -1", f"i1 {odd}"]))
    return k


def redux(kind):
    k = Kernel(f"redux_{kind}", [("bits", 1)], 1)
    value = k.intrinsic(f"redux.sync.{kind}", "i32", [f"i32 {k.load(0)}", "i32 -1"])
    k.store(0, value)
    return k


def load_matrix(count, transposed):
    suffix = ".trans" if transposed else ""
    k = Kernel(f"ldmatrix_x{count}{suffix.replace('.', '_')}", [("bits", 4)], count,
               shared=512)
    offset = k.op("mul i32 %tid, 16")
    for i in range(4):
        at = k.shared_at(k.op(f"add i32 {offset}, {4 * i}"))
        k.do(f"store i32 {k.load(i)}, ptr addrspace(3) {at}, align 4")
    k.barrier()
    # Rows in another order than they lie: lanes give addresses.
    row = k.op("xor i32 %tid, 5")
    at = k.shared_at(k.op(f"mul i32 {row}, 16"))
    result = "i32" if count == 1 else "{ " + ", ".join(["i32"] * count) + " }"
    name = f"ldmatrix.sync.aligned.m8n8.x{count}{suffix}.b16.p3"
    k.declared.add(f"declare {result} @llvm.nvvm.{name}(ptr addrspace(3))")
    value = k.op(call(name, result, [f"ptr addrspace(3) {at}"]))
    for i in range(count):
        part = value if count == 1 else k.op(f"extractvalue {result} {value}, {i}")
        k.store(i, part)
    return k


def store_matrix(transposed):
    suffix = ".trans" if transposed else ""
    k = Kernel(f"stmatrix_x4{suffix.replace('.', '_')}", [("bits", 4)], 4, shared=512)
    row = k.op("xor i32 %tid, 3")
    at = k.shared_at(k.op(f"mul i32 {row}, 16"))
    registers = [f"i32 {k.load(i)}" for i in range(4)]
    name = f"stmatrix.sync.aligned.m8n8.x4{suffix}.b16.p3"
    k.declared.add(
        f"declare void @llvm.nvvm.{name}(ptr addrspace(3), i32, i32, i32, i32)"
    )
    k.do(call(name, "void", [f"ptr addrspace(3) {at}"] + registers))
    k.barrier()
    offset = k.op("mul i32 %tid, 16")
    for i in range(4):
        at = k.shared_at(k.op(f"add i32 {offset}, {4 * i}"))
        k.store(i, k.op(f"load i32, ptr addrspace(3) {at}, align 4"))
    return k


def copy_async(size):
    """Four words, of which the thread's number decides how many bytes are
    copied; the rest becomes 0."""
    k = Kernel(f"cp_async_{size}", [("bits", 4)], 4, shared=512)
    offset = k.op("mul i32 %tid, 16")
    at = k.shared_at(offset)
    for i in range(4):
        fill = k.shared_at(k.op(f"add i32 {offset}, {4 * i}"))
        k.do(f"store i32 -1, ptr addrspace(3) {fill}, align 4")
    copied = k.op(f"urem i32 %tid, {size + 1}")
    name = f"cp.async.{'cg' if size == 16 else 'ca'}.shared.global.{size}.s"
    k.declared.add(
        f"declare void @llvm.nvvm.{name}(ptr addrspace(3), ptr addrspace(1), i32)"
    )
    k.do(call(name, "void",
              [f"ptr addrspace(3) {at}", "ptr addrspace(1) %row", f"i32 {copied}"]))
    k.intrinsic("cp.async.commit.group", "void", [])
    k.intrinsic("cp.async.wait.group", "void", ["i32 0"])
    for i in range(4):
        from_ = k.shared_at(k.op(f"add i32 {offset}, {4 * i}"))
        k.store(i, k.op(f"load i32, ptr addrspace(3) {from_}, align 4"))
    return k


def unary(name, intrinsic):
    """Approximate functions of f32: compared within a bound."""
    k = Kernel(name, [("f32", 1)], 1, exact=False)
    k.store(0, k.intrinsic(intrinsic, "float", [f"float {k.load(0, 'f32')}"]), "f32")
    return k


def convert(name, intrinsic, kind):
    k = Kernel(name, [("f32", 2)], 1)
    pair = [f"float {k.load(i, 'f32')}" for i in range(2)]
    value = k.intrinsic(intrinsic, TYPES[kind], pair)
    k.store(0, value, kind)
    return k


def warpgroup_product(swizzle, b_transposed):
    """wgmma m64n16k16 with A and B as they lie in shared memory: 8 KiB of
    words are copied there and read through descriptors, so that every bit of
    the address path counts."""
    layout = {0: 0, 128: 1, 64: 2, 32: 3}[swizzle]
    row_bytes = swizzle or 16
    name = f"wgmma_{swizzle}{'_trans' if b_transposed else ''}"
    k = Kernel(name, [("bf16", 32)], 8, threads=128, shared=16384)
    offset = k.op("mul i32 %tid, 128")
    for i in range(32):
        at = k.shared_at(k.op(f"add i32 {offset}, {4 * i}"))
        k.do(f"store i32 {k.load(i)}, ptr addrspace(3) {at}, align 4")
    k.do('call void asm sideeffect "fence.proxy.async.shared::cta;", "~{memory}"()')
    k.barrier()
    address = k.op("ptrtoint ptr addrspace(3) @attn_shared to i32")
    # Leading and stride byte offsets in units of 16 bytes: without a swizzle
    # core matrices of 8 rows of 16 bytes, 128 bytes apart along k, then rows.
    leading, stride = (8, 16) if swizzle == 0 else (64, row_bytes * 8 // 16)
    def descriptor(at):
        low = k.op(f"lshr i32 {k.op(f'add i32 {address}, {at}')}, 4")
        low = k.op(f"and i32 {low}, 16383")
        wide = k.op(f"zext i32 {low} to i64")
        return k.op(f"or i64 {wide}, {leading << 16 | stride << 32 | layout << 62}"
                    if layout < 2 else
                    f"or i64 {wide}, {(leading << 16 | stride << 32 | layout << 62) - 2**64}")
    a, b = descriptor(0), descriptor(8192)
    struct_type = "{ " + ", ".join(["float"] * 8) + " }"
    k.do('call void asm sideeffect "wgmma.fence.sync.aligned;", ""() convergent')
    zeros = ", ".join(["float 0.0"] * 8)
    outs = ", ".join(f"${i}" for i in range(8))
    result = k.op(
        f'call {struct_type} asm sideeffect "{{ .reg .pred p; setp.ne.b32 p, 1, 0; '
        "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 "
        f"{{{outs}}}, $16, $17, p, 1, 1, 0, {int(b_transposed)}; }}\", "
        f'"{",".join(["=f"] * 8)},{",".join(map(str, range(8)))},l,l"'
        f"({zeros}, i64 {a}, i64 {b}) convergent"
    )
    k.do('call void asm sideeffect "wgmma.commit_group.sync.aligned;", ""() convergent')
    parts = [k.op(f"extractvalue {struct_type} {result}, {i}") for i in range(8)]
    waited = k.op(
        f'call {struct_type} asm sideeffect "wgmma.wait_group.sync.aligned 0;", '
        f'"{",".join(["=f"] * 8)},{",".join(map(str, range(8)))}"'
        f"({', '.join('float ' + p for p in parts)}) convergent"
    )
    for i in range(8):
        k.store(i, k.op(f"extractvalue {struct_type} {waited}, {i}"), "f32")
    return k


def ampere_kernels():
    """Those that sm_80 has."""
    yield matrix_product("mma_bf16_k16", "mma.m16n8k16.row.col.bf16", "bf16", 4, 2, "i32")
    yield matrix_product("mma_bf16_k8", "mma.m16n8k8.row.col.bf16", "bf16", 2, 1, "i32")
    yield matrix_product("mma_f16_k16", "mma.m16n8k16.row.col.f32.f32", "f16", 4, 2, "h2")
    yield matrix_product("mma_tf32_k8", "mma.m16n8k8.row.col.tf32", "f32", 4, 2, "i32")
    for mode, lanes, clamp in (
        ("bfly", 1, 31), ("bfly", 16, 31), ("bfly", 2, 0x1C1F), ("up", 3, 0),
        ("up", 1, 0x1800), ("down", 5, 31), ("idx", 7, 31), ("idx", 9, 0x181F),
    ):  # fmt: skip
        yield shuffle(mode, lanes, clamp)
    yield ballot()
    for kind in ("add", "umax", "min", "xor"):
        yield redux(kind)
    for count in (1, 2, 4):
        yield load_matrix(count, False)
        yield load_matrix(count, True)
    for size in (4, 8, 16):
        yield copy_async(size)
    yield unary("ex2", "ex2.approx.ftz.f32")
    yield unary("lg2", "lg2.approx.ftz.f")
    yield unary("rcp", "rcp.approx.ftz.f")
    yield unary("rsqrt", "rsqrt.approx.ftz.f")
    yield convert("cvt_bf16x2", "ff2bf16x2.rn", "b2")
    yield convert("cvt_f16x2", "ff2f16x2.rn", "h2")


def hopper_kernels():
    """Those that need sm_90a."""
    yield fp8_product()
    yield store_matrix(False)
    yield store_matrix(True)
    for swizzle in (0, 32, 64, 128):
        yield warpgroup_product(swizzle, False)
        yield warpgroup_product(swizzle, True)


def kernels():
    yield from ampere_kernels()
    yield from hopper_kernels()


DATA = ("integers", "one-hot", "random")


def data_of(kernel):
    """The kinds of data that say something about a kernel."""
    if all(kind == "bits" for kind, _ in kernel.fed):
        return ("random",)
    if kernel.name.startswith("wgmma"):
        return ("integers",)
    if "e4m3" in dict(kernel.fed):
        return ("integers", "one-hot")
    return DATA
