#schedule = #attn.vector_schedule<rows = 2, lanes = 8, unit = 8, pairs = false>
#config = #attn.config<block_q = 8, block_kv = 6, block_kv_compute = 3,
                       schedule = #schedule>
func.func @configured(%q: memref<1x4x1x5xf16>, %k: memref<1x9x1x5xf16>,
                      %o: memref<1x4x1x5xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x4x1x5xf16>, memref<1x9x1x5xf16>,
          memref<1x9x1x5xf16>)
      mask(#attn.causal) scale(1.0) config(#config)
      outs(%o : memref<1x4x1x5xf32>)
  return
}
