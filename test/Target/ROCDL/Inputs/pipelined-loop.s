; The loop over keys of a hand-scheduled forward kernel: bf16, d 128, 64 keys a
; step, 8 waves of 32 rows. An independent model gave 5284 clocks for it.

fa: ; @fa
; %bb.0:
  s_branch .LBB0_3
.LBB0_2:
  v_add_u32_e32 v198, s49, v153
  ds_read_b128 v[200:203], v198
  ds_read_b128 v[204:207], v198 offset:4096
  v_subrev_u32_e32 v157, s49, v144
  ds_read_b128 v[190:193], v157 offset:16384
  ds_read_b128 v[194:197], v157 offset:24576
  v_pk_fma_f32 v[82:83], v[82:83], s[6:7], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_pk_fma_f32 v[80:81], v[80:81], s[4:5], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_exp_f32_e32 v82, v82
  v_exp_f32_e32 v80, v80
  v_exp_f32_e32 v83, v83
  v_exp_f32_e32 v81, v81
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[190:191], v[158:159], 0
  v_add_u32_e32 v190, 0x8000, v82
  v_add_u32_e32 v191, 0x8000, v83
  v_perm_b32 v191, v191, v190, s34
  ds_read_b128 v[208:211], v198 offset:8192
  v_fma_f32 v86, v86, s20, -v128
  v_fma_f32 v87, v87, s21, -v128
  v_pk_fma_f32 v[84:85], v[84:85], s[8:9], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_exp_f32_e32 v86, v86
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[194:195], v[158:159], 0
  v_add_u32_e32 v194, 0x8000, v80
  v_add_u32_e32 v195, 0x8000, v81
  v_perm_b32 v190, v195, v194, s34
  v_exp_f32_e32 v84, v84
  v_exp_f32_e32 v85, v85
  v_exp_f32_e32 v87, v87
  v_pk_fma_f32 v[90:91], v[90:91], s[24:25], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_mfma_f32_32x32x8_bf16 v[48:63], v[200:201], v[190:191], v[48:63]
  ds_read_b128 v[198:201], v198 offset:12288
  v_fma_f32 v88, v88, s22, -v128
  v_fma_f32 v89, v89, s23, -v128
  v_exp_f32_e32 v90, v90
  v_exp_f32_e32 v88, v88
  v_exp_f32_e32 v89, v89
  v_exp_f32_e32 v91, v91
  v_pk_fma_f32 v[92:93], v[92:93], s[26:27], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[0:15], v[198:199], v[190:191], v[0:15]
  v_exp_f32_e32 v92, v92
  v_exp_f32_e32 v93, v93
  v_pk_fma_f32 v[94:95], v[94:95], s[28:29], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_pk_fma_f32 v[66:67], v[66:67], s[6:7], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_exp_f32_e32 v94, v94
  v_exp_f32_e32 v95, v95
  v_pk_fma_f32 v[64:65], v[64:65], s[4:5], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_mfma_f32_32x32x8_bf16 v[32:47], v[204:205], v[190:191], v[32:47]
  v_exp_f32_e32 v64, v64
  v_exp_f32_e32 v66, v66
  v_exp_f32_e32 v67, v67
  v_exp_f32_e32 v65, v65
  v_pk_fma_f32 v[70:71], v[70:71], s[20:21], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_pk_fma_f32 v[68:69], v[68:69], s[8:9], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_exp_f32_e32 v70, v70
  v_mfma_f32_32x32x8_bf16 v[16:31], v[208:209], v[190:191], v[16:31]
  v_add_u32_e32 v190, 0x8000, v84
  v_add_u32_e32 v191, 0x8000, v86
  v_exp_f32_e32 v68, v68
  v_exp_f32_e32 v69, v69
  v_exp_f32_e32 v71, v71
  v_pk_fma_f32 v[74:75], v[74:75], s[24:25], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_pk_fma_f32 v[72:73], v[72:73], s[22:23], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[192:193], v[160:161], v[96:111]
  v_add_u32_e32 v192, 0x8000, v85
  v_add_u32_e32 v193, 0x8000, v87
  v_perm_b32 v191, v193, v191, s34
  v_perm_b32 v190, v192, v190, s34
  v_subrev_u32_e32 v192, s49, v146
  v_add_u32_e32 v193, s49, v154
  ds_read_b128 v[214:217], v193 offset:12288
  v_mfma_f32_32x32x8_bf16 v[112:127], v[196:197], v[160:161], v[112:127]
  v_exp_f32_e32 v72, v72
  v_exp_f32_e32 v73, v73
  v_exp_f32_e32 v74, v74
  v_exp_f32_e32 v75, v75
  v_pk_fma_f32 v[78:79], v[78:79], s[28:29], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_pk_fma_f32 v[76:77], v[76:77], s[26:27], v[128:129] op_sel_hi:[1,1,0] neg_lo:[0,0,1] neg_hi:[0,0,1]
  v_exp_f32_e32 v78, v78
  v_mfma_f32_32x32x8_bf16 v[0:15], v[200:201], v[190:191], v[0:15]
  ds_read_b128 v[194:197], v192 offset:16384
  ds_read_b128 v[198:201], v192 offset:24576
  v_exp_f32_e32 v76, v76
  v_exp_f32_e32 v77, v77
  v_exp_f32_e32 v79, v79
  s_sub_i32 s50, 0x4000, s49
  s_add_i32 s37, s37, -1
  s_cmp_lg_u32 s37, 0
  v_mfma_f32_32x32x8_bf16 v[48:63], v[202:203], v[190:191], v[48:63]
  ds_read_b128 v[202:205], v193
  v_mfma_f32_32x32x8_bf16 v[32:47], v[206:207], v[190:191], v[32:47]
  ds_read_b128 v[206:209], v193 offset:4096
  v_mfma_f32_32x32x8_bf16 v[16:31], v[210:211], v[190:191], v[16:31]
  ds_read_b128 v[210:213], v193 offset:8192
  v_add_u32_e32 v190, 0x8000, v88
  v_add_u32_e32 v191, 0x8000, v90
  v_add_u32_e32 v193, 0x8000, v93
  s_waitcnt lgkmcnt(4)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[194:195], v[162:163], v[96:111]
  v_add_u32_e32 v194, 0x8000, v89
  v_add_u32_e32 v195, 0x8000, v91
  v_perm_b32 v191, v195, v191, s34
  v_perm_b32 v190, v194, v190, s34
  v_add_u32_e32 v194, 0x8000, v95
  v_add_u32_e32 v195, 0x8000, v64
  s_waitcnt lgkmcnt(3)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[198:199], v[162:163], v[112:127]
  s_waitcnt lgkmcnt(2)
  v_mfma_f32_32x32x8_bf16 v[48:63], v[202:203], v[190:191], v[48:63]
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[32:47], v[206:207], v[190:191], v[32:47]
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[16:31], v[210:211], v[190:191], v[16:31]
  v_mfma_f32_32x32x8_bf16 v[0:15], v[214:215], v[190:191], v[0:15]
  v_add_u32_e32 v190, 0x8000, v92
  v_perm_b32 v190, v193, v190, s34
  v_subrev_u32_e32 v193, s49, v147
  v_add_u32_e32 v191, 0x8000, v94
  v_perm_b32 v191, v194, v191, s34
  v_add_u32_e32 v194, s49, v155
  v_mfma_f32_32x32x8_bf16 v[96:111], v[196:197], v[164:165], v[96:111]
  v_mfma_f32_32x32x8_bf16 v[112:127], v[200:201], v[164:165], v[112:127]
  ds_read_b128 v[196:199], v193 offset:16384
  ds_read_b128 v[200:203], v193 offset:24576
  v_mfma_f32_32x32x8_bf16 v[48:63], v[204:205], v[190:191], v[48:63]
  ds_read_b128 v[204:207], v194
  v_mfma_f32_32x32x8_bf16 v[32:47], v[208:209], v[190:191], v[32:47]
  ds_read_b128 v[208:211], v194 offset:4096
  v_mfma_f32_32x32x8_bf16 v[16:31], v[212:213], v[190:191], v[16:31]
  ds_read_b128 v[212:215], v194 offset:8192
  v_mfma_f32_32x32x8_bf16 v[0:15], v[216:217], v[190:191], v[0:15]
  v_add_u32_e32 v190, 0x8000, v66
  v_add_u32_e32 v191, 0x8000, v67
  v_perm_b32 v191, v191, v190, s34
  v_add_f32_e64 v66, v82, v66
  v_add_f32_e64 v67, v83, v67
  s_waitcnt lgkmcnt(4)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[196:197], v[166:167], v[96:111]
  v_add_u32_e32 v196, 0x8000, v65
  v_perm_b32 v190, v196, v195, s34
  ds_read_b128 v[194:197], v194 offset:12288
  v_add_f32_e64 v64, v80, v64
  v_add_f32_e64 v65, v81, v65
  s_waitcnt lgkmcnt(4)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[200:201], v[166:167], v[112:127]
  s_waitcnt lgkmcnt(3)
  v_mfma_f32_32x32x8_bf16 v[48:63], v[204:205], v[190:191], v[48:63]
  s_waitcnt lgkmcnt(2)
  v_mfma_f32_32x32x8_bf16 v[32:47], v[208:209], v[190:191], v[32:47]
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[16:31], v[212:213], v[190:191], v[16:31]
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[0:15], v[194:195], v[190:191], v[0:15]
  v_add_u32_e32 v190, 0x8000, v68
  v_add_u32_e32 v194, 0x8000, v69
  v_add_u32_e32 v191, 0x8000, v70
  v_add_u32_e32 v195, 0x8000, v71
  v_perm_b32 v191, v195, v191, s34
  v_perm_b32 v190, v194, v190, s34
  v_add_u32_e32 v194, s49, v156
  v_mfma_f32_32x32x8_bf16 v[96:111], v[198:199], v[168:169], v[96:111]
  v_subrev_u32_e32 v198, s49, v148
  ds_read_b128 v[216:219], v194 offset:8192
  ds_read_b128 v[220:223], v194 offset:12288
  v_add_u32_e32 v195, 0x8000, v73
  v_add_f32_e64 v70, v86, v70
  v_add_f32_e64 v71, v87, v71
  v_pk_add_f32 v[68:69], v[84:85], v[68:69]
  v_mfma_f32_32x32x8_bf16 v[112:127], v[202:203], v[168:169], v[112:127]
  v_mfma_f32_32x32x8_bf16 v[48:63], v[206:207], v[190:191], v[48:63]
  ds_read_b128 v[200:203], v198 offset:16384
  ds_read_b128 v[204:207], v198 offset:24576
  v_mfma_f32_32x32x8_bf16 v[32:47], v[210:211], v[190:191], v[32:47]
  ds_read_b128 v[208:211], v194
  v_mfma_f32_32x32x8_bf16 v[16:31], v[214:215], v[190:191], v[16:31]
  ds_read_b128 v[212:215], v194 offset:4096
  v_add_u32_e32 v194, 0x8000, v77
  v_mfma_f32_32x32x8_bf16 v[0:15], v[196:197], v[190:191], v[0:15]
  v_add_u32_e32 v190, 0x8000, v72
  v_add_u32_e32 v191, 0x8000, v74
  v_add_u32_e32 v196, 0x8000, v75
  v_perm_b32 v191, v196, v191, s34
  v_perm_b32 v190, v195, v190, s34
  v_add_u32_e32 v195, 0x8000, v79
  v_pk_add_f32 v[72:73], v[88:89], v[72:73]
  s_waitcnt lgkmcnt(3)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[200:201], v[170:171], v[96:111]
  v_add_f32_e64 v74, v90, v74
  v_add_f32_e64 v75, v91, v75
  v_add_f32_e64 v64, v64, v72
  v_add_f32_e64 v65, v65, v73
  v_add_f32_e64 v66, v66, v74
  v_add_f32_e64 v67, v67, v75
  s_waitcnt lgkmcnt(2)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[204:205], v[170:171], v[112:127]
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[48:63], v[208:209], v[190:191], v[48:63]
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[32:47], v[212:213], v[190:191], v[32:47]
  v_mfma_f32_32x32x8_bf16 v[16:31], v[216:217], v[190:191], v[16:31]
  v_mfma_f32_32x32x8_bf16 v[0:15], v[220:221], v[190:191], v[0:15]
  v_add_u32_e32 v190, 0x8000, v76
  v_add_u32_e32 v191, 0x8000, v78
  v_perm_b32 v191, v195, v191, s34
  v_perm_b32 v190, v194, v190, s34
  ds_read_b128 v[194:197], v157 offset:16512
  v_pk_add_f32 v[78:79], v[94:95], v[78:79]
  v_pk_add_f32 v[76:77], v[92:93], v[76:77]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[202:203], v[172:173], v[96:111]
  ds_read_b128 v[200:203], v157 offset:24704
  v_add_f32_e64 v68, v68, v76
  v_add_f32_e64 v69, v69, v77
  v_add_f32_e64 v70, v70, v78
  v_add_f32_e64 v71, v71, v79
  v_subrev_u32_e32 v157, s49, v149
  v_pk_add_f32 v[66:67], v[66:67], v[70:71]
  v_pk_add_f32 v[64:65], v[64:65], v[68:69]
  v_mfma_f32_32x32x8_bf16 v[112:127], v[206:207], v[172:173], v[112:127]
  ds_read_b128 v[204:207], v193 offset:24704
  v_add_f32_e64 v64, v64, v66
  v_add_f32_e64 v65, v65, v67
  v_add_f32_e32 v64, v64, v65
  v_add_f32_e32 v140, v140, v64
  s_waitcnt lgkmcnt(2)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[194:195], v[174:175], v[96:111]
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[200:201], v[174:175], v[112:127]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[196:197], v[176:177], v[96:111]
  ds_read_b128 v[194:197], v192 offset:16512
  v_mfma_f32_32x32x8_bf16 v[112:127], v[202:203], v[176:177], v[112:127]
  ds_read_b128 v[200:203], v192 offset:24704
  s_waitcnt vmcnt(6)
  v_perm_b32 v192, v132, v130, s33
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[200:201], v[178:179], v[112:127]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[194:195], v[178:179], v[96:111]
  s_waitcnt vmcnt(4)
  v_perm_b32 v195, v136, v134, s34
  v_perm_b32 v194, v132, v130, s34
  v_subrev_u32_e32 v130, s49, v150
  v_subrev_u32_e32 v132, s49, v151
  v_mfma_f32_32x32x8_bf16 v[112:127], v[202:203], v[180:181], v[112:127]
  ds_read_b128 v[200:203], v193 offset:16512
  v_perm_b32 v193, v136, v134, s33
  v_perm_b32 v134, v133, v131, s34
  v_mfma_f32_32x32x8_bf16 v[96:111], v[196:197], v[180:181], v[96:111]
  v_perm_b32 v197, v137, v135, s33
  v_perm_b32 v196, v133, v131, s33
  v_perm_b32 v135, v137, v135, s34
  v_subrev_u32_e32 v131, s49, v152
  ds_write_b64 v157, v[192:193] offset:16384
  ds_write_b64 v130, v[194:195] offset:16384
  ds_write_b64 v132, v[196:197] offset:16384
  ds_write_b64 v131, v[134:135] offset:16384
  s_mov_b32 s49, s50
  s_waitcnt lgkmcnt(4)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[200:201], v[182:183], v[96:111]
  v_mfma_f32_32x32x8_bf16 v[112:127], v[204:205], v[182:183], v[112:127]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[202:203], v[184:185], v[96:111]
  ds_read_b128 v[200:203], v198 offset:16512
  v_mfma_f32_32x32x8_bf16 v[112:127], v[206:207], v[184:185], v[112:127]
  ds_read_b128 v[204:207], v198 offset:24704
  s_waitcnt lgkmcnt(1)
  v_mfma_f32_32x32x8_bf16 v[96:111], v[200:201], v[186:187], v[96:111]
  s_waitcnt lgkmcnt(0)
  v_mfma_f32_32x32x8_bf16 v[112:127], v[204:205], v[186:187], v[112:127]
  v_mfma_f32_32x32x8_bf16 v[96:111], v[202:203], v[188:189], v[96:111]
  v_mfma_f32_32x32x8_bf16 v[112:127], v[206:207], v[188:189], v[112:127]
  s_nop 9
  v_max_f32_e32 v130, v96, v97
  v_max3_f32 v131, v99, v100, v101
  v_max3_f32 v133, v105, v106, v107
  v_max3_f32 v134, v108, v109, v110
  v_mov_b64_e32 v[80:81], v[96:97]
  v_max3_f32 v132, v102, v103, v104
  v_mov_b64_e32 v[82:83], v[98:99]
  v_mfma_f32_32x32x8_bf16 v[48:63], v[210:211], v[190:191], v[48:63]
  v_max3_f32 v135, v111, v112, v113
  v_max3_f32 v136, v114, v115, v116
  v_max3_f32 v137, v117, v118, v119
  v_max3_f32 v157, v120, v121, v122
  v_max_f32_e32 v192, v123, v124
  v_max_f32_e32 v193, v126, v127
  v_mov_b64_e32 v[84:85], v[100:101]
  v_mfma_f32_32x32x8_bf16 v[32:47], v[214:215], v[190:191], v[32:47]
  v_mov_b64_e32 v[86:87], v[102:103]
  v_mov_b64_e32 v[88:89], v[104:105]
  v_mov_b64_e32 v[90:91], v[106:107]
  v_mov_b64_e32 v[92:93], v[108:109]
  v_mov_b64_e32 v[94:95], v[110:111]
  v_max3_f32 v96, v130, v98, v131
  v_max3_f32 v97, v133, v134, v135
  v_mfma_f32_32x32x8_bf16 v[16:31], v[218:219], v[190:191], v[16:31]
  v_mov_b64_e32 v[64:65], v[112:113]
  v_max3_f32 v98, v136, v137, v157
  v_max3_f32 v99, v192, v125, v193
  v_max3_f32 v96, v96, v132, v97
  v_mov_b64_e32 v[66:67], v[114:115]
  v_mov_b64_e32 v[68:69], v[116:117]
  v_mov_b64_e32 v[70:71], v[118:119]
  v_mfma_f32_32x32x8_bf16 v[0:15], v[222:223], v[190:191], v[0:15]
  v_mov_b64_e32 v[72:73], v[120:121]
  v_mov_b64_e32 v[74:75], v[122:123]
  v_mov_b64_e32 v[76:77], v[124:125]
  v_mov_b64_e32 v[78:79], v[126:127]
  v_max3_f32 v96, v96, v98, v99
  s_cbranch_scc0 .LBB0_5
