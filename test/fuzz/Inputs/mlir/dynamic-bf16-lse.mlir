func.func @dynamic(%q: memref<?x?x2x16xbf16>, %k: memref<?x?x1x16xbf16>,
                   %out: memref<?x?x2x16xbf16>, %lse: memref<?x2x?xf32>,
                   %lens: memref<?xi32>, %sinks: memref<2xf32>, %scale: f32,
                   %cap: f32, %offset: i64) {
  attn.attention
      ins(%q, %k, %k : memref<?x?x2x16xbf16>, memref<?x?x1x16xbf16>,
          memref<?x?x1x16xbf16>)
      mask(#attn.sliding_window<3, 0>) dynamic_scale(%scale)
      dynamic_softcap(%cap) dynamic_q_offset(%offset : i64)
      q_lens(%lens : memref<?xi32>) kv_lens(%lens : memref<?xi32>)
      sinks(%sinks : memref<2xf32>) block_q(16) block_kv(8) block_kv_compute(4)
      outs(%out, %lse : memref<?x?x2x16xbf16>, memref<?x2x?xf32>)
  return
}
