// RUN: attn-opt %s --attn-select-nvvm-config=target=sm_80 | FileCheck %s
// RUN: attn-opt %s --attn-select-nvvm-config=target=sm_86 \
// RUN:   | FileCheck %s --check-prefix=SMALL
// RUN: attn-opt %s --attn-select-nvvm-config=target=sm_90 \
// RUN:   | FileCheck %s --check-prefix=LARGE

// Two tiles of rows per warp, where registers allow it.
// CHECK-LABEL: @d128
// CHECK: config(#attn.config<block_q = 128, block_kv = 64, block_kv_compute = 64, schedule = #attn.block_schedule<instruction = m16n8k16, warps = 4, lanes = 32, stages = 2, lazy = true>>
func.func @d128(%q: memref<1x4096x8x128xbf16>, %o: memref<1x4096x8x128xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xbf16>,
      memref<1x4096x8x128xbf16>, memref<1x4096x8x128xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x128xbf16>)
  return
}

// CHECK-LABEL: @d64
// CHECK: block_q = 128, block_kv = 128
func.func @d64(%q: memref<1x4096x8x64xf16>, %o: memref<1x4096x8x64xf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x64xf16>,
      memref<1x4096x8x64xf16>, memref<1x4096x8x64xf16>)
      scale(0.1) outs(%o : memref<1x4096x8x64xf16>)
  return
}

// The narrowest heads leave registers for a third block instead.
// CHECK-LABEL: @d48
// CHECK: block_q = 128, block_kv = 64
func.func @d48(%q: memref<1x4096x8x48xf16>, %o: memref<1x4096x8x48xf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x48xf16>,
      memref<1x4096x8x48xf16>, memref<1x4096x8x48xf16>)
      scale(0.1) outs(%o : memref<1x4096x8x48xf16>)
  return
}

// A last tile of fewer keys takes registers.
// CHECK-LABEL: @part
// CHECK: block_q = 128, block_kv = 96
func.func @part(%q: memref<1x4000x8x64xf16>, %o: memref<1x4000x8x64xf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4000x8x64xf16>,
      memref<1x4000x8x64xf16>, memref<1x4000x8x64xf16>)
      scale(0.1) outs(%o : memref<1x4000x8x64xf16>)
  return
}

// So does what makes scores of products.
// CHECK-LABEL: @softcap
// CHECK: block_q = 128, block_kv = 64
func.func @softcap(%q: memref<1x4096x8x64xf16>, %o: memref<1x4096x8x64xf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x64xf16>,
      memref<1x4096x8x64xf16>, memref<1x4096x8x64xf16>)
      scale(0.1) softcap(20.0) outs(%o : memref<1x4096x8x64xf16>)
  return
}

// Windows take smaller tiles.
// CHECK-LABEL: @window
// CHECK: block_q = 128, block_kv = 32
func.func @window(%q: memref<1x4096x8x128xf16>, %o: memref<1x4096x8x128xf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xf16>,
      memref<1x4096x8x128xf16>, memref<1x4096x8x128xf16>)
      scale(0.1) mask(#attn.sliding_window<511, 0>)
      outs(%o : memref<1x4096x8x128xf16>)
  return
}

// Eight warps share the parts of f32 keys.
// CHECK-LABEL: @f32
// CHECK: block_q = 128, block_kv = 64{{.*}}warps = 8{{.*}}stages = 2, lazy = true>>
func.func @f32(%q: memref<1x4096x8x64xf32>, %o: memref<1x4096x8x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x64xf32>,
      memref<1x4096x8x64xf32>, memref<1x4096x8x64xf32>)
      scale(0.1) outs(%o : memref<1x4096x8x64xf32>)
  return
}

// Three blocks of half the keys come before two with one buffer, where they fit.
// CHECK-LABEL: @d192
// CHECK: block_q = 64, block_kv = 64{{.*}}stages = 2
// LARGE-LABEL: @d192
// LARGE: block_q = 64, block_kv = 32{{.*}}stages = 2
func.func @d192(%q: memref<1x4096x8x192xbf16>, %o: memref<1x4096x8x192xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x192xbf16>,
      memref<1x4096x8x192xbf16>, memref<1x4096x8x192xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x192xbf16>)
  return
}

// CHECK-LABEL: @d256
// CHECK: block_q = 64, block_kv = 64{{.*}}warps = 4
// Less shared memory: fewer keys.
// Two blocks on a multiprocessor come before two buffers.
// LARGE-LABEL: @d256
// LARGE: block_q = 64, block_kv = 64{{.*}}warps = 4{{.*}}stages = 1
// SMALL-LABEL: @d256
// SMALL: block_q = 64, block_kv = 32{{.*}}stages = 2
func.func @d256(%q: memref<1x4096x8x256xbf16>, %o: memref<1x4096x8x256xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x256xbf16>,
      memref<1x4096x8x256xbf16>, memref<1x4096x8x256xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x256xbf16>)
  return
}

