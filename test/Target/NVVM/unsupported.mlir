// RUN: attn-opt %s --split-input-file --verify-diagnostics \
// RUN:   --attn-select-nvvm-config=target=sm_80

func.func @wide(%q: memref<1x64x8x264xbf16>, %o: memref<1x64x8x264xbf16>) {
  // expected-error @+1 {{unsupported on sm_80: head dims above 256}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x264xbf16>,
      memref<1x64x8x264xbf16>, memref<1x64x8x264xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x264xbf16>)
  return
}

// -----

func.func @block_q(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on sm_80: block_q of 64; expected a multiple of 48 for 3 warps}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xbf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
      {config = #attn.config<block_q = 64, block_kv = 64, block_kv_compute = 64,
       schedule = #attn.block_schedule<instruction = m16n8k16, warps = 3,
                                       lanes = 32, stages = 2>>}
  return
}

// -----

func.func @block_kv(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on sm_80: block_kv_compute of 24; expected a multiple of 16}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xbf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
      {config = #attn.config<block_q = 64, block_kv = 48, block_kv_compute = 24,
       schedule = #attn.block_schedule<instruction = m16n8k16, warps = 4,
                                       lanes = 32, stages = 2>>}
  return
}

// -----

func.func @instruction(%q: memref<1x64x8x64xbf16>,
                       %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{expected instruction = m16n8k16, lanes = 32, transposed = false}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xbf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
      {config = #attn.config<block_q = 64, block_kv = 64, block_kv_compute = 64,
       schedule = #attn.block_schedule<instruction = m32n32k8, warps = 2,
                                       lanes = 64, stages = 2>>}
  return
}

// -----

func.func @schedule(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on sm_80: config has schedule #attn.vector_schedule<rows = 4, lanes = 64, unit = 16, pairs = false>; expected #attn.block_schedule}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xbf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
      {config = #attn.config<block_q = 64, block_kv = 64, block_kv_compute = 64,
       schedule = #attn.vector_schedule<rows = 4, lanes = 64, unit = 16,
                                        pairs = false>>}
  return
}
