/* Stands in for cuBLASLt where the GPU's code runs on the CPU: the functions of src/device/cuda/cublaslt_api.h, with the
 * operands really rounded and every sum in one order.  docs/cuda-on-cpu.md.
 *
 * A product is queued like a kernel, with all arguments copied.  What is wrong, or is not modelled, is refused with a line on
 * stderr.  KAIZEN_CUBLASLT_LACKS names what there is no algorithm for: default bias relu-bias bgradb; with nan, relu
 * makes 0 of NaN. */
#include "device/cuda/cublaslt_api.h"
#include "kernels/arith/bf16.h"
#include "sim_services.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

struct kz_lt_context {
    std::string lacks;
};

struct kz_lt_desc_data {
    int compute, scale, op_a, op_b;
    unsigned epilogue;
    void *vector;
};

struct kz_lt_layout_data {
    int type;
    int64_t rows, columns, leading;
};

struct kz_lt_preference_data {
    uint64_t workspace;
    unsigned reduction, a, b, c, d;
};

namespace {

enum : uint64_t { MAGIC = 0x6b7a2d6c74u };
enum { LONG_K = 256 /* from there on k is cut in two, if the workspace is large enough */ };

int refuse(int status, const std::string &why)
{
    std::fprintf(stderr, "cublaslt-on-cpu: %s\n", why.c_str());
    return status;
}

bool lacks(kz_lt_handle h, const std::string &what)
{
    std::istringstream words(h->lacks);
    for (std::string word; words >> word;)
        if (word == what) return true;
    return false;
}

int64_t size_of(int type)
{
    return type == KZ_LT_BF16 ? 2 : 4;
}

/* A product as it was described. */
struct product {
    kz_lt_desc_data desc;
    kz_lt_layout_data a, b, d;

    int64_t m() const
    {
        return d.rows;
    }
    int64_t n() const
    {
        return d.columns;
    }
    int64_t k() const
    {
        return desc.op_a == KZ_LT_OP_T ? a.rows : a.columns;
    }
    bool has_vector() const
    {
        return desc.epilogue != KZ_LT_EPILOGUE_DEFAULT;
    }
    int64_t vector_length() const
    {
        return desc.epilogue == KZ_LT_EPILOGUE_BGRADB ? n() : m();
    }
    /* What an algorithm is for. */
    uint64_t number() const
    {
        uint64_t h = 14695981039346656037u;
        for (int64_t word : {int64_t{desc.compute}, int64_t{desc.op_a}, int64_t{desc.op_b}, int64_t{desc.epilogue},
                             int64_t{a.type}, a.rows, a.columns, a.leading, int64_t{b.type}, b.rows, b.columns,
                             b.leading, int64_t{d.type}, d.rows, d.columns, d.leading})
            h = (h ^ static_cast<uint64_t>(word)) * 1099511628211u;
        return h;
    }
};

std::string wrong_with(const kz_lt_layout_data &x)
{
    if (x.type != KZ_LT_F32 && x.type != KZ_LT_BF16) return "a type that is not modelled";
    if (x.rows < 1 || x.columns < 1) return "an empty matrix";
    return x.leading < x.rows ? "a leading dimension less than the rows" : "";
}

/* "": it can be computed. */
std::string wrong_with(const product &p)
{
    const kz_lt_desc_data &s = p.desc;
    for (const kz_lt_layout_data *x : {&p.a, &p.b, &p.d})
        if (!wrong_with(*x).empty()) return wrong_with(*x);
    int64_t a_rows = s.op_a == KZ_LT_OP_T ? p.a.columns : p.a.rows;
    int64_t b_rows = s.op_b == KZ_LT_OP_T ? p.b.columns : p.b.rows;
    int64_t b_columns = s.op_b == KZ_LT_OP_T ? p.b.rows : p.b.columns;
    if (a_rows != p.m() || b_columns != p.n() || b_rows != p.k()) return "matrices that do not fit together";
    bool tf32 = s.compute == KZ_LT_COMPUTE_F32_FAST_TF32 && p.a.type == KZ_LT_F32 && p.d.type == KZ_LT_F32;
    bool bf16 = s.compute == KZ_LT_COMPUTE_F32 && p.a.type == KZ_LT_BF16;
    if (p.a.type != p.b.type || s.scale != KZ_LT_F32 || !(tf32 || bf16)) return "types that are not modelled";
    switch (s.epilogue) {
    case KZ_LT_EPILOGUE_DEFAULT: return "";
    case KZ_LT_EPILOGUE_BIAS:
    case KZ_LT_EPILOGUE_RELU_BIAS:
    case KZ_LT_EPILOGUE_BGRADB: break;
    default: return "an epilogue that is not modelled";
    }
    if (!s.vector) return "an epilogue without its vector";
    return reinterpret_cast<uintptr_t>(s.vector) % static_cast<uintptr_t>(size_of(p.d.type)) ? "a misaligned vector"
                                                                                             : "";
}

const char *name_of_epilogue(unsigned epilogue)
{
    return epilogue == KZ_LT_EPILOGUE_BIAS        ? "bias"
           : epilogue == KZ_LT_EPILOGUE_RELU_BIAS ? "relu-bias"
           : epilogue == KZ_LT_EPILOGUE_BGRADB    ? "bgradb"
                                                  : "default";
}

/* ---- numbers ---- */

/* Rounded to 10 bits of mantissa, to nearest, ties to even; what is not finite stays. */
float tf32_of(float x)
{
    uint32_t u = kz_bits_f32(x);
    if ((u & 0x7f800000u) == 0x7f800000u) return x;
    return kz_float_of_bits((u + 0xfffu + (u >> 13 & 1u)) & 0xffffe000u);
}

float load(const void *base, int type, int64_t at)
{
    return type == KZ_LT_BF16 ? kz_float_of_bf16(static_cast<const kz_bf16 *>(base)[at])
                              : static_cast<const float *>(base)[at];
}

void store(void *base, int type, int64_t at, float x)
{
    if (type == KZ_LT_BF16) static_cast<kz_bf16 *>(base)[at] = kz_bf16_of(x);
    else static_cast<float *>(base)[at] = x;
}

/* op(X) as `count` rows of k, rounded to what the products take. */
std::vector<float> rounded(const void *base, const kz_lt_layout_data &x, bool along_k, int64_t count, int64_t k)
{
    std::vector<float> all(static_cast<size_t>(count * k));
    for (int64_t i = 0; i < count; i++)
        for (int64_t p = 0; p < k; p++) {
            float v = load(base, x.type, along_k ? i * x.leading + p : p * x.leading + i);
            all[static_cast<size_t>(i * k + p)] = x.type == KZ_LT_F32 ? tf32_of(v) : v;
        }
    return all;
}

struct work {
    product p;
    const void *a, *b;
    void *d;
    float *parts; /* NULL: k is not cut */
    bool drops_nan;

