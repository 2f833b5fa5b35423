// RUN: attn-opt %s --split-input-file --verify-diagnostics

llvm.func @kernel(%p: !llvm.ptr<1>)

func.func @launch_kernel_c1(%n: index, %p: i64) {
  // expected-error @+1 {{names @kernel; expected an llvm.func in scope with an attribute attn.kernel_index (C1)}}
  attn.launch_kernel @kernel over %n (%p)
  return
}

// -----

gpu.module @attn_gpu {
  llvm.func @kernel(%p: !llvm.ptr<1>) attributes {attn.kernel_index = 0 : i64}
}

func.func @launch_kernel_c2(%n: index) {
  // expected-error @+1 {{has 0 slots and kernel @attn_gpu::@kernel has type '!llvm.func<void (ptr<1>)>'; expected as many parameters, each i64 or !llvm.ptr<1> (C2)}}
  attn.launch_kernel @attn_gpu::@kernel over %n ()
  return
}

// -----

gpu.module @attn_gpu {
  llvm.func @kernel(%p: !llvm.ptr) attributes {attn.kernel_index = 0 : i64}
}

func.func @launch_kernel_c2_generic(%n: index, %p: i64) {
  // expected-error @+1 {{expected as many parameters, each i64 or !llvm.ptr<1> (C2)}}
  attn.launch_kernel @attn_gpu::@kernel over %n (%p)
  return
}

// -----

func.func @copy_tile_c1(%view: !attn.view<kv, d 64, bf16>, %n: index,
                        %buffer: memref<2x64x32xbf16, 3>) {
  // expected-error @+1 {{has a buffer of type 'memref<2x64x32xbf16, 3>'; expected a static memref [stages][rows][64] (C1)}}
  attn.copy_tile %view[%n] valid(%n) to %buffer[%n] <columns = 64, pitch = 64>
      : !attn.view<kv, d 64, bf16>, memref<2x64x32xbf16, 3>
  return
}

// -----

func.func @put_tile_c1(%view: !attn.view<kv, d 64, bf16>, %n: index,
                       %part: vector<8xbf16>,
                       %buffer: memref<2x64x32xbf16, 3>) {
  // expected-error @+1 {{has a buffer of type 'memref<2x64x32xbf16, 3>'; expected a static memref [stages][rows][64] (C1)}}
  attn.put_tile %part of %view[%n] valid(%n) to %buffer[%n]
      <columns = 64, pitch = 64> : vector<8xbf16>
      of !attn.view<kv, d 64, bf16>, memref<2x64x32xbf16, 3>
  return
}

// -----

func.func @any_above_c1(%t: !attn.tile<q 16, kv 32, f32>,
                        %m: !attn.tile<q 8, f32>) {
  // expected-error @+1 {{expected limits of dim q, of the tile's extent and element type (C1)}}
  %0 = attn.any_above %t, %m : !attn.tile<q 16, kv 32, f32>, !attn.tile<q 8, f32>
  return
}

// -----

func.func @shared_tile_c1(%buffer: memref<2x64x32xbf16, 3>, %n: index) {
  // expected-error @+1 {{expected a shared layout and a static memref [stages][rows][pitch] of its elements (C1)}}
  %0 = attn.shared_tile %buffer[%n] : memref<2x64x32xbf16, 3>
      -> !attn.tile<kv 64, d 64, bf16, #attn.shared<columns = 64, pitch = 64>>
  return
}

// -----

func.func @combine_partial_c1(%t: !attn.tile<q 16, f32>) {
  // expected-error @+1 {{expected a partial fragment, and the same one not partial (C1)}}
  %0 = attn.combine_partial %t : !attn.tile<q 16, f32> -> !attn.tile<q 16, f32>
  return
}

// -----

func.func @mma_c1(%a: vector<2xbf16>, %c: f32) {
  // expected-error @+1 {{expected equal types (C1)}}
  %0:2 = attn.mma m16n8k16 %a * %a + %c : vector<2xbf16> * vector<2xbf16> + f32
      -> f32, f32
  return
}

// -----

// expected-error @+1 {{block_schedule has 33 warps; expected 1 to 32}}
#warps = #attn.block_schedule<instruction = m16n8k16, warps = 33, lanes = 32, stages = 2>

// -----

// expected-error @+1 {{block_schedule has 16 lanes; expected 32 or 64}}
#lanes = #attn.block_schedule<instruction = m16n8k16, warps = 4, lanes = 16, stages = 2>

// -----

// expected-error @+1 {{block_schedule has 0 stages; expected 1 to 8}}
#stages = #attn.block_schedule<instruction = m16n8k16, warps = 4, lanes = 32, stages = 0>

// -----

// expected-error @+1 {{fragment digit has size 0 and step 1; expected a size of 1 to 4096 and a step of 0 to 16777216}}
#digit = #attn.fragment<[q 0 by 1], [], []>

// -----

// expected-error @+1 {{shared layout has 64 columns and pitch 32; expected 1 <= columns <= pitch <= 16777216}}
#pitch = #attn.shared<columns = 64, pitch = 32>

// -----

// expected-error @+1 {{shared layout has swizzle 3; expected a power of two}}
#swizzle = #attn.shared<columns = 64, pitch = 64, swizzle = 3>
