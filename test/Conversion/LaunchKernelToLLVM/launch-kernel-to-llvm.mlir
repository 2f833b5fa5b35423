// RUN: attn-opt %s --convert-attn-launch-kernel-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

gpu.module @attn_gpu {
  llvm.func @first(%x: !llvm.ptr<1>, %n: i64) attributes {attn.kernel_index = 0 : i64} {
    llvm.return
  }
  llvm.func @second() attributes {attn.kernel_index = 1 : i64} {
    llvm.return
  }
}

// The array of the slots is allocated in the entry block: a loop does not grow
// the stack.
// CHECK:       llvm.func @attn_launch_kernel(i64, i64, !llvm.ptr, i64)
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: i64, %[[N:.*]]: index)
// CHECK:         %[[NONE:.*]] = llvm.alloca
// CHECK:         %[[SLOTS:.*]] = llvm.alloca %{{.*}} x i64
// CHECK:         scf.for
// CHECK:           %[[FIRST:.*]] = llvm.getelementptr %[[SLOTS]][0]
// CHECK:           llvm.store %[[X]], %[[FIRST]]
// CHECK:           %[[SECOND:.*]] = llvm.getelementptr %[[SLOTS]][1]
// CHECK:           llvm.store %[[X]], %[[SECOND]]
// CHECK:           %[[KERNEL:.*]] = llvm.mlir.constant(0 : i64)
// CHECK:           %[[COUNT:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK:           %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK:           llvm.call @attn_launch_kernel(%[[KERNEL]], %[[COUNT]], %[[SLOTS]], %[[TWO]])
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(1 : i64)
// CHECK:         llvm.call @attn_launch_kernel(%[[ONE]], %{{.*}}, %[[NONE]], %{{.*}})
func.func @main(%x: i64, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    attn.launch_kernel @attn_gpu::@first over %n (%x, %x)
  }
  attn.launch_kernel @attn_gpu::@second over %n ()
  return
}

// -----

gpu.module @attn_gpu {
  llvm.func @kernel() attributes {attn.kernel_index = 0 : i64} {
    llvm.return
  }
}

// What is computed from shapes is fine; what looks at elements is not.
func.func @reads(%x: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  %size = memref.dim %x, %c0 : memref<?xindex>
  %scratch = memref.alloc(%size) : memref<?xindex>
  attn.launch_kernel @attn_gpu::@kernel over %size ()
  memref.dealloc %scratch : memref<?xindex>
  // expected-error @+1 {{unsupported on gpu: it reads or writes an array in the function that launches kernels, which runs on the host}}
  %n = memref.load %x[%c0] : memref<?xindex>
  attn.launch_kernel @attn_gpu::@kernel over %n ()
  return
}

// -----

gpu.module @attn_gpu {
  llvm.func @kernel() attributes {attn.kernel_index = 0 : i64} {
    llvm.return
  }
}

// expected-error @+1 {{has the name @attn_launch_kernel, by which generated code calls a C function}}
func.func @attn_launch_kernel() {
  return
}
func.func @main(%n: index) {
  attn.launch_kernel @attn_gpu::@kernel over %n ()
  return
}
