// Launches that no kernel of this module answers.
// RUN: attn-opt %s --convert-attn-launch-to-llvm --split-input-file \
// RUN:   --verify-diagnostics -o /dev/null

gpu.module @device {
  func.func private @kernel(index, index)
  gpu.func @f(%n: index) {
    // expected-error@+1 {{is outside of the functions of the module that is lowered}}
    attn.launch @kernel over %n ()
    gpu.return
  }
}

// -----

func.func private @kernel(index, index)
%n = arith.constant 1 : index
// expected-error@+1 {{is outside of the functions of the module that is lowered}}
attn.launch @kernel over %n ()

// -----

func.func private @outer()
module @inner {
  func.func private @kernel(index, index)
  func.func @f(%n: index) {
    // expected-error@+1 {{is outside of the functions of the module that is lowered}}
    attn.launch @kernel over %n ()
    return
  }
}

// -----

func.func private @kernel(!attn.tile<q 4, f32>, index, index)
func.func @f(%n: index, %t: !attn.tile<q 4, f32>) {
  // expected-error@+1 {{has an argument of type '!attn.tile<q 4, f32>', which has no LLVM type}}
  attn.launch @kernel over %n (%t : !attn.tile<q 4, f32>)
  return
}

// -----

// A kernel may be the function itself.
func.func @f(%n: index, %m: index) {
  attn.launch @f over %n ()
  return
}
