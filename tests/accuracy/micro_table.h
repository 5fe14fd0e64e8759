/* micro_table.h - the table of micro_kernels.c, which includes it once for the code and once for
 * what the code does.
 *
 * K(name, group, needs, body, instructions, bytes loaded, bytes stored, operations)
 * body: one repetition, Intel syntax. rsi is the memory, by the offsets below; rdi counts and must
 * be kept, as must the stack and the x87 stack; anything else that callees may change is free.
 *   0    64 floats        256  32 doubles     512  int 1 1 1 1 0
 *   576  dword masks -1 0 -1 0 -1 -1 0 0      608  qword masks -1 0 -1 -1
 *   640  int 0 ... 7      704  80-bit 1.25    720  integer 2 of any size
 *   1024 free, to the end */

/* clang-format off */
K(empty, "control", NULL, "", 0, 0, 0, NONE)
K(integer, "control", NULL,
  "mov rax, rdi; imul rax, rax, 7; xor rcx, rax; add rcx, 3; shl rcx, 2; lea rdx, [rax + rcx * 4]; popcnt rax, rdx",
  7, 0, 0, NONE)
K(logic_sse, "control", NULL,
  "movaps xmm0, xmm1; andps xmm0, xmm1; andnps xmm0, xmm2; orps xmm0, xmm3; xorps xmm0, xmm0; unpcklps xmm0, [rsi];"
  "shufps xmm0, xmm1, 27; movhlps xmm0, xmm1; paddd xmm0, xmm1; pand xmm0, xmm1",
  10, 16, 0, NONE)
K(logic_avx, "control", "avx2",
  "vmovups ymm0, [rsi]; vandps ymm0, ymm0, ymm1; vblendvps ymm0, ymm0, ymm1, ymm2; vpermilps ymm0, ymm0, 27;"
  "vperm2f128 ymm0, ymm0, ymm1, 1; vptest ymm0, ymm1; vbroadcastss ymm2, [rsi]; vextractf128 xmm1, ymm0, 1;"
  "vmovmskps eax, ymm0; vpaddd ymm0, ymm0, ymm1; vmovups [rsi + 1024], ymm0; vzeroupper",
  12, 36, 32, NONE)

/* ---- scalar ---- */
K(addss, "scalar", NULL, "addss xmm0, xmm1; addss xmm0, [rsi]", 2, 4, 0, S(ADD, SCALAR, 2))
K(subss, "scalar", NULL, "subss xmm0, xmm1; subss xmm0, [rsi]", 2, 4, 0, S(ADD, SCALAR, 2))
K(mulss, "scalar", NULL, "mulss xmm0, xmm1; mulss xmm0, [rsi]", 2, 4, 0, S(MUL, SCALAR, 2))
K(divss, "scalar", NULL, "divss xmm0, xmm1; divss xmm0, [rsi]", 2, 4, 0, S(DIV, SCALAR, 2))
K(sqrtss, "scalar", NULL, "sqrtss xmm0, xmm1; sqrtss xmm0, [rsi]", 2, 4, 0, S(SQRT, SCALAR, 2))
K(minmaxss, "scalar", NULL, "minss xmm0, xmm1; maxss xmm0, [rsi]; maxss xmm0, xmm1", 3, 4, 0, S(MINMAX, SCALAR, 3))
K(comparess, "scalar", NULL, "comiss xmm0, xmm1; ucomiss xmm0, [rsi]; cmpltss xmm0, xmm1; cmpeqss xmm0, [rsi]",
  4, 8, 0, S(COMPARE, SCALAR, 4))
