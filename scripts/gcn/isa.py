# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""AMDGPU assembly as llc prints it: kernels, blocks, loops, instructions."""

import dataclasses
import re

TRANSCENDENTAL = (
    "v_exp_",
    "v_log_",
    "v_rcp_",
    "v_rsq_",
    "v_sqrt_",
    "v_sin_",
    "v_cos_",
)
MEMORY = ("buffer_", "global_", "flat_", "scratch_")
LABEL = re.compile(r"^(\.LBB\w+):|^; (%bb\.\d+):")
BRANCH = re.compile(r"s_c?branch\w*\s+(\S+)")
REGISTERS = re.compile(r"\b([va])\[(\d+):(\d+)\]|\b([va])(\d+)\b")


def kind_of(opcode):
    """What an instruction occupies."""
    if "mfma" in opcode or "wmma" in opcode:
        return "mfma"
    if opcode.startswith("v_accvgpr"):
        return "accmov"
    if opcode.startswith(TRANSCENDENTAL):
        return "trans"
    if opcode.startswith("v_"):
        return "vector"
    if opcode.startswith("ds_"):
        if "read" in opcode or "load" in opcode:
            return "ds_read"
        if "write" in opcode or "store" in opcode:
            return "ds_write"
        return "ds_other"
    if opcode.startswith(MEMORY):
        return "scratch" if opcode.startswith("scratch_") else "vmem"
    for prefix, kind in (
        ("s_waitcnt", "wait"),
        ("s_nop", "nop"),
        ("s_barrier", "barrier"),
        ("s_cbranch", "branch"),
        ("s_branch", "branch"),
    ):
        if opcode.startswith(prefix):
            return kind
    return "salu"


def registers(text):
    """The vector registers that a piece of an instruction names."""
    found = set()
    for bank, first, last, single_bank, single in REGISTERS.findall(text):
        if single:
            found.add((single_bank, int(single)))
        else:
            found |= {(bank, i) for i in range(int(first), int(last) + 1)}
    return found


@dataclasses.dataclass
class Instruction:
    """One instruction; `accumulator` is the addend of a matrix product."""

    text: str
    opcode: str
    kind: str
    writes: frozenset = frozenset()
    reads: frozenset = frozenset()
    accumulator: frozenset = frozenset()

    @classmethod
    def parse(cls, text):
        opcode, _, arguments = text.partition(" ")
        kind = kind_of(opcode)
        parts = re.split(r",(?![^\[]*\])", arguments)
        writes, reads, accumulator = set(), set(), set()
        only_reads = kind == "ds_write" or (
            kind in ("vmem", "scratch")
            and ("store" in opcode or arguments.endswith(" lds"))
        )
        if only_reads:
            reads = registers(arguments)
        elif kind == "mfma":
            writes = registers(parts[0])
            reads = registers(parts[1]) | registers(parts[2])
            accumulator = registers(parts[3])
        elif kind not in ("salu", "wait", "nop", "barrier", "branch"):
            writes = registers(parts[0])
            reads = registers(",".join(parts[1:]))
            if "permlane" in opcode and "swap" in opcode:
                writes |= registers(parts[1])
                reads |= writes
        sets = map(frozenset, (writes, reads, accumulator))
        return cls(text, opcode, kind, *sets)

    def counter(self, name):
        """How many operations of a counter, vmcnt or lgkmcnt, a wait leaves."""
        found = re.search(name + r"\((\d+)\)", self.text)
        return int(found[1]) if self.kind == "wait" and found else None


@dataclasses.dataclass
class Block:
    """A basic block and the blocks that control may go to."""

    name: str
    instructions: list = dataclasses.field(default_factory=list)
    successors: list = dataclasses.field(default_factory=list)

    def count(self, kind):
        return sum(i.kind == kind for i in self.instructions)


@dataclasses.dataclass
class Kernel:
    """A function's blocks, in the order of the text, and its resources."""

    name: str
    blocks: list
    resources: dict

    def instructions(self):
        return [i for block in self.blocks for i in block.instructions]


def parse_blocks(body):
    blocks = [Block("entry")]
    for line in body.splitlines():
        label = LABEL.match(line)
        if label:
            blocks.append(Block(label[1] or label[2]))
            continue
        text = " ".join(line.split(";")[0].split())
        if text and not text.startswith(".") and not text.endswith(":"):
            blocks[-1].instructions.append(Instruction.parse(text))
    by_name = {block.name: block for block in blocks}
    for block, following in zip(blocks, blocks[1:] + [None]):
        falls_through = True
        for instruction in block.instructions:
            target = BRANCH.match(instruction.text)
            if target and target[1] in by_name:
                block.successors.append(by_name[target[1]])
            if instruction.opcode in ("s_branch", "s_endpgm", "s_setpc_b64"):
                falls_through = False
        if falls_through and following:
            block.successors.append(following)
    return blocks


