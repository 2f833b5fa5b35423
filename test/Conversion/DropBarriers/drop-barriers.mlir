// RUN: attn-opt %s --split-input-file --attn-drop-barriers | FileCheck %s

// In front of the first access, behind the last, and twice.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @ends
  // CHECK-NOT:     gpu.barrier
  // CHECK:         llvm.store
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.load
  // CHECK-NOT:     gpu.barrier
  llvm.func @ends(%shared: !llvm.ptr<3>, %x: f32)
      attributes {attn.kernel_index = 0 : i64} {
    gpu.barrier
    llvm.store %x, %shared : f32, !llvm.ptr<3>
    gpu.barrier
    gpu.barrier
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    gpu.barrier
    llvm.return
  }
}

// -----

// A barrier of a loop separates its iterations.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @loop
  // CHECK-NOT:     gpu.barrier
  // CHECK:         scf.for
  // CHECK-NEXT:      gpu.barrier
  // CHECK-NEXT:      llvm.store
  // CHECK-NEXT:      gpu.barrier
  // CHECK-NEXT:      llvm.load
  // CHECK-NEXT:    }
  llvm.func @loop(%shared: !llvm.ptr<3>, %x: f32)
      attributes {attn.kernel_index = 0 : i64} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    gpu.barrier
    scf.for %i = %c0 to %c8 step %c1 {
      gpu.barrier
      llvm.store %x, %shared : f32, !llvm.ptr<3>
      gpu.barrier
      %y = llvm.load %shared : !llvm.ptr<3> -> f32
    }
    llvm.return
  }
}

// -----

// A copy lands between its start and its wait: nothing there orders it.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @copy
  // CHECK-NEXT:    attn.copy_chunk
  // CHECK-NEXT:    attn.copy_commit
  // CHECK-NEXT:    attn.copy_wait
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.load
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    attn.copy_chunk
  llvm.func @copy(%global: !llvm.ptr<1>, %shared: !llvm.ptr<3>)
      attributes {attn.kernel_index = 0 : i64} {
    gpu.barrier
    attn.copy_chunk %global to %shared
    gpu.barrier
    attn.copy_commit
    gpu.barrier
    attn.copy_wait 0
    gpu.barrier
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    gpu.barrier
    attn.copy_chunk %global to %shared
    llvm.return
  }
}

// -----

// Where nothing is waited for, the chunk is there at once.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @copy_now
  // CHECK-NEXT:    attn.copy_chunk
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.load
  llvm.func @copy_now(%global: !llvm.ptr<1>, %shared: !llvm.ptr<3>)
      attributes {attn.kernel_index = 0 : i64} {
    attn.copy_chunk %global to %shared
    gpu.barrier
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    llvm.return
  }
}

// -----

// Either branch may leave something behind, and so may the condition of a loop.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @branches
  // CHECK:         scf.if
  // CHECK-NOT:     gpu.barrier
  // CHECK:           llvm.store
  // CHECK:         }
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    scf.while
  // CHECK-NEXT:      llvm.load
  // CHECK-NEXT:      gpu.barrier
  // CHECK:         } do {
  // CHECK-NEXT:      gpu.barrier
  // CHECK-NEXT:      llvm.store
  // CHECK-NEXT:      gpu.barrier
  llvm.func @branches(%shared: !llvm.ptr<3>, %x: i1)
      attributes {attn.kernel_index = 0 : i64} {
    scf.if %x {
      gpu.barrier
      llvm.store %x, %shared : i1, !llvm.ptr<3>
    }
    gpu.barrier
    scf.while : () -> () {
      %again = llvm.load %shared : !llvm.ptr<3> -> i1
      gpu.barrier
      llvm.store %again, %shared : i1, !llvm.ptr<3>
      scf.condition(%again)
    } do {
      gpu.barrier
      llvm.store %x, %shared : i1, !llvm.ptr<3>
      gpu.barrier
      scf.yield
    }
    llvm.return
  }
}

// -----

// Arrays that the kernel only reads are no business of other threads.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @arrays
  // CHECK:         memref.load
  // CHECK-NOT:     gpu.barrier
  // CHECK:         memref.store
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    memref.load
  llvm.func @arrays(%p: !llvm.ptr, %n: !llvm.ptr)
      attributes {attn.kernel_index = 0 : i64} {
    %c0 = arith.constant 0 : index
    %in = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<8xf32, 1>
    %out = builtin.unrealized_conversion_cast %n : !llvm.ptr to memref<8xf32, 1>
    %x = memref.load %in[%c0] : memref<8xf32, 1>
    gpu.barrier
    memref.store %x, %out[%c0] : memref<8xf32, 1>
    gpu.barrier
    %y = memref.load %out[%c0] : memref<8xf32, 1>
    llvm.return
  }
}

// -----

// Barriers of a warp are none of the block.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @of_warp
  // CHECK:         llvm.store
  // CHECK-NEXT:    gpu.barrier {attn.of_warp}
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.load
  llvm.func @of_warp(%shared: !llvm.ptr<3>, %x: f32)
      attributes {attn.kernel_index = 0 : i64} {
    llvm.store %x, %shared : f32, !llvm.ptr<3>
    gpu.barrier {attn.of_warp}
    gpu.barrier
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    llvm.return
  }
}

// -----

// Two writes of an array need one barrier between them, wherever it is; reads
// of shared memory in front and writes of it behind need one too, and the last
// one does for both.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @kinds
  // CHECK:         llvm.load
  // CHECK-NEXT:    memref.store
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.store
  // CHECK-NEXT:    memref.store
  llvm.func @kinds(%p: !llvm.ptr, %shared: !llvm.ptr<3>, %x: f32)
      attributes {attn.kernel_index = 0 : i64} {
    %c0 = arith.constant 0 : index
    %out = builtin.unrealized_conversion_cast %p : !llvm.ptr to memref<8xf32, 1>
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    gpu.barrier
    memref.store %y, %out[%c0] : memref<8xf32, 1>
    gpu.barrier
    llvm.store %x, %shared : f32, !llvm.ptr<3>
    memref.store %x, %out[%c0] : memref<8xf32, 1>
    llvm.return
  }
}

// -----

// Elements that are converted on their way need no wait.
gpu.module @attn_gpu {
  // CHECK-LABEL: llvm.func @no_copies
  // CHECK-NOT:     attn.copy
  // CHECK:         llvm.store
  // CHECK-NEXT:    gpu.barrier
  // CHECK-NEXT:    llvm.load
  llvm.func @no_copies(%shared: !llvm.ptr<3>, %x: f32)
      attributes {attn.kernel_index = 0 : i64} {
    llvm.store %x, %shared : f32, !llvm.ptr<3>
    attn.copy_commit
    attn.copy_wait 0
    gpu.barrier
    %y = llvm.load %shared : !llvm.ptr<3> -> f32
    llvm.return
  }
}
