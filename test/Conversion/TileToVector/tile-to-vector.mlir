// RUN: attn-opt %s --convert-attn-tile-to-vector --canonicalize --cse \
// RUN:   --split-input-file | FileCheck %s --implicit-check-not=attn.map \
// RUN:     --implicit-check-not=attn.reduce --implicit-check-not=attn.contract \
// RUN:     --implicit-check-not=attn.load_tile --implicit-check-not=attn.fill \
// RUN:     --implicit-check-not=attn.store_tile --implicit-check-not=!attn

// What a loop carries lies in one buffer, which the body updates in place: one
// accumulator, allocated once per call, no copy.
!acc = !attn.tile<q 16, dv 8, f32, #attn.buffer<[dv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
!out = !attn.view<q, dv 8, f32>
// CHECK-LABEL: func @in_place
// CHECK:         %[[ACC:.*]] = memref.alloc() {alignment = 64 : i64} : memref<8x16xf32>
// CHECK-NOT:     memref.alloc
// CHECK:         scf.for
// CHECK:           vector.store %{{.*}}, %[[ACC]]
// CHECK:           scf.for
// CHECK-NOT:         memref.copy
// CHECK:             %[[OLD:.*]] = vector.load %[[ACC]]
// CHECK:             %[[NEW:.*]] = arith.mulf %[[OLD]]
// CHECK:             vector.store %[[NEW]], %[[ACC]]
// CHECK-NOT:         memref.copy
// CHECK:           vector.load %[[ACC]]
// CHECK:         memref.dealloc %[[ACC]]
// CHECK-NEXT:    return
func.func @in_place(%o: memref<1x16x1x8xf32>, %begin: index, %end: index,
                    %x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  scf.for %w = %begin to %end step %c1 {
    %view = attn.view %o[%w, %c0] <bshd> : memref<1x16x1x8xf32> -> !out
    %acc = attn.fill %x : f32 -> !acc
    %sum = scf.for %i = %c0 to %end step %c1 iter_args(%old = %acc) -> !acc {
      %new = attn.map ins(%old : !acc) {
      ^bb0(%e: f32, %q: index, %dv: index):
        %p = arith.mulf %e, %x : f32
        attn.yield %p : f32
      } -> !acc
      scf.yield %new : !acc
    }
    attn.store_tile %sum, %view[%c0] valid(%c16) : !acc, !out
  }
  return
}

// -----

// A tile that is still needed is not overwritten.
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @still_needed
// CHECK-COUNT-2: memref.alloc() {{.*}} : memref<16xf32>
// CHECK-NOT:     memref.alloc
func.func @still_needed(%o: memref<1x1x16xf32>, %x: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %a = attn.fill %x : f32 -> !stat
  %b = attn.map ins(%a : !stat) {
  ^bb0(%e: f32, %q: index):
    %p = arith.mulf %e, %x : f32
    attn.yield %p : f32
  } -> !stat
  attn.store_stats %a, %o[%n, %n, %n] valid(%n) : !stat, memref<1x1x16xf32>
  attn.store_stats %b, %o[%n, %n, %n] valid(%n) : !stat, memref<1x1x16xf32>
  return
}

// -----

// Iter_args that start from one tile do not share its buffer.
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @common_start
// CHECK-DAG:     %[[A:.*]] = memref.alloc() {{.*}} : memref<16xf32>
// CHECK-DAG:     %[[B:.*]] = memref.alloc() {{.*}} : memref<16xf32>
// CHECK:         memref.copy %[[INIT:.*]], %[[COPY:.*]] : memref<16xf32>
// CHECK:         scf.for
// CHECK-DAG:       arith.addf
// CHECK-DAG:       arith.mulf
// CHECK:         memref.load %[[INIT]]
// CHECK:         memref.load %[[COPY]]
func.func @common_start(%o: memref<1x1x16xf32>, %x: f32, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %init = attn.fill %x : f32 -> !stat
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %init, %b = %init)
      -> (!stat, !stat) {
    %a1 = attn.map ins(%a : !stat) {
    ^bb0(%e: f32, %q: index):
      %p = arith.addf %e, %x : f32
      attn.yield %p : f32
    } -> !stat
    %b1 = attn.map ins(%b : !stat) {
    ^bb0(%e: f32, %q: index):
      %p = arith.mulf %e, %x : f32
      attn.yield %p : f32
    } -> !stat
    scf.yield %a1, %b1 : !stat, !stat
  }
  attn.store_stats %r#0, %o[%n, %n, %n] valid(%n) : !stat, memref<1x1x16xf32>
  attn.store_stats %r#1, %o[%n, %n, %n] valid(%n) : !stat, memref<1x1x16xf32>
  return
}

