func.func @fp8(%q: memref<2x20x4x8xf8E4M3FN>, %k: memref<2x24x2x8xf8E5M2>,
               %v: memref<2x24x2x6xf8E5M2>, %qd: memref<2x2xf32>,
               %kd: memref<?x1xf32>, %vd: memref<1x2xf32>,
               %out: memref<2x20x4x6xf16>) {
  attn.attention ins(%q, %k, %v : memref<2x20x4x8xf8E4M3FN>,
      memref<2x24x2x8xf8E5M2>, memref<2x24x2x6xf8E5M2>)
      mask(#attn.causal) scale(5.000000e-01)
      q_descale(%qd : memref<2x2xf32>) k_descale(%kd : memref<?x1xf32>)
      v_descale(%vd : memref<1x2xf32>)
      outs(%out : memref<2x20x4x6xf16>)
  return
}
