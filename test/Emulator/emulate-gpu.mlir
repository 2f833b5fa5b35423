// REQUIRES: x86_64
// UNSUPPORTED: sanitizer
// RUN: attn-emulate %s --grid=2 --block=64 --arg=zeros:128xf32 --out=0:%t.npy
// RUN: %python -c "import struct; d=open('%t.npy','rb').read()[-512:]; print(*struct.unpack('<128f', d))" \
// RUN:   | FileCheck %s
// RUN: attn-emulate %s --grid=2 --block=64 --arg=zeros:128xf32 --out=0:%t.npy \
// RUN:   --triple=amdgcn-amd-amdhsa
// RUN: %python -c "import struct; d=open('%t.npy','rb').read()[-512:]; print(*struct.unpack('<128f', d))" \
// RUN:   | FileCheck %s

// One kernel for both vendors: the sum of 16 neighbours, by shuffles.

// CHECK: 120.0 {{.*}} 376.0 {{.*}} 1912.0

module {
  gpu.module @kernels {
    gpu.func @sums(%out: !llvm.ptr<1>) kernel {
      %tid = gpu.thread_id x
      %block = gpu.block_id x
      %c64 = arith.constant 64 : index
      %base = arith.muli %block, %c64 : index
      %index = arith.addi %base, %tid : index
      %number = arith.index_cast %index : index to i64
      %value = arith.sitofp %number : i64 to f32
      %c1 = arith.constant 1 : i32
      %c2 = arith.constant 2 : i32
      %c4 = arith.constant 4 : i32
      %c8 = arith.constant 8 : i32
      %width = arith.constant 32 : i32
      %s1, %v1 = gpu.shuffle xor %value, %c1, %width : f32
      %a1 = arith.addf %value, %s1 : f32
      %s2, %v2 = gpu.shuffle xor %a1, %c2, %width : f32
      %a2 = arith.addf %a1, %s2 : f32
      %s4, %v4 = gpu.shuffle xor %a2, %c4, %width : f32
      %a4 = arith.addf %a2, %s4 : f32
      %s8, %v8 = gpu.shuffle xor %a4, %c8, %width : f32
      %a8 = arith.addf %a4, %s8 : f32
      %to = llvm.getelementptr %out[%number] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, f32
      llvm.store %a8, %to : f32, !llvm.ptr<1>
      gpu.return
    }
  }
}