.LBB0_3:
  s_mov_b32 s50, s36
  s_add_i32 s51, s2, s49
  s_add_i32 s52, s48, s50
  s_mov_b32 m0, s51
  s_waitcnt vmcnt(0) lgkmcnt(0)
  s_barrier
  s_add_i32 s53, s47, s50
  buffer_load_dword v145, s[12:15], s52 offen lds
  s_add_i32 m0, s51, 0x800
  s_add_i32 s54, s41, s50
  buffer_load_dword v145, s[12:15], s53 offen lds
  s_add_i32 m0, s51, 0x1000
  s_add_i32 s55, s42, s50
  buffer_load_dword v145, s[12:15], s54 offen lds
  s_add_i32 m0, s51, 0x1800
  s_add_i32 s36, s35, s36
  s_add_i32 s56, s43, s50
  buffer_load_dword v145, s[12:15], s55 offen lds
  s_add_i32 m0, s51, 0x2000
  s_add_i32 s57, s44, s50
  s_add_i32 s58, s45, s50
  s_add_i32 s59, s46, s50
  s_add_i32 s60, s40, s50
  s_add_i32 s61, s38, s50
  s_add_i32 s50, s39, s50
  buffer_load_dwordx2 v[130:131], v143, s[16:19], s36 offen
  buffer_load_dwordx2 v[132:133], v143, s[16:19], s60 offen
  buffer_load_dwordx2 v[134:135], v143, s[16:19], s61 offen
  buffer_load_dwordx2 v[136:137], v143, s[16:19], s50 offen
  v_mul_f32_e32 v96, s99, v96
  buffer_load_dword v145, s[12:15], s56 offen lds
  s_add_i32 m0, s51, 0x2800
  v_add_f32_e32 v97, 0x41000000, v128
  buffer_load_dword v145, s[12:15], s57 offen lds
  s_add_i32 m0, s51, 0x3000
  v_cmp_gt_f32_e32 vcc, v96, v97
  buffer_load_dword v145, s[12:15], s58 offen lds
  s_add_i32 m0, s51, 0x3800
  s_nop 0
  buffer_load_dword v145, s[12:15], s59 offen lds
  s_cbranch_vccz .LBB0_2
