// RUN: attn-opt %s --split-input-file --attn-convert-to-online --canonicalize \
// RUN:   --cse --mlir-print-local-scope | FileCheck %s

// A bias is added in natural units, also in full tiles; where it is -inf it
// hides. Dims of 1 are left out: here one element per key.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @bias_attention_0
// CHECK-SAME:    %[[BIAS:[^:]*]]: memref<1x4x1x64xf16>
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0xFF800000 : f32
// CHECK:         %[[PART:.*]] = memref.reinterpret_cast %[[BIAS]] to offset: [%{{.*}}], sizes: [64], strides: [1]
// CHECK:         %[[PLANE:.*]] = memref.cast %[[PART]]
// CHECK:         %[[S:.*]] = attn.contract
// CHECK:         %[[KEYS:.*]] = attn.load_box %[[PLANE]][%{{.*}}] valid(%{{.*}}) : {{.*}} -> !attn.tile<kv 64, f32>
// CHECK:         attn.map ins(%[[S]], %[[KEYS]]
// CHECK-NEXT:    ^bb0(%[[X:.*]]: f32, %[[E:.*]]: f32, %{{.*}}: index, %{{.*}}: index):
// CHECK:           %[[SUM:.*]] = arith.addf %{{.*}}, %[[E]]
// CHECK:           %[[HIDDEN:.*]] = arith.cmpf oeq, %[[E]], %[[NONE]]
// CHECK:           %[[F:.*]] = arith.select %[[HIDDEN]], %[[NONE]], %[[SUM]]
// CHECK:           attn.yield %[[F]]
// CHECK:         attn.reduce max
func.func @bias(%q: memref<1x64x4x16xf32>, %bias: memref<1x4x1x64xf16>,
                %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) bias(%bias : memref<1x4x1x64xf16>)
      config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// A dim of dynamic size may turn out to be 1: its stride is then 0. The rows