# The comments and directives that llc ends a function with.
RESOURCES = {
    "vgprs": r"; NumVgprs: (\d+)",
    "agprs": r"; NumAgprs: (\d+)",
    "sgprs": r"; TotalNumSgprs: (\d+)",
    "scratch": r"; ScratchSize: (\d+)",
    "occupancy": r"; Occupancy: (\d+)",
    "lds": r"; LDSByteSize: (\d+)",
}
METADATA = {
    "vgpr_spills": r"\.vgpr_spill_count: +(\d+)",
    "sgpr_spills": r"\.sgpr_spill_count: +(\d+)",
}


FUNCTION = re.compile(
    r"^([\w$.]+):\s*; @.*?\n"  # its label
    r"(.*?)^\.Lfunc_end\d+:"  # its instructions
    r"(.*?)(?=^[\w$.]+:\s*; @|\Z)",  # what follows them
    re.S | re.M,
)


def metadata_of(name, text):
    """The kernel's piece of the module's metadata, from its name on."""
    label = rf"\.name: +'?{re.escape(name)}'?$"
    found = re.search(label + r"(.*?)(?=^  - |^\.\.\.|\Z)", text, re.S | re.M)
    return found[1] if found else ""


def parse_kernels(text):
    """The kernels of a module, by name."""
    kernels = {}
    for name, body, tail in FUNCTION.findall(text):
        metadata = metadata_of(name, text)
        found = {}
        for table, source in ((RESOURCES, tail), (METADATA, metadata)):
            for key, expression in table.items():
                value = re.search(expression, source)
                if value:
                    found[key] = int(value[1])
        kernels[name] = Kernel(name, parse_blocks(body), found)
    return kernels


@dataclasses.dataclass
class Loop:
    """A natural loop; blocks in the order of the text."""

    header: Block
    blocks: list

    def count(self, kind):
        return sum(block.count(kind) for block in self.blocks)

    def hot_path(self):
        """The instructions of one iteration on the path that meets most matrix
        instructions and, among those, the fewest others: branches around what
        is rarely needed, like a rescaling, are taken."""
        names = {id(block) for block in self.blocks}
        best = {}

        def rest(block):
            if id(block) in best:
                return best[id(block)]
            best[id(block)] = None  # Paths do not go round inner loops.
            tails = [
                rest(s)
                for s in block.successors
                if id(s) in names and s is not self.header
            ]
            if any(s is self.header for s in block.successors):
                tails.append((0, 0, []))
            tails = [tail for tail in tails if tail]
            if tails:
                most, fewest, path = max(tails, key=lambda t: (t[0], t[1]))
                best[id(block)] = (
                    most + block.count("mfma"),
                    fewest - len(block.instructions),
                    [block] + path,
                )
            else:
                best[id(block)] = None
            return best[id(block)]

        found = rest(self.header)
        return [i for block in found[2] for i in block.instructions]


def dominators(blocks):
    """Dominators of every block that is reached from the first."""
    everything = {id(block) for block in blocks}
    before = {id(block): [] for block in blocks}
    for block in blocks:
        for successor in block.successors:
            before[id(successor)].append(block)
    found = {id(block): everything for block in blocks}
    found[id(blocks[0])] = {id(blocks[0])}
    changed = True
    while changed:
        changed = False
        for block in blocks[1:]:
            sets = [found[id(p)] for p in before[id(block)]]
            new = set.intersection(*map(set, sets)) if sets else set()
            new.add(id(block))
            if new != found[id(block)]:
                found[id(block)] = new
                changed = True
    return found, before


def innermost_loops(kernel, kind=None):
    """The natural loops that hold no other, in the order of their headers; with
    `kind`, those that hold no other with such instructions."""
    dominated_by, before = dominators(kernel.blocks)
    bodies = {}
    for block in kernel.blocks:
        for header in block.successors:
            if id(header) not in dominated_by[id(block)]:
                continue
            body, work = bodies.setdefault(id(header), {id(header)}), [block]
            while work:
                member = work.pop()
                if id(member) not in body:
                    body.add(id(member))
                    work += before[id(member)]
    loops = {
        id(block): Loop(
            block, [b for b in kernel.blocks if id(b) in bodies[id(block)]]
        )
        for block in kernel.blocks
        if id(block) in bodies
    }
    if kind:
        loops = {h: loop for h, loop in loops.items() if loop.count(kind)}
    return [
        loop
        for header, loop in loops.items()
        if not any(h in bodies[header] for h in loops if h != header)
    ]


def main_loops(kernel):
    """The innermost loops with most matrix instructions: the loops over keys,
    with and without a mask, but not those of rare paths."""
    loops = innermost_loops(kernel, "mfma")
    most = max((loop.count("mfma") for loop in loops), default=0)
    return [loop for loop in loops if most and 2 * loop.count("mfma") > most]
