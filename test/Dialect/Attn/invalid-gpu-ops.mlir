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