K(estimatess, "scalar", NULL, "rcpss xmm0, xmm1; rsqrtss xmm0, [rsi]", 2, 4, 0, S(ESTIMATE, SCALAR, 2))
K(addsd, "scalar", NULL, "addsd xmm0, xmm1; addsd xmm0, [rsi + 256]", 2, 8, 0, D(ADD, SCALAR, 2))
K(subsd, "scalar", NULL, "subsd xmm0, xmm1; subsd xmm0, [rsi + 256]", 2, 8, 0, D(ADD, SCALAR, 2))
K(mulsd, "scalar", NULL, "mulsd xmm0, xmm1; mulsd xmm0, [rsi + 256]", 2, 8, 0, D(MUL, SCALAR, 2))
K(divsd, "scalar", NULL, "divsd xmm0, xmm1; divsd xmm0, [rsi + 256]", 2, 8, 0, D(DIV, SCALAR, 2))
K(sqrtsd, "scalar", NULL, "sqrtsd xmm0, xmm1; sqrtsd xmm0, [rsi + 256]", 2, 8, 0, D(SQRT, SCALAR, 2))
K(minmaxsd, "scalar", NULL, "minsd xmm0, xmm1; maxsd xmm0, [rsi + 256]", 2, 8, 0, D(MINMAX, SCALAR, 2))
K(comparesd, "scalar", NULL, "comisd xmm0, xmm1; ucomisd xmm0, [rsi + 256]; cmplesd xmm0, xmm1", 3, 8, 0,
  D(COMPARE, SCALAR, 3))
K(convert_int, "scalar", NULL,
  "cvtsi2ss xmm0, eax; cvtsi2ss xmm0, qword ptr [rsi + 720]; cvttss2si ecx, [rsi]; cvtss2si rax, xmm1; add r8d, ecx",
  5, 12, 0, S(CONVERT, SCALAR, 4))
K(convert_int_double, "scalar", NULL,
  "cvtsi2sd xmm0, rax; cvtsi2sd xmm0, dword ptr [rsi + 720]; cvttsd2si rax, xmm1; cvtsd2si ecx, [rsi + 256]; add r8d, ecx",
  5, 12, 0, D(CONVERT, SCALAR, 4))
K(convert_float, "scalar", NULL, "cvtss2sd xmm0, [rsi]; cvtsd2ss xmm0, xmm1", 2, 4, 0, S(CONVERT, SCALAR, 1), D(CONVERT, SCALAR, 1))
K(vscalar, "scalar", "avx",
  "vaddss xmm0, xmm0, [rsi]; vmulss xmm0, xmm0, xmm2; vdivss xmm0, xmm0, xmm2; vsqrtss xmm3, xmm1, xmm2; vminss xmm0, xmm0, xmm2",
  5, 4, 0, S(ADD, SCALAR, 1), S(MUL, SCALAR, 1), S(DIV, SCALAR, 1), S(SQRT, SCALAR, 1), S(MINMAX, SCALAR, 1))
K(vscalar_double, "scalar", "avx",
  "vsubsd xmm0, xmm0, [rsi + 256]; vmulsd xmm0, xmm0, xmm2; vdivsd xmm0, xmm0, xmm2; vsqrtsd xmm3, xmm1, xmm2; vcmpltsd xmm0, xmm0, xmm2",
  5, 8, 0, D(ADD, SCALAR, 1), D(MUL, SCALAR, 1), D(DIV, SCALAR, 1), D(SQRT, SCALAR, 1), D(COMPARE, SCALAR, 1))
K(vscalar_other, "scalar", "avx",
  "vcomiss xmm0, xmm1; vucomisd xmm0, xmm1; vcvtsi2ss xmm0, xmm1, eax; vcvttsd2si eax, xmm1; vrcpss xmm0, xmm1, xmm2; vroundsd xmm0, xmm1, xmm2, 1",
  6, 0, 0, S(COMPARE, SCALAR, 1), D(COMPARE, SCALAR, 1), S(CONVERT, SCALAR, 1), D(CONVERT, SCALAR, 2),
  S(ESTIMATE, SCALAR, 1))