// -----

// Two bodies call the same product functions. The guarded product
// skips weights of 0 by a select, and scales the others.
!k = !attn.tile<kv 8, d 4, f32, #attn.in_place>
!q = !attn.tile<q 16, d 4, f32, #attn.buffer<[d, q]>>
!v = !attn.tile<kv 8, dv 6, f32, #attn.buffer<[kv, dv]>>
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!acc = !attn.tile<q 16, dv 6, f32, #attn.buffer<[dv, q]>>
// CHECK:       func.func private @[[QK:products_product_.*]](
// CHECK-SAME:      %[[C:.*]]: memref<8x16xf32>, %[[A:.*]]: memref<?x4xf32, strided{{.*}}>, %[[B:.*]]: memref<4x16xf32>, %[[M:.*]]: index, %[[K:.*]]: index)
// CHECK:         scf.for {{.*}} to %[[M]] step
// CHECK:           %[[ACCS:.*]]:2 = scf.for %{{.*}} to %[[K]] {{.*}} iter_args
// CHECK:             vector.load %[[B]]
// CHECK-COUNT-2:     math.fma
// CHECK-NOT:         math.fma
// CHECK:           vector.store %[[ACCS]]#0, %[[C]]
// CHECK:       func.func private @[[PV:products_product_.*]](%{{.*}}: memref<6x16xf32>, %{{.*}}: memref<8x6xf32>, %{{.*}}: memref<8x16xf32>
// CHECK:         math.fma
// CHECK:       func.func private @[[GUARDED:products_guarded_product_.*]](%{{.*}}: memref<6x16xf32>, %{{.*}}: memref<8x6xf32>, %{{.*}}: memref<8x16xf32>, %{{.*}}: index, %{{.*}}: index, %[[SCALE:.*]]: f32)
// CHECK:         %[[WEIGHS:.*]] = arith.cmpf une, %[[P:.*]], %{{.*}}
// CHECK:         %[[FACTOR:.*]] = vector.broadcast %[[SCALE]]
// CHECK:         %[[SCALED:.*]] = arith.mulf %[[P]], %[[FACTOR]]
// CHECK:         %[[SUM:.*]] = math.fma %{{.*}}, %[[SCALED]], %[[OLD:.*]] :
// CHECK:         arith.select %[[WEIGHS]], %[[SUM]], %[[OLD]]
// CHECK-NOT:   func.func private
// CHECK:       func.func @products({{.*}}, %[[X:[a-z0-9]+]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: i1
// CHECK:         %[[UNIT:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-NOT:     math.fma
// CHECK-COUNT-2: call @[[QK]](
// CHECK-NOT:     call
// CHECK:         scf.if
// CHECK:           call @[[GUARDED]]({{.*}}, %[[UNIT]])
// CHECK:         } else {
// CHECK:           call @[[PV]](
// CHECK:         scf.if
// CHECK:           call @[[GUARDED]]({{.*}}, %[[X]])
// CHECK:         } else {
// CHECK:           call @[[PV]](
// CHECK-NOT:     call
// CHECK:         return
func.func @products(%q: memref<1x16x1x4xf32>, %k: memref<1x8x1x4xf32>,
                    %v: memref<1x8x1x6xf32>, %o: memref<1x16x1x6xf32>,
                    %x: f32, %at: index, %n: index, %guard: i1,
                    %guard2: i1)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %q_view = attn.view %q[%at, %at] <bshd> : memref<1x16x1x4xf32> -> !attn.view<q, d 4, f32>
  %k_view = attn.view %k[%at, %at] <bshd> : memref<1x8x1x4xf32> -> !attn.view<kv, d 4, f32>
  %v_view = attn.view %v[%at, %at] <bshd> : memref<1x8x1x6xf32> -> !attn.view<kv, dv 6, f32>
  %o_view = attn.view %o[%at, %at] <bshd> : memref<1x16x1x6xf32> -> !attn.view<q, dv 6, f32>
  %qt = attn.load_tile %q_view[%at] valid(%at) : !attn.view<q, d 4, f32> -> !q
  %acc = attn.fill %x : f32 -> !acc
  %kt = attn.load_tile %k_view[%at] valid(%at) : !attn.view<kv, d 4, f32> -> !k
  %vt = attn.load_tile %v_view[%at] valid(%at) : !attn.view<kv, dv 6, f32> -> !v
  %vt2 = attn.load_tile %v_view[%at] valid(%n) : !attn.view<kv, dv 6, f32> -> !v
  %s1 = attn.contract %kt, %qt valid(%at) : !k, !q -> !s
  %s2 = attn.contract %kt, %qt valid(%at) : !k, !q -> !s
  %acc1 = attn.contract %vt, %s1 valid(%at) into(%acc : !acc) guard(%guard) : !v, !s -> !acc
  %acc2 = attn.contract %vt2, %s2 valid(%at) into(%acc1 : !acc) guard(%guard2 scale %x) : !v, !s -> !acc
  attn.store_tile %acc2, %o_view[%at] valid(%at) : !acc, !attn.view<q, dv 6, f32>
  return
}