    float total(const float *x, const float *y, int64_t at) const
    {
        int64_t k = p.k(), cut = parts ? k / 2 : k;
        float first = 0, second = 0;
        for (int64_t i = 0; i < cut; i++) first = fmaf(x[i], y[i], first);
        if (!parts) return first;
        for (int64_t i = cut; i < k; i++) second = fmaf(x[i], y[i], second);
        parts[2 * at] = first, parts[2 * at + 1] = second;
        return parts[2 * at] + parts[2 * at + 1];
    }

    float finished(float x, int64_t row) const
    {
        unsigned e = p.desc.epilogue;
        if (e == KZ_LT_EPILOGUE_BIAS || e == KZ_LT_EPILOGUE_RELU_BIAS) x += load(p.desc.vector, p.d.type, row);
        if (e != KZ_LT_EPILOGUE_RELU_BIAS) return x;
        return drops_nan ? (x > 0 ? x : 0.0f) : (x <= 0 ? 0.0f : x);
    }

    void sum_b(void) const
    {
        bool along_k = p.desc.op_b == KZ_LT_OP_N;
        for (int64_t j = 0; j < p.n(); j++) {
            float sum = 0;
            for (int64_t i = 0; i < p.k(); i++)
                sum += load(b, p.b.type, along_k ? j * p.b.leading + i : i * p.b.leading + j);
            store(p.desc.vector, p.d.type, j, sum);
        }
    }

    cudaError_t run(void) const
    {
        int64_t m = p.m(), n = p.n(), k = p.k();
        std::vector<float> x = rounded(a, p.a, p.desc.op_a == KZ_LT_OP_T, m, k);
        std::vector<float> y = rounded(b, p.b, p.desc.op_b == KZ_LT_OP_N, n, k);
        for (int64_t j = 0; j < n; j++)
            for (int64_t i = 0; i < m; i++)
                store(d, p.d.type, j * p.d.leading + i,
                      finished(total(x.data() + i * k, y.data() + j * k, j * m + i), i));
        if (p.desc.epilogue == KZ_LT_EPILOGUE_BGRADB) sum_b();
        return cudaSuccess;
    }
};

int64_t bytes_of(const kz_lt_layout_data &x)
{
    return ((x.columns - 1) * x.leading + x.rows) * size_of(x.type);
}

bool is_aligned(const void *p, uint64_t bytes)
{
    return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}

} // namespace

