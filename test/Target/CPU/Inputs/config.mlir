// Problems of which the config-*.test files tell what each target chooses.
func.func @f32(%q: memref<1x300x4x64xf32>, %k: memref<1x300x4x64xf32>,
    %out: memref<1x300x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xf32>,
          memref<1x300x4x64xf32>)
      scale(1.0) outs(%out : memref<1x300x4x64xf32>)
  return
}
func.func @f16(%q: memref<1x300x4x64xf16>, %k: memref<1x300x4x64xf16>,
    %out: memref<1x300x4x64xf16>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf16>, memref<1x300x4x64xf16>,
          memref<1x300x4x64xf16>)
      scale(1.0) outs(%out : memref<1x300x4x64xf16>)
  return
}
func.func @bf16(%q: memref<1x300x4x64xbf16>, %k: memref<1x300x4x64xbf16>,
    %out: memref<1x300x4x64xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xbf16>, memref<1x300x4x64xbf16>,
          memref<1x300x4x64xbf16>)
      scale(1.0) outs(%out : memref<1x300x4x64xbf16>)
  return
}

// Products of pairs need 16 bits on both sides.
func.func @wide_query(%q: memref<1x300x4x64xf32>, %k: memref<1x300x4x64xbf16>,
    %out: memref<1x300x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xbf16>,
          memref<1x300x4x64xbf16>)
      scale(1.0) outs(%out : memref<1x300x4x64xf32>)
  return
}

// Blocks end where the sequence does.
func.func @short(%q: memref<1x9x4x64xf32>, %k: memref<1x10x4x64xf32>,
    %out: memref<1x9x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x9x4x64xf32>, memref<1x10x4x64xf32>,
          memref<1x10x4x64xf32>)
      scale(1.0) outs(%out : memref<1x9x4x64xf32>)
  return
}
func.func @decode(%q: memref<1x1x4x64xbf16>, %k: memref<1x300x4x64xbf16>,
    %out: memref<1x1x4x64xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<1x1x4x64xbf16>, memref<1x300x4x64xbf16>,
          memref<1x300x4x64xbf16>)
      scale(1.0) outs(%out : memref<1x1x4x64xbf16>)
  return
}

// Fewer keys from a head dim beyond 256 on.
func.func @wide_head(%q: memref<1x300x4x256xf32>, %k: memref<1x300x4x256xf32>,
    %out: memref<1x300x4x256xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x256xf32>, memref<1x300x4x256xf32>,
          memref<1x300x4x256xf32>)
      scale(1.0) outs(%out : memref<1x300x4x256xf32>)
  return
}
func.func @wider_head(%q: memref<1x300x4x257xf32>, %k: memref<1x300x4x257xf32>,
    %out: memref<1x300x4x257xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x257xf32>, memref<1x300x4x257xf32>,
          memref<1x300x4x257xf32>)
      scale(1.0) outs(%out : memref<1x300x4x257xf32>)
  return
}
func.func @dynamic(%q: memref<?x?x4x64xf32>, %k: memref<?x?x4x64xf32>,
    %out: memref<?x?x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<?x?x4x64xf32>, memref<?x?x4x64xf32>,
          memref<?x?x4x64xf32>)
      scale(1.0) outs(%out : memref<?x?x4x64xf32>)
  return
}

// What the user gives is kept, whatever the registers would like.
func.func @user_blocks(%q: memref<1x300x4x64xf32>, %k: memref<1x300x4x64xf32>,
    %out: memref<1x300x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xf32>,
          memref<1x300x4x64xf32>)
      scale(1.0) block_q(24) block_kv(100) outs(%out : memref<1x300x4x64xf32>)
  return
}
func.func @user_steps(%q: memref<1x300x4x64xf32>, %k: memref<1x300x4x64xf32>,
    %out: memref<1x300x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xf32>,
          memref<1x300x4x64xf32>)
      scale(1.0) block_kv_compute(48) outs(%out : memref<1x300x4x64xf32>)
  return
}
func.func @user_pairs(%q: memref<1x300x4x64xbf16>, %k: memref<1x300x4x64xbf16>,
    %out: memref<1x300x4x64xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xbf16>, memref<1x300x4x64xbf16>,
          memref<1x300x4x64xbf16>)
      scale(1.0) block_q(24) outs(%out : memref<1x300x4x64xbf16>)
  return
}

// Decoding: all heads of a KV head in a tile, parts for the threads, less than
// a part of keys in one, sinks through the merge.
func.func @decode_group(%q: memref<2x1x16x128xbf16>,
    %k: memref<2x4096x4x128xbf16>, %out: memref<2x1x16x128xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<2x1x16x128xbf16>, memref<2x4096x4x128xbf16>,
          memref<2x4096x4x128xbf16>)
      scale(1.0) outs(%out : memref<2x1x16x128xbf16>)
  return
}
func.func @decode_sinks(%q: memref<2x1x16x64xf32>, %k: memref<2x400x4x64xf32>,
    %sinks: memref<16xf32>, %out: memref<2x1x16x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<2x1x16x64xf32>, memref<2x400x4x64xf32>,
          memref<2x400x4x64xf32>)
      scale(1.0) sinks(%sinks : memref<16xf32>)
      outs(%out : memref<2x1x16x64xf32>)
  return
}

// Rows enough for the lanes of some targets.
func.func @verify_group(%q: memref<2x3x16x64xbf16>,
    %k: memref<2x400x4x64xbf16>, %out: memref<2x3x16x64xbf16>) {
  attn.attention
      ins(%q, %k, %k : memref<2x3x16x64xbf16>, memref<2x400x4x64xbf16>,
          memref<2x400x4x64xbf16>)
      scale(1.0) outs(%out : memref<2x3x16x64xbf16>)
  return
}

// What differs by head keeps heads apart.
func.func @decode_masks_by_head(%q: memref<2x1x4x64xf32>,
    %k: memref<2x400x1x64xf32>, %out: memref<2x1x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<2x1x4x64xf32>, memref<2x400x1x64xf32>,
          memref<2x400x1x64xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.causal, #attn.causal,
           #attn.prefix<3>]>) q_offset(99)
      scale(1.0) outs(%out : memref<2x1x4x64xf32>)
  return
}

func.func @user_splits(%q: memref<1x300x4x64xf32>, %k: memref<1x300x4x64xf32>,
    %out: memref<1x300x4x64xf32>) {
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xf32>,
          memref<1x300x4x64xf32>)
      scale(1.0) num_splits(3) outs(%out : memref<1x300x4x64xf32>)
  attn.attention
      ins(%q, %k, %k : memref<1x300x4x64xf32>, memref<1x300x4x64xf32>,
          memref<1x300x4x64xf32>)
      scale(1.0) split_size(200) outs(%out : memref<1x300x4x64xf32>)
  return
}
