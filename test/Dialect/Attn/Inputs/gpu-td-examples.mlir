// What the examples of AttnGpuOps.td use; see td_examples.py.

gpu.module @attn_gpu {
  llvm.func @kernel(%pointer: !llvm.ptr<1>, %size: i64)
      attributes {attn.kernel_index = 0 : i64}
}
func.func @launch_kernel(%count: index, %pointer: i64, %size: i64) {
  // EXAMPLE attn.launch_kernel
  return
}
func.func @opaque(%item: index) {
  // EXAMPLE attn.opaque
  return
}
func.func @rows_aligned(%view: !attn.view<kv, d 64, bf16>) {
  // EXAMPLE attn.rows_aligned
  return
}
func.func @copy_tile(%view: !attn.view<kv, d 64, bf16>, %row: index, %n: index,
                     %buffer: memref<2x64x64xbf16, 3>, %stage: index) {
  // EXAMPLE attn.copy_tile
  return
}
func.func @fetch_tile(%view: !attn.view<kv, d 64, bf16>, %row: index,
                      %n: index) {
  // EXAMPLE attn.fetch_tile
  return
}
func.func @put_tile(%part: vector<8xbf16>, %view: !attn.view<kv, d 64, bf16>,
                    %row: index, %n: index,
                    %buffer: memref<2x64x64xbf16, 3>, %stage: index) {
  // EXAMPLE attn.put_tile
  return
}
func.func @copies() {
  // EXAMPLE attn.copy_commit
  // EXAMPLE attn.copy_wait
  return
}
func.func @shared_tile(%buffer: memref<2x64x64xbf16, 3>, %stage: index) {
  // EXAMPLE attn.shared_tile
  return
}
func.func @combine_partial(%parts: !attn.tile<q 16, f32,
    #attn.fragment<[q 2 by 8], [q 4 by 0, q 8 by 1], [], partial>>) {
  // EXAMPLE attn.combine_partial
  return
}
func.func @any_above(%scores: !attn.tile<q 64, kv 128, f32>,
                     %limits: !attn.tile<q 64, f32>) {
  // EXAMPLE attn.any_above
  return
}
func.func @shared_base() {
  // EXAMPLE attn.shared_base
  return
}
func.func @copy_chunk(%global: !llvm.ptr<1>, %shared: !llvm.ptr<3>, %n: i32) {
  // EXAMPLE attn.copy_chunk
  return
}
func.func @load_chunk(%base: !llvm.ptr<1>, %offset: i32, %limit: i32) {
  // EXAMPLE attn.load_chunk
  return
}
func.func @warps(%condition: i1) {
  // EXAMPLE attn.vote_any
  // EXAMPLE attn.fence_schedule
  return
}
func.func @load_matrices(%pointer: !llvm.ptr<3>) {
  // EXAMPLE attn.load_matrices
  return
}
func.func @mma(%a0: vector<2xbf16>, %a1: vector<2xbf16>, %a2: vector<2xbf16>,
               %a3: vector<2xbf16>, %b0: vector<2xbf16>, %b1: vector<2xbf16>,
               %c0: f32, %c1: f32, %c2: f32, %c3: f32) {
  // EXAMPLE attn.mma
  return
}