// -----

// exp, row sum and rounding are one loop nest; the row maximum, which the exp
// needs, is one before it. Four keys make a step; the weights of two of them are
// stored as one word.
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!p = !attn.tile<q 16, kv 8, bf16, #attn.buffer<[kv, q], pairs>>
!v = !attn.tile<kv 8, dv 4, bf16, #attn.buffer<[kv, dv], pairs>>
!acc = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @fused(
// CHECK:         %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK:           arith.cmpf ogt
// CHECK:           arith.select
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           arith.subf
// CHECK:           %[[E0:.*]] = math.exp2
// CHECK:           %[[S0:.*]] = arith.addf %{{.*}}, %[[E0]]
// CHECK:           %[[R0:.*]] = arith.truncf %[[E0]]
// CHECK:           %[[E1:.*]] = math.exp2
// CHECK:           %[[S1:.*]] = arith.addf %[[S0]], %[[E1]]
// CHECK:           %[[R1:.*]] = arith.truncf %[[E1]]
// CHECK:           %[[E2:.*]] = math.exp2
// CHECK:           %[[S2:.*]] = arith.addf %[[S1]], %[[E2]]
// CHECK:           %[[R2:.*]] = arith.truncf %[[E2]]
// CHECK:           %[[E3:.*]] = math.exp2
// CHECK:           arith.addf %[[S2]], %[[E3]]
// CHECK:           %[[R3:.*]] = arith.truncf %[[E3]]
// CHECK:           %[[MIXED:.*]] = vector.interleave %[[R0]], %[[R1]]
// CHECK:           %[[WORDS:.*]] = vector.bitcast %[[MIXED]] : {{.*}} to vector<8xi32>
// CHECK:           vector.store %[[WORDS]], %[[BUFFER:[a-z0-9_]+]][{{.*}}] : memref<4x16xi32>
// CHECK:           vector.interleave %[[R2]], %[[R3]]
// CHECK:           vector.store %{{.*}}, %[[BUFFER]][{{.*}}] : memref<4x16xi32>
// CHECK-NEXT:      scf.yield
// CHECK-NOT:     math.exp2
// CHECK-NOT:     arith.truncf %{{.*}} : vector<{{.*}}xf32> to
// CHECK:         call
func.func @fused(%o: memref<1x1x16xf32>, %v: memref<1x8x1x4xbf16>,
                 %out: memref<1x16x1x4xf32>, %x: f32, %at: index,
                 %guard: i1)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = true>} {
  %s = attn.fill %x : f32 -> !s
  %m0 = attn.fill %x : f32 -> !stat
  %l0 = attn.fill %x : f32 -> !stat
  %acc = attn.fill %x : f32 -> !acc
  %v_view = attn.view %v[%at, %at] <bshd> : memref<1x8x1x4xbf16> -> !attn.view<kv, dv 4, bf16>
  %o_view = attn.view %out[%at, %at] <bshd> : memref<1x16x1x4xf32> -> !attn.view<q, dv 4, f32>
  %vt = attn.load_tile %v_view[%at] valid(%at) : !attn.view<kv, dv 4, bf16> -> !v
  %m = attn.reduce max %s into %m0 : !s -> !stat
  %e = attn.map ins(%s, %m : !s, !stat) {
  ^bb0(%a: f32, %max: f32, %i: index, %j: index):
    %d = arith.subf %a, %max : f32
    %p = math.exp2 %d : f32
    attn.yield %p : f32
  } -> !s
  %l = attn.reduce add %e into %l0 : !s -> !stat
  %r = attn.map ins(%e : !s) {
  ^bb0(%a: f32, %i: index, %j: index):
    %t = arith.truncf %a : f32 to bf16
    attn.yield %t : bf16
  } -> !p
  %acc1 = attn.contract %vt, %r valid(%at) into(%acc : !acc) guard(%guard) : !v, !p -> !acc
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x16xf32>
  attn.store_tile %acc1, %o_view[%at] valid(%at) : !acc, !attn.view<q, dv 4, f32>
  return
}

