// RUN: attn-opt %s --attn-select-rocdl-config=target=gfx942 | FileCheck %s

// Eight waves of 32 rows; two stages of K and V fill the LDS.
// CHECK-LABEL: @d128
// CHECK: config(#attn.config<block_q = 256, block_kv = 64, block_kv_compute = 64, schedule = #attn.block_schedule<instruction = m32n32k8, warps = 8, lanes = 64, stages = 2, transposed = true, fetches = true, lazy = true>>
func.func @d128(%q: memref<1x4096x8x128xbf16>, %o: memref<1x4096x8x128xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xbf16>,
      memref<1x4096x8x128xbf16>, memref<1x4096x8x128xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x128xbf16>)
  return
}

// The rows of narrow heads fit two times.
// CHECK-LABEL: @narrow
// CHECK: block_q = 256, block_kv = 32, {{.*}}instruction = m16n16k16, warps = 8, {{.*}}stages = 2
func.func @narrow(%q: memref<1x4096x8x64xf32>, %o: memref<1x4096x8x64xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x64xf32>,
      memref<1x4096x8x64xf32>, memref<1x4096x8x64xf32>)
      scale(0.1) outs(%o : memref<1x4096x8x64xf32>)
  return
}

// Wider heads have fewer keys, and half the waves: each has twice the registers.
// CHECK-LABEL: @d256
// CHECK: block_q = 128, block_kv = 32{{.*}}warps = 4{{.*}}stages = 2
func.func @d256(%q: memref<1x4096x8x256xbf16>, %o: memref<1x4096x8x256xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x256xbf16>,
      memref<1x4096x8x256xbf16>, memref<1x4096x8x256xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x256xbf16>)
  return
}

// f32 has an instruction for 16 rows, which leave long rows enough registers.
// Tiles are twice as large: fewer keys.
// CHECK-LABEL: @f32
// CHECK: block_q = 128, block_kv = 16, block_kv_compute = 16, schedule = #attn.block_schedule<instruction = m16n16k16, warps = 8, {{.*}}stages = 2
func.func @f32(%q: memref<1x4096x8x128xf32>, %o: memref<1x4096x8x128xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xf32>,
      memref<1x4096x8x128xf32>, memref<1x4096x8x128xf32>)
      scale(0.1) outs(%o : memref<1x4096x8x128xf32>)
  return
}

// No 16-bit type holds both f16 and bf16.
// CHECK-LABEL: @mixed
// CHECK: block_q = 128, block_kv = 16{{.*}}instruction = m16n16k16, warps = 8{{.*}}stages = 1
func.func @mixed(%q: memref<1x4096x8x256xf16>, %k: memref<1x4096x8x256xbf16>,
                 %o: memref<1x4096x8x256xf16>) {
  attn.attention ins(%q, %k, %k : memref<1x4096x8x256xf16>,
      memref<1x4096x8x256xbf16>, memref<1x4096x8x256xbf16>)
      scale(0.1) outs(%o : memref<1x4096x8x256xf16>)
  return
}

// Block sizes of the op are rounded up to what matrix instructions take.
// CHECK-LABEL: @rounded
// CHECK: block_q = 64, block_kv = 64, block_kv_compute = 32{{.*}}warps = 2
func.func @rounded(%q: memref<1x256x8x64xbf16>, %o: memref<1x256x8x64xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x256x8x64xbf16>,
      memref<1x256x8x64xbf16>, memref<1x256x8x64xbf16>)
      scale(0.1) block_q(33) block_kv(48) block_kv_compute(24)
      outs(%o : memref<1x256x8x64xbf16>)
  return
}

// A short sequence needs fewer waves.
// CHECK-LABEL: @short
// CHECK: block_q = 64{{.*}}warps = 2
func.func @short(%q: memref<1x40x8x64xbf16>, %o: memref<1x40x8x64xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x40x8x64xbf16>,
      memref<1x40x8x64xbf16>, memref<1x40x8x64xbf16>)
      scale(0.1) outs(%o : memref<1x40x8x64xbf16>)
  return
}

// The rows of the heads of one KV head share a tile, and keys are split. One
// wave leaves half of the LDS to another block.
// CHECK-LABEL: @decode
// CHECK: block_q = 32, block_kv = 32, {{.*}}warps = 1, {{.*}}stages = 2, {{.*}}heads = 4, split = <items = 512, size = 256>
func.func @decode(%q: memref<8x1x32x128xbf16>, %k: memref<8x8192x8x128xbf16>,
                  %o: memref<8x1x32x128xbf16>) {
  attn.attention ins(%q, %k, %k : memref<8x1x32x128xbf16>,
      memref<8x8192x8x128xbf16>, memref<8x8192x8x128xbf16>)
      scale(0.1) outs(%o : memref<8x1x32x128xbf16>)
  return
}

// Softcap is computed of every score, and rows are long: small tiles of keys.
// CHECK-LABEL: @softcap
// CHECK: block_q = 256, block_kv = 32, {{.*}}warps = 8, {{.*}}stages = 3
func.func @softcap(%q: memref<1x4096x8x128xbf16>,
                   %o: memref<1x4096x8x128xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x4096x8x128xbf16>,
      memref<1x4096x8x128xbf16>, memref<1x4096x8x128xbf16>)
      scale(0.1) softcap(20.0) outs(%o : memref<1x4096x8x128xbf16>)
  return
}
