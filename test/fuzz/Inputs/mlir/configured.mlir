#schedule = #attn.vector_schedule<rows = 4, lanes = 16, unit = 16, pairs = true>
#config = #attn.config<block_q = 16, block_kv = 8, block_kv_compute = 4,
                       schedule = #schedule>
func.func @configured(%q: memref<1x4x1x6xbf16>, %k: memref<1x9x1x6xbf16>,
                      %o: memref<1x4x1x6xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x4x1x6xbf16>, memref<1x9x1x6xbf16>,
          memref<1x9x1x6xbf16>)
      mask(#attn.causal) scale(1.0) config(#config)
      outs(%o : memref<1x4x1x6xf32>)
  return
}