/* ---- packed SSE ---- */
K(addps, "sse", NULL, "addps xmm0, xmm1; subps xmm0, [rsi]", 2, 16, 0, S(ADD, 128, 8))
K(mulps, "sse", NULL, "mulps xmm0, xmm1; mulps xmm0, [rsi]", 2, 16, 0, S(MUL, 128, 8))
K(divps, "sse", NULL, "divps xmm0, [rsi]", 1, 16, 0, S(DIV, 128, 4))
K(sqrtps, "sse", NULL, "sqrtps xmm0, [rsi]", 1, 16, 0, S(SQRT, 128, 4))
K(minmaxps, "sse", NULL, "minps xmm0, xmm1; maxps xmm0, [rsi]", 2, 16, 0, S(MINMAX, 128, 8))
K(cmpps, "sse", NULL, "cmpltps xmm0, xmm1; cmpunordps xmm0, [rsi]", 2, 16, 0, S(COMPARE, 128, 8))
K(estimateps, "sse", NULL, "rcpps xmm0, xmm1; rsqrtps xmm0, [rsi]", 2, 16, 0, S(ESTIMATE, 128, 8))
K(addpd, "sse", NULL, "addpd xmm0, xmm1; subpd xmm0, [rsi + 256]", 2, 16, 0, D(ADD, 128, 4))
K(mulpd, "sse", NULL, "mulpd xmm0, xmm1; mulpd xmm0, [rsi + 256]", 2, 16, 0, D(MUL, 128, 4))
K(divpd, "sse", NULL, "divpd xmm0, [rsi + 256]", 1, 16, 0, D(DIV, 128, 2))
K(sqrtpd, "sse", NULL, "sqrtpd xmm0, [rsi + 256]", 1, 16, 0, D(SQRT, 128, 2))
K(minmaxpd, "sse", NULL, "minpd xmm0, xmm1; maxpd xmm0, [rsi + 256]", 2, 16, 0, D(MINMAX, 128, 4))
K(cmppd, "sse", NULL, "cmpneqpd xmm0, xmm1; cmplepd xmm0, [rsi + 256]", 2, 16, 0, D(COMPARE, 128, 4))
K(convertps, "sse", NULL, "cvtdq2ps xmm0, [rsi + 640]; cvtps2dq xmm2, xmm1; cvttps2dq xmm3, xmm0", 3, 16, 0,
  S(CONVERT, 128, 12))
K(convertpd, "sse", NULL, "cvtdq2pd xmm0, [rsi + 640]; cvtpd2dq xmm0, xmm1; cvttpd2dq xmm0, xmm1", 3, 8, 0,
  D(CONVERT, 128, 6))
K(convert_widths, "sse", NULL, "cvtps2pd xmm0, [rsi]; cvtpd2ps xmm0, xmm1", 2, 8, 0, S(CONVERT, 128, 2), D(CONVERT, 128, 2))
K(convert_mmx, "sse", NULL, "cvtpi2ps xmm0, [rsi + 640]; cvttps2pi mm0, xmm0; emms", 3, 8, 0, S(CONVERT, 128, 4))

/* ---- SSE3, SSE4.1 ---- */
K(addsub, "sse", "sse3", "addsubps xmm0, xmm1; addsubpd xmm2, [rsi + 256]", 2, 16, 0, S(ADD, 128, 4), D(ADD, 128, 2))
K(haddps, "sse", "sse3", "haddps xmm0, xmm1; hsubps xmm0, [rsi]", 2, 16, 0, S(ADD, 128, 8))
K(haddpd, "sse", "sse3", "haddpd xmm0, xmm1; hsubpd xmm0, [rsi + 256]", 2, 16, 0, D(ADD, 128, 4))
K(dpps, "sse", "sse4_1", "dpps xmm0, [rsi], 0xf1; dpps xmm0, xmm1, 0x31", 2, 16, 0, S(MUL, 128, 8), S(ADD, 128, 6))
K(dppd, "sse", "sse4_1", "dppd xmm0, [rsi + 256], 0x31", 1, 16, 0, D(MUL, 128, 2), D(ADD, 128, 1))
K(round, "sse", "sse4_1", "roundps xmm0, xmm1, 0; roundpd xmm0, xmm1, 1; roundss xmm0, [rsi], 2; roundsd xmm0, xmm1, 3",
  4, 4, 0, S(CONVERT, 128, 4), D(CONVERT, 128, 2), S(CONVERT, SCALAR, 1), D(CONVERT, SCALAR, 1))