/* ---- the interface ---- */

#define SET(field, type)                                                                                               \
    do {                                                                                                               \
        if (bytes != sizeof(type)) return refuse(KZ_LT_INVALID_VALUE, "an attribute of another size");                 \
        type value_;                                                                                                   \
        memcpy(&value_, value, sizeof value_);                                                                         \
        field = value_;                                                                                                \
        return KZ_LT_SUCCESS;                                                                                          \
    } while (0)

extern "C" {

extern const int kz_stand_in_for_cublaslt;
const int kz_stand_in_for_cublaslt = 1;

int cublasLtCreate(kz_lt_handle *out)
{
    const char *text = std::getenv("KAIZEN_CUBLASLT_LACKS");
    *out = new kz_lt_context{text ? text : ""};
    return KZ_LT_SUCCESS;
}

int cublasLtDestroy(kz_lt_handle handle)
{
    delete handle;
    return KZ_LT_SUCCESS;
}

size_t cublasLtGetVersion(void)
{
    return 1; /* 0.0.1 */
}

const char *cublasLtGetStatusName(int status)
{
    return status == KZ_LT_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
           : status == KZ_LT_SUCCESS     ? "CUBLAS_STATUS_SUCCESS"
                                         : "CUBLAS_STATUS_NOT_SUPPORTED";
}

int cublasLtMatmulDescCreate(kz_lt_desc *out, int compute, int scale_type)
{
    *out = new kz_lt_desc_data{compute, scale_type, KZ_LT_OP_N, KZ_LT_OP_N, KZ_LT_EPILOGUE_DEFAULT, nullptr};
    return KZ_LT_SUCCESS;
}

int cublasLtMatmulDescDestroy(kz_lt_desc desc)
{
    delete desc;
    return KZ_LT_SUCCESS;
}

int cublasLtMatmulDescSetAttribute(kz_lt_desc desc, int attribute, const void *value, size_t bytes)
{
    switch (attribute) {
    case KZ_LT_TRANSA: SET(desc->op_a, int32_t);
    case KZ_LT_TRANSB: SET(desc->op_b, int32_t);
    case KZ_LT_EPILOGUE: SET(desc->epilogue, uint32_t);
    case KZ_LT_BIAS_POINTER: SET(desc->vector, void *);
    default: return refuse(KZ_LT_INVALID_VALUE, "an attribute of a product that is not modelled");
    }
}

int cublasLtMatrixLayoutCreate(kz_lt_layout *out, int type, uint64_t rows, uint64_t columns, int64_t leading)
{
    *out = new kz_lt_layout_data{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), leading};
    return KZ_LT_SUCCESS;
}

int cublasLtMatrixLayoutDestroy(kz_lt_layout layout)
{
    delete layout;
    return KZ_LT_SUCCESS;
}

int cublasLtMatmulPreferenceCreate(kz_lt_preference *out)
{
    *out = new kz_lt_preference_data{0, 7, 256, 256, 256, 256};
    return KZ_LT_SUCCESS;
}

int cublasLtMatmulPreferenceDestroy(kz_lt_preference preference)
{
    delete preference;
    return KZ_LT_SUCCESS;
}

int cublasLtMatmulPreferenceSetAttribute(kz_lt_preference p, int attribute, const void *value, size_t bytes)
{
    switch (attribute) {
    case KZ_LT_MAX_WORKSPACE_BYTES: SET(p->workspace, uint64_t);
    case KZ_LT_REDUCTION_SCHEME_MASK: SET(p->reduction, uint32_t);
    case KZ_LT_MIN_ALIGNMENT_A_BYTES: SET(p->a, uint32_t);
    case KZ_LT_MIN_ALIGNMENT_B_BYTES: SET(p->b, uint32_t);
    case KZ_LT_MIN_ALIGNMENT_C_BYTES: SET(p->c, uint32_t);
    case KZ_LT_MIN_ALIGNMENT_D_BYTES: SET(p->d, uint32_t);
    default: return refuse(KZ_LT_INVALID_VALUE, "a preference that is not modelled");
    }
}

