// What the examples of AttnGpuOps.td use; see td_examples.py.

gpu.module @attn_gpu {
  llvm.func @kernel(%pointer: !llvm.ptr<1>, %size: i64)
      attributes {attn.kernel_index = 0 : i64}
}
func.func @launch_kernel(%count: index, %pointer: i64, %size: i64) {
  // EXAMPLE attn.launch_kernel
  return
}