/* ---- AVX ---- */
K(vaddps_128, "avx", "avx", "vaddps xmm0, xmm0, [rsi]; vsubps xmm0, xmm0, xmm2", 2, 16, 0, S(ADD, 128, 8))
K(vaddps, "avx", "avx", "vaddps ymm0, ymm0, [rsi]; vsubps ymm0, ymm0, ymm2", 2, 32, 0, S(ADD, 256, 16))
K(vmulps, "avx", "avx", "vmulps ymm0, ymm0, [rsi]; vmulps ymm0, ymm0, ymm2", 2, 32, 0, S(MUL, 256, 16))
K(vdivps, "avx", "avx", "vdivps ymm0, ymm1, [rsi]", 1, 32, 0, S(DIV, 256, 8))
K(vsqrtps, "avx", "avx", "vsqrtps ymm0, [rsi]; vsqrtps xmm0, xmm1", 2, 32, 0, S(SQRT, 256, 8), S(SQRT, 128, 4))
K(vminmaxps, "avx", "avx", "vminps ymm0, ymm0, [rsi]; vmaxps ymm0, ymm0, ymm2", 2, 32, 0, S(MINMAX, 256, 16))
K(vcmpps, "avx", "avx", "vcmpltps ymm0, ymm0, [rsi]; vcmppd ymm3, ymm1, ymm2, 13", 2, 32, 0, S(COMPARE, 256, 8),
  D(COMPARE, 256, 4))
K(vestimateps, "avx", "avx", "vrcpps ymm0, [rsi]; vrsqrtps ymm3, ymm0", 2, 32, 0, S(ESTIMATE, 256, 16))
K(vaddpd, "avx", "avx", "vaddpd ymm0, ymm0, [rsi + 256]; vsubpd ymm0, ymm0, ymm2", 2, 32, 0, D(ADD, 256, 8))
K(vmulpd, "avx", "avx", "vmulpd ymm0, ymm0, [rsi + 256]; vmulpd xmm3, xmm1, xmm2", 2, 32, 0, D(MUL, 256, 4), D(MUL, 128, 2))
K(vdivpd, "avx", "avx", "vdivpd ymm0, ymm0, [rsi + 256]; vsqrtpd ymm3, ymm1", 2, 32, 0, D(DIV, 256, 4), D(SQRT, 256, 4))
K(vminmaxpd, "avx", "avx", "vminpd ymm0, ymm0, [rsi + 256]; vmaxpd ymm0, ymm0, ymm2", 2, 32, 0, D(MINMAX, 256, 8))
K(vaddsub, "avx", "avx", "vaddsubps ymm0, ymm1, ymm2; vaddsubpd ymm0, ymm1, [rsi + 256]", 2, 32, 0, S(ADD, 256, 8),
  D(ADD, 256, 4))
K(vhadd, "avx", "avx", "vhaddps ymm0, ymm1, ymm2; vhsubpd ymm0, ymm1, [rsi + 256]", 2, 32, 0, S(ADD, 256, 8), D(ADD, 256, 4))
K(vdpps, "avx", "avx", "vdpps ymm0, ymm1, [rsi], 0xff; vdppd xmm0, xmm1, xmm2, 0x33", 2, 32, 0, S(MUL, 256, 8),
  S(ADD, 256, 6), D(MUL, 128, 2), D(ADD, 128, 1))
K(vround, "avx", "avx", "vroundps ymm0, [rsi], 0; vroundpd ymm0, ymm1, 1", 2, 32, 0, S(CONVERT, 256, 8), D(CONVERT, 256, 4))
K(vconvert, "avx", "avx", "vcvtdq2ps ymm0, [rsi + 640]; vcvttps2dq ymm3, ymm0; vcvtdq2pd ymm4, xmm1; vcvtpd2dq xmm5, ymm1",
  4, 32, 0, S(CONVERT, 256, 16), D(CONVERT, 256, 8))
K(vconvert_widths, "avx", "avx", "vcvtps2pd ymm0, [rsi]; vcvtpd2ps xmm0, ymm1", 2, 16, 0, S(CONVERT, 256, 4), D(CONVERT, 256, 4))
K(f16c, "avx", "f16c", "vcvtph2ps ymm0, [rsi + 640]; vcvtps2ph [rsi + 1024], ymm0, 0; vcvtph2ps xmm0, xmm1; vcvtps2ph xmm0, xmm1, 0",
  4, 16, 16, H(CONVERT, 256, 8), S(CONVERT, 256, 8), H(CONVERT, 128, 4), S(CONVERT, 128, 4))

