// RUN: attn-opt %S/Inputs/config.mlir --attn-select-cpu-config=target=x86-64-v4 \
// RUN:   | FileCheck %s

// 512-bit registers, 32 of them: 16 accumulators.
// CHECK-LABEL: func @f32(
// CHECK:         config(#attn.config<block_q = 64, block_kv = 128, block_kv_compute = 128,
// CHECK-SAME:      schedule = [[$F32:#attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false>]]>)
// CHECK-LABEL: func @f16(
// CHECK:         schedule = [[$F32]]
// CHECK-LABEL: func @bf16(
// CHECK:         schedule = [[$BF16:#attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false>]]>)
// CHECK-LABEL: func @wide_query(
// CHECK:         schedule = [[$F32]]
// CHECK-LABEL: func @short(
// CHECK:         config(#attn.config<block_q = 9, block_kv = 16, block_kv_compute = 16, schedule = #attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false, by_row = true>>)
// CHECK-LABEL: func @decode(
// CHECK:         config(#attn.config<block_q = 1, block_kv = 32, block_kv_compute = 32, schedule = #attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false, by_row = true>>)
// CHECK-LABEL: func @wide_head(
// CHECK:         block_kv = 128,
// CHECK-LABEL: func @wider_head(
// CHECK:         block_kv = 64,
// CHECK-LABEL: func @dynamic(
// CHECK:         config(#attn.config<block_q = 64, block_kv = 128, block_kv_compute = 128, schedule = [[$F32]]>)
// CHECK-LABEL: func @user_blocks(
// CHECK:         block_q(24) block_kv(100)
// CHECK-SAME:    config(#attn.config<block_q = 24, block_kv = 100, block_kv_compute = 100,
// CHECK-LABEL: func @user_steps(
// CHECK:         config(#attn.config<block_q = 64, block_kv = 144, block_kv_compute = 48,
// CHECK-LABEL: func @user_pairs(
// CHECK:         config(#attn.config<block_q = 24, block_kv = 128, block_kv_compute = 128,
// CHECK-SAME:    pairs = false
// CHECK-LABEL: func @decode_group(
// CHECK:         config(#attn.config<block_q = 4, block_kv = 32, block_kv_compute = 32,
// CHECK-SAME:      by_row = true>, heads = 4, split = <items = 256, size = 1024>>)
// CHECK-LABEL: func @decode_sinks(
// CHECK:         heads = 4, split = <count = 1>>)
// CHECK-LABEL: func @verify_group(
// CHECK:         config(#attn.config<block_q = 12, block_kv = 128, block_kv_compute = 128,
// CHECK-SAME:      by_row = true>, heads = 4>)
// CHECK-LABEL: func @decode_masks_by_head(
// CHECK-NOT:     heads =
// CHECK-LABEL: func @user_splits(
// CHECK:         split = <count = 3>>)
// CHECK:         split = <size = 200>>)
