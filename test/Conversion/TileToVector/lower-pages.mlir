// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s

// f32 rows of pages are read where they lie: the tile is a table of offsets,
// and products look up the offset of a key once.
!k = !attn.tile<kv 8, d 4, f32, #attn.in_place>
!q = !attn.tile<q 16, d 4, f32, #attn.buffer<[d, q]>>
!v = !attn.tile<kv 8, dv 6, f32, #attn.in_place>
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!o = !attn.tile<q 16, dv 6, f32, #attn.buffer<[dv, q]>>
// The product with K: the offsets of its rows, in front of the loop over d.
// CHECK:       func.func private @{{.*}}product_0(%{{.*}}: memref<8x16xf32>, %[[A:.*]]: memref<?x4xf32, strided<[1, 1], offset: ?>>, %{{.*}}: memref<4x16xf32>, %{{.*}}: index, %{{.*}}: index, %[[OFFSETS:.*]]: memref<8xindex>)
// CHECK:         %[[ROW0:.*]] = memref.load %[[OFFSETS]]
// CHECK:         %[[ROW1:.*]] = memref.load %[[OFFSETS]]
// CHECK:         scf.for %[[D:.*]] = {{.*}} iter_args
// CHECK-NOT:       memref.load %[[OFFSETS]]
// CHECK:           memref.load %[[A]][%[[ROW0]], %[[D]]]
// CHECK:           memref.load %[[A]][%[[ROW1]], %[[D]]]
// The product with V: one offset a key.
// CHECK:       func.func private @{{.*}}product_1(%{{.*}}: memref<6x16xf32>, %[[A:.*]]: memref<?x6xf32, strided<[1, 1], offset: ?>>, %{{.*}}: memref<8x16xf32>, %{{.*}}: index, %{{.*}}: index, %[[OFFSETS:.*]]: memref<8xindex>)
// CHECK:         scf.for %[[J:.*]] = {{.*}} iter_args
// CHECK:           %[[ROW:.*]] = memref.load %[[OFFSETS]][%[[J]]]
// CHECK:           memref.load %[[A]][%[[ROW]],
// CHECK:           memref.load %[[A]][%[[ROW]],
// CHECK-LABEL: func @in_place
// CHECK-SAME:    %[[KEYS:[^:]*]]: memref<?x16x2x4xf32, strided<[?, ?, ?, 1], offset: ?>>, %[[VALUES:[^:]*]]: memref<?x16x2x6xf32>, %[[TABLE:[^:]*]]: memref<?x?xi32>, %[[B:[^:]*]]: index, %[[G:[^:]*]]: index, %[[ROW:[^:]*]]: index, %[[N:[^:]*]]: index
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG:     %[[TABLE1:.*]] = memref.alloc() {{.*}} : memref<8xindex>
// CHECK-DAG:     %[[TABLE2:.*]] = memref.alloc() {{.*}} : memref<8xindex>
// CHECK:         %{{.*}}, %{{.*}}, %{{.*}}:4, %[[STRIDES:.*]]:4 = memref.extract_strided_metadata %[[KEYS]]
// CHECK:         %[[END:.*]] = arith.addi %[[ROW]], %[[N]]
// CHECK:         %[[FIRST:.*]] = arith.divui %[[ROW]], %[[C16]]
// Without valid rows, no page.
// CHECK:         %[[ANY:.*]] = arith.cmpi sgt, %[[N]], %[[C0]]
// CHECK:         %[[LAST:.*]] = arith.select %[[ANY]], %{{.*}}, %[[C0]]
// CHECK:         scf.for %[[NUMBER:.*]] = %[[FIRST]] to %[[LAST]]
// CHECK:           %[[PAGE32:.*]] = memref.load %[[TABLE]][%[[B]], %[[NUMBER]]]
// CHECK:           %[[PAGE:.*]] = arith.index_cast %[[PAGE32]]
// CHECK:           arith.muli %[[PAGE]], %[[STRIDES]]#0
// CHECK:           scf.for %[[I:.*]] =
// CHECK:             arith.muli %[[I]], %[[STRIDES]]#1
// CHECK:             %[[POSITION:.*]] = arith.subi %[[I]], %[[ROW]]
// CHECK:             memref.store %{{.*}}, %{{.*}}[%[[POSITION]]] : memref<8xindex>
// CHECK-NOT:     vector.load
// CHECK:         call @{{.*}}product_0
// CHECK:         call @{{.*}}product_1
func.func @in_place(
    %keys: memref<?x16x2x4xf32, strided<[?, ?, ?, 1], offset: ?>>,
    %values: memref<?x16x2x6xf32>, %table: memref<?x?xi32>, %b: index,
    %g: index, %row: index, %n: index, %x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %kview = attn.view %keys[%b, %g] <paged> pages(%table : memref<?x?xi32>)
      : memref<?x16x2x4xf32, strided<[?, ?, ?, 1], offset: ?>>
      -> !attn.view<kv, d 4, f32>
  %vview = attn.view %values[%b, %g] <paged> pages(%table : memref<?x?xi32>)
      : memref<?x16x2x6xf32> -> !attn.view<kv, dv 6, f32>
  %q = attn.fill %x : f32 -> !q
  %k = attn.load_tile %kview[%row] valid(%n) : !attn.view<kv, d 4, f32> -> !k
  %v = attn.load_tile %vview[%row] valid(%n) : !attn.view<kv, dv 6, f32> -> !v
  %s = attn.contract %k, %q valid(%n) : !k, !q -> !s
  %o = attn.contract %v, %s valid(%n) : !v, !s -> !o
  return
}