// of one element each are loaded once per work item.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @row_bias_attention_0
// CHECK-SAME:    %[[BIAS:[^:]*]]: memref<1x1x?x1xf32>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK:         %{{.*}}, %{{.*}}, %[[SIZES:.*]]:4, %{{.*}}:4 = memref.extract_strided_metadata %[[BIAS]]
// CHECK:         %[[ONE:.*]] = arith.cmpi eq, %[[SIZES]]#2, %[[C1]]
// CHECK:         %[[STRIDE:.*]] = arith.select %[[ONE]], %[[C0]], %[[C1]]
// CHECK:         %[[PART:.*]] = memref.reinterpret_cast %[[BIAS]] to {{.*}} strides: [%[[STRIDE]]]
// CHECK:         %[[PLANE:.*]] = memref.cast %[[PART]]
// CHECK:         %[[ROWS:.*]] = attn.load_box %[[PLANE]][%{{.*}}] valid(%{{.*}}) : {{.*}} -> !attn.tile<q 32, f32>
// CHECK:         scf.while
// CHECK:         attn.map ins(%{{.*}}, %[[ROWS]] : !attn.tile<q 32, kv 64, f32>, !attn.tile<q 32, f32>)
func.func @row_bias(%q: memref<1x?x4x16xf32>, %k: memref<1x64x4x16xf32>,
                    %bias: memref<1x1x?x1xf32>, %out: memref<1x?x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x?x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      scale(0.3) bias(%bias : memref<1x1x?x1xf32>)
      config(#config) outs(%out : memref<1x?x4x16xf32>)
  return
}

// -----

// Segments: a kernel fills a table, one row per block of rows, as all heads
// agree. It counts the visible keys of each row in the tiles that causal leaves
// open. The main kernel looks up each tile, in both bodies.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @segments_tiles_0
// CHECK-SAME:    %[[IDS:[^:]*]]: memref<2x256xi32>, %{{[^:]*}}: memref<2x256x4x16xf32>, %[[TABLE:[^:]*]]: memref<?x?xi8>, %{{[^:]*}}: index, %{{[^:]*}}: index) attributes {attn.schedule =
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C8:.*]] = arith.constant 8 : index
// CHECK:         %[[B:.*]], %{{.*}}, %[[BLOCK:.*]] = attn.work_item %{{.*}} of(%[[C2]], %[[C1]], %[[C8]]) longest_first
// CHECK:         %[[FIRST:.*]] = arith.muli %[[B]], %[[C8]]
// CHECK:         %[[ROW:.*]] = arith.addi %[[FIRST]], %[[BLOCK]]
// CHECK:         %[[QIDS:.*]] = attn.load_box %{{.*}} : {{.*}} -> !attn.tile<q 32, i32>
// CHECK:         scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %[[C1]] {
// CHECK:           %[[KIDS:.*]] = attn.load_box %{{.*}} : {{.*}} -> !attn.tile<kv 64, i32>
// CHECK:           %[[SHOWN:.*]] = attn.map ins(%[[QIDS]], %[[KIDS]]
// CHECK-NEXT:      ^bb0(%[[QID:.*]]: i32, %[[KID:.*]]: i32, %{{.*}}: index, %{{.*}}: index):
// CHECK-DAG:         arith.cmpi eq, %[[QID]], %[[KID]]
// CHECK:             arith.select %{{.*}}, %[[ONE]], %[[ZERO]]
// CHECK:           %[[COUNTS:.*]] = attn.reduce add %[[SHOWN]]
// CHECK:           %[[KIND:.*]] = attn.tile_kind %[[COUNTS]] valid(%{{.*}}) keys(64)
// CHECK:           memref.store %[[KIND]], %[[TABLE]][%[[ROW]], %[[T]]]
// CHECK-LABEL: func.func private @segments_attention_1
// CHECK-SAME:    %[[TABLE:[^:]*]]: memref<?x?xi8>
// CHECK-DAG:     %[[PARTIAL:.*]] = arith.constant 1 : i8
// CHECK-DAG:     %[[FULL:.*]] = arith.constant 2 : i8
// CHECK:         scf.while
// CHECK:         %[[KIND:.*]] = memref.load %[[TABLE]]
// CHECK:         %[[IS:.*]] = arith.cmpi eq, %[[KIND]], %[[FULL]]
// CHECK:         %[[TIMES:.*]] = arith.select %[[IS]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[TIMES]]
// CHECK:         %[[KIND:.*]] = memref.load %[[TABLE]]
// CHECK:         %[[IS:.*]] = arith.cmpi eq, %[[KIND]], %[[PARTIAL]]
// CHECK:         %[[TIMES:.*]] = arith.select %[[IS]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[TIMES]]
// CHECK-NOT:     attn.reduce max{{.*}}attn.reduce max
// CHECK-LABEL: func.func @segments(
// CHECK-DAG:     %[[ROWS:.*]] = arith.constant 16 : index
// CHECK-DAG:     %[[ITEMS:.*]] = arith.constant 64 : index
// CHECK:         memref.alloc() : memref<16x4xi8>
// CHECK:         attn.launch @segments_tiles_0 over %[[ROWS]](
// CHECK:         attn.launch @segments_attention_1 over %[[ITEMS]](
// CHECK:         memref.dealloc
func.func @segments(%q: memref<2x256x4x16xf32>, %ids: memref<2x256xi32>,
                    %out: memref<2x256x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<2x256x4x16xf32>, memref<2x256x4x16xf32>,
          memref<2x256x4x16xf32>)
      mask(#attn.and<[#attn.causal, #attn.segments<q = 0, kv = 1>]>)
      mask_operands(%ids, %ids : memref<2x256xi32>, memref<2x256xi32>)
      scale(0.25) config(#config) outs(%out : memref<2x256x4x16xf32>)
  return
}

// -----

// A dense mask with a dim of heads: rows of the table per head. Bytes are
// compared with 0.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @dense_tiles_0
// CHECK-DAG:     %[[C4:.*]] = arith.constant 4 : index
// CHECK:         %{{.*}}, %[[H:.*]], %[[BLOCK:.*]] = attn.work_item %{{.*}} of(%{{.*}}, %[[C4]], %{{.*}})
// CHECK:         %[[NUMBER:.*]] = arith.addi %{{.*}}, %[[BLOCK]]
// CHECK:         %[[FIRST:.*]] = arith.muli %[[NUMBER]], %[[C4]]
// CHECK:         %[[ROW:.*]] = arith.addi %[[FIRST]], %[[H]]
// CHECK:         %[[BITS:.*]] = attn.load_box %{{.*}} : memref<?x?xi1, strided<[64, 1], offset: ?>> -> !attn.tile<q 32, kv 64, i8>
// CHECK:         attn.map ins(%[[BITS]]
// CHECK:           arith.cmpi ne, %{{.*}}, %{{.*}} : i8
// CHECK:         memref.store %{{.*}}, %{{.*}}[%[[ROW]], %{{.*}}]
func.func @dense(%q: memref<1x64x4x16xf32>, %mask: memref<1x4x64x64xi1>,
                 %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      mask(#attn.dense<0>) mask_operands(%mask : memref<1x4x64x64xi1>)
      scale(0.25) config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// Positions of rows in any order: causal depends on data. A mask that reads no
// position has no table.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @positions_tiles_0
// CHECK:         %[[ROWS:.*]] = attn.load_box %{{.*}} -> !attn.tile<q 32, i64>
// CHECK:         attn.map ins(%[[ROWS]]
// CHECK-NEXT:    ^bb0(%[[P:.*]]: i64,
// CHECK:           %[[POSITION:.*]] = arith.index_cast %[[P]] : i64 to index
// CHECK:           arith.cmpi sle, %{{.*}}, %[[POSITION]]
// CHECK-LABEL: func.func private @positions_attention_2
// CHECK-NOT:     memref<?x?xi8>
// CHECK-LABEL: func.func @positions(
func.func @positions(%q: memref<1x64x4x16xf32>, %p: memref<1x64xi64>,
                     %out: memref<1x64x4x16xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      mask(#attn.causal) q_positions(%p : memref<1x64xi64>)
      scale(0.25) config(#config) outs(%out : memref<1x64x4x16xf32>)
  attn.attention
      ins(%q, %q, %q : memref<1x64x4x16xf32>, memref<1x64x4x16xf32>,
          memref<1x64x4x16xf32>)
      mask(#attn.prefix<20>) q_positions(%p : memref<1x64xi64>)
      scale(0.25) config(#config) outs(%out : memref<1x64x4x16xf32>)
  return
}

// -----

// A mask without data whose tile ranges are beyond the limits of the analysis
// has a table all the same. All tiles below kv_len are asked.
#config = #attn.config<block_q = 32, block_kv = 64, block_kv_compute = 64, schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>>
// CHECK-LABEL: func.func private @intractable_tiles_1
// CHECK-SAME:    %[[TABLE:[^:]*]]: memref<?x?xi8>, %{{[^:]*}}: index, %{{[^:]*}}: index)
// CHECK:         %[[KIND:.*]] = attn.tile_kind
// CHECK:         memref.store %[[KIND]], %[[TABLE]]
// CHECK-LABEL: func.func private @intractable_attention_2
// CHECK-SAME:    %[[TABLE:[^:]*]]: memref<?x?xi8>, %{{[^:]*}}: index, %{{[^:]*}}: index)
// CHECK:         memref.load %[[TABLE]]
// CHECK-LABEL: func.func @intractable(
// CHECK:         attn.launch @intractable_tiles_1 over
// CHECK:         attn.launch @intractable_attention_2 over
func.func @intractable(%q: memref<2x?x4x16xf32>, %k: memref<2x?x4x16xf32>,
                       %offset: memref<2xi64>, %out: memref<2x?x4x16xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<2x?x4x16xf32>, memref<2x?x4x16xf32>,
          memref<2x?x4x16xf32>)
      mask(#attn.or<[
        #attn.and<[#attn.not<#attn.chunked<7>>,
                   #attn.sliding_window<100, 3>]>,
        #attn.and<[#attn.chunked<9>, #attn.not<#attn.chunked<11>>]>]>)
      scale(0.3) dynamic_q_offset(%offset : memref<2xi64>) config(#config)
      outs(%out : memref<2x?x4x16xf32>)
  return
}
