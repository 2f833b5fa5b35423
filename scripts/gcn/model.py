# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A cycle model of the waves of one SIMD of a CDNA compute unit in a loop.

Time goes in issue slots of 4 clocks. In a slot every wave issues at most one
instruction, and every port (vector, scalar, LDS, memory) takes at most one. A
matrix product holds the matrix pipe and lets vector instructions of the other
wave pass. The four SIMDs share the LDS; a barrier waits for the waves of this
SIMD, as the others are taken to be in phase.

The numbers are assumptions to rank variants by, not measurements: an LDS
latency of 112 clocks, 800 for memory, no misses, no change of clocks.
"""

import dataclasses

CLOCKS_PER_SLOT = 4
SIMDS = 4
LANES = 64
LDS_LATENCY = 28
MEMORY_LATENCY = 200
# An LDS instruction issues while less than this many slots of work are queued.
LDS_QUEUE = 8
# The result of a matrix product reaches other readers later than the next
# product of the same accumulator.
MATRIX_FORWARD = 4


@dataclasses.dataclass(frozen=True)
class Chip:
    transcendental_slots: int
    lds_bytes_per_clock: int


CHIPS = {"gfx942": Chip(4, 128), "gfx950": Chip(2, 256)}

PORTS = {
    "mfma": "vector",
    "vector": "vector",
    "trans": "vector",
    "accmov": "vector",
    "salu": "scalar",
    "ds_read": "lds",
    "ds_write": "lds",
    "ds_other": "lds",
    "vmem": "memory",
    "scratch": "memory",
}


def matrix_slots(opcode):
    return 4 if "16x16" in opcode else 8


def lds_bytes(opcode):
    width = 16 if "b128" in opcode else 8 if "b64" in opcode else 4
    pairs = 2 if "2_b" in opcode or "2st64_b" in opcode else 1
    return LANES * width * pairs


class Wave:
    """Where a wave is, and when what it waits for will be there."""

    def __init__(self, number):
        self.number = number
        self.position = 0
        self.iteration = 0
        self.next_slot = 0
        self.at_barrier = False
        self.done = False
        self.starts = []
        # Slot from which a register can be read, and can be accumulated into.
        self.ready = {}
        self.chained = {}
        self.lds_pending = []
        self.memory_pending = []

    def available(self, registers):
        return max((self.ready.get(r, 0) for r in registers), default=0)

    def accumulates_at(self, registers):
        return max(
            (self.chained.get(r, self.ready.get(r, 0)) for r in registers),
            default=0,
        )

    def define(self, registers, slot, chained=None):
        for register in registers:
            self.ready[register] = slot
            if chained is None:
                self.chained.pop(register, None)
            else:
                self.chained[register] = chained

    def advance(self, slot):
        self.position += 1
        self.next_slot = slot


class Simd:
    """The waves and what they share."""

    def __init__(self, loop, chip, waves, iterations):
        self.loop = [i for i in loop if i.kind != "branch"]
        self.chip = chip
        self.iterations = iterations
        self.waves = [Wave(n) for n in range(waves)]
        self.slot = 0
        self.used = set()
        self.matrix_free = 0
        self.vector_free = 0
        self.lds_free = 0.0

    def run(self):
        while not all(wave.done for wave in self.waves):
            self.used = set()
            self.release_barrier()
            order = self.waves if self.slot % 2 == 0 else self.waves[::-1]
            for wave in order:
                self.step(wave)
            self.slot += 1

    def release_barrier(self):
        live = [wave for wave in self.waves if not wave.done]
        if all(wave.at_barrier for wave in live):
            for wave in live:
                wave.at_barrier = False
                wave.advance(self.slot + 1)

    def step(self, wave):
        if wave.done or wave.at_barrier or wave.next_slot > self.slot:
            return
        if wave.position == len(self.loop):
            wave.position = 0
            wave.iteration += 1
            wave.starts.append(self.slot)
            wave.done = wave.iteration == self.iterations
            if wave.done:
                return
        instruction = self.loop[wave.position]
        if instruction.kind == "barrier":
            wave.at_barrier = True
        elif instruction.kind == "nop":
            slots = int(instruction.text.split()[1]) // CLOCKS_PER_SLOT
            wave.advance(self.slot + slots + 1)
        elif self.can_pass(wave, instruction):
            wave.advance(self.slot + 1)

    def can_pass(self, wave, instruction):
        if instruction.kind == "wait":
            return self.wait_is_over(wave, instruction)
        port = PORTS[instruction.kind]
        issue = getattr(self, "issue_" + port)
        if port in self.used or not issue(wave, instruction):
            return False
        self.used.add(port)
        return True

    def wait_is_over(self, wave, instruction):
        for name, pending in (
            ("lgkmcnt", wave.lds_pending),
            ("vmcnt", wave.memory_pending),
        ):
            while pending and pending[0] <= self.slot:
                pending.pop(0)
            left = instruction.counter(name)
            if left is not None and len(pending) > left:
                return False
        return True

    def issue_vector(self, wave, instruction):
        if self.vector_free > self.slot:
            return False
        if instruction.kind == "mfma":
            return self.issue_matrix(wave, instruction)
        if wave.available(instruction.reads | instruction.writes) > self.slot:
            return False
        slots, delay = 1, 1
        if instruction.kind == "trans":
            slots = self.chip.transcendental_slots
            delay = slots + 1
        self.vector_free = self.slot + slots
        wave.define(instruction.writes, self.slot + delay)
        return True

    def issue_matrix(self, wave, instruction):
        accumulators = instruction.accumulator | instruction.writes
        if (
            wave.available(instruction.reads) > self.slot
            or wave.accumulates_at(accumulators) > self.slot
            or self.matrix_free > self.slot
        ):
            return False
        end = self.slot + matrix_slots(instruction.opcode)
        self.matrix_free = end
        self.vector_free = self.slot + 1
        wave.define(instruction.writes, end + MATRIX_FORWARD, chained=end)
        return True

    def issue_lds(self, wave, instruction):
        if wave.available(instruction.reads) > self.slot:
            return False
        if self.lds_free > self.slot + LDS_QUEUE:
            return False
        per_slot = self.chip.lds_bytes_per_clock / SIMDS * CLOCKS_PER_SLOT
        start = max(self.lds_free, self.slot)
        self.lds_free = start + lds_bytes(instruction.opcode) / per_slot
        end = self.lds_free + LDS_LATENCY
        wave.lds_pending.append(end)
        wave.define(instruction.writes, end)
        return True

    def issue_memory(self, wave, instruction):
        end = self.slot + MEMORY_LATENCY
        wave.memory_pending.append(end)
        wave.define(instruction.writes, end)
        return True

    def issue_scalar(self, wave, instruction):
        del wave, instruction
        return True


@dataclasses.dataclass(frozen=True)
class Estimate:
    clocks_per_iteration: float
    utilisation: float


def estimate(loop, chip_name, waves=2, iterations=12, lds_bytes_per_clock=None):
    """Clocks of one iteration of every wave, and the share of the time in which
    the matrix pipe works; the first half of the iterations warms up."""
    chip = CHIPS[chip_name]
    if lds_bytes_per_clock:
        chip = Chip(chip.transcendental_slots, lds_bytes_per_clock)
    simd = Simd(loop, chip, waves, iterations)
    simd.run()
    starts = simd.waves[0].starts
    half = iterations // 2
    slots = (starts[-1] - starts[half - 1]) / (iterations - half)
    work = sum(matrix_slots(i.opcode) for i in simd.loop if i.kind == "mfma")
    return Estimate(slots * CLOCKS_PER_SLOT, waves * work / slots)
