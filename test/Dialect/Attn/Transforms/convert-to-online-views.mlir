// RUN: attn-opt %s --split-input-file --attn-convert-to-online --canonicalize \
// RUN:   --cse --mlir-print-local-scope | FileCheck %s

// Packed rows and keys: a block is searched among the sequences; numbers that
// are left over do nothing, and rows behind the last sequence are padding.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @packed_attention_0
// CHECK-SAME:    (%[[Q:[^:]*]]: memref<?x4x16xf32>, %[[K:[^:]*]]: memref<?x2x16xf32>, %[[CUQ:[^:]*]]: memref<?xi32>, %[[CUKV:[^:]*]]: memref<?xi32>, %[[OUT:[^:]*]]: memref<?x4x16xf32>, %[[LSE:[^:]*]]: memref<4x?xf32>,
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         %{{.*}}, %[[H:.*]], %[[N:.*]] = attn.work_item
// CHECK:         %[[S:.*]], %[[ROW:.*]], %[[BASE:.*]], %[[LENGTH:.*]] = attn.packed_block %[[N]] of %[[CUQ]] total(%{{.*}}) size(32)
// CHECK:         %[[USED:.*]] = arith.cmpi slt, %[[ROW]], %[[LENGTH]]
// CHECK:         scf.if %[[USED]] {
// CHECK:           %[[EXISTS:.*]] = arith.cmpi slt, %[[S]],
// CHECK:           scf.if %[[EXISTS]] {
// CHECK-DAG:         %[[BEGIN32:.*]] = memref.load %[[CUKV]][%[[S]]]
// CHECK-DAG:         %[[BEGIN:.*]] = arith.index_cast %[[BEGIN32]]
// CHECK-DAG:         %[[NEXT:.*]] = arith.addi %[[S]],
// CHECK-DAG:         memref.load %[[CUKV]][%[[NEXT]]]
// CHECK:             attn.view %[[K]][%[[BEGIN]], %{{.*}}] <thd>
// CHECK:             attn.view %[[Q]][%[[BASE]], %[[H]]] <thd>
// CHECK:             %[[AT:.*]] = arith.addi %[[BASE]], %[[ROW]]
// CHECK:             attn.store_stats %{{.*}}, %[[LSE]][%[[H]], %[[AT]]]
// CHECK:           } else {
// CHECK:             %[[LSES:.*]] = attn.fill %[[NONE]] : f32 -> !attn.tile<q 32, f32>
// CHECK:             %[[OUTS:.*]] = attn.fill %[[ZERO]] : f32 -> !attn.tile<q 32, dv 16, f32>
// CHECK:             attn.store_stats %[[LSES]], %[[LSE]]
// CHECK:             attn.store_tile %[[OUTS]],
// The launch needs no length of a sequence.
// CHECK-LABEL: func.func @packed(
// CHECK-DAG:     %[[ROWS:.*]] = memref.dim %{{.*}} : memref<?x4x16xf32>
// CHECK-DAG:     %[[STARTS:.*]] = memref.dim %{{.*}} : memref<?xi32>
// CHECK:         affine.apply affine_map<()[s0, s1] -> (s1 + s0 floordiv 32)>()[%[[ROWS]], %[[STARTS]]]
// CHECK-NOT:     memref.load
// CHECK:         attn.launch
func.func @packed(
    %q: memref<?x4x16xf32>, %k: memref<?x2x16xf32>, %cu_q: memref<?xi32>,
    %cu_kv: memref<?xi32>, %out: memref<?x4x16xf32>, %lse: memref<4x?xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<?x4x16xf32>, memref<?x2x16xf32>,
          memref<?x2x16xf32>)
      layout(thd) scale(0.25)
      cu_seqlens_q(%cu_q : memref<?xi32>) cu_seqlens_kv(%cu_kv : memref<?xi32>)
      config(#config) outs(%out, %lse : memref<?x4x16xf32>, memref<4x?xf32>)
  return
}

// -----

// Packed keys of padded rows: work items are those of padded rows.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @packed_keys_attention_0
// CHECK-NOT:     attn.packed_block
// CHECK-NOT:     scf.if
// CHECK:         %[[B:.*]], %{{.*}}, %{{.*}} = attn.work_item
// CHECK:         memref.load %{{.*}}[%[[B]]]
// CHECK:         attn.view %{{.*}} <htd> : memref<2x90x16xf32>
// CHECK:         attn.view %{{.*}}[%[[B]], %{{.*}}] <bshd>
func.func @packed_keys(
    %q: memref<3x32x4x16xf32>, %k: memref<2x90x16xf32>, %cu: memref<4xi32>,
    %out: memref<3x32x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<3x32x4x16xf32>, memref<2x90x16xf32>,
          memref<2x90x16xf32>)
      layout(q = bshd, k = htd, v = htd, out = bshd) scale(0.25)
      cu_seqlens_kv(%cu : memref<4xi32>)
      config(#config) outs(%out : memref<3x32x4x16xf32>)
  return
}

// -----

// Pages: only the view knows.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @paged_attention_0
// CHECK-SAME:    (%{{[^:]*}}: memref<2x32x4x16xf32>, %[[K:[^:]*]]: memref<?x8x2x16xf32>, %[[LENS:[^:]*]]: memref<2xi32>, %[[TABLE:[^:]*]]: memref<2x?xi32>,
// CHECK:         %[[B:.*]], %{{.*}}, %{{.*}} = attn.work_item
// CHECK:         memref.load %[[LENS]][%[[B]]]
// CHECK:         %[[KEYS:.*]] = attn.view %[[K]][%[[B]], %[[G:.*]]] <paged> pages(%[[TABLE]] : memref<2x?xi32>) : memref<?x8x2x16xf32> -> !attn.view<kv, d 16, f32>
// CHECK:         %[[VALUES:.*]] = attn.view %[[K]][%[[B]], %[[G]]] <paged> pages(%[[TABLE]] : memref<2x?xi32>) : memref<?x8x2x16xf32> -> !attn.view<kv, dv 16, f32>
// CHECK:         attn.load_tile %[[KEYS]]
// CHECK:         attn.load_tile %[[VALUES]]
func.func @paged(
    %q: memref<2x32x4x16xf32>, %k: memref<?x8x2x16xf32>,
    %lens: memref<2xi32>, %table: memref<2x?xi32>,
    %out: memref<2x32x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<2x32x4x16xf32>, memref<?x8x2x16xf32>,
          memref<?x8x2x16xf32>)
      layout(q = bshd, k = paged, v = paged, out = bshd) scale(0.25)
      kv_lens(%lens : memref<2xi32>) block_table(%table : memref<2x?xi32>)
      config(#config) outs(%out : memref<2x32x4x16xf32>)
  return
}
