// Masks of few lines whose text would fill the memory.
// RUN: attn-opt %s --split-input-file --verify-diagnostics -o /dev/null

#m0 = #attn.causal
#m1 = #attn.and<[#m0, #m0, #m0, #m0, #m0, #m0, #m0, #m0]>
#m2 = #attn.or<[#m1, #m1, #m1, #m1, #m1, #m1, #m1, #m1]>
#m3 = #attn.and<[#m2, #m2, #m2, #m2, #m2, #m2, #m2, #m2]>
#m4 = #attn.or<[#m3, #m3, #m3, #m3, #m3, #m3, #m3, #m3]>
#m5 = #attn.and<[#m4, #m4, #m4, #m4, #m4, #m4, #m4, #m4]>
#m6 = #attn.or<[#m5, #m5, #m5, #m5, #m5, #m5, #m5, #m5]>
#m7 = #attn.and<[#m6, #m6, #m6, #m6, #m6, #m6, #m6, #m6]>
// expected-error@+1 {{or is a mask of 19173961 parts when written out; expected at most 4194304}}
#m8 = #attn.or<[#m7, #m7, #m7, #m7, #m7, #m7, #m7, #m7]>

// -----

// expected-error@+1 {{vector_schedule rows, lanes are 1000000, 1000000; expected at most 4096 accumulators}}
func.func private @f() attributes {s = #attn.vector_schedule<rows = 1000000, lanes = 1000000, unit = 1, pairs = false>}

// -----

// expected-error@+1 {{tile has more than 16777216 elements}}
func.func private @f(!attn.tile<q 4294967296, kv 4294967296, f32>)