/* ---- FMA: every form, the three orders of each ---- */
#define FMA_FORMS(kind) \
    K(kind##_ss, "fma", "fma", "v" #kind "132ss xmm0, xmm1, xmm2; v" #kind "213ss xmm0, xmm1, [rsi]; v" #kind "231ss xmm0, xmm1, xmm2", \
      3, 4, 0, S(FMA, SCALAR, 3)) \
    K(kind##_sd, "fma", "fma", "v" #kind "132sd xmm0, xmm1, xmm2; v" #kind "213sd xmm0, xmm1, [rsi + 256]; v" #kind "231sd xmm0, xmm1, xmm2", \
      3, 8, 0, D(FMA, SCALAR, 3)) \
    FMA_PACKED(kind)
#define FMA_PACKED(kind) \
    K(kind##_ps_128, "fma", "fma", "v" #kind "132ps xmm0, xmm1, xmm2; v" #kind "213ps xmm0, xmm1, [rsi]; v" #kind "231ps xmm0, xmm1, xmm2", \
      3, 16, 0, S(FMA, 128, 12)) \
    K(kind##_ps, "fma", "fma", "v" #kind "132ps ymm0, ymm1, ymm2; v" #kind "213ps ymm0, ymm1, [rsi]; v" #kind "231ps ymm0, ymm1, ymm2", \
      3, 32, 0, S(FMA, 256, 24)) \
    K(kind##_pd_128, "fma", "fma", "v" #kind "132pd xmm0, xmm1, xmm2; v" #kind "213pd xmm0, xmm1, [rsi + 256]; v" #kind "231pd xmm0, xmm1, xmm2", \
      3, 16, 0, D(FMA, 128, 6)) \
    K(kind##_pd, "fma", "fma", "v" #kind "132pd ymm0, ymm1, ymm2; v" #kind "213pd ymm0, ymm1, [rsi + 256]; v" #kind "231pd ymm0, ymm1, ymm2", \
      3, 32, 0, D(FMA, 256, 12))
FMA_FORMS(fmadd)
FMA_FORMS(fmsub)
FMA_FORMS(fnmadd)
FMA_FORMS(fnmsub)
FMA_PACKED(fmaddsub)
FMA_PACKED(fmsubadd)
#undef FMA_FORMS
#undef FMA_PACKED

/* ---- AVX-512: for the oracle; Valgrind shows the program a processor without ---- */
K(add_512, "avx512", "avx512f", "vaddps zmm0, zmm0, [rsi]; vsubpd zmm1, zmm1, qword ptr [rsi + 256]{1to8}; vaddss xmm2, xmm16, xmm3", 3, 64 + 8, 0,
  S(ADD, 512, 16), D(ADD, 512, 8), S(ADD, SCALAR, 1))
K(fma_512, "avx512", "avx512f", "vfmadd231ps zmm0, zmm1, zmm2; vfnmsub213pd zmm0, zmm1, [rsi + 256]; vfmaddsub132ps zmm0, zmm1, dword ptr [rsi]{1to16}", 3, 64 + 4, 0,
  S(FMA, 512, 32), D(FMA, 512, 8))
K(others_512, "avx512", "avx512f", "vminps zmm0, zmm1, zmm2; vcmpltps k1, zmm1, zmm2; vcvtps2pd zmm0, ymm1; vrndscalepd zmm0, zmm1, 1; vrsqrt14ps zmm0, zmm1; vsqrtpd zmm0, zmm1", 6, 0, 0,
  S(MINMAX, 512, 16), S(COMPARE, 512, 16), S(CONVERT, 512, 8), D(CONVERT, 512, 8), S(ESTIMATE, 512, 16), D(SQRT, 512, 8))
/* eight lanes of sixteen, then none; scalars obey the lowest bit */
K(masked_512, "avx512", "avx512f", "mov eax, 0x0ff0; kmovw k1, eax; vaddps zmm0{k1}, zmm0, zmm1; vmulps zmm0{k1}{z}, zmm0, [rsi]; vaddss xmm3{k1}, xmm3, xmm4;"
  "kxorw k2, k2, k2; vdivps zmm0{k2}, zmm0, zmm1; vmovups [rsi + 1024]{k1}, zmm0", 8, 32, 32, S(ADD, 512, 8), S(MUL, 512, 8))