// -----

// Pairs of keys are formed from rows at two offsets.
!v = !attn.tile<kv 8, dv 8, bf16, #attn.buffer<[kv, dv], pairs>>
// CHECK-LABEL: func @pairs
// CHECK-DAG:     %[[OFFSETS:.*]] = memref.alloc() {{.*}} : memref<8xindex>
// CHECK-DAG:     %[[BUFFER:.*]] = memref.alloc() {{.*}} : memref<4x8xi32>
// CHECK:         memref.store %{{.*}}, %[[OFFSETS]]
// CHECK:         %[[ROW0:.*]] = memref.load %[[OFFSETS]]
// CHECK:         vector.load %{{.*}}[%[[ROW0]], %{{.*}}]
// CHECK:         %[[ROW1:.*]] = memref.load %[[OFFSETS]]
// CHECK:         vector.load %{{.*}}[%[[ROW1]], %{{.*}}]
// CHECK:         vector.interleave
// CHECK:         vector.store %{{.*}}, %[[BUFFER]]
func.func @pairs(%values: memref<?x?x2x8xbf16>, %table: memref<?x?xi32>,
                 %b: index, %row: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = true>} {
  %view = attn.view %values[%b, %b] <paged> pages(%table : memref<?x?xi32>)
      : memref<?x?x2x8xbf16> -> !attn.view<kv, dv 8, bf16>
  %v = attn.load_tile %view[%row] valid(%n)
      : !attn.view<kv, dv 8, bf16> -> !v
  return
}

// -----

// Where rows of queries lie along the lanes one by one, each row of a page is
// prefetched as its offset is found, line by line; products do not prefetch: no
// one knows where the next tile is. Rows of f16 are read at their offset.
!k = !attn.tile<kv 8, d 64, f16, #attn.in_place>
!q = !attn.tile<q 2, d 64, f32, #attn.buffer<[q, d]>>
!s = !attn.tile<q 2, kv 8, f32, #attn.buffer<[q, kv]>>
// CHECK:       func.func private @{{.*}}product_0(%{{.*}}: memref<2x8xf32>, %[[A:.*]]: memref<?x64xf16, {{.*}}>, %{{.*}}: memref<2x64xf32>, %{{.*}}: index, %{{.*}}: index, %[[OFFSETS:.*]]: memref<8xindex>)
// CHECK-NOT:     memref.prefetch
// CHECK:         %[[ROW:.*]] = memref.load %[[OFFSETS]]
// CHECK:         vector.load %[[A]][%[[ROW]], %{{.*}}] : {{.*}}, vector<8xf16>
// CHECK-LABEL: func @streamed
// CHECK-SAME:    %[[KEYS:[^:]*]]: memref<?x16x2x64xf16>
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[C32:.*]] = arith.constant 32 : index
// CHECK:         %[[VIEW:.*]] = memref.reinterpret_cast
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             memref.store %[[OFFSET:.*]], %{{.*}} : memref<8xindex>
// CHECK-NEXT:        memref.prefetch %[[VIEW]][%[[OFFSET]], %[[C0]]], read, locality<3>, data
// CHECK-NEXT:        memref.prefetch %[[VIEW]][%[[OFFSET]], %[[C32]]], read, locality<3>, data
// CHECK:         call @{{.*}}product_0
func.func @streamed(
    %keys: memref<?x16x2x64xf16>, %table: memref<?x?xi32>, %b: index,
    %g: index, %row: index, %n: index, %x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false, by_row = true>} {
  %kview = attn.view %keys[%b, %g] <paged> pages(%table : memref<?x?xi32>)
      : memref<?x16x2x64xf16> -> !attn.view<kv, d 64, f16>
  %q = attn.fill %x : f32 -> !q
  %k = attn.load_tile %kview[%row] valid(%n)
      : !attn.view<kv, d 64, f16> -> !k
  %s = attn.contract %k, %q valid(%n) : !k, !q -> !s
  return
}