/* The algorithm holds what it is for, the alignment that it was promised, and the workspace that it needs. */
int cublasLtMatmulAlgoGetHeuristic(kz_lt_handle handle, kz_lt_desc desc, kz_lt_layout a, kz_lt_layout b, kz_lt_layout c,
                                   kz_lt_layout d, kz_lt_preference preference, int wanted, kz_lt_heuristic *found,
                                   int *count)
{
    product p = {*desc, *a, *b, *d};
    std::string wrong = wrong_with(p);
    *count = 0;
    if (wanted < 1 || c != d) return refuse(KZ_LT_INVALID_VALUE, "no algorithm wanted, or C not laid out as D");
    if (!wrong.empty()) return refuse(KZ_LT_INVALID_VALUE, "no algorithm for " + wrong);
    if (preference->reduction & ~unsigned{KZ_LT_REDUCTION_COMPUTE_TYPE})
        return refuse(KZ_LT_NOT_SUPPORTED, "parts along k may only be added in the compute type");
    if (lacks(handle, name_of_epilogue(desc->epilogue))) return KZ_LT_NOT_SUPPORTED;
    uint64_t room = 2 * sizeof(float) * static_cast<uint64_t>(p.m() * p.n());
    bool cut = p.k() >= LONG_K && room <= preference->workspace;
    uint64_t alignments = uint64_t{preference->a} | uint64_t{preference->b} << 16 | uint64_t{preference->d} << 32;
    *found = {};
    found->algo = {{MAGIC, p.number(), alignments, cut ? room : 0, 0, 0, 0, 0}};
    found->workspace = cut ? room : 0;
    found->state = KZ_LT_SUCCESS;
    *count = 1;
    return KZ_LT_SUCCESS;
}

int cublasLtMatmul(kz_lt_handle handle, kz_lt_desc desc, const void *alpha, const void *a, kz_lt_layout a_layout,
                   const void *b, kz_lt_layout b_layout, const void *beta, const void *c, kz_lt_layout c_layout,
                   void *d, kz_lt_layout d_layout, const kz_lt_algo *algo, void *workspace, size_t workspace_bytes,
                   cudaStream_t stream)
{
    product p = {*desc, *a_layout, *b_layout, *d_layout};
    float one, zero;
    std::string wrong = wrong_with(p);
    memcpy(&one, alpha, sizeof one);
    memcpy(&zero, beta, sizeof zero);
    if (!wrong.empty()) return refuse(KZ_LT_INVALID_VALUE, "a product of " + wrong);
    if (!stream) return refuse(KZ_LT_INVALID_VALUE, "the legacy stream");
    if (one != 1 || zero != 0 || c != d || c_layout != d_layout)
        return refuse(KZ_LT_INVALID_VALUE, "a product that is scaled, or added to something");
    if (!algo || algo->data[0] != MAGIC || algo->data[1] != p.number())
        return refuse(KZ_LT_INVALID_VALUE, "an algorithm for another product");
    const kz_sim::services &device = kz_sim::services_of(stream);
    auto inside = [&](const void *x, int64_t bytes) { return device.in_device_memory(x, static_cast<size_t>(bytes)); };
    if (!inside(a, bytes_of(p.a)) || !inside(b, bytes_of(p.b)) || !inside(d, bytes_of(p.d)))
        return refuse(KZ_LT_INVALID_VALUE, "a matrix beyond its allocation, or not in device memory");
    if (p.has_vector() && !inside(p.desc.vector, p.vector_length() * size_of(p.d.type)))
        return refuse(KZ_LT_INVALID_VALUE, "a vector beyond its allocation, or not in device memory");
    uint64_t promised = algo->data[2];
    if (!is_aligned(a, promised & 0xffff) || !is_aligned(b, promised >> 16 & 0xffff) || !is_aligned(d, promised >> 32))
        return refuse(KZ_LT_INVALID_VALUE, "an address that is less aligned than was said");
    uint64_t room = algo->data[3];
    if (room > workspace_bytes || (room && !inside(workspace, static_cast<int64_t>(workspace_bytes))))
        return refuse(KZ_LT_INVALID_VALUE, "a workspace that is missing or too small");
    work w = {p, a, b, d, room ? static_cast<float *>(workspace) : nullptr, lacks(handle, "nan")};
    cudaError_t e = device.queue(stream, "cublasLtMatmul", [w] { return w.run(); });
    return e == cudaSuccess ? KZ_LT_SUCCESS : refuse(KZ_LT_EXECUTION_FAILED, "the device is in error");
}

} // extern "C"
