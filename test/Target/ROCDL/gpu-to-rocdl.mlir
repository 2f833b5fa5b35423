// RUN: attn-opt %s --convert-attn-gpu-to-rocdl | FileCheck %s

gpu.module @attn_gpu {
  // CHECK: llvm.mlir.global internal @kernel_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<4096 x i8>
  // CHECK: llvm.func @kernel({{.*}}attn.shared_bytes = 0 : i64
  // CHECK-SAME: passthrough = {{.*}}"amdgpu-agpr-alloc", "0"
  // CHECK-SAME: rocdl.kernel, rocdl.reqd_work_group_size = array<i32: 128, 1, 1>, rocdl.waves_per_eu = 2
  llvm.func @kernel(%p: !llvm.ptr<1>)
      attributes {attn.block_size = 128 : i64, attn.kernel_index = 0 : i64,
                  attn.shared_bytes = 4096 : i64} {
    // CHECK: rocdl.workitem.id.x
    %t = gpu.thread_id x
    // CHECK: rocdl.workgroup.id.x
    %b = gpu.block_id x
    // CHECK: llvm.mlir.addressof @kernel_shared : !llvm.ptr<3>
    %s = attn.shared_base : !llvm.ptr<3>
    // CHECK: %[[C:.*]] = llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    // CHECK: llvm.store %[[C]], %{{.*}} {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    attn.copy_chunk %p to %s
    attn.copy_commit
    attn.copy_wait 0
    %offset = arith.constant 16 : i32
    // The hardware compares: what lies beyond the limit is 0.
    // CHECK: %[[BASE:.*]] = rocdl.readfirstlane
    // CHECK: %[[BUFFER:.*]] = rocdl.make.buffer.rsrc
    // CHECK: rocdl.raw.ptr.buffer.load %[[BUFFER]], {{.*}} : vector<2xi32>
    %chunk = attn.load_chunk %p[%offset] below %offset : vector<4xbf16>
    llvm.store %chunk, %s : vector<4xbf16>, !llvm.ptr<3>
    // CHECK: rocdl.sched.barrier 0
    attn.fence_schedule
    %yes = arith.constant true
    // CHECK: %[[LANES:.*]] = rocdl.ballot
    // CHECK: arith.cmpi ne, %[[LANES]]
    %any = attn.vote_any %yes
    llvm.store %any, %s : i1, !llvm.ptr<3>
    // CHECK: llvm.fence syncscope("workgroup") release
    // CHECK: rocdl.s.barrier
    // CHECK: llvm.fence syncscope("workgroup") acquire
    gpu.barrier
    // The lanes of a wave run in step.
    // CHECK-NEXT: llvm.fence syncscope("wavefront") acq_rel
    // CHECK-NOT: rocdl.s.barrier
    gpu.barrier {attn.of_warp}
    %w = llvm.load %s : !llvm.ptr<3> -> vector<4xf32>
    // Weights are rounded by adding half an ulp, two by one addition.
    // CHECK-NOT: arith.truncf
    // CHECK: arith.constant dense<140737488388096> : vector<2xi64>
    // CHECK: arith.addi {{.*}} : vector<2xi64>
    %r = arith.truncf %w {attn.rounds_weights} : vector<4xf32> to vector<4xbf16>
    %zero = arith.constant 0.0 : f32
    // CHECK: llvm.call_intrinsic "llvm.amdgcn.mfma.f32.16x16x16bf16.1k"(%{{.*}}) : (vector<4xi16>, vector<4xi16>, vector<4xf32>, i32, i32, i32) -> vector<4xf32>
    %d:4 = attn.mma m16n16k16 %r * %r + %zero, %zero, %zero, %zero
        : vector<4xbf16> * vector<4xbf16> + f32, f32, f32, f32
        -> f32, f32, f32, f32
    // In f32, one instruction for each element of a lane.
    // CHECK: %[[F:.*]]:4 = vector.to_elements
    // CHECK-COUNT-4: llvm.call_intrinsic "llvm.amdgcn.mfma.f32.16x16x4f32"(%{{.*}}) : (f32, f32, vector<4xf32>, i32, i32, i32) -> vector<4xf32>
    %f:4 = attn.mma m16n16k16 %w * %w + %d#0, %d#1, %d#2, %d#3
        : vector<4xf32> * vector<4xf32> + f32, f32, f32, f32
        -> f32, f32, f32, f32
    %near = arith.constant 2 : i32
    %far = arith.constant 32 : i32
    %lanes = arith.constant 64 : i32
    // Keeps all bits of the lane but bit 1: 31 | 2 << 10.
    // CHECK: llvm.mlir.constant(2079 : i32)
    // CHECK: rocdl.ds_swizzle
    %x, %v0 = gpu.shuffle xor %f#0, %near, %lanes : f32
    // CHECK: rocdl.ds_bpermute
    %y, %v1 = gpu.shuffle xor %x, %far, %lanes : f32
    // CHECK: rocdl.exp2
    %e = math.exp2 %y : f32
    // CHECK: rocdl.log
    %l = math.log2 %e : f32
    llvm.store %l, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
