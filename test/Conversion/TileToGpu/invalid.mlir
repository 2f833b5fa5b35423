// RUN: attn-opt %s --split-input-file --verify-diagnostics \
// RUN:   --convert-attn-tile-to-gpu

#schedule = #attn.block_schedule<instruction = m16n8k16, warps = 1, lanes = 32,
                                 stages = 2>
func.func private @no_layout(%begin: index, %end: index)
    attributes {attn.schedule = #schedule} {
  %zero = arith.constant 0.0 : f32
  // expected-error @+1 {{has a tile of type '!attn.tile<q 16, f32>'; expected a fragment or shared layout (run attn-assign-fragment-layouts first)}}
  %0 = attn.fill %zero : f32 -> !attn.tile<q 16, f32>
  return
}

// -----

#schedule = #attn.block_schedule<instruction = m16n8k16, warps = 1, lanes = 32,
                                 stages = 2>
func.func private @load(%view: !attn.view<kv, d 64, bf16>, %begin: index,
                        %end: index) attributes {attn.schedule = #schedule} {
  // expected-error @+1 {{has no lowering to blocks of threads; run attn-pipeline-copies first}}
  %0 = attn.load_tile %view[%begin] valid(%end) : !attn.view<kv, d 64, bf16>
      -> !attn.tile<kv 16, d 64, bf16, #attn.shared<columns = 64, pitch = 64>>
  return
}

// -----

#schedule = #attn.block_schedule<instruction = m16n8k16, warps = 1, lanes = 32,
                                 stages = 2>
func.func private @alloc(%begin: index, %end: index)
    attributes {attn.schedule = #schedule} {
  // expected-error @+1 {{allocates memory in a kernel, which has no lowering to blocks of threads}}
  %0 = memref.alloc() : memref<16xf32>
  return
}
