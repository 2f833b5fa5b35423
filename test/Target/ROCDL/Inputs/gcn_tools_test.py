# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Unit tests of scripts/gcn, on small pieces of assembly."""

import pathlib
import unittest

from gcn import isa, lint, model

PIPELINED = pathlib.Path(__file__).parent / "pipelined-loop.s"


def kernel_of(body, tail=""):
    text = f"k: ; @k\n; %bb.0:\n{body}\n  s_endpgm\n.Lfunc_end0:\n{tail}\n"
    return isa.parse_kernels(text)["k"]


def loop_of(*lines):
    return [isa.Instruction.parse(line) for line in lines]


def clocks(*lines, waves=1):
    return model.estimate(loop_of(*lines), "gfx942", waves).clocks_per_iteration


MFMA = "v_mfma_f32_32x32x8_bf16 v[0:15], v[40:41], v[42:43], v[0:15]"
OTHER_MFMA = "v_mfma_f32_32x32x8_bf16 v[16:31], v[40:41], v[42:43], v[16:31]"


class Parsing(unittest.TestCase):
    def test_registers(self):
        self.assertEqual(
            isa.registers("v[2:3], a7, s[0:1], v10"),
            {("v", 2), ("v", 3), ("a", 7), ("v", 10)},
        )

    def test_operands(self):
        load = isa.Instruction.parse("ds_read_b64 v[4:5], v1 offset:8")
        self.assertEqual(load.writes, {("v", 4), ("v", 5)})
        self.assertEqual(load.reads, {("v", 1)})
        store = isa.Instruction.parse("ds_write_b32 v1, v2")
        self.assertEqual(store.writes, set())
        self.assertEqual(store.reads, {("v", 1), ("v", 2)})
        text = "buffer_load_dword v3, s[0:3], s4 offen lds"
        copy = isa.Instruction.parse(text)
        self.assertEqual((copy.writes, copy.reads), (set(), {("v", 3)}))
        product = isa.Instruction.parse(MFMA)
        self.assertEqual(len(product.accumulator), 16)
        self.assertEqual(len(product.reads), 4)

    def test_counters(self):
        wait = isa.Instruction.parse("s_waitcnt vmcnt(0) lgkmcnt(3)")
        self.assertEqual(wait.counter("vmcnt"), 0)
        self.assertEqual(wait.counter("lgkmcnt"), 3)

    def test_resources(self):
        tail = """; NumVgprs: 17
; ScratchSize: 0
amdhsa.kernels:
  - .agpr_count: 0
    .name:           k
    .vgpr_spill_count: 3
  - .agpr_count: 0
    .name:           other
    .vgpr_spill_count: 9
"""
        resources = kernel_of("", tail).resources
        self.assertEqual(
            resources, {"vgprs": 17, "scratch": 0, "vgpr_spills": 3}
        )


class Loops(unittest.TestCase):
    def test_only_innermost(self):
        kernel = kernel_of(
            f""".LBB0_1:
  s_mov_b32 s0, 0
.LBB0_2:
  {MFMA}
  s_cbranch_scc1 .LBB0_2
; %bb.3:
  s_cbranch_scc1 .LBB0_1"""
        )
        loops = isa.innermost_loops(kernel)
        self.assertEqual([loop.header.name for loop in loops], [".LBB0_2"])

    def test_rare_arm_is_not_on_the_hot_path(self):
        kernel = kernel_of(
            f""".LBB0_1:
  {MFMA}
  s_cbranch_vccz .LBB0_3
; %bb.2:
  v_mul_f32_e32 v0, v1, v0
  v_mul_f32_e32 v0, v1, v0
.LBB0_3:
  v_add_f32_e32 v50, v51, v51
  s_cbranch_scc1 .LBB0_1"""
        )
        (loop,) = isa.main_loops(kernel)
        opcodes = [i.opcode for i in loop.hot_path()]
        self.assertNotIn("v_mul_f32_e32", opcodes)
        self.assertIn("v_add_f32_e32", opcodes)

    def test_loops_of_few_products_are_not_main(self):
        few = f".LBB0_1:\n  {MFMA}\n  s_cbranch_scc1 .LBB0_1\n"
        many = f".LBB0_2:\n{3 * ('  ' + MFMA + chr(10))}"
        kernel = kernel_of(few + many + "  s_cbranch_scc1 .LBB0_2")
        self.assertEqual(
            [loop.header.name for loop in isa.main_loops(kernel)], [".LBB0_2"]
        )


