// What we declare of cuBLASLt against NVIDIA's header, where there is one.
#include <gtest/gtest.h>

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

#include "device/cuda/cublaslt_api.h"

#include <cstddef>
#include <type_traits>

namespace {

// As far as a call can tell: pointers and handles are pointers, enumerations are int.
template <class T> struct passed {
    using type = std::conditional_t<std::is_pointer_v<T>, void *,
                                    std::conditional_t<std::is_enum_v<T>, int, std::remove_cv_t<T>>>;
};
template <class R, class... P> using Shape = typename passed<R>::type (*)(typename passed<P>::type...);
template <class R, class... P> Shape<R, P...> shape(R (*)(P...));

#define KZ_SAME(member, name, result, parameters)                                                                      \
    static_assert(                                                                                                     \
        std::is_same_v<decltype(shape(&name)), decltype(shape(static_cast<kz_lt_##member##_fn *>(nullptr)))>, #name);
KZ_LT_FUNCTIONS(KZ_SAME)
#undef KZ_SAME

static_assert(sizeof(kz_lt_algo) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(kz_lt_heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(kz_lt_heuristic, workspace) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(kz_lt_heuristic, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(sizeof(int) == sizeof(cublasStatus_t) && sizeof(int) == sizeof(cudaDataType_t));

} // namespace

TEST(CublasLtApi, NumbersAreNvidias)
{
    const int ours_and_theirs[][2] = {
        {KZ_LT_SUCCESS, CUBLAS_STATUS_SUCCESS},
        {KZ_LT_INVALID_VALUE, CUBLAS_STATUS_INVALID_VALUE},
        {KZ_LT_EXECUTION_FAILED, CUBLAS_STATUS_EXECUTION_FAILED},
        {KZ_LT_NOT_SUPPORTED, CUBLAS_STATUS_NOT_SUPPORTED},
        {KZ_LT_F32, CUDA_R_32F},
        {KZ_LT_BF16, CUDA_R_16BF},
        {KZ_LT_COMPUTE_F32, CUBLAS_COMPUTE_32F},
        {KZ_LT_COMPUTE_F32_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_TF32},
        {KZ_LT_OP_N, CUBLAS_OP_N},
        {KZ_LT_OP_T, CUBLAS_OP_T},
        {KZ_LT_TRANSA, CUBLASLT_MATMUL_DESC_TRANSA},
        {KZ_LT_TRANSB, CUBLASLT_MATMUL_DESC_TRANSB},
        {KZ_LT_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE},
        {KZ_LT_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER},
        {KZ_LT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_DEFAULT},
        {KZ_LT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS},
        {KZ_LT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS},
        {KZ_LT_EPILOGUE_BGRADB, CUBLASLT_EPILOGUE_BGRADB},
        {KZ_LT_MAX_WORKSPACE_BYTES, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES},
        {KZ_LT_REDUCTION_SCHEME_MASK, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK},
        {KZ_LT_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES},
        {KZ_LT_MIN_ALIGNMENT_B_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES},
        {KZ_LT_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES},
        {KZ_LT_MIN_ALIGNMENT_D_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES},
        {KZ_LT_REDUCTION_COMPUTE_TYPE, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE},
    };
    for (const auto &[ours, theirs] : ours_and_theirs) EXPECT_EQ(ours, theirs);
}

#else

TEST(CublasLtApi, NumbersAreNvidias)
{
    GTEST_SKIP() << "cublasLt.h is not on this machine";
}

#endif