/* ---- x87 ---- */
K(x87_add, "x87", NULL, "fld1; fadd st, st(0); fld1; faddp; fld1; fsub st(1), st; fsubrp; fstp st(0)", 8, 0, 0, X(ADD, 4))
K(x87_mul, "x87", NULL, "fld1; fmul st, st(0); fld1; fmulp; fld1; fdiv st(1), st; fdivrp; fstp st(0)", 8, 0, 0, X(MUL, 2), X(DIV, 2))
K(x87_memory, "x87", NULL,
  "fld1; fadd dword ptr [rsi]; fmul qword ptr [rsi + 256]; fsub dword ptr [rsi]; fdivr qword ptr [rsi + 256]; fstp dword ptr [rsi + 1024]",
  6, 24, 4, X(ADD, 2), X(MUL, 1), X(DIV, 1))
K(x87_integer, "x87", NULL,
  "fld1; fiadd word ptr [rsi + 720]; fimul dword ptr [rsi + 720]; fisubr word ptr [rsi + 720]; fidiv dword ptr [rsi + 720]; fstp st(0)",
  6, 12, 0, X(ADD, 2), X(MUL, 1), X(DIV, 1))
K(x87_convert, "x87", NULL,
  "fild word ptr [rsi + 720]; fistp dword ptr [rsi + 1024]; fild qword ptr [rsi + 720]; fist word ptr [rsi + 1024]; frndint; fistp qword ptr [rsi + 1024]",
  6, 10, 14, X(CONVERT, 6))
/* without ftst and ficom, which Valgrind does not know */
K(x87_compare, "x87", NULL,
  "fld1; fldz; fcom st(1); fucomi st, st(1); fcomip st, st(1); fcom dword ptr [rsi]; fnstsw ax; or r8d, eax; fld1; fcomp qword ptr [rsi + 256]; fnstsw ax; or r8d, eax; fld1; fucompp",
  14, 12, 0, X(COMPARE, 6))
K(x87_moves, "x87", NULL, "fld tbyte ptr [rsi + 704]; fld st(0); fxch; fabs; fchs; fstp tbyte ptr [rsi + 1024]; fstp st(0)", 7, 10, 10, NONE)
K(x87_sqrt, "x87", NULL, "fld dword ptr [rsi]; fsqrt; fstp qword ptr [rsi + 1024]", 3, 4, 8, X(SQRT, 1))
K(x87_transcendental, "x87", NULL, "fld1; fsin; fcos; fld1; fpatan; f2xm1; fstp st(0)", 7, 0, 0, X(OTHER, 4))
K(x87_logarithm, "x87", NULL, "fld1; fld1; fyl2x; fld1; fscale; fprem; fstp st(1); fstp st(0)", 8, 0, 0, X(OTHER, 3))

/* ---- memory ---- */
K(mask_load, "memory", "avx",
  "vmovups ymm1, [rsi + 576]; vmaskmovps ymm0, ymm1, [rsi]; vmaskmovps xmm0, xmm1, [rsi]; vmovupd ymm1, [rsi + 608]; vmaskmovpd ymm0, ymm1, [rsi + 256]",
  5, 64 + 16 + 8 + 24, 0, NONE)
K(mask_store, "memory", "avx",
  "vmovups ymm1, [rsi + 576]; vmaskmovps [rsi + 1024], ymm1, ymm0; vmaskmovps [rsi + 1024], xmm1, xmm0; vmovupd ymm1, [rsi + 608]; vmaskmovpd [rsi + 1024], ymm1, ymm0",
  5, 64, 16 + 8 + 24, NONE)
K(mask_integer, "memory", "avx2", "vmovups ymm1, [rsi + 576]; vpmaskmovd ymm0, ymm1, [rsi]; vpmaskmovd [rsi + 1024], ymm1, ymm0", 3, 32 + 16, 16, NONE)
K(mask_add, "memory", "avx", "vmovups ymm1, [rsi + 576]; vmaskmovps ymm0, ymm1, [rsi]; vaddps ymm0, ymm0, ymm2; vmaskmovps [rsi + 1024], ymm1, ymm0",
  4, 32 + 16, 16, S(ADD, 256, 8))