// Wide heads take fewer keys, and four warps where the rows of eight do not fit.
// CHECK-LABEL: @f32_d128
// CHECK: block_q = 128, block_kv = 32{{.*}}warps = 8{{.*}}stages = 2
// SMALL-LABEL: @f32_d128
// SMALL: block_q = 64, block_kv = 16{{.*}}warps = 4{{.*}}stages = 2
func.func @f32_d128(%q: memref<1x4096x8x128xf32>, %o: memref<1x4096x8x128xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xf32>,
      memref<1x4096x8x128xf32>, memref<1x4096x8x128xf32>)
      scale(0.1) outs(%o : memref<1x4096x8x128xf32>)
  return
}

// So do biases.
// CHECK-LABEL: @f32_bias
// CHECK: block_q = 128, block_kv = 32
func.func @f32_bias(%q: memref<1x4096x8x64xf32>, %b: memref<1x1x4096x4096xf32>,
                    %o: memref<1x4096x8x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x64xf32>,
      memref<1x4096x8x64xf32>, memref<1x4096x8x64xf32>)
      bias(%b : memref<1x1x4096x4096xf32>)
      scale(0.1) outs(%o : memref<1x4096x8x64xf32>)
  return
}

// A short sequence needs fewer warps, and few keys a small tile.
// CHECK-LABEL: @short
// CHECK: block_q = 16, block_kv = 48{{.*}}warps = 1
func.func @short(%q: memref<1x7x8x64xbf16>, %k: memref<1x40x8x64xbf16>,
                 %o: memref<1x7x8x64xbf16>) {
  attn.attention ins(%q, %k, %k : memref<1x7x8x64xbf16>,
      memref<1x40x8x64xbf16>, memref<1x40x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x7x8x64xbf16>)
  return
}

// Parts are merged by blocks of threads.
// CHECK-LABEL: @merge
// CHECK: attn.merge {{.*}}attn.block_size = 128
func.func @merge(%outs: memref<4x1x8x16x64xf32>, %lses: memref<4x1x8x16xf32>,
                 %o: memref<1x8x16x64xbf16>) {
  attn.merge ins(%outs, %lses : memref<4x1x8x16x64xf32>, memref<4x1x8x16xf32>)
      outs(%o : memref<1x8x16x64xbf16>)
  return
}

// Block sizes of the op are rounded up to what matrix instructions take.
// CHECK-LABEL: @rounded
// CHECK: block_q = 32, block_kv = 32, block_kv_compute = 16{{.*}}warps = 2
func.func @rounded(%q: memref<1x256x8x64xbf16>, %o: memref<1x256x8x64xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x256x8x64xbf16>,
      memref<1x256x8x64xbf16>, memref<1x256x8x64xbf16>)
      scale(0.1) block_q(17) block_kv(24) block_kv_compute(6)
      outs(%o : memref<1x256x8x64xbf16>)
  return
}

// Large tiles of keys go through in steps.
// CHECK-LABEL: @steps
// CHECK: block_q = 128, block_kv = 1024, block_kv_compute = 64
func.func @steps(%q: memref<1x4096x8x128xbf16>, %o: memref<1x4096x8x128xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xbf16>,
      memref<1x4096x8x128xbf16>, memref<1x4096x8x128xbf16>)
      scale(0.1) block_kv(1000) outs(%o : memref<1x4096x8x128xbf16>)
  return
}

// The rows of the heads of one KV head share a tile, and keys are split.
// CHECK-LABEL: @decode
// CHECK: block_q = 16, block_kv = 32{{.*}}warps = 1{{.*}}heads = 4, split = <items = 512, size = 128>
func.func @decode(%q: memref<8x1x32x128xbf16>, %k: memref<8x8192x8x128xbf16>,
                  %o: memref<8x1x32x128xbf16>) {
  attn.attention ins(%q, %k, %k : memref<8x1x32x128xbf16>,
      memref<8x8192x8x128xbf16>, memref<8x8192x8x128xbf16>)
      scale(0.1) outs(%o : memref<8x1x32x128xbf16>)
  return
}

// Two rows of seven heads fill a tile but for two rows.
// CHECK-LABEL: @seven
// CHECK: block_q = 16{{.*}}warps = 1{{.*}}heads = 7
func.func @seven(%q: memref<1x1x28x128xbf16>, %k: memref<1x256x4x128xbf16>,
                 %o: memref<1x1x28x128xbf16>) {
  attn.attention ins(%q, %k, %k : memref<1x1x28x128xbf16>,
      memref<1x256x4x128xbf16>, memref<1x256x4x128xbf16>)
      scale(0.1) outs(%o : memref<1x1x28x128xbf16>)
  return
}
