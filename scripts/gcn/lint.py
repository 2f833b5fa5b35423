# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What no shipped kernel may hold, found in the assembly text.

Each rule has a trap behind it that costs time without being seen in the IR:
registers that spill, accumulators that move between the two register files, a
loop over lanes around a load whose resource is not known to be uniform, and a
wait for all memory where the compiler could not tell a copy from a read.
"""

from . import isa, model


def check_resources(kernel):
    for name in ("scratch", "vgpr_spills", "sgpr_spills"):
        if kernel.resources.get(name):
            yield f"{name} is {kernel.resources[name]}"


def check_scratch(kernel):
    for instruction in kernel.instructions():
        if instruction.kind == "scratch":
            yield f"scratch memory: {instruction.text}"


def check_accumulator_moves(kernel):
    for loop in isa.innermost_loops(kernel, "mfma"):
        if loop.count("accmov"):
            yield f"{loop.header.name}: {loop.count('accmov')} v_accvgpr moves"


def check_waterfalls(kernel):
    """A loop that runs once per distinct value of its lanes."""
    for loop in isa.innermost_loops(kernel):
        opcodes = {i.opcode for b in loop.blocks for i in b.instructions}
        if {"v_readfirstlane_b32", "s_cbranch_execnz"} <= opcodes and any(
            "saveexec" in opcode for opcode in opcodes
        ):
            yield f"{loop.header.name}: waterfall loop"


def _slots_since_load(path, number):
    """Slots of the matrix pipe, which two waves share, between the youngest load
    that may be under way at `path[number]`, of this iteration or of the one
    before, and that place. None if what was loaded in the loop has been waited
    for by then: the wait is for what was loaded in front of it, once."""
    slots = 0
    for back in range(1, len(path)):
        before = path[number - back]
        if before.kind == "vmem":
            return slots
        if before.counter("vmcnt") == 0:
            return None
        if before.kind == "mfma":
            slots += 2 * model.matrix_slots(before.opcode)
    return None


def check_full_waits(kernel):
    """In the main loops a wait for all memory belongs right before a barrier,
    or so far behind the youngest load that this has come."""
    for loop in isa.main_loops(kernel):
        path = loop.hot_path()
        for number, here in enumerate(path):
            if here.counter("vmcnt") != 0:
                continue
            following = path[(number + 1) % len(path)]
            slots = _slots_since_load(path, number)
            if following.kind != "barrier" and (
                slots is not None and slots < model.MEMORY_LATENCY
            ):
                yield f"{loop.header.name}: vmcnt(0) before {following.text}"


RULES = (
    check_resources,
    check_scratch,
    check_accumulator_moves,
    check_waterfalls,
    check_full_waits,
)


def violations(kernel):
    return [f"{kernel.name}: {v}" for rule in RULES for v in rule(kernel)]
