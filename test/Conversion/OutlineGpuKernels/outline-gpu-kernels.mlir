// RUN: attn-opt %s --split-input-file --verify-diagnostics \
// RUN:   --attn-outline-gpu-kernels | FileCheck %s

// CHECK: gpu.module @attn_gpu
// CHECK: llvm.func @kernel(%[[P:.*]]: !llvm.ptr<1>, %[[ROWS:.*]]: i64, %{{.*}}: i64, %[[STRIDE:.*]]: i64, %{{.*}}: i64, %[[S:.*]]: i64)
// CHECK-SAME: attn.block_size = 64 : i64, attn.kernel_index = 0 : i64, attn.shared_bytes = 256 : i64
// CHECK: %[[Q:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x8xf32, strided<[?, 1], offset: ?>, 1>
// CHECK: %[[BITS:.*]] = arith.trunci %[[S]] : i64 to i32
// CHECK: %[[SCALE:.*]] = arith.bitcast %[[BITS]] : i32 to f32
// CHECK: %[[BLOCK:.*]] = gpu.block_id x
// CHECK: memref.store %[[SCALE]], %[[Q]][%[[BLOCK]]
// CHECK: llvm.return
// CHECK-NOT: func.func private @kernel
// CHECK: func.func @host(%[[N:.*]]: index, %[[ARG:.*]]: memref
// CHECK: memref.extract_strided_metadata %[[ARG]]
// CHECK: memref.extract_aligned_pointer_as_index %[[ARG]]
// CHECK: attn.launch_kernel @attn_gpu::@kernel over %[[N]](%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
func.func private @kernel(%q: memref<?x8xf32, strided<[?, 1], offset: ?>>,
                          %s: f32, %begin: index, %end: index)
    attributes {attn.block_size = 64 : i64, attn.shared_bytes = 256 : i64} {
  %c0 = arith.constant 0 : index
  memref.store %s, %q[%begin, %c0]
      : memref<?x8xf32, strided<[?, 1], offset: ?>>
  return
}
func.func @host(%n: index, %q: memref<?x8xf32, strided<[?, 1], offset: ?>>,
                %s: f32) {
  attn.launch @kernel over %n (%q, %s
      : memref<?x8xf32, strided<[?, 1], offset: ?>>, f32)
  return
}

// -----

// Kernels are numbered in the order of their launches.
// CHECK: llvm.func @second{{.*}}attn.kernel_index = 0
// CHECK: llvm.func @first{{.*}}attn.kernel_index = 1
func.func private @first(%begin: index, %end: index) {
  return
}
func.func private @second(%begin: index, %end: index) {
  return
}
func.func @two(%n: index) {
  attn.launch @second over %n ()
  attn.launch @first over %n ()
  attn.launch @second over %n ()
  return
}

// -----

func.func private @kernel(%x: vector<4xf32>, %begin: index, %end: index) {
  return
}
func.func @vectors(%n: index, %x: vector<4xf32>) {
  // expected-error @+1 {{has an argument of type 'vector<4xf32>'; expected a strided memref in the default memory space, an index, or an integer or float of up to 64 bits}}
  attn.launch @kernel over %n (%x : vector<4xf32>)
  return
}

// -----

memref.global @table : memref<2xi64>
func.func private @kernel(%begin: index, %end: index) {
  // expected-error @+1 {{in a kernel reads a global of the host}}
  %0 = memref.get_global @table : memref<2xi64>
  return
}
func.func @global(%n: index) {
  attn.launch @kernel over %n ()
  return
}

// -----

// expected-error @+1 {{has the name @attn_gpu, which the module of the kernels needs; expected another name}}
func.func private @attn_gpu(%begin: index, %end: index) {
  return
}
func.func @taken(%n: index) {
  attn.launch @attn_gpu over %n ()
  return
}
