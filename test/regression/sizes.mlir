// Sizes at which arithmetic overflows or memory ends.
// RUN: attn-opt %s --attn-to-llvm=target=x86-64-v4 --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

// The number of heads costs nothing, however large.
!q = memref<1x8x1099511627776x16xf32>
!k = memref<1x8x4x16xf32>
func.func @many_heads(%q: !q, %k: !k, %o: !q) {
  attn.attention ins(%q, %k, %k : !q, !k, !k) mask(#attn.causal)
      scale(1.0) outs(%o : !q)
  return
}

// -----

!t = memref<1x9223372036854775807x1x16xf32>
func.func @long(%q: !t, %o: !t) {
  // expected-error@+1 {{unsupported on cpu: operand of type 'memref<1x9223372036854775807x1x16xf32>'; expected at most 2^60 elements}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<4294967296x4294967296x4294967296x16xf32>
func.func @overflow(%q: !t, %o: !t) {
  // expected-error@+1 {{expected at most 2^60 elements}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x281474976710656x1x16xf32>
func.func @long_causal(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) mask(#attn.causal)
      scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x1048576xf32>
func.func @wide(%q: !t, %o: !t) {
  // expected-error@+1 {{has tiles of block_q 32 by head dim 1048576; expected at most 16777216 elements}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) block_q(32) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<?x?x2x16xf32>
func.func @block_q(%q: !t, %o: !t) {
  // expected-error@+1 {{has tiles of block_q 1000000000 by block_kv_compute 128; expected at most 16777216 elements}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) block_q(1000000000)
      scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<?x?x2x16xf32>
func.func @block_kv(%q: !t, %o: !t) {
  // expected-error@+1 {{has tiles of block_q 64 by block_kv_compute 9223372036854775807; expected}}
  attn.attention ins(%q, %q, %q : !t, !t, !t)
      block_kv_compute(9223372036854775807) scale(1.0) outs(%o : !t)
  return
}

// -----

// Tiles are small, their number is what it is.
!t = memref<?x?x2x16xf32>
func.func @block_kv_of_small_steps(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) block_kv(1000000000)
      block_kv_compute(8) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<0x0x1x16xf32>
func.func @nothing(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) mask(#attn.causal)
      scale(1.0) outs(%o : !t)
  return
}
