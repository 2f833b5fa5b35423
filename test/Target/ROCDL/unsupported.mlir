// RUN: attn-opt %s --split-input-file --verify-diagnostics \
// RUN:   --attn-select-rocdl-config=target=gfx942

func.func @wide(%q: memref<1x64x8x264xbf16>, %o: memref<1x64x8x264xbf16>) {
  // expected-error @+1 {{unsupported on gfx942: head dims above 256}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x264xbf16>,
      memref<1x64x8x264xbf16>, memref<1x64x8x264xbf16>)
      scale(0.1) outs(%o : memref<1x64x8x264xbf16>)
  return
}

// -----

// f32 takes the instruction for fewer rows.
func.func @instruction(%q: memref<1x64x8x64xf32>, %o: memref<1x64x8x64xf32>) {
  // expected-error @+1 {{unsupported on gfx942: config has schedule}}
  attn.attention ins(%q, %q, %q : memref<1x64x8x64xf32>,
      memref<1x64x8x64xf32>, memref<1x64x8x64xf32>)
      scale(0.1) outs(%o : memref<1x64x8x64xf32>)
      {config = #attn.config<block_q = 64, block_kv = 32,
       block_kv_compute = 32,
       schedule = #attn.block_schedule<instruction = m32n32k8, warps = 2,
                                       lanes = 64, stages = 1,
                                       transposed = true>>}
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
