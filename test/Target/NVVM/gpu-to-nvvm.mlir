// RUN: attn-opt %s --convert-attn-gpu-to-nvvm | FileCheck %s

// CHECK: llvm.mlir.global external @attn_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
gpu.module @attn_gpu {
  // CHECK: llvm.func @kernel({{.*}} nvvm.kernel, nvvm.reqntid = array<i32: 128, 1, 1>
  llvm.func @kernel(%p: !llvm.ptr<1>)
      attributes {attn.block_size = 128 : i64, attn.kernel_index = 0 : i64} {
    // CHECK: nvvm.read.ptx.sreg.tid.x
    %t = gpu.thread_id x
    // CHECK: nvvm.read.ptx.sreg.ctaid.x
    %b = gpu.block_id x
    // CHECK: llvm.mlir.addressof @attn_shared : !llvm.ptr<3>
    %s = attn.shared_base : !llvm.ptr<3>
    %n = arith.constant 16 : i32
    // CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg, %{{.*}} : !llvm.ptr<3>, !llvm.ptr<1>, i32
    attn.copy_chunk %p to %s bytes(%n)
    // CHECK: nvvm.cp.async.commit.group
    attn.copy_commit
    // CHECK: nvvm.cp.async.wait.group 1
    attn.copy_wait 1
    // CHECK: nvvm.barrier
    gpu.barrier
    // CHECK: %[[LANES:.*]] = llvm.mlir.constant(-1 : i32)
    // CHECK-NEXT: nvvm.bar.warp.sync %[[LANES]]
    gpu.barrier {attn.of_warp}
    // CHECK: nvvm.ldmatrix %{{.*}} {eltType = {{.*}}, layout = #nvvm.mma_layout<col>, num = 4 : i32
    %m:4 = attn.load_matrices %s transposed : vector<2xbf16>, vector<2xbf16>,
        vector<2xbf16>, vector<2xbf16>
    %zero = arith.constant 0.0 : f32
    // CHECK: nvvm.mma.sync A[{{.*}}] B[{{.*}}] C[{{.*}}] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (i32, i32, f32)
    %d:4 = attn.mma m16n8k16 %m#0, %m#1, %m#2, %m#3 * %m#0, %m#1
        + %zero, %zero, %zero, %zero
        : vector<2xbf16>, vector<2xbf16>, vector<2xbf16>, vector<2xbf16>
        * vector<2xbf16>, vector<2xbf16> + f32, f32, f32, f32
        -> f32, f32, f32, f32
    %distance = arith.constant 2 : i32
    %lanes = arith.constant 32 : i32
    // CHECK: nvvm.shfl.sync bfly
    %x, %valid = gpu.shuffle xor %d#0, %distance, %lanes : f32
    // CHECK: %[[ALL:.*]] = llvm.mlir.constant(-1 : i32)
    // CHECK-NEXT: nvvm.vote.sync any %[[ALL]], %{{.*}} -> i1
    %yes = arith.constant true
    %any = attn.vote_any %yes
    // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
    %e = math.exp2 %x : f32
    // CHECK: llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"
    %l = math.log2 %e : f32
    llvm.store %l, %p : f32, !llvm.ptr<1>
    llvm.return
  }
}
