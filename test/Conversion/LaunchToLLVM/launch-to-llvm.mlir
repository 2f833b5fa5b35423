// RUN: attn-opt %s --convert-attn-launch-to-llvm --split-input-file | FileCheck %s

// One declaration serves all launches; each launch has a trampoline.
// CHECK-LABEL: module @two_launches
// CHECK:         llvm.func @attn_parallel_for(i64, !llvm.ptr, !llvm.ptr)
// CHECK-NOT:     llvm.func @attn_parallel_for
// CHECK:       func.func private @[[BODY:kernel_body.*]](%[[CONTEXT:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64)
// CHECK:         %[[ARGS:.*]] = llvm.load %[[CONTEXT]] : !llvm.ptr -> !llvm.struct<(f32, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
// CHECK:         %[[X:.*]] = llvm.extractvalue %[[ARGS]][0]
// CHECK:         %[[DESCRIPTOR:.*]] = llvm.extractvalue %[[ARGS]][1]
// CHECK:         %[[MEMREF:.*]] = builtin.unrealized_conversion_cast %[[DESCRIPTOR]] : {{.*}} to memref<?xf32>
// CHECK:         %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK:         %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK:         call @kernel(%[[X]], %[[MEMREF]], %[[FIRST]], %[[LAST]])
// CHECK:       func.func private @[[OTHER:kernel_body.*]](%{{.*}}: !llvm.ptr
// CHECK:         call @kernel(
// CHECK:       func.func private @kernel(
// CHECK:       func.func @main(%[[MX:.*]]: f32, %[[M:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK-NOT:     attn.launch
// CHECK:         call @attn_parallel_for
// CHECK-NOT:     attn.launch
// CHECK:         call @attn_parallel_for
// CHECK-NOT:     call @attn_parallel_for
module @two_launches {
  func.func private @kernel(%x: f32, %m: memref<?xf32>, %begin: index,
                            %end: index) {
    return
  }
  func.func @main(%x: f32, %m: memref<?xf32>, %n: index) {
    attn.launch @kernel over %n (%x, %m : f32, memref<?xf32>)
    attn.launch @kernel over %n (%x, %m : f32, memref<?xf32>)
    return
  }
}

// -----

// The arguments are packed where the launch is, into memory that the entry
// block allocates: a loop does not grow the stack.
// CHECK-LABEL: func.func @in_a_loop
// CHECK-SAME:    (%[[X:.*]]: f32, %[[N:.*]]: index)
// CHECK:         %[[MEMORY:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32)>
// CHECK:         scf.for
// CHECK-NOT:       llvm.alloca
// CHECK:           %[[PACKED:.*]] = llvm.insertvalue %[[X]], %{{.*}}[0]
// CHECK:           llvm.store %[[PACKED]], %[[MEMORY]]
// CHECK:           %[[FUNCTION:.*]] = {{.*}}constant @kernel_body : (!llvm.ptr, i64, i64) -> ()
// CHECK:           %[[COUNT:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK:           %[[POINTER:.*]] = builtin.unrealized_conversion_cast %[[FUNCTION]]
// CHECK:           llvm.call @attn_parallel_for(%[[COUNT]], %[[POINTER]], %[[MEMORY]])
func.func private @kernel(%x: f32, %begin: index, %end: index) {
  return
}
func.func @in_a_loop(%x: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    attn.launch @kernel over %n (%x : f32)
  }
  return
}

// -----

// A kernel may need nothing but its range.
// CHECK-LABEL: func.func private @kernel_body
// CHECK:         call @kernel(%{{[^,]*}}, %{{[^,]*}}) : (index, index) -> ()
// CHECK-LABEL: func.func @no_arguments
// CHECK:         llvm.call @attn_parallel_for
func.func private @kernel(%begin: index, %end: index) {
  return
}
func.func @no_arguments(%n: index) {
  attn.launch @kernel over %n ()
  return
}
