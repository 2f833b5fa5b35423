// RUN: attn-opt %s --attn-convert-merge --split-input-file | FileCheck %s

// A work item is a row; empty parts are not read; vectors, then the rest.
// CHECK-LABEL: func private @parts_merge_0(
// CHECK-SAME:    [[OUTS:%.+]]: memref<4x1x8x16x40xf32>, [[LSES:%.+]]: memref<4x1x8x16xf32>, [[OUT:%[^:]+]]: memref<1x8x16x40xbf16>, [[BEGIN:%.+]]: index, [[END:%.+]]: index)
// CHECK:         [[WEIGHTS:%.+]] = memref.alloc({{.*}}) : memref<?xf32>
// CHECK:         scf.for {{%.+}} = [[BEGIN]] to [[END]]
// The maximum, then the weights and their sum.
// CHECK:           [[MAX:%.+]] = scf.for [[P:%[^ ]+]] =
// CHECK:             memref.load [[LSES]][[[P]],
// CHECK:           [[SUM:%.+]] = scf.for [[P1:%[^ ]+]] = {{.*}} iter_args
// CHECK:             math.exp2
// CHECK:             memref.store {{.*}}, [[WEIGHTS]][[[P1]]]
// Divided by it.
// CHECK:           scf.for
// CHECK:             arith.divf
// CHECK:           scf.for
// CHECK:             scf.for
// CHECK:               scf.if
// CHECK:                 vector.load [[OUTS]]{{.*}} vector<16xf32>
// CHECK:                 math.fma
// CHECK:             arith.truncf {{.*}} to vector<16xbf16>
// CHECK:             vector.store {{.*}}, [[OUT]]
// CHECK:           scf.for
// CHECK:             vector.load [[OUTS]]{{.*}} vector<1xf32>
// CHECK:         memref.dealloc [[WEIGHTS]]
// CHECK-LABEL: func @parts(
// CHECK:         attn.launch @parts_merge_0 over {{%.+}}(
// CHECK-NOT:     attn.merge
func.func @parts(%outs: memref<4x1x8x16x40xf32>, %lses: memref<4x1x8x16xf32>,
                 %out: memref<1x8x16x40xbf16>) {
  attn.merge ins(%outs, %lses : memref<4x1x8x16x40xf32>, memref<4x1x8x16xf32>)
      outs(%out : memref<1x8x16x40xbf16>)
  return
}

// -----

// Dynamic sizes, a sink, padding rows, lse; what is not contiguous goes element
// by element.
// CHECK-LABEL: func private @strided_merge_0(
// CHECK:         memref.load {{%.+}}[{{%.+}}] : memref<?xf32>
// CHECK:         arith.cmpi slt
// CHECK:         math.log2
// CHECK-NOT:     vector<16xf32>
// CHECK:         return
func.func @strided(%outs: memref<?x?x?x?x?xf32>, %lses: memref<?x?x?x?xf32>,
                   %sinks: memref<?xf32>, %lens: memref<?xi32>,
                   %out: memref<?x?x?x?xf32, strided<[?, ?, ?, ?], offset: ?>>,
                   %lse: memref<?x?x?xf32>) {
  attn.merge ins(%outs, %lses : memref<?x?x?x?x?xf32>, memref<?x?x?x?xf32>)
      sinks(%sinks : memref<?xf32>) q_lens(%lens : memref<?xi32>)
      outs(%out, %lse : memref<?x?x?x?xf32, strided<[?, ?, ?, ?], offset: ?>>,
           memref<?x?x?xf32>)
  return
}

// -----

// A block of threads: each merges elements of its own, with weights that it
// computes again, and one of them stores lse. Eight parts are loaded before one
// is added; what is behind the last one is not added.

// CHECK-LABEL: func private @block_merge_0(
// CHECK-SAME:    attributes {attn.block_size = 128 : i64}
// CHECK-NOT:   memref.alloc
// CHECK:       %[[THREAD:.*]] = gpu.thread_id {{ *}}x
// CHECK:       %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]], %{{.*}} : index
// CHECK:       scf.if %[[FIRST]] {
// CHECK:         math.log2
// CHECK:         memref.store
// CHECK:       scf.for %[[ELEMENT:.*]] = %[[THREAD]] to %{{.*}} step %c128{{.*}} {
// CHECK:         scf.for %[[PART:.*]] = %c0{{.*}} to %[[PARTS:.*]] step %c8
// CHECK:         %[[NEXT:.*]] = arith.addi %[[PART]], %c1
// CHECK:         %[[EXISTS:.*]] = arith.cmpi slt, %[[NEXT]], %[[PARTS]]
// CHECK:         arith.select %[[EXISTS]], %[[NEXT]], %[[PART]]
// CHECK-COUNT-8: vector.load %{{.*}}[%{{.*}}, %[[ELEMENT]]] : memref<?x2x4x8x64xf32>, vector<1xf32>
// CHECK:         math.exp2
// CHECK:         arith.divf
// CHECK:         math.fma
// CHECK:         arith.select %[[EXISTS]]
// CHECK:         vector.store
// CHECK-NOT:   vector<16xf32>
// CHECK:       return
func.func @block(%outs: memref<?x2x4x8x64xf32>, %lses: memref<?x2x4x8xf32>,
                 %out: memref<2x4x8x64xbf16>, %lse: memref<2x4x8xf32>) {
  attn.merge ins(%outs, %lses : memref<?x2x4x8x64xf32>, memref<?x2x4x8xf32>)
      outs(%out, %lse : memref<2x4x8x64xbf16>, memref<2x4x8xf32>)
      {attn.block_size = 128 : i64}
  return
}
