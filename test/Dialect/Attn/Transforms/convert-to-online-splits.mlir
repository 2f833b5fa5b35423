// RUN: attn-opt %s --split-input-file --attn-convert-to-online --canonicalize \
// RUN:   --cse --mlir-print-local-scope | FileCheck %s

#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>

// Parts are counted within a batch; their keys are those between
// multiples of its size; results go to a workspace, the sink to the merge.
// CHECK-LABEL: func.func private @size_attention_0(
// CHECK-SAME:    %[[PART_OUTS:[^:]+]]: memref<?x2x4x70x16xf32>, %[[PART_LSES:[^:]+]]: memref<?x2x4x70xf32>, %[[BEGIN:[^:]+]]: index, %{{[^:]+}}: index)
// CHECK-DAG:     %[[TILES:.+]] = arith.constant 3 : index
// CHECK:         scf.for %[[INDEX:[^ ]+]] = %[[BEGIN]]
// CHECK:           %[[PARTS:.+]] = memref.dim %[[PART_OUTS]], %{{.+}}
// CHECK:           %[[IN_BATCH:.+]] = arith.remui %[[INDEX]], %[[ITEMS:.+]] : index
// CHECK:           %[[REST:.+]] = arith.divui %[[INDEX]], %[[ITEMS]]
// CHECK:           %[[PART:.+]] = arith.remui %[[REST]], %[[PARTS]]
// CHECK:           memref.subview %[[PART_OUTS]][%[[PART]], 0, 0, 0, 0]
// CHECK:           memref.subview %[[PART_LSES]][%[[PART]], 0, 0, 0]
// CHECK:           %[[BATCH:.+]] = arith.divui %[[REST]], %[[PARTS]]
// CHECK:           %[[FIRST_ITEM:.+]] = arith.muli %[[BATCH]], %[[ITEMS]]
// CHECK:           %[[ITEM:.+]] = arith.addi %[[FIRST_ITEM]], %[[IN_BATCH]]
// CHECK:           attn.work_item %[[ITEM]] of
// CHECK:           %[[FIRST:.+]] = arith.muli %[[PART]], %[[TILES]]
// CHECK:           arith.addi %[[FIRST]], %[[TILES]]
// CHECK:         return

// CHECK-LABEL: func.func @size(
// CHECK-SAME:    %[[SINKS:[^:]+]]: memref<4xf32>, %[[LENS:[^:]+]]: memref<2xi32>, %[[KV:[^:]+]]: memref<2xi32>, %[[OUT:[^:]+]]: memref<2x70x4x16xbf16>
// The longest sequence decides the number of parts.
// CHECK:         %[[LONGEST:.+]] = scf.for
// CHECK:           memref.load %[[KV]]
// CHECK:         arith.ceildivui %[[LONGEST]]
// CHECK:         %[[OUTS:.+]] = memref.alloc(%{{.+}}) {alignment = 64 : i64} : memref<?x2x4x70x16xf32>
// CHECK:         %[[LSES:.+]] = memref.alloc(%{{.+}}) {alignment = 64 : i64} : memref<?x2x4x70xf32>
// CHECK:         attn.launch @size_attention_0 over %{{.+}}(
// CHECK:         memref.reinterpret_cast %[[OUT]]
// CHECK:         attn.merge ins(%[[OUTS]], %[[LSES]] :
// CHECK-SAME:      sinks(%[[SINKS]] : memref<4xf32>) q_lens(%[[LENS]] : memref<2xi32>)
// CHECK-SAME:      outs(%{{.+}} : memref<2x4x70x16xbf16,
// CHECK:         memref.dealloc %[[OUTS]]
// CHECK:         memref.dealloc %[[LSES]]
func.func @size(%q: memref<2x70x4x16xbf16>, %k: memref<2x500x2x16xbf16>,
                %sinks: memref<4xf32>, %lens: memref<2xi32>,
                %kv: memref<2xi32>, %out: memref<2x70x4x16xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<2x70x4x16xbf16>, memref<2x500x2x16xbf16>,
          memref<2x500x2x16xbf16>)
      scale(1.0) sinks(%sinks : memref<4xf32>)
      q_lens(%lens : memref<2xi32>) kv_lens(%kv : memref<2xi32>)
      config(#attn.config<block_q = 64, block_kv = 32, block_kv_compute = 32,
             schedule = #schedule, split = <size = 80>>)
      outs(%out : memref<2x70x4x16xbf16>)
  return
}

// -----

#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false>

// A number of parts divides what the item visits.
// CHECK-LABEL: func.func private @count_attention_0(
// CHECK-SAME:    memref<3x1x2x40x16xf32>
// CHECK:         arith.ceildivui
// CHECK-LABEL: func.func @count(
// CHECK:         memref.alloc() {alignment = 64 : i64} : memref<3x1x2x40x16xf32>
// CHECK:         attn.merge
func.func @count(%q: memref<1x2x40x16xf32>, %k: memref<1x2x500x16xf32>,
                 %out: memref<1x2x40x16xf32>, %lse: memref<1x2x40xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x2x40x16xf32>, memref<1x2x500x16xf32>,
          memref<1x2x500x16xf32>)
      layout(bhsd) mask(#attn.causal) scale(1.0)
      config(#attn.config<block_q = 64, block_kv = 32, block_kv_compute = 32,
             schedule = #schedule, split = <count = 3>>)
      outs(%out, %lse : memref<1x2x40x16xf32>, memref<1x2x40xf32>)
  return
}

// -----

#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false, by_row = true>

// Rows of four heads share a tile: views and statistics know, positions are
// rows / 4.
// CHECK-LABEL: func.func private @heads_attention_0(
// CHECK:         attn.view %arg0[%{{.+}}, %{{.+}}] <bshd> heads(4)
// CHECK:         attn.load_tile %{{.+}} : !attn.view<q, d 16, f32> -> !attn.tile<q 8, d 16, f32>
// CHECK:         attn.map
// CHECK:         ^bb0(%{{.+}}: f32, %[[ROW:[^:]+]]: index, %{{.+}}: index):
// CHECK:           arith.divui %[[ROW]], %c4
// CHECK:         attn.store_stats {{.*}} heads(4)
// CHECK-LABEL: func.func @heads(
// CHECK:         attn.launch @heads_attention_0 over %c2(
// CHECK-NOT:     attn.merge
func.func @heads(%q: memref<1x2x8x16xf32>, %k: memref<1x50x2x16xf32>,
                 %out: memref<1x2x8x16xf32>, %lse: memref<1x8x2xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x2x8x16xf32>, memref<1x50x2x16xf32>,
          memref<1x50x2x16xf32>)
      mask(#attn.causal) scale(1.0) q_offset(30)
      config(#attn.config<block_q = 8, block_kv = 32, block_kv_compute = 32,
             schedule = #schedule, heads = 4>)
      outs(%out, %lse : memref<1x2x8x16xf32>, memref<1x8x2xf32>)
  return
}
