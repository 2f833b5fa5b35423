// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   | FileCheck %s --implicit-check-not=attn.packed_block

// The last sequence s with starts[s] / size + s <= n, by bisection.
// CHECK-LABEL: func @packed_block
// CHECK-SAME:    %[[N:[^:]*]]: index, %[[STARTS:[^:]*]]: memref<?xi32>, %[[TOTAL:[^:]*]]: index
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK:         %[[COUNT:.*]] = memref.dim %[[STARTS]], %[[C0]]
// CHECK:         %[[B:.*]] = arith.subi %[[COUNT]], %[[C1]]
// CHECK:         %[[S:.*]]:2 = scf.while (%[[LO:.*]] = %[[C0]], %[[HI:.*]] = %{{.*}})
// CHECK:           %[[LEFT:.*]] = arith.subi %[[HI]], %[[LO]]
// CHECK:           arith.cmpi sgt, %[[LEFT]], %[[C1]]
// CHECK:         } do {
// CHECK:         ^bb0(%[[LOW:.*]]: index, %[[HIGH:.*]]: index):
// CHECK:           %[[SUM:.*]] = arith.addi %[[LOW]], %[[HIGH]]
// CHECK:           %[[MIDDLE:.*]] = arith.shrui %[[SUM]], %[[C1]]
// CHECK:           %[[START32:.*]] = memref.load %[[STARTS]][%[[MIDDLE]]]
// CHECK:           %[[START:.*]] = arith.index_cast %[[START32]]
// CHECK:           %[[BLOCKS:.*]] = arith.divui %[[START]], %[[C64]]
// CHECK:           %[[FIRST:.*]] = arith.addi %[[BLOCKS]], %[[MIDDLE]]
// CHECK:           %[[BEHIND:.*]] = arith.cmpi slt, %[[N]], %[[FIRST]]
// CHECK:           %[[NEWLOW:.*]] = arith.select %[[BEHIND]], %[[LOW]], %[[MIDDLE]]
// CHECK:           %[[NEWHIGH:.*]] = arith.select %[[BEHIND]], %[[MIDDLE]], %[[HIGH]]
// CHECK:           scf.yield %[[NEWLOW]], %[[NEWHIGH]]
// The rows behind the last sequence end at the total; no start behind the last
// one is read.
// CHECK:         %[[EXISTS:.*]] = arith.cmpi slt, %[[S]]#0, %[[B]]
// CHECK:         %[[NEXT:.*]] = arith.minsi %{{.*}}, %[[B]]
// CHECK:         %[[END32:.*]] = memref.load %[[STARTS]][%[[NEXT]]]
// CHECK:         %[[END:.*]] = arith.index_cast %[[END32]]
// CHECK:         arith.select %[[EXISTS]], %[[END]], %[[TOTAL]]
func.func @packed_block(%n: index, %starts: memref<?xi32>, %total: index,
                        %out: memref<4xindex>)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %s, %row, %base, %length = attn.packed_block %n of %starts total(%total)
      size(64) : memref<?xi32>
  memref.store %s, %out[%c0] : memref<4xindex>
  memref.store %row, %out[%c1] : memref<4xindex>
  memref.store %base, %out[%c2] : memref<4xindex>
  memref.store %length, %out[%c3] : memref<4xindex>
  return
}
