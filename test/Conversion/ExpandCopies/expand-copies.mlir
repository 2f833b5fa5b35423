// RUN: attn-opt %s --attn-expand-copies | FileCheck %s

// CHECK-LABEL: func @strided_source
// CHECK-SAME:    %[[A:.*]]: memref<?x8xf32, strided<[?, ?], offset: ?>>, %[[B:.*]]: memref<?x8xf32>
// CHECK-NOT:     memref.copy
// CHECK:         %[[ROWS:.*]] = memref.dim %[[A]], %{{.*}}
// CHECK:         scf.for %[[I:.*]] = %{{.*}} to %[[ROWS]] step
// CHECK:           scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step
// CHECK:             %[[X:.*]] = memref.load %[[A]][%[[I]], %[[J]]]
// CHECK:             memref.store %[[X]], %[[B]][%[[I]], %[[J]]]
func.func @strided_source(%a: memref<?x8xf32, strided<[?, ?], offset: ?>>,
                          %b: memref<?x8xf32>) {
  memref.copy %a, %b
      : memref<?x8xf32, strided<[?, ?], offset: ?>> to memref<?x8xf32>
  return
}

// CHECK-LABEL: func @strided_target
// CHECK-NOT:     memref.copy
// CHECK:         memref.store
func.func @strided_target(%a: memref<4xf32>,
                          %b: memref<4xf32, strided<[2], offset: ?>>) {
  memref.copy %a, %b : memref<4xf32> to memref<4xf32, strided<[2], offset: ?>>
  return
}

// CHECK-LABEL: func @rank_0
// CHECK-NOT:     memref.copy
// CHECK:         %[[X:.*]] = memref.load %{{.*}}[] : memref<f32, strided<[], offset: ?>>
// CHECK:         memref.store %[[X]], %{{.*}}[] : memref<f32>
func.func @rank_0(%a: memref<f32, strided<[], offset: ?>>, %b: memref<f32>) {
  memref.copy %a, %b : memref<f32, strided<[], offset: ?>> to memref<f32>
  return
}

// These become memcpy.
// CHECK-LABEL: func @contiguous
// CHECK:         memref.copy
// CHECK-NOT:     scf.for
func.func @contiguous(%a: memref<?x8xf32>, %b: memref<?x8xf32>) {
  memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
  return
}