; %bb.4:
  ds_bpermute_b32 v97, v141, v96
  s_waitcnt lgkmcnt(0)
  v_max3_f32 v97, v96, v97, v128
  v_sub_f32_e32 v96, v128, v97
  v_exp_f32_e32 v96, v96
  v_mov_b32_e32 v128, v97
  v_mul_f32_e32 v140, v140, v96
  v_pk_mul_f32 v[62:63], v[62:63], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[60:61], v[60:61], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[58:59], v[58:59], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[56:57], v[56:57], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[54:55], v[54:55], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[52:53], v[52:53], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[50:51], v[50:51], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[48:49], v[48:49], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[46:47], v[46:47], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[44:45], v[44:45], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[42:43], v[42:43], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[40:41], v[40:41], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[38:39], v[38:39], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[36:37], v[36:37], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[34:35], v[34:35], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[32:33], v[32:33], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[30:31], v[30:31], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[28:29], v[28:29], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[26:27], v[26:27], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[24:25], v[24:25], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[22:23], v[22:23], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[20:21], v[20:21], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[18:19], v[18:19], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[16:17], v[16:17], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[14:15], v[14:15], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[12:13], v[12:13], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[10:11], v[10:11], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[8:9], v[8:9], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[6:7], v[6:7], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[4:5], v[4:5], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[2:3], v[2:3], v[96:97] op_sel_hi:[1,0]
  v_pk_mul_f32 v[0:1], v[0:1], v[96:97] op_sel_hi:[1,0]
  s_branch .LBB0_2
.LBB0_5:
  s_endpgm
.Lfunc_end0:
; TotalNumSgprs: 106
; NumVgprs: 224
; NumAgprs: 0
; ScratchSize: 0
; LDSByteSize: 65536 bytes/workgroup (compile time only)
; Occupancy: 2