// -----

// Elements in memory that are finite stay, if the flag says so.
!t = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
// CHECK-LABEL: func @keep_finite(
// CHECK-SAME:    %[[KEEP:[a-z0-9]+]]: i1)
// CHECK:         scf.if %[[KEEP]] {
// CHECK:           %[[NEW:.*]] = arith.truncf
// CHECK:           %[[OLD:.*]] = memref.load
// CHECK:           %[[WIDE:.*]] = arith.extf %[[OLD]]
// CHECK:           %[[ZERO:.*]] = arith.subf %[[WIDE]], %[[WIDE]]
// CHECK:           %[[FINITE:.*]] = arith.cmpf oeq, %[[ZERO]]
// CHECK:           %[[KEPT:.*]] = arith.select %[[FINITE]], %[[OLD]], %[[NEW]]
// CHECK:           memref.store %[[KEPT]]
// CHECK:         } else {
// CHECK:           arith.truncf
// CHECK-NOT:       arith.select
func.func @keep_finite(%out: memref<1x16x1x4xbf16>, %x: f32, %at: index,
                       %keep: i1)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %t = attn.fill %x : f32 -> !t
  %view = attn.view %out[%at, %at] <bshd> : memref<1x16x1x4xbf16> -> !attn.view<q, dv 4, bf16>
  attn.store_tile %t, %view[%at] valid(%at) keep_finite(%keep) : !t, !attn.view<q, dv 4, bf16>
  return
}

// -----

// In a map, what depends on the row varies along the lanes; what depends on the
// key alone stays scalar.
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @coordinates
// CHECK:         %[[LANES:.*]] = vector.step : vector<8xindex>
// CHECK:         arith.addi {{.*}}, %[[LANES]] : vector<8xindex>
// CHECK:         arith.addi %{{.*}}, %{{.*}} : index
// CHECK:         arith.cmpi sle, {{.*}} : vector<8xindex>
// CHECK:         arith.select {{.*}} : vector<8xi1>, vector<8xf32>
func.func @coordinates(%o: memref<1x1x16xf32>, %x: f32, %at: index,
                       %first: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %s = attn.fill %x : f32 -> !s
  %l0 = attn.fill %x : f32 -> !stat
  %masked = attn.map ins(%s : !s) {
  ^bb0(%a: f32, %i: index, %j: index):
    %key = arith.addi %j, %first : index
    %visible = arith.cmpi sle, %key, %i : index
    %b = arith.select %visible, %a, %x : f32
    attn.yield %b : f32
  } -> !s
  %l = attn.reduce add %masked into %l0 : !s -> !stat
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x16xf32>
  return
}

// -----

