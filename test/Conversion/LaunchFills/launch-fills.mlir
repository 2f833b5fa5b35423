// RUN: attn-opt %s --attn-launch-fills | FileCheck %s

// A block fills a row, its threads every 128th element.
// CHECK-LABEL: func.func private @dynamic_fill_0(
// CHECK-SAME:    %[[X:.*]]: memref<?x3x?xf32, strided<[?, ?, ?], offset: ?>>, %[[V:.*]]: f32, %[[BEGIN:.*]]: index, %[[END:.*]]: index)
// CHECK-SAME:    attn.block_size = 128
// CHECK:         %[[THREAD:.*]] = gpu.thread_id x
// CHECK:         scf.for %[[ROW:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:           %[[J:.*]] = arith.remui %[[ROW]], %c3
// CHECK:           %[[REST:.*]] = arith.divui %[[ROW]], %c3
// CHECK:           %[[I:.*]] = arith.remui %[[REST]], %{{.*}}
// CHECK:           %[[COLUMNS:.*]] = memref.dim %[[X]], %c2
// CHECK:           scf.for %[[K:.*]] = %[[THREAD]] to %[[COLUMNS]] step %c128
// CHECK:             memref.store %[[V]], %[[X]][%[[I]], %[[J]], %[[K]]]
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME:    %[[X:.*]]: memref<?x3x?xf32, strided<[?, ?, ?], offset: ?>>, %[[V:.*]]: f32)
// CHECK:         %[[ROWS:.*]] = arith.muli %{{.*}}, %c3
// CHECK:         attn.launch @dynamic_fill_0 over %[[ROWS]](%[[X]], %[[V]]
// CHECK-NOT:     linalg.fill
func.func @dynamic(%x: memref<?x3x?xf32, strided<[?, ?, ?], offset: ?>>,
                   %v: f32) {
  linalg.fill ins(%v : f32)
      outs(%x : memref<?x3x?xf32, strided<[?, ?, ?], offset: ?>>)
  return
}

// CHECK-LABEL: func.func @line(
// CHECK:         attn.launch @line_fill_{{.*}} over %c1
func.func @line(%x: memref<70xf16>) {
  %v = arith.constant 0.0 : f16
  linalg.fill ins(%v : f16) outs(%x : memref<70xf16>)
  return
}

// An array without rows stays.
// CHECK-LABEL: func.func @scalar(
// CHECK:         linalg.fill
func.func @scalar(%x: memref<f32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%x : memref<f32>)
  return
}
