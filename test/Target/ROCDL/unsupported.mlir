// RUN: attn-opt %s --split-input-file --verify-diagnostics \
// RUN:   --attn-select-rocdl-config=target=gfx942

func.func @f32(%q: memref<1x64x8x64xf32>, %o: memref<1x64x8x64xf32>) {
  // expected-error @+1 {{unsupported on gfx942: f32 operands}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xf32>,
      memref<1x64x8x64xf32>, memref<1x64x8x64xf32>)
      scale(0.1) outs(%o : memref<1x64x8x64xf32>)
  return
}

// -----

// No 16-bit type holds both.
func.func @mixed(%q: memref<1x64x8x64xf16>, %k: memref<1x64x8x64xbf16>,
                 %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on gfx942: f16 beside bf16}}
  attn.attention ins(%q, %k, %k : memref<1x64x8x64xf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
  return
}

// -----

// Queries in f32 stay f32, whatever keys are.
func.func @query(%q: memref<1x64x8x64xf32>, %k: memref<1x64x8x64xf8E4M3FN>,
                 %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on gfx942: f32 operands}}
  attn.attention ins(%q, %k, %k : memref<1x64x8x64xf32>,
      memref<1x64x8x64xf8E4M3FN>, memref<1x64x8x64xf8E4M3FN>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
  return
}

// -----

func.func @wide(%q: memref<1x64x8x264xbf16>, %o: memref<1x64x8x264xbf16>) {
  // expected-error @+1 {{unsupported on gfx942: head dims above 256}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x264xbf16>,
      memref<1x64x8x264xbf16>, memref<1x64x8x264xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x264xbf16>)
  return
}

// -----

func.func @threads(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  // expected-error @+1 {{unsupported on gfx942: block_q of 1024 by 32 warps, which are 2048 threads; expected at most 1024}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xbf16>,
      memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x64xbf16>)
      {config = #attn.config<block_q = 1024, block_kv = 32,
       block_kv_compute = 32,
       schedule = #attn.block_schedule<instruction = m32n32k8, warps = 32,
                                       lanes = 64, stages = 1,
                                       transposed = true>>}
  return
}