class Model(unittest.TestCase):
    def test_products_of_one_accumulator_follow_each_other(self):
        self.assertEqual(clocks(*[MFMA] * 4), 4 * 32)

    def test_reader_of_a_product_waits_longer(self):
        read = "v_add_f32_e32 v60, v0, v0"
        self.assertGreaterEqual(clocks(MFMA, read), 32 + 16)

    def test_two_waves_hide_vector_work_behind_products(self):
        work = ["v_add_f32_e32 v60, v0, v0"] * 8
        alone = model.estimate(loop_of(MFMA, *work), "gfx942", waves=1)
        both = model.estimate(loop_of(MFMA, *work), "gfx942", waves=2)
        self.assertLess(alone.utilisation, 0.95)
        self.assertGreater(both.utilisation, alone.utilisation)

    def test_transcendental_takes_four_slots(self):
        work = [f"v_exp_f32_e32 v{n}, v40" for n in range(50, 58)]
        self.assertEqual(clocks(*work), 8 * 16)

    def test_wait_for_the_lds(self):
        read = "ds_read_b128 v[40:43], v1"
        self.assertGreaterEqual(
            clocks(read, "s_waitcnt lgkmcnt(0)", MFMA, OTHER_MFMA), 112
        )

    def test_pipelined_kernel(self):
        kernel = isa.parse_kernels(PIPELINED.read_text())["fa"]
        (loop,) = isa.main_loops(kernel)
        for waves, bytes_per_clock, expected in (
            (1, 128, 3232),
            (1, 64, 4132),
            (2, 128, 5284),
            (2, 64, 6056),
        ):
            found = model.estimate(
                loop.hot_path(),
                "gfx942",
                waves,
                lds_bytes_per_clock=bytes_per_clock,
            )
            self.assertEqual(found.clocks_per_iteration, expected)


class Lint(unittest.TestCase):
    def assert_finds(self, body, text, tail=""):
        found = lint.violations(kernel_of(body, tail))
        self.assertTrue(any(text in line for line in found), found)

    def in_loop(self, *lines):
        inner = "\n".join(f"  {line}" for line in (MFMA,) + lines)
        return f".LBB0_1:\n{inner}\n  s_cbranch_scc1 .LBB0_1"

    def test_clean(self):
        kernel = isa.parse_kernels(PIPELINED.read_text())["fa"]
        self.assertEqual(lint.violations(kernel), [])

    def test_spills(self):
        self.assert_finds("", "scratch is 16", "; ScratchSize: 16")

    def test_scratch(self):
        self.assert_finds("  scratch_store_dword off, v0, s0", "scratch memory")

    def test_accumulator_moves(self):
        self.assert_finds(
            self.in_loop("v_accvgpr_read_b32 v0, a0"), "1 v_accvgpr moves"
        )

    def test_waterfall(self):
        self.assert_finds(
            """.LBB0_1:
  v_readfirstlane_b32 s4, v4
  s_and_saveexec_b64 s[0:1], vcc
  buffer_load_dword v0, v1, s[4:7], 0 offen
  s_cbranch_execnz .LBB0_1""",
            "waterfall loop",
        )

    def test_full_wait(self):
        load = "buffer_load_dword v3, v1, s[4:7], 0 offen"
        wait = "s_waitcnt vmcnt(0)"
        # 16 slots each, for two waves; 200 are the latency of memory.
        many = [MFMA] * 13
        early = self.in_loop(load, *many[1:], wait, "ds_read_b32 v1, v2", *many)
        self.assert_finds(early, "vmcnt(0)")
        soon = self.in_loop(wait, *many, load)
        self.assert_finds(soon, "vmcnt(0)")
        late = self.in_loop(load, *many, wait, "ds_write_b32 v1, v2")
        ahead = self.in_loop(wait, load, *many)
        barrier = self.in_loop(load, wait, "s_barrier", MFMA)
        before_the_loop = self.in_loop(wait, load, *many, wait)
        for good in late, ahead, barrier, before_the_loop:
            self.assertEqual(lint.violations(kernel_of(good)), [])


if __name__ == "__main__":
    unittest.main()