// Rows of an odd number of 16-bit elements get one that is 0, so that every
// element has a partner; of Q, the last word has an upper half of 0.
!k = !attn.tile<kv 8, d 5, bf16, #attn.buffer<[kv, d]>>
!q = !attn.tile<q 16, d 5, bf16, #attn.buffer<[d, q], pairs>>
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK:       func.func private @[[PRODUCT:odd_pairs_product.*]](%{{.*}}: memref<8x16xf32>, %[[A:.*]]: memref<8x6xbf16>, %[[B:.*]]: memref<3x16xi32>
// CHECK:         vector.load %[[A]][{{.*}}] : memref<8x6xbf16>, vector<2xbf16>
// CHECK:         attn.dot_pairs
// CHECK:       func.func @odd_pairs
// CHECK-DAG:     %[[C5:.*]] = arith.constant 5 : index
// CHECK-DAG:     %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG:     %[[C3:.*]] = arith.constant 3 : index
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : bf16
// CHECK-DAG:     %[[Q:.*]] = memref.alloc() {{.*}} : memref<3x16xi32>
// CHECK-DAG:     %[[K:.*]] = memref.alloc() {{.*}} : memref<8x6xbf16>
// CHECK:         memref.store %{{.*}}, %[[Q]][%[[C2]],
// CHECK:         memref.store %[[ZERO]], %[[K]][%{{.*}}, %[[C5]]]
// CHECK:         call @[[PRODUCT]](%{{.*}}, %[[K]], %[[Q]], %{{.*}}, %[[C3]])
func.func @odd_pairs(%o: memref<1x1x16xf32>, %q: memref<1x16x1x5xbf16>,
                     %k: memref<1x8x1x5xbf16>, %x: f32, %at: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 16, pairs = true>} {
  %q_view = attn.view %q[%at, %at] <bshd> : memref<1x16x1x5xbf16> -> !attn.view<q, d 5, bf16>
  %k_view = attn.view %k[%at, %at] <bshd> : memref<1x8x1x5xbf16> -> !attn.view<kv, d 5, bf16>
  %qt = attn.load_tile %q_view[%at] valid(%at) : !attn.view<q, d 5, bf16> -> !q
  %kt = attn.load_tile %k_view[%at] valid(%at) : !attn.view<kv, d 5, bf16> -> !k
  %s = attn.contract %kt, %qt valid(%at) : !k, !q -> !s
  %l0 = attn.fill %x : f32 -> !stat
  %l = attn.reduce add %s into %l0 : !s -> !stat
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x16xf32>
  return
}

// -----

// A block of rows that no register divides goes lane by lane.
!stat = !attn.tile<q 5, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @narrow
// CHECK:         vector.store {{.*}} : memref<5xf32>, vector<1xf32>
func.func @narrow(%o: memref<1x1x16xf32>, %x: f32, %at: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %l = attn.fill %x : f32 -> !stat
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x16xf32>
  return
}

// -----

// The product multiplies its accumulators by the factors of their rows where it
// adds its sums; in the loop over keys no other op touches them, although the
// map stood before the one that overwrites what the factors were made from.
!v = !attn.tile<kv 8, dv 4, f32, #attn.in_place>
!w = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!acc = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func private @rescaled_product_0(
// CHECK-SAME:    %[[C:[^:]*]]: memref<4x16xf32>, {{.*}}: memref<8x16xf32>, {{.*}}: index, {{.*}}: index, %[[F:[^:]*]]: memref<16xf32>
// CHECK:         %[[SUMS:.*]]:2 = scf.for
// CHECK:         %[[FACTOR:.*]] = vector.load %[[F]]
// CHECK:         %[[OLD:.*]] = vector.load %[[C]]
// CHECK:         math.fma %[[OLD]], %[[FACTOR]], %[[SUMS]]#0
// CHECK-LABEL: func @rescaled(
// CHECK:         %[[ACC:.*]] = memref.alloc() {{.*}} : memref<4x16xf32>
// CHECK:         scf.for
// CHECK:           %[[X:.*]] = vector.load %[[FACTORS:.*]][
// CHECK:           arith.addf %[[X]]
// CHECK:         call @rescaled_product_0(%[[ACC]], {{.*}}, %[[FACTORS]])
// CHECK-NOT:     arith.mulf
func.func @rescaled(%o: memref<1x16x1x4xf32>, %v: memref<1x8x1x4xf32>,
                    %stats: memref<1x1x16xf32>, %x: f32, %at: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %o_view = attn.view %o[%at, %at] <bshd> : memref<1x16x1x4xf32> -> !attn.view<q, dv 4, f32>
  %v_view = attn.view %v[%at, %at] <bshd> : memref<1x8x1x4xf32> -> !attn.view<kv, dv 4, f32>
  %vt = attn.load_tile %v_view[%at] valid(%at) : !attn.view<kv, dv 4, f32> -> !v
  %acc0 = attn.fill %x : f32 -> !acc
  %weights = attn.fill %x : f32 -> !w
  %factors = attn.fill %x : f32 -> !stat
  %scaled = attn.map ins(%acc0, %factors : !acc, !stat) {
  ^bb0(%e: f32, %f: f32, %q: index, %dv: index):
    %p = arith.mulf %e, %f : f32
    attn.yield %p : f32
  } -> !acc
  %more = attn.map ins(%factors : !stat) {
  ^bb0(%f: f32, %q: index):
    %s = arith.addf %f, %f : f32
    attn.yield %s : f32
  } -> !stat
  %sum = attn.contract %vt, %weights valid(%n) into(%scaled : !acc) : !v, !w -> !acc
  attn.store_tile %sum, %o_view[%at] valid(%n) : !acc, !attn.view<q, dv 4, f32>
  attn.store_stats %more, %stats[%at, %at, %at] valid(%n) : !stat, memref<1x1x16xf32>
  return
}

// -----

// So does a sum, which then takes the same steps as the accumulators.
!w = !attn.tile<q 8, kv 8, f32, #attn.buffer<[kv, q]>>
!stat = !attn.tile<q 8, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @rescaled_sum(
// CHECK:         %[[OLD:.*]] = vector.load %[[SUM:.*]][
// CHECK:         %[[NEW:.*]] = scf.for
// CHECK:         }
// CHECK:         %[[FACTOR:.*]] = vector.load
// CHECK:         %[[TOTAL:.*]] = math.fma %[[OLD]], %[[FACTOR]], %[[NEW]]
// CHECK:         vector.store %[[TOTAL]], %[[SUM]]
func.func @rescaled_sum(%o: memref<1x1x8xf32>, %x: f32, %at: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 8, unit = 8, pairs = false>} {
  %s = attn.fill %x : f32 -> !w
  %l0 = attn.fill %x : f32 -> !stat
  %factors = attn.fill %x : f32 -> !stat
  %scaled = attn.map ins(%l0, %factors : !stat, !stat) {
  ^bb0(%e: f32, %f: f32, %q: index):
    %p = arith.mulf %e, %f : f32
    attn.yield %p : f32
  } -> !stat
  %more = attn.map ins(%s : !w) {
  ^bb0(%e: f32, %q: index, %kv: index):
    %p = arith.addf %e, %e : f32
    attn.yield %p : f32
  } -> !w
  %l = attn.reduce add %more into %scaled : !w -> !stat
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x8xf32>
  return
}

// -----

// A map of the accumulators that does anything else keeps its loop.
!v = !attn.tile<kv 8, dv 4, f32, #attn.in_place>
!w = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!acc = !attn.tile<q 16, dv 4, f32, #attn.buffer<[dv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @not_rescaled(
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             arith.divf
// CHECK:         call @not_rescaled_product_0(
func.func @not_rescaled(%o: memref<1x16x1x4xf32>, %v: memref<1x8x1x4xf32>,
                        %x: f32, %at: index, %n: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %o_view = attn.view %o[%at, %at] <bshd> : memref<1x16x1x4xf32> -> !attn.view<q, dv 4, f32>
  %v_view = attn.view %v[%at, %at] <bshd> : memref<1x8x1x4xf32> -> !attn.view<kv, dv 4, f32>
  %vt = attn.load_tile %v_view[%at] valid(%at) : !attn.view<kv, dv 4, f32> -> !v
  %acc0 = attn.fill %x : f32 -> !acc
  %weights = attn.fill %x : f32 -> !w
  %factors = attn.fill %x : f32 -> !stat
  %scaled = attn.map ins(%acc0, %factors : !acc, !stat) {
  ^bb0(%e: f32, %f: f32, %q: index, %dv: index):
    %p = arith.divf %e, %f : f32
    attn.yield %p : f32
  } -> !acc
  %sum = attn.contract %vt, %weights valid(%n) into(%scaled : !acc) : !v, !w -> !acc
  attn.store_tile %sum, %o_view[%at] valid(%n) : !acc, !attn.view<q, dv 4, f32>
  return
}

// -----

// A maximum alone has four chains, so that no step waits for the one before.
!s = !attn.tile<q 8, kv 8, f32, #attn.buffer<[kv, q]>>
!stat = !attn.tile<q 8, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @chains(
// CHECK:         %[[NEUTRAL:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
// CHECK:         %[[M:.*]]:4 = scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[NEUTRAL]], %{{.*}} = %[[NEUTRAL]], %{{.*}} = %[[NEUTRAL]])
// CHECK:         arith.cmpf ogt, %[[M]]#1, %[[M]]#0
// CHECK:         arith.cmpf ogt, %[[M]]#2
// CHECK:         arith.cmpf ogt, %[[M]]#3
func.func @chains(%o: memref<1x1x8xf32>, %x: f32, %at: index)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 8, unit = 8, pairs = false>} {
  %s = attn.fill %x : f32 -> !s
  %m0 = attn.fill %x : f32 -> !stat
  %m = attn.reduce max %s into %m0 : !s -> !stat
  attn.store_stats %m, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x8xf32>
  return
}

// -----

// The rows of K are read in their place, whatever their stride.
!k = !attn.tile<kv 8, d 4, f32, #attn.in_place>
!q = !attn.tile<q 16, d 4, f32, #attn.buffer<[d, q]>>
!s = !attn.tile<q 16, kv 8, f32, #attn.buffer<[kv, q]>>
!stat = !attn.tile<q 16, f32, #attn.buffer<[q]>>
// CHECK-LABEL: func @strided_keys
// CHECK-SAME:    %[[K:[^:]*]]: memref<?x1x4x?xf32, strided<[?, ?, ?, ?], offset: ?>>
// CHECK-NOT:     memref.alloc() {{.*}} : memref<8x4xf32>
// CHECK:         %[[BASE:.*]], %[[OFFSET:.*]], %{{.*}}:4, %[[STRIDES:.*]]:4 = memref.extract_strided_metadata %[[K]]
// CHECK:         %[[BATCH:.*]] = arith.muli %[[B:.*]], %[[STRIDES]]#0
// CHECK:         arith.addi %[[OFFSET]], %[[BATCH]]
// CHECK:         arith.muli %{{.*}}, %[[STRIDES]]#1
// CHECK:         memref.reinterpret_cast {{.*}} strides: [1, %[[STRIDES]]#2] : {{.*}} to memref<?x4xf32, strided<[1, ?], offset: ?>>
func.func @strided_keys(%o: memref<1x1x16xf32>, %x: f32, %at: index,
                        %k: memref<?x1x4x?xf32, strided<[?, ?, ?, ?], offset: ?>>)
    attributes {attn.schedule = #attn.vector_schedule<rows = 2, lanes = 16, unit = 8, pairs = false>} {
  %k_view = attn.view %k[%at, %at] <bhds>
      : memref<?x1x4x?xf32, strided<[?, ?, ?, ?], offset: ?>> -> !attn.view<kv, d 4, f32>
  %kt = attn.load_tile %k_view[%at] valid(%at) : !attn.view<kv, d 4, f32> -> !k
  %qt = attn.fill %x : f32 -> !q
  %s = attn.contract %kt, %qt valid(%at) : !k, !q -> !s
  %l0 = attn.fill %x : f32 -> !stat
  %l = attn.reduce add %s into %l0 : !s -> !stat
  attn.store_stats %l, %o[%at, %at, %at] valid(%at) : !stat, memref<1x1x16xf32>
  return
}

// -----

// Functions without a schedule are no kernels.
// CHECK-LABEL: func @no_kernel
// CHECK-NEXT:    return
func.func @no_kernel() {
  return
}