K(gather, "memory", "avx2",
  "vmovups ymm1, [rsi + 640]; vpcmpeqd ymm2, ymm2, ymm2; vgatherdps ymm0, [rsi + ymm1 * 4], ymm2;"
  "vpcmpeqd ymm2, ymm2, ymm2; vgatherdpd ymm3, [rsi + xmm1 * 8 + 256], ymm2; vaddps ymm0, ymm0, ymm0",
  6, 32 + 32 + 32, 0, S(ADD, 256, 8))
K(copy, "memory", NULL, "mov ecx, 64; 2: movups xmm0, [rsi + rcx * 8 + 4096]; movups [rsi + rcx * 8 + 8192], xmm0; sub ecx, 2; jnz 2b",
  1 + 32 * 4, 512, 512, NONE)
K(copy_avx, "memory", "avx", "mov ecx, 64; 2: vmovups ymm0, [rsi + rcx * 8 + 4096]; vmovups [rsi + rcx * 8 + 8192], ymm0; sub ecx, 4; jnz 2b",
  1 + 16 * 4, 512, 512, NONE)
K(bytes, "memory", NULL, "movzx eax, byte ptr [rsi]; mov [rsi + 1024], al; mov ax, [rsi]; mov [rsi + 1024], ax; mov eax, [rsi]; mov [rsi + 1024], eax; mov rax, [rsi]; mov [rsi + 1024], rax",
  8, 15, 15, NONE)
K(modify, "memory", NULL, "add dword ptr [rsi + 1024], 1; inc qword ptr [rsi + 1024]; sub [rsi + 1024], al; neg word ptr [rsi + 1024]", 4, 15, 15, NONE)
K(stack, "memory", NULL, "push rax; push rcx; call 2f; pop rcx; pop rax; jmp 3f; 2: ret; 3:", 7, 24, 24, NONE)
K(no_traffic, "memory", NULL, "lea rax, [rsi + 64]; prefetcht0 [rsi]; nop dword ptr [rsi]", 3, 0, 0, NONE)
/* repeated string instructions: how often one counts as an instruction is a matter of taste */
K(rep_movs, "memory", NULL, "mov r8, rdi; mov r9, rsi; lea rdi, [rsi + 8192]; mov ecx, 100; rep movsb; mov ecx, 10; rep movsq; mov rdi, r8; mov rsi, r9",
  ANY, 180, 180, NONE)
K(rep_stos, "memory", NULL, "mov r8, rdi; lea rdi, [rsi + 8192]; xor eax, eax; mov ecx, 50; rep stosd; rep stosd; mov rdi, r8", ANY, 0, 200, NONE)
K(gather_some, "memory", "avx2",
  "vmovups ymm1, [rsi + 640]; vmovups ymm2, [rsi + 576]; vgatherdps ymm0, [rsi + ymm1 * 4], ymm2", 3, 64 + 16, 0, NONE)
K(locked, "memory", NULL, "lock add dword ptr [rsi + 1024], 1; xchg eax, [rsi + 1024]; lock xadd [rsi + 1024], eax; lock cmpxchg [rsi + 1024], eax",
   4, 16, 16, NONE)
/* Valgrind drops loads that nothing uses. */
KO(touch, "memory", NULL, "mov eax, [rsi]; mov eax, [rsi + 64]; movups xmm0, [rsi + 128]; xor eax, eax; xorps xmm0, xmm0", 5, 24, 0, NONE)

/* footprint: lines touched are few, accesses many */
KL(walk_read, "memory", NULL, "mov ecx, 4096; 2: add eax, [rsi + rcx * 4]; add eax, [rsi + rcx * 4 + 8]; add ecx, 32; cmp ecx, 8192; jb 2b",
  1 + 128 * 5, 128 * 8, 0, 128, 0)
KL(walk_write, "memory", NULL, "mov ecx, 4096; 2: mov [rsi + rcx * 4], eax; add ecx, 64; cmp ecx, 8192; jb 2b", 1 + 64 * 4, 0, 64 * 4, 0, 64)
KL(walk_modify, "memory", NULL, "mov ecx, 4096; 2: add dword ptr [rsi + rcx * 4], 1; add ecx, 16; cmp ecx, 8192; jb 2b", 1 + 256 * 4, 256 * 4, 256 * 4, 256, 256)
KL(walk_across, "memory", NULL, "mov rax, [rsi + 4096 + 60]; mov [rsi + 8192 + 124], rax", 2, 8, 8, 2, 2)

