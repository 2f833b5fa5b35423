// Operands that the verifier lets pass and generated code cannot address.
// RUN: attn-opt %s --attn-to-llvm=target=x86-64-v4 --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

!t = memref<1x8x2x16xf32, 1>
func.func @memory_space(%q: !t, %o: !t) {
  // expected-error@+1 {{unsupported on cpu: operand of type 'memref<1x8x2x16xf32, 1>'; expected the default memory space}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t)
  return
}

// -----

!t = memref<1x8x2x16xf32>
func.func @memory_space_of_lengths(%q: !t, %o: !t, %n: memref<1xi32, 3>) {
  // expected-error@+1 {{expected the default memory space}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0)
      kv_lens(%n : memref<1xi32, 3>) outs(%o : !t)
  return
}

// -----

#map = affine_map<(a, b, c) -> (c, b, a)>
!t = memref<1x8x2x16xf32>
func.func @lse_layout(%q: !t, %o: !t, %lse: memref<1x2x8xf32, #map>) {
  // expected-error@+1 {{expected a strided layout}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0)
      outs(%o, %lse : !t, memref<1x2x8xf32, #map>)
  return
}

// -----

#csr = #sparse_tensor.encoding<{
  map = (a, b, c, d) -> (a : dense, b : dense, c : dense, d : compressed)
}>
!t = tensor<1x8x2x16xf32, #csr>
func.func @sparse(%q: !t, %o: !t) -> !t {
  // expected-error@+1 {{expected a tensor without encoding}}
  %r = attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%o : !t) -> !t
  return %r : !t
}

// -----

// No element is moved twice by strides of any sign.
!t = memref<1x8x2x16xf32, strided<[-256, -32, -16, 1], offset: 255>>
!u = memref<1x8x2x16xf32, strided<[0, 0, 0, 1]>>
func.func @strides(%q: !t, %k: !u, %o: memref<1x8x2x16xf32>) {
  attn.attention ins(%q, %k, %k : !t, !u, !u) scale(1.0)
      outs(%o : memref<1x8x2x16xf32>)
  return
}

// -----

!t = memref<1x8x2x16xf32>
func.func @out_is_input(%q: !t, %k: !t) {
  // expected-error@+1 {{writes to an operand that it also reads or writes otherwise; expected outs that overlap no operand}}
  attn.attention ins(%q, %k, %k : !t, !t, !t) scale(1.0) outs(%k : !t)
  return
}

// -----

// On tensors the result is a value of its own.
!t = tensor<1x8x2x16xf32>
func.func @out_is_input_tensor(%q: !t) -> (!t, !t) {
  %r = attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) outs(%q : !t) -> !t
  return %r, %q : !t, !t
}

// -----

#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 16, pairs = true>
#config = #attn.config<block_q = 16, block_kv = 8, block_kv_compute = 8,
                       schedule = #schedule>
!t = memref<1x8x2x16xf16>
func.func @pairs(%q: !t, %o: !t) {
  // expected-error@+1 {{unsupported on cpu: config has pairs, which need bf16 dot products; x86-64-v4 has none}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) config(#config)
      outs(%o : !t)
  return
}

// -----

#config = #attn.config<block_q = 16, block_kv = 8, block_kv_compute = 8,
                       schedule = "mine">
!t = memref<1x8x2x16xf32>
func.func @schedule(%q: !t, %o: !t) {
  // expected-error@+1 {{unsupported on cpu: config has schedule "mine"; expected #attn.vector_schedule}}
  attn.attention ins(%q, %q, %q : !t, !t, !t) scale(1.0) config(#config)
      outs(%o : !t)
  return
}
