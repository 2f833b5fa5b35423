// RUN: attn-opt %s --attn-test-mask-ranges=backward=true -o %t | FileCheck %s

// Whole tiles only: one kind, constants, nothing else.
// CHECK:      mask none blocks 64 x 64
// CHECK-NEXT:   kv tiles
// CHECK-NEXT:     full
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end 16
// CHECK-NEXT:   q tiles
// CHECK-NEXT:     full
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end 8
func.func @no_mask(%q: memref<1x512x2x64xf32>, %k: memref<1x1024x2x64xf32>,
                   %out: memref<1x512x2x64xf32>) {
  attn.attention ins(%q, %k, %k : memref<1x512x2x64xf32>,
      memref<1x1024x2x64xf32>, memref<1x1024x2x64xf32>)
      scale(1.0) outs(%out : memref<1x512x2x64xf32>)
  return
}

// CHECK:      mask #attn.causal blocks 128 x 64
// CHECK-NEXT:   kv tiles
// CHECK-NEXT:     full
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end d0 * 2{{$}}
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end d0 * 2 + 2
// CHECK-NEXT:   q tiles
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin d0 floordiv 2
// CHECK-NEXT:       end d0 floordiv 2 + 1
// CHECK-NEXT:     full
// CHECK-NEXT:       begin d0 floordiv 2 + 1
// CHECK-NEXT:       end 16
func.func @causal(%x: memref<1x2048x2x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<1x2048x2x64xf32>,
      memref<1x2048x2x64xf32>, memref<1x2048x2x64xf32>)
      mask(#attn.causal) scale(1.0) block_q(128) block_kv(64)
      outs(%x : memref<1x2048x2x64xf32>)
  return
}

// Everything at run time.
// CHECK:      mask #attn.sliding_window<255, 0> blocks 64 x 64
// CHECK-NEXT:   kv tiles
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin (d0 * 64 + s0 - 255) floordiv 64
// CHECK-NEXT:       end (s2 + 63) floordiv 64, (d0 * 64 + s0 - 129) floordiv 64, (s0 + s1 - 193) floordiv 64 if {{.*}}d0 * -64 + s1 - 1 >= 0
// CHECK-NEXT:     full
// CHECK-NEXT:       begin (d0 * 64 + s0 - 129) floordiv 64
// CHECK-NEXT:       begin (s0 + s1 - 193) floordiv 64
// CHECK-NEXT:       end (d0 * 64 + s0 + 1) floordiv 64, s2 floordiv 64 if d0 * -64 + s1 - 1 >= 0
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin (d0 * 64 + s0 - 255) floordiv 64
// CHECK-NEXT:       end (s2 + 63) floordiv 64, (d0 * 64 + s0 + 127) floordiv 64, (s0 + s1 + 63) floordiv 64 if {{.*}}d0 * -64 + s1 - 1 >= 0
// CHECK-NEXT:   q tiles
func.func @dynamic_window(%q: memref<?x?x2x64xf32>, %k: memref<?x?x2x64xf32>,
                          %offset: i64) {
  attn.attention ins(%q, %k, %k : memref<?x?x2x64xf32>, memref<?x?x2x64xf32>,
      memref<?x?x2x64xf32>)
      mask(#attn.sliding_window<255, 0>) scale(1.0)
      dynamic_q_offset(%offset : i64) outs(%q : memref<?x?x2x64xf32>)
  return
}

// A prefix-LM mask: two ends, of which the greater counts.
// CHECK:      mask #attn.or<[#attn.causal, #attn.prefix<slot 0>]> blocks 64 x 64
// CHECK-NEXT:   kv tiles, s3 = slot 0
// CHECK-NEXT:     full
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end 16, s3 floordiv 64{{$}}
// CHECK-NEXT:       end d0{{$}}
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end 16, (s3 + 63) floordiv 64{{$}}
// CHECK-NEXT:       end d0 + 1{{$}}
// CHECK-NEXT:   q tiles, s3 = slot 0
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin 0 if d0 * -64 + s3 - 1 >= 0
// CHECK-NEXT:       begin d0{{$}}
// CHECK-NEXT:       end d0 + 1 if d0 * 64 - s3 + 63 >= 0
// CHECK-NEXT:     full
// CHECK-NEXT:       begin d0 + 1{{$}}
// CHECK-NEXT:       begin 0 if d0 * -64 + s3 - 64 >= 0
// CHECK-NEXT:       end 16
func.func @prefix_lm(%x: memref<2x1024x2x64xf32>, %n: memref<2xi32>) {
  attn.attention ins(%x, %x, %x : memref<2x1024x2x64xf32>,
      memref<2x1024x2x64xf32>, memref<2x1024x2x64xf32>)
      mask(#attn.or<[#attn.causal, #attn.prefix<slot 0>]>)
      mask_operands(%n : memref<2xi32>) scale(1.0)
      outs(%x : memref<2x1024x2x64xf32>)
  return
}

// One analysis for each distinct mask of a head.
// CHECK:      mask #attn.causal blocks 64 x 64
// CHECK:      mask #attn.chunked<256> blocks 64 x 64
// CHECK-NEXT:   kv tiles
// CHECK-NEXT:     full
// CHECK-NEXT:       begin (d0 floordiv 4) * 4
// CHECK-NEXT:       end (d0 floordiv 4) * 4 + 4
// CHECK-NEXT:   q tiles
// CHECK-NOT:  mask
func.func @per_head(%x: memref<1x1024x3x64xf32>) {
  attn.attention ins(%x, %x, %x : memref<1x1024x3x64xf32>,
      memref<1x1024x3x64xf32>, memref<1x1024x3x64xf32>)
      mask(#attn.per_head<[#attn.causal, #attn.chunked<256>, #attn.causal]>)
      scale(1.0) outs(%x : memref<1x1024x3x64xf32>)
  return
}

// CHECK:      mask #attn.and<[#attn.causal, #attn.dense<0>]> blocks 64 x 64
// CHECK-NEXT:   kv tiles, not exact
// CHECK-NEXT:     partial
// CHECK-NEXT:       begin 0
// CHECK-NEXT:       end d0 + 1
func.func @dense(%x: memref<1x1024x1x64xf32>, %m: memref<1x1x1024x1024xi1>) {
  attn.attention ins(%x, %x, %x : memref<1x1024x1x64xf32>,
      memref<1x1024x1x64xf32>, memref<1x1024x1x64xf32>)
      mask(#attn.and<[#attn.causal, #attn.dense<0>]>)
      mask_operands(%m : memref<1x1x1024x1024xi1>) scale(1.0)
      outs(%x : memref<1x1024x1x64xf32>)
  return
}
