// RUN: attn-opt %s --split-input-file --convert-attn-tile-to-vector | FileCheck %s

// Scores: for 2 keys at a time, the dot products with 4 rows; a tree adds the
// lanes of 8 accumulators. The next tile's keys are prefetched.
#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false, by_row = true>
!q = !attn.tile<q 4, d 16, f32, #attn.buffer<[q, d]>>
!k = !attn.tile<kv 64, d 16, f16, #attn.in_place>
!s = !attn.tile<q 4, kv 64, f32, #attn.buffer<[q, kv]>>
// CHECK-LABEL: func private @scores_product_0(
// CHECK-SAME:    %[[C:[^:]+]]: memref<4x64xf32>, %[[K:[^:]+]]: memref<?x16xf16, {{.*}}>, %[[Q:[^:]+]]: memref<4x16xf32>, %[[M:[^:]+]]: index
// CHECK:         scf.for %{{.+}} = %{{.+}} to %[[M]] step %c2
// CHECK-COUNT-2:   memref.prefetch %[[K]]{{.*}} locality<2>
// CHECK:           scf.for
// CHECK:             vector.load %[[Q]]{{.*}} vector<8xf32>
// CHECK:             vector.load %[[K]]{{.*}} vector<8xf16>
// CHECK:             arith.extf {{.*}} vector<8xf16> to vector<8xf32>
// CHECK:             math.fma
// CHECK:             vector.shuffle {{.*}} [0, 1, 2, 3, 8, 9, 10, 11]
// CHECK:             vector.shuffle {{.*}} [4, 5, 6, 7, 12, 13, 14, 15]
// CHECK:             vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14]
// CHECK-COUNT-4:     vector.store {{.*}}, %[[C]]{{.*}} vector<2xf32>
func.func @scores(%qm: memref<1x4x1x16xf32>, %km: memref<1x64x1x16xf16>,
                  %out: memref<1x4x1x16xf32>, %i: index)
    attributes {attn.schedule = #schedule} {
  %qv = attn.view %qm[%i, %i] <bshd>
      : memref<1x4x1x16xf32> -> !attn.view<q, d 16, f32>
  %kv = attn.view %km[%i, %i] <bshd>
      : memref<1x64x1x16xf16> -> !attn.view<kv, d 16, f16>
  %q = attn.load_tile %qv[%i] valid(%i) : !attn.view<q, d 16, f32> -> !q
  %k = attn.load_tile %kv[%i] valid(%i) : !attn.view<kv, d 16, f16> -> !k
  %s = attn.contract %k, %q valid(%i) : !k, !q -> !s
  return
}

// -----

// Values: pairs of keys, interleaved, with one word per row and pair; what does
// not fill a register is masked.
#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = true, by_row = true>
!p = !attn.tile<q 2, kv 64, bf16, #attn.buffer<[q, kv]>>
!v = !attn.tile<kv 64, dv 20, bf16, #attn.in_place>
!o = !attn.tile<q 2, dv 20, f32, #attn.buffer<[q, dv]>>
// CHECK-LABEL: func private @values_product_0(
// CHECK-SAME:    %[[C:[^:]+]]: memref<2x20xf32>, %[[V:[^:]+]]: memref<?x20xbf16, {{.*}}>, %[[P:[^:]+]]: memref<2x64xbf16>, %{{[^:]+}}: index, %[[K:[^:]+]]: index
// CHECK:         scf.for %{{.+}} = %{{.+}} to %[[K]] step %c2
// CHECK:           vector.load %[[V]]{{.*}} vector<16xbf16>
// CHECK:           vector.interleave
// CHECK:           vector.load %[[P]]{{.*}} vector<2xbf16>
// CHECK:           attn.dot_pairs
// CHECK:         vector.maskedload %[[V]]
// CHECK:         vector.maskedstore %[[C]]
func.func @values(%pm: memref<1x4x1x20xf32>, %vm: memref<1x64x1x20xbf16>,
                  %x: bf16, %i: index) attributes {attn.schedule = #schedule} {
  %vv = attn.view %vm[%i, %i] <bshd>
      : memref<1x64x1x20xbf16> -> !attn.view<kv, dv 20, bf16>
  %v = attn.load_tile %vv[%i] valid(%i) : !attn.view<kv, dv 20, bf16> -> !v
  %p = attn.fill %x : bf16 -> !p
  %o = attn.contract %v, %p valid(%i) : !v, !p -> !o
  return
}

// -----

