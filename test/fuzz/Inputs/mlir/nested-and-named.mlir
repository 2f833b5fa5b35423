func.func private @f_attention(i32) -> i32
memref.global "private" @f_attention_0 : memref<2xf32>
llvm.func @attn_parallel_for(i64, !llvm.ptr, !llvm.ptr)
func.func @f(%q: memref<1x4x1x4xf32, strided<[?, ?, ?, 1], offset: ?>>,
             %o: memref<1x4x1x4xf32>) {
  attn.attention
      ins(%q, %q, %q : memref<1x4x1x4xf32, strided<[?, ?, ?, 1], offset: ?>>,
          memref<1x4x1x4xf32, strided<[?, ?, ?, 1], offset: ?>>,
          memref<1x4x1x4xf32, strided<[?, ?, ?, 1], offset: ?>>)
      scale(1.0) q_offset(-3) outs(%o : memref<1x4x1x4xf32>)
  return
}
module @inner {
  func.func @g(%x: memref<4xf32>) {
    return
  }
}
gpu.module @device {
  func.func @h(%x: memref<4xf32>) {
    return
  }
}
