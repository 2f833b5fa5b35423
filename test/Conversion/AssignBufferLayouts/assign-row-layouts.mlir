// RUN: attn-opt %s --attn-assign-buffer-layouts | FileCheck %s

// Query rows outermost; keys and values in place, also of a type that products
// widen, if their rows are contiguous.
// CHECK-LABEL: func @rows(
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<q 4, d 32, f32, #attn.buffer<[q, d]>>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 64, d 32, f16, #attn.in_place>
// CHECK:         attn.load_tile {{.*}} -> !attn.tile<kv 64, dv 32, f16, #attn.buffer<[kv, dv]>>
// CHECK:         attn.contract {{.*}} -> !attn.tile<q 4, kv 64, f32, #attn.buffer<[q, kv]>>
// CHECK:         attn.contract {{.*}} -> !attn.tile<q 4, dv 32, f32, #attn.buffer<[q, dv]>>
// CHECK:         attn.fill {{.*}} -> !attn.tile<q 4, f32, #attn.buffer<[q]>>
func.func @rows(%q: memref<1x4x1x32xf32>, %k: memref<1x64x1x32xf16>,
                %v: memref<1x1x32x64xf16>, %i: index, %zero: f32)
    attributes {attn.schedule = #attn.vector_schedule<rows = 4, lanes = 16,
                unit = 8, pairs = false, by_row = true>} {
  %qv = attn.view %q[%i, %i] <bshd>
      : memref<1x4x1x32xf32> -> !attn.view<q, d 32, f32>
  %kv = attn.view %k[%i, %i] <bshd>
      : memref<1x64x1x32xf16> -> !attn.view<kv, d 32, f16>
  %vv = attn.view %v[%i, %i] <bhds>
      : memref<1x1x32x64xf16> -> !attn.view<kv, dv 32, f16>
  %qt = attn.load_tile %qv[%i] valid(%i)
      : !attn.view<q, d 32, f32> -> !attn.tile<q 4, d 32, f32>
  %kt = attn.load_tile %kv[%i] valid(%i)
      : !attn.view<kv, d 32, f16> -> !attn.tile<kv 64, d 32, f16>
  %vt = attn.load_tile %vv[%i] valid(%i)
      : !attn.view<kv, dv 32, f16> -> !attn.tile<kv 64, dv 32, f16>
  %s = attn.contract %kt, %qt valid(%i) : !attn.tile<kv 64, d 32, f16>,
      !attn.tile<q 4, d 32, f32> -> !attn.tile<q 4, kv 64, f32>
  %o = attn.contract %vt, %s valid(%i) : !attn.tile<kv 64, dv 32, f16>,
      !attn.tile<q 4, kv 64, f32> -> !attn.tile<q 4, dv 32, f32>
  %m = attn.fill %zero : f32 -> !attn.tile<q 4, f32>
  return
}