// A reduction runs along a row, whose lanes are combined at its end.
#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 4, pairs = false, by_row = true>
!s = !attn.tile<q 2, kv 8, f32, #attn.buffer<[q, kv]>>
!m = !attn.tile<q 2, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @reduce(
// CHECK:         scf.for %[[Q:[^ ]+]] =
// CHECK:           %[[INTO:.+]] = memref.load %{{.+}}[%[[Q]]]
// CHECK:           %[[LANES:.+]] = scf.for {{.*}} -> (vector<4xf32>)
// CHECK:           vector.extract_strided_slice %[[LANES]] {offsets = [2]
// CHECK:           arith.addf %{{.+}} : vector<2xf32>
// CHECK:           arith.addf %{{.+}} : vector<1xf32>
// CHECK:           arith.addf %[[INTO]]
// CHECK:           memref.store %{{.+}}[%[[Q]]]
func.func @reduce(%x: f32) attributes {attn.schedule = #schedule} {
  %s = attn.fill %x : f32 -> !s
  %m = attn.fill %x : f32 -> !m
  %r = attn.reduce add %s into %m : !s -> !m
  return
}

// -----

// Sums of earlier tiles are multiplied by the factors of their rows where those
// of this tile are added.
#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false, by_row = true>
!p = !attn.tile<q 2, kv 64, f32, #attn.buffer<[q, kv]>>
!v = !attn.tile<kv 64, dv 8, f32, #attn.in_place>
!acc = !attn.tile<q 2, dv 8, f32, #attn.buffer<[q, dv]>>
!stat = !attn.tile<q 2, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func private @rescaled_product_0(
// CHECK-SAME:    %[[C:[^:]+]]: memref<2x8xf32>, {{.*}}: index, {{.*}}: index, %[[F:[^:]+]]: memref<2xf32>
// CHECK:         %[[SUMS:.+]]:2 = scf.for
// CHECK:         %[[ONE:.+]] = memref.load %[[F]][%[[ROW:[a-z0-9_]+]]]
// CHECK:         %[[FACTOR:.+]] = vector.broadcast %[[ONE]]
// CHECK:         %[[OLD:.+]] = vector.load %[[C]][%[[ROW]], %{{.+}}]
// CHECK:         math.fma %[[OLD]], %[[FACTOR]], %[[SUMS]]#0
// CHECK:         memref.load %[[F]][%[[NEXT:[a-z0-9_]+]]]
// CHECK:         vector.load %[[C]][%[[NEXT]], %{{.+}}]
// CHECK:         math.fma {{.*}}, %[[SUMS]]#1
// CHECK-LABEL: func @rescaled(
// CHECK:         call @rescaled_product_0(%{{.+}}, %[[FACTORS:[^,]+]])
// CHECK:         scf.for %[[Q:[^ ]+]] =
// CHECK:           %[[SUM:.+]] = memref.load %{{.+}}[%[[Q]]] : memref<2xf32>
// CHECK:           %[[NEW:.+]] = vector.extract %{{.+}}[0] : f32
// CHECK:           %[[ROW:.+]] = memref.load %[[FACTORS]][%[[Q]]]
// CHECK:           math.fma %[[SUM]], %[[ROW]], %[[NEW]] : f32
func.func @rescaled(%vm: memref<1x64x1x8xf32>, %om: memref<1x2x1x8xf32>,
                    %x: f32, %i: index) attributes {attn.schedule = #schedule} {
  %vv = attn.view %vm[%i, %i] <bshd>
      : memref<1x64x1x8xf32> -> !attn.view<kv, dv 8, f32>
  %ov = attn.view %om[%i, %i] <bshd>
      : memref<1x2x1x8xf32> -> !attn.view<q, dv 8, f32>
  %v = attn.load_tile %vv[%i] valid(%i) : !attn.view<kv, dv 8, f32> -> !v
  %p = attn.fill %x : f32 -> !p
  %acc = attn.fill %x : f32 -> !acc
  %l = attn.fill %x : f32 -> !stat
  %factors = attn.fill %x : f32 -> !stat
  %scaled_acc = attn.map ins(%acc, %factors : !acc, !stat) {
  ^bb0(%e: f32, %f: f32, %q: index, %dv: index):
    %m = arith.mulf %e, %f : f32
    attn.yield %m : f32
  } -> !acc
  %scaled_l = attn.map ins(%l, %factors : !stat, !stat) {
  ^bb0(%e: f32, %f: f32, %q: index):
    %m = arith.mulf %e, %f : f32
    attn.yield %m : f32
  } -> !stat
  %o = attn.contract %v, %p valid(%i) into(%scaled_acc : !acc) : !v, !p -> !acc
  %sum = attn.reduce add %p into %scaled_l : !p -> !stat
  attn.store_tile %o, %ov[%i] valid(%i) : !acc, !attn.view<q, dv 8, f32>
  return
}

// -----

// Heads that take turns: rows of one sequence row at a time.
#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 8, pairs = false, by_row = true>
!q = !attn.tile<q 8, d 16, f32, #attn.buffer<[q, d]>>
!m = !attn.tile<q 8, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @heads(
// CHECK:         memref.reinterpret_cast {{.*}} to memref<?x4x16xf32, strided<[?, ?, 1], offset: ?>>
// CHECK:         scf.for
// CHECK:           memref.subview {{.*}} to memref<4x16xf32, strided<[?, 1], offset: ?>>
// CHECK:         memref.load %{{.+}}[%[[ROW:.+]]] : memref<8xf32>
// CHECK:         arith.divui %[[ROW]]
// CHECK:         arith.remui %[[ROW]]
func.func @heads(%qm: memref<1x2x8x16xf32>, %lse: memref<8x2xf32>, %x: f32,
                 %i: index) attributes {attn.schedule = #schedule} {
  %qv = attn.view %qm[%i, %i] <bshd> heads(4)
      : memref<1x2x8x16xf32> -> !attn.view<q, d 16, f32>
  %q = attn.load_tile %qv[%i] valid(%i) : !attn.view<q, d 16, f32> -> !q
  %m = attn.fill %x : f32 -> !m
  attn.store_stats %m, %lse[%i, %i] valid(%i) heads(4) : !m, memref<8x2xf32>
  return
}
