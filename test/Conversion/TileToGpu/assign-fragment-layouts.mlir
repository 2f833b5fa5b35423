// RUN: attn-opt %s --attn-assign-fragment-layouts | FileCheck %s

!k = !attn.tile<kv 32, d 32, bf16>
!v = !attn.tile<kv 32, dv 32, bf16>
!q = !attn.tile<q 64, d 32, bf16>
!s = !attn.tile<q 64, kv 32, f32>
!p = !attn.tile<q 64, kv 32, bf16>
!acc = !attn.tile<q 64, dv 32, f32>
!stat = !attn.tile<q 64, f32>

// CHECK-LABEL: func private @kernel
func.func private @kernel(%q: memref<1x64x1x32xbf16>, %k: memref<1x?x1x32xbf16>,
                          %v: memref<1x?x1x32xbf16>, %o: memref<1x64x1x32xf32>,
                          %begin: index, %end: index)
    attributes {attn.schedule = #attn.block_schedule<instruction = m16n8k16, warps = 4, lanes = 32, stages = 2>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %q_view = attn.view %q[%begin, %c0] <bshd> : memref<1x64x1x32xbf16> -> !attn.view<q, d 32, bf16>
  %k_view = attn.view %k[%begin, %c0] <bshd> : memref<1x?x1x32xbf16> -> !attn.view<kv, d 32, bf16>
  %v_view = attn.view %v[%begin, %c0] <bshd> : memref<1x?x1x32xbf16> -> !attn.view<kv, dv 32, bf16>
  %o_view = attn.view %o[%begin, %c0] <bshd> : memref<1x64x1x32xf32> -> !attn.view<q, dv 32, f32>
  // What is loaded lies in shared memory: rows of 64 bytes, padded to an odd
  // number of chunks of 16 bytes, so that eight rows are in eight places.
  // CHECK: attn.load_tile {{.*}} -> !attn.tile<q 64, d 32, bf16, #attn.shared<columns = 32, pitch = 40>>
  %qt = attn.load_tile %q_view[%c0] valid(%c32) : !attn.view<q, d 32, bf16> -> !q
  // Accumulators and statistics lie as the result of m16n8k16 does: a warp has
  // 16 rows, a lane two of them; of a row, a quad of lanes has all elements.
  // CHECK: attn.fill {{.*}} -> !attn.tile<q 64, dv 32, f32, #attn.fragment<[dv 2 by 1, q 2 by 8, dv 4 by 8], [dv 4 by 2, q 8 by 1], [q 4 by 16]>>
  %acc = attn.fill %zero : f32 -> !acc
  // CHECK: attn.fill {{.*}} -> !attn.tile<q 64, f32, #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [q 4 by 16], partial>>
  %l = attn.fill %zero : f32 -> !stat
  // CHECK: attn.fill {{.*}} -> !attn.tile<q 64, f32, #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [q 4 by 16]>>
  %factor = attn.fill %zero : f32 -> !stat
  %sums:2 = scf.for %j = %c0 to %end step %c1 iter_args(%a = %acc, %b = %l) -> (!acc, !stat) {
    %row = arith.muli %j, %c32 : index
    // CHECK: attn.load_tile {{.*}} -> !attn.tile<kv 32, d 32, bf16, #attn.shared<columns = 32, pitch = 40>>
    %kt = attn.load_tile %k_view[%row] valid(%c32) : !attn.view<kv, d 32, bf16> -> !k
    // CHECK: attn.load_tile {{.*}} -> !attn.tile<kv 32, dv 32, bf16, #attn.shared<columns = 32, pitch = 40>>
    %vt = attn.load_tile %v_view[%row] valid(%c32) : !attn.view<kv, dv 32, bf16> -> !v
    // The weights of the next product are where the scores are: P never moves.
    // CHECK: attn.contract {{.*}} -> !attn.tile<q 64, kv 32, f32, [[SCORES:#attn.fragment<\[kv 2 by 1, q 2 by 8, kv 4 by 8\], \[kv 4 by 2, q 8 by 1\], \[q 4 by 16\]>]]>
    %s = attn.contract %kt, %qt valid(%c32) : !k, !q -> !s
    // CHECK: attn.map {{.*}}[[SCORES]]
    // CHECK: } -> !attn.tile<q 64, kv 32, bf16, [[SCORES]]>
    %p = attn.map ins(%s : !s) {
    ^bb0(%x: f32, %i: index, %n: index):
      %t = arith.truncf %x : f32 to bf16
      attn.yield %t : bf16
    } -> !p
    // The sum of a row is added up across lanes once, behind the loop.
    // CHECK: attn.reduce add {{.*}} -> !attn.tile<q 64, f32, {{.*}}, partial>>
    %scaled_sum = attn.map ins(%b, %factor : !stat, !stat) {
    ^bb0(%x: f32, %y: f32, %i: index):
      %t = arith.mulf %x, %y : f32
      attn.yield %t : f32
    } -> !stat
    %sum = attn.reduce add %s into %scaled_sum : !s -> !stat
    %out = attn.contract %vt, %p valid(%c32) into(%a : !acc) : !v, !p -> !acc
    scf.yield %out, %sum : !acc, !stat
  }
  // CHECK: }
  // CHECK-NEXT: attn.combine_partial {{.*}} -> !attn.tile<q 64, f32, #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [q 4 by 16]>>
  %scaled = attn.map ins(%sums#0, %sums#1 : !acc, !stat) {
  ^bb0(%x: f32, %y: f32, %i: index, %n: index):
    %t = arith.divf %x, %y : f32
    attn.yield %t : f32
  } -> !acc
  attn.store_tile %scaled, %o_view[%c0] valid(%c32) : !acc, !attn.view<q, dv 32, f32>
  return
}

// Kernels of other targets stay as they are.
// CHECK-LABEL: func private @vectors
// CHECK:         attn.fill {{.*}} -> !attn.tile<q 64, f32>
func.func private @vectors(%x: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false>} {
  %l = attn.fill %x : f32 -> !stat
  return
}
