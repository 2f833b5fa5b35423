// RUN: attn-opt %s --split-input-file --attn-to-online | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-to-online --attn-to-online \
// RUN:   | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-bufferize | FileCheck %s --check-prefix=BUFFERIZE

// A function on memrefs frees what it allocates, and what it returns may be an
// argument: neither is changed.
// CHECK-LABEL: func.func @memrefs(
// CHECK-SAME:    %[[Q:[^:]*]]: memref<1x64x2x32xf32>
// CHECK-NEXT:    %[[COUNT:.*]] = arith.constant
// CHECK-NEXT:    %[[T:.*]] = memref.alloc() : memref<1x64x2x32xf32>
// CHECK-NEXT:    attn.launch {{.*}}(%[[Q]], %[[T]] :
// CHECK-NEXT:    linalg.add ins(%[[T]], %[[Q]]
// CHECK-NEXT:    memref.dealloc %[[T]]
// CHECK-NEXT:    return %[[Q]]
// BUFFERIZE-LABEL: func.func @memrefs(
// BUFFERIZE-SAME:    %[[Q:[^:]*]]: memref<1x64x2x32xf32>
// BUFFERIZE:         attn.attention
// BUFFERIZE:         return %[[Q]]
func.func @memrefs(%q: memref<1x64x2x32xf32>, %o: memref<1x64x2x32xf32>)
    -> memref<1x64x2x32xf32> {
  %t = memref.alloc() : memref<1x64x2x32xf32>
  attn.attention
      ins(%q, %q, %q : memref<1x64x2x32xf32>, memref<1x64x2x32xf32>,
          memref<1x64x2x32xf32>)
      scale(0.25) outs(%t : memref<1x64x2x32xf32>)
  linalg.add ins(%t, %q : memref<1x64x2x32xf32>, memref<1x64x2x32xf32>)
      outs(%o : memref<1x64x2x32xf32>)
  memref.dealloc %t : memref<1x64x2x32xf32>
  return %q : memref<1x64x2x32xf32>
}

// -----

// A function on tensors allocates what it returns, and frees the rest.
// CHECK-LABEL: func.func @tensors(
// CHECK-SAME:    %[[Q:[^:]*]]: memref<1x64x2x32xf32, strided<[?, ?, ?, ?], offset: ?>>) -> memref<1x64x2xf32>
// CHECK:         %[[T:.*]] = memref.alloc()
// CHECK:         attn.launch {{.*}}(%[[Q]], %[[T]] :
// CHECK:         %[[R:.*]] = memref.alloc()
// CHECK:         linalg.reduce {{.*}} ins(%[[T]] {{.*}} outs(%[[R]]
// CHECK:         memref.dealloc %[[T]]
// CHECK-NOT:     memref.dealloc
// CHECK:         return %[[R]]
// BUFFERIZE-LABEL: func.func @tensors(
// BUFFERIZE-NOT:     tensor
// BUFFERIZE:         attn.attention
// BUFFERIZE:         memref.dealloc
// BUFFERIZE:         return
func.func @tensors(%q: tensor<1x64x2x32xf32>) -> tensor<1x64x2xf32> {
  %e = tensor.empty() : tensor<1x64x2x32xf32>
  %a = attn.attention
      ins(%q, %q, %q : tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32>,
          tensor<1x64x2x32xf32>)
      scale(0.25) outs(%e : tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32>
  %f = tensor.empty() : tensor<1x64x2xf32>
  %s = linalg.reduce {arith.maximumf} ins(%a : tensor<1x64x2x32xf32>)
      outs(%f : tensor<1x64x2xf32>) dimensions = [3]
  return %s : tensor<1x64x2xf32>
}

// -----

// Returning an argument returns a copy of it: the caller owns results.
// CHECK-LABEL: func.func @argument(
// CHECK-SAME:    %[[Q:[^:]*]]: memref<1x64x2x32xf32, strided
// CHECK:         %[[COPY:.*]] = memref.alloc()
// CHECK:         memref.copy %[[Q]], %{{.*}}
// CHECK-NOT:     bufferization.clone
// CHECK:         return
func.func @argument(%q: tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32> {
  %a = attn.attention
      ins(%q, %q, %q : tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32>,
          tensor<1x64x2x32xf32>)
      scale(0.25) outs(%q : tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32>
  %s = linalg.add ins(%a, %q : tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32>)
      outs(%q : tensor<1x64x2x32xf32>) -> tensor<1x64x2x32xf32>
  return %s : tensor<1x64x2x32xf32>
}

// -----

// Both in one module.
// CHECK-LABEL: func.func @both_tensors(
// CHECK:         return
// CHECK-LABEL: func.func @both_memrefs(
// CHECK:         memref.dealloc
// CHECK-NEXT:    return
func.func @both_tensors(%q: tensor<4xf32>) -> tensor<4xf32> {
  return %q : tensor<4xf32>
}
func.func private @use(memref<4xf32>)
func.func @both_memrefs() {
  %t = memref.alloc() : memref<4xf32>
  call @use(%t) : (memref<4xf32>) -> ()
  memref.dealloc %t : memref<4xf32>
  return
}
