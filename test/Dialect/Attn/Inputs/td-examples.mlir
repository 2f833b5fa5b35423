// What the examples of the op descriptions use; see td_examples.py.

func.func @attention(%q: tensor<1x1024x8x64xf32>, %k: tensor<1x1024x2x64xf32>,
                     %v: tensor<1x1024x2x64xf32>,
                     %init: tensor<1x1024x8x64xf32>) {
  // EXAMPLE attn.attention
  return
}

func.func @merge(%outs: tensor<4x1x8x16x64xf32>, %lses: tensor<4x1x8x16xf32>,
                 %init: tensor<1x8x16x64xbf16>) {
  // EXAMPLE attn.merge
  return
}

func.func private @kernel(%q: memref<?xf32>, %out: memref<?xf32>,
                          %begin: index, %end: index) {
  return
}
func.func @launch(%count: index, %q: memref<?xf32>, %out: memref<?xf32>) {
  // EXAMPLE attn.launch
  return
}

func.func @work_item(%w: index, %batches: index, %heads: index,
                     %q_blocks: index) {
  // EXAMPLE attn.work_item
  return
}

func.func @packed_block(%n: index, %cu_seqlens: memref<?xi32>, %rows: index) {
  // EXAMPLE attn.packed_block
  return
}

func.func @view(%k: memref<?x?x8x64xf32>, %b: index, %g: index) {
  // EXAMPLE attn.view
  return
}

func.func @load_tile(%view: !attn.view<kv, d 64, f32>, %row: index,
                     %n: index) {
  // EXAMPLE attn.load_tile
  return
}

func.func @store_tile(%t: !attn.tile<q 64, dv 64, f32>,
                      %view: !attn.view<q, dv 64, bf16>, %row: index,
                      %n: index) {
  // EXAMPLE attn.store_tile
  return
}

func.func @store_stats(%lse: !attn.tile<q 64, f32>, %out: memref<?x8x?xf32>,
                       %b: index, %h: index, %row: index, %n: index) {
  // EXAMPLE attn.store_stats
  return
}

func.func @fill(%minus_inf: f32) {
  // EXAMPLE attn.fill
  return
}

func.func @contract(%k: !attn.tile<kv 128, d 64, f32>,
                    %q: !attn.tile<q 64, d 64, f32>, %n: index) {
  // EXAMPLE attn.contract
  return
}

func.func @all_finite(%acc: !attn.tile<q 64, dv 64, f32>) {
  // EXAMPLE attn.all_finite
  return
}

func.func @map(%s: !attn.tile<q 64, kv 128, f32>, %m: !attn.tile<q 64, f32>) {
  // EXAMPLE attn.map
  return
}

func.func @reduce(%s: !attn.tile<q 64, kv 128, f32>,
                  %m0: !attn.tile<q 64, f32>) {
  // EXAMPLE attn.reduce
  return
}

func.func @dot_pairs(%a: vector<32xbf16>, %b: vector<32xbf16>,
                     %acc: vector<16xf32>) {
  // EXAMPLE attn.dot_pairs
  return
}
