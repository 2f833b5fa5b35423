#deep = #attn.and<[#attn.not<#attn.chunked<4>>, #attn.prefix<slot 0>]>
func.func @masks(%q: memref<2x8x2x8xf16>, %k: memref<2x2x12x8xf16>,
                 %v: memref<2x2x8x12xf16>, %o: memref<2x2x8x8xf32>,
                 %n: memref<2xi32>, %offsets: memref<2xi64>) {
  attn.attention
      ins(%q, %k, %v : memref<2x8x2x8xf16>, memref<2x2x12x8xf16>,
          memref<2x2x8x12xf16>)
      layout(q = bshd, k = bhsd, v = bhds, out = bhsd)
      mask(#attn.per_head<[#attn.or<[#deep, #attn.prefix<2>]>,
                           #attn.sliding_window<unbounded, 1>]>)
      mask_operands(%n : memref<2xi32>)
      scale(-1.0) softcap(2.0) dynamic_q_offset(%offsets : memref<2xi64>)
      outs(%o : memref<2x2x8x8xf32>)
  return
}