/* ---- mixtures, and ways through the code ---- */
K(mixed, "flow", NULL, "movups xmm0, [rsi]; mulps xmm0, xmm0; addps xmm1, xmm0; cvtps2pd xmm2, xmm1; addpd xmm3, xmm2; sqrtsd xmm3, xmm3; fld1; fadd st, st(0); fstp st(0)",
  9, 16, 0, S(MUL, 128, 4), S(ADD, 128, 4), S(CONVERT, 128, 2), D(ADD, 128, 2), D(SQRT, SCALAR, 1), X(ADD, 1))
K(early_exit, "flow", NULL,
  "xor ecx, ecx; 2: addss xmm0, xmm1; cmp dword ptr [rsi + 512 + rcx * 4], 0; je 3f; mulss xmm0, xmm1; inc ecx; jmp 2b; 3: subss xmm0, xmm1",
  1 + 4 * 6 + 3 + 1, 20, 0, S(ADD, SCALAR, 6), S(MUL, SCALAR, 4))
K(skip_middle, "flow", NULL,
  "mov ecx, 4; 2: addps xmm0, xmm1; test ecx, 1; jz 3f; mulps xmm0, xmm1; divps xmm0, xmm2; 3: maxps xmm0, xmm1; dec ecx; jnz 2b",
  1 + 4 * 6 + 2 * 2, 0, 0, S(ADD, 128, 16), S(MUL, 128, 8), S(DIV, 128, 8), S(MINMAX, 128, 16))
K(exits, "flow", NULL,
  "mov ecx, 3; 2: addsd xmm0, xmm1; cmp ecx, 3; je 3f; mulsd xmm0, xmm1; cmp ecx, 2; je 3f; divsd xmm0, xmm1; cmp ecx, 1; je 3f; sqrtsd xmm0, xmm0; 3: dec ecx; jnz 2b",
  1 + 3 + 6 + 9 + 6, 0, 0, D(ADD, SCALAR, 3), D(MUL, SCALAR, 2), D(DIV, SCALAR, 1))
K(jump_table, "flow", NULL,
  "mov ecx, 2; 2: lea rax, [rip + 4f]; lea rdx, [rip + 5f]; test ecx, 1; cmovz rax, rdx; jmp rax; 4: addss xmm0, xmm1; jmp 6f; 5: mulss xmm0, xmm1; 6: dec ecx; jnz 2b",
  1 + 2 * 7 + 2 + 1, 0, 0, S(ADD, SCALAR, 1), S(MUL, SCALAR, 1))
K(call, "flow", NULL, "call 2f; mulss xmm0, xmm1; call 2f; jmp 3f; 2: addss xmm0, xmm1; ret; 3:", 4 + 4, 16, 16, S(ADD, SCALAR, 2), S(MUL, SCALAR, 1))
K(long_block, "flow", NULL, ".rept 200; addps xmm0, xmm1; mulps xmm2, xmm3; .endr", 400, 0, 0, S(ADD, 128, 800), S(MUL, 128, 800))
K(unused_results, "flow", NULL, "movaps xmm0, xmm1; addps xmm0, xmm1; movaps xmm0, xmm1; addps xmm0, xmm1; xorps xmm0, xmm0; mulps xmm0, xmm0; xorps xmm0, xmm0",
  7, 0, 0, S(ADD, 128, 8), S(MUL, 128, 4))
K(dot_fma, "flow", "fma", "vxorps ymm0, ymm0, ymm0; mov ecx, 8; 2: vmovups ymm1, [rsi + rcx * 8]; vfmadd231ps ymm0, ymm1, [rsi + rcx * 8]; sub ecx, 4; jnz 2b;"
  "vextractf128 xmm1, ymm0, 1; vaddps xmm0, xmm0, xmm1; vhaddps xmm0, xmm0, xmm0; vmovshdup xmm1, xmm0; vaddss xmm0, xmm0, xmm1; vzeroupper",
  2 + 8 + 6, 128, 0, S(FMA, 256, 16), S(ADD, 128, 8), S(ADD, SCALAR, 1))
/* clang-format on */
