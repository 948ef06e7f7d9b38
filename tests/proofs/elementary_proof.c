/* tests/proofs/elementary_proof.c — proves kernels/arith/elementary.h right on all 2^32 inputs.
 *
 *     elementary_proof [function|all] [threads] [--json FILE] [--hard]
 *
 * The evaluator shares nothing with the header: a run of neighbouring inputs is evaluated by the Taylor polynomial of
 * degree 4 around the run's middle c, whose coefficients come from MPFR.  A result y with error bound B is decided when
 * y - B and y + B round to the same binary32 number; MPFR decides the rest.
 *
 * The bound.  Let f be analytic in the disc of radius R around c, and |a_n| R^n <= M for n > 4 (Cauchy: M = max |f|).
 * For inputs at most h from c, with t = h / R <= 2^-11,
 *   remainder             sum_{n>4} |a_n| h^n <= M t^5 / (1 - t) <= 2 M t^5,
 *   coefficients          a_1..a_4 are computed from f(c) in long double (64 bits or more) by recurrences of a few
 *                         operations with terms of at most 8 M / R^n: error below 2^-58 M / R^n each, 2^-57 M t,
 *   rounding to binary64  of the coefficients (1), of Horner's rule (8) and of y - B, y + B (1): less than
 *                         16 * 2^-53 sum |a_n| h^n,
 * and B is the sum of the three.  x - c is exact, as both are neighbouring binary32 numbers.
 *
 * All eight functions increase.  So a large run both of whose ends round to the same number is constant, which settles
 * saturated ranges; NaN at both ends likewise, as the domains are intervals. */
#include "kernels/arith/elementary.h"

#include <mpfr.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    DEGREE = 4,
    RUN = 4096,             /* inputs of one Taylor polynomial */
    CONSTANT_RUN = 1 << 16, /* shortest run that is tried for being constant */
    FIRST_PRECISION = 80,   /* bits; doubled until a result is decided */
    LAST_PRECISION = 20480, /* far beyond what any input needs */
    MAX_THREADS = 256
};

static const uint32_t binade = 1u << 23; /* inputs of one sign and exponent */
static const uint32_t binades = 512;     /* by the top nine bits of the input */
static const uint32_t infinity_bits = 0x7f800000u;

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* The header's functions over a run.  They are compiled for AVX2 too, which changes no bit. */
#if defined(__x86_64__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif
#define RUN_OF(NAME)                                                                                                   \
    CLONES static void run_##NAME(const float *restrict x, float *restrict y, int64_t n)                               \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++) y[i] = kz_##NAME##_f32(x[i]);                                                  \
    }
RUN_OF(exp)
RUN_OF(expm1)
RUN_OF(log)
RUN_OF(log1p)
RUN_OF(tanh)
RUN_OF(sigmoid)
RUN_OF(erf)
RUN_OF(softplus)

/* y = f(x) rounded in direction rnd, as MPFR's own functions do; those composed below may be a few units further out,
 * never further in. */
typedef int bound_function(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd);

static int bound_sigmoid(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd)
{
    mpfr_rnd_t opposite = rnd == MPFR_RNDD ? MPFR_RNDU : MPFR_RNDD;
    mpfr_neg(y, x, MPFR_RNDN); /* exact: y is wider than a binary32 number */
    mpfr_exp(y, y, opposite);
    mpfr_add_ui(y, y, 1, opposite);
    return mpfr_ui_div(y, 1, y, rnd);
}

/* max(x, 0) + log(1 + e^-|x|) */
static int bound_softplus(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd)
{
    mpfr_setsign(y, x, 1, MPFR_RNDN); /* exact, as above */
    mpfr_exp(y, y, rnd);
    int inexact = mpfr_log1p(y, y, rnd);
    return mpfr_sgn(x) > 0 ? mpfr_add(y, y, x, rnd) : inexact;
}

/* f(c) to FIRST_PRECISION, less a few of its last units. */
static long double value_at(bound_function *f, double c)
{
    mpfr_t x, y;
    mpfr_init2(x, FIRST_PRECISION);
    mpfr_init2(y, FIRST_PRECISION);
    mpfr_set_d(x, c, MPFR_RNDN);
    f(y, x, MPFR_RNDD);
    long double v = mpfr_get_ld(y, MPFR_RNDN);
    mpfr_clears(x, y, (mpfr_ptr)NULL);
    return v;
}

/* What the Taylor polynomial around c needs; a[0] = f(c) is given. */
typedef struct {
    long double a[DEGREE + 1];
    double radius; /* R; not positive outside the domain */
    double max;    /* M */
} taylor;

/* (e^x)^(n) = e^x */
static void exponential(taylor *t, long double e)
{
    long double a = e;
    for (int n = 1; n <= DEGREE; n++) t->a[n] = a = a / n;
    t->radius = 1.0;
}

static void taylor_exp(taylor *t, double c)
{
    (void)c;
    exponential(t, t->a[0]);
    t->max = 2.72 * (double)t->a[0];
}

static void taylor_expm1(taylor *t, double c)
{
    (void)c;
    exponential(t, 1.0L + t->a[0]);
    t->max = 2.72 * (1.0 + (double)t->a[0]) + 1.0;
}

/* a_n = -(-1/v)^n / n, so that |a_n| v^n <= 1/5 for n > 4; v the distance from the pole. */
static void logarithm(taylor *t, long double v)
{
    long double power = -1.0L;
    for (int n = 1; n <= DEGREE; n++) {
        power = power / -v;
        t->a[n] = power / n;
    }
    t->radius = (double)v;
    t->max = 1.0;
}

static void taylor_log(taylor *t, double c)
{
    logarithm(t, c);
}
static void taylor_log1p(taylor *t, double c)
{
    logarithm(t, 1.0L + c);
}

/* y' = linear y + constant - y^2, as a recurrence for the coefficients. */
static void riccati(long double *a, int degree, long double linear, long double constant)
{
    for (int n = 0; n < degree; n++) {
        long double sum = linear * a[n] + (n == 0 ? constant : 0.0L);
        for (int i = 0; i <= n; i++) sum -= a[i] * a[n - i];
        a[n + 1] = sum / (n + 1);
    }
}

/* |tanh(x + iy)|^2 = (sinh^2 x + sin^2 y) / (sinh^2 x + cos^2 y) <= tan^2 1 < 1.6^2 for |y| <= 1. */
static void taylor_tanh(taylor *t, double c)
{
    (void)c;
    riccati(t->a, DEGREE, 0.0L, 1.0L);
    t->radius = 1.0;
    t->max = 1.6;
}

/* For |Im z| <= 1, Re(1 + e^-z) >= 1 and Re(1 + e^z) >= 1, so |f(z)| <= min(1, e^(c+1)) <= 2e f(c). */
static void taylor_sigmoid(taylor *t, double c)
{
    (void)c;
    riccati(t->a, DEGREE, 1.0L, 0.0L);
    t->radius = 1.0;
    t->max = 5.5 * (double)t->a[0];
}

/* y' = sigmoid.  |log(1 + u)| <= |u| where Re u >= 0, so |f(z)| <= e^(c+1), and with z + log(1 + e^-z) for c > 0
 * |f(z)| <= c + 1 + e; both are below 6 f(c).  The branch points lie on Re z = 0, so that for c > 4 the disc may have
 * the radius c / 2, where |f(z)| <= 1.5 c + 0.2. */
static void taylor_softplus(taylor *t, double c)
{
    long double s[DEGREE] = {value_at(bound_sigmoid, c)};
    riccati(s, DEGREE - 1, 1.0L, 0.0L);
    for (int n = 0; n < DEGREE; n++) t->a[n + 1] = s[n] / (n + 1);
    t->radius = c > 4.0 ? 0.5 * c : 1.0;
    t->max = 6.0 * (double)t->a[0];
}

/* 2/sqrt(pi) e^-x^2 */
static int bound_erf_slope(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd)
{
    mpfr_t root;
    mpfr_init2(root, FIRST_PRECISION);
    mpfr_const_pi(root, rnd);
    mpfr_rec_sqrt(root, root, rnd);
    mpfr_sqr(y, x, rnd);
    mpfr_neg(y, y, rnd);
    mpfr_exp(y, y, rnd);
    mpfr_mul(y, y, root, rnd);
    mpfr_clear(root);
    return mpfr_mul_2ui(y, y, 1, rnd);
}

/* y' = g, g' = -2 x g.  |f(z)| <= 1 + 2/sqrt(pi) e for |Im z| <= 1. */
static void taylor_erf(taylor *t, double c)
{
    long double g[DEGREE] = {value_at(bound_erf_slope, c)};
    for (int n = 0; n + 1 < DEGREE; n++) g[n + 1] = -2.0L * (c * g[n] + (n > 0 ? g[n - 1] : 0.0L)) / (n + 1);
    for (int n = 0; n < DEGREE; n++) t->a[n + 1] = g[n] / (n + 1);
    t->radius = 1.0;
    t->max = 4.1;
}

typedef struct {
    const char *name;
    void (*run)(const float *restrict x, float *restrict y, int64_t n); /* the header's function */
    bound_function *bound;
    void (*taylor)(taylor *t, double c);
} function;

static const function functions[] = {
    {"exp", run_exp, mpfr_exp, taylor_exp},     {"expm1", run_expm1, mpfr_expm1, taylor_expm1},
    {"log", run_log, mpfr_log, taylor_log},     {"log1p", run_log1p, mpfr_log1p, taylor_log1p},
    {"tanh", run_tanh, mpfr_tanh, taylor_tanh}, {"sigmoid", run_sigmoid, bound_sigmoid, taylor_sigmoid},
    {"erf", run_erf, mpfr_erf, taylor_erf},     {"softplus", run_softplus, bound_softplus, taylor_softplus},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

typedef struct {
    unsigned long long inputs, by_bound, by_mpfr, wrong;
} tally;

/* One function's proof, shared by the threads. */
typedef struct {
    const function *f;
    bool show_hard;
    atomic_uint next; /* binade to be taken */
} proof;

typedef struct {
    proof *p;
    tally count;
    float x[RUN], got[RUN], low[RUN], high[RUN];
} worker;

/* f(x) correctly rounded: precision grows until both bounds round alike. */
static float exact(const function *f, float x)
{
    mpfr_t wide, y;
    float low = NAN, high = NAN;
    mpfr_init2(wide, 24);
    mpfr_set_flt(wide, x, MPFR_RNDN);
    mpfr_init2(y, FIRST_PRECISION);
    for (mpfr_prec_t bits = FIRST_PRECISION; bits <= LAST_PRECISION; bits *= 2) {
        mpfr_set_prec(y, bits);
        f->bound(y, wide, MPFR_RNDD);
        low = mpfr_get_flt(y, MPFR_RNDN);
        f->bound(y, wide, MPFR_RNDU);
        high = mpfr_get_flt(y, MPFR_RNDN);
        if (kz_bits_f32(low) == kz_bits_f32(high) || mpfr_nan_p(y)) break;
        if (bits == LAST_PRECISION) {
            fprintf(stderr, "%s(%a): undecided at %d bits\n", f->name, (double)x, LAST_PRECISION);
            exit(1);
        }
    }
    mpfr_clears(wide, y, (mpfr_ptr)NULL);
    return low;
}

/* Same bits, or both NaN. */
static bool same(float a, float b)
{
    return kz_bits_f32(a) == kz_bits_f32(b) || (a != a && b != b);
}

static void judge(worker *w, float x, float got, float want)
{
    if (same(got, want)) return;
    if (w->count.wrong++ < 10) printf("%s(%a) = %a, must be %a\n", w->p->f->name, (double)x, (double)got, (double)want);
}

static void judge_by_mpfr(worker *w, float x, float got)
{
    float want = exact(w->p->f, x);
    w->count.by_mpfr++;
    if (w->p->show_hard) printf("%s %a %a\n", w->p->f->name, (double)x, (double)want);
    judge(w, x, got, want);
}

/* low and high = the polynomial less and plus the bound, rounded to binary32. */
CLONES static void enclose(const float *restrict x, float *restrict low, float *restrict high, int64_t n, double c,
                           const double a[DEGREE + 1], double bound)
{
    const double a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4];
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i] - c;
        double y = a0 + d * (a1 + d * (a2 + d * (a3 + d * a4)));
        low[i] = (float)(y - bound);
        high[i] = (float)(y + bound);
    }
}

/* Fills x and got with the n <= RUN inputs from first on. */
static void evaluate(worker *w, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) w->x[i] = kz_float_of_bits(first + i);
    w->p->f->run(w->x, w->got, n);
    w->count.inputs += n;
}

static void check_one(worker *w, uint32_t input)
{
    evaluate(w, input, 1);
    judge_by_mpfr(w, w->x[0], w->got[0]);
}

static void check_constant(worker *w, uint32_t first, uint32_t n, float want)
{
    for (uint32_t done = 0; done < n; done += RUN) {
        uint32_t m = n - done < RUN ? n - done : RUN;
        evaluate(w, first + done, m);
        for (uint32_t i = 0; i < m; i++) judge(w, w->x[i], w->got[i], want);
    }
    w->count.by_bound += n;
}

/* The run by the Taylor polynomial t around c, whose inputs are at most h from c. */
static void check_taylor(worker *w, uint32_t first, uint32_t n, const taylor *t, double c, double h)
{
    double ratio = h / t->radius;
    double a[DEGREE + 1];
    double sum = 0.0, power = 1.0;
    for (int i = 0; i <= DEGREE; i++) {
        a[i] = (double)t->a[i];
        sum += fabs(a[i]) * power;
        power *= h;
    }
    double remainder = 2.0 * ratio * ratio * ratio * ratio * ratio;
    double bound = 0x1p-49 * sum + t->max * (0x1p-57 * ratio + remainder);
    evaluate(w, first, n);
    enclose(w->x, w->low, w->high, n, c, a, bound);
    for (uint32_t i = 0; i < n; i++) {
        if (kz_bits_f32(w->low[i]) != kz_bits_f32(w->high[i])) {
            judge_by_mpfr(w, w->x[i], w->got[i]);
        } else {
            w->count.by_bound++;
            judge(w, w->x[i], w->got[i], w->low[i]);
        }
    }
}

/* The n finite inputs of one sign and exponent from first on: constant, one polynomial, or two halves. */
static void check(worker *w, uint32_t first, uint32_t n)
{
    const function *f = w->p->f;
    if (n == 1) {
        check_one(w, first);
        return;
    }
    if (n >= CONSTANT_RUN) {
        float low = exact(f, kz_float_of_bits(first));
        if (same(low, exact(f, kz_float_of_bits(first + (n - 1))))) {
            check_constant(w, first, n, low);
            return;
        }
    }
    if (n <= RUN) {
        double c = (double)kz_float_of_bits(first + n / 2);
        double h = fabs((double)kz_float_of_bits(first) - c); /* the far end: n / 2 steps, the other n - 1 - n / 2 */
        taylor t = {.a = {value_at(f->bound, c)}};
        f->taylor(&t, c);
        if (h <= 0x1p-11 * t.radius) {
            check_taylor(w, first, n, &t, c, h);
            return;
        }
    }
    check(w, first, n / 2);
    check(w, first + n / 2, n - n / 2);
}

static void *work(void *arg)
{
    worker *w = arg;
    for (;;) {
        uint32_t i = atomic_fetch_add(&w->p->next, 1);
        if (i >= binades) break;
        uint32_t first = i * binade;
        if ((first & infinity_bits) == infinity_bits) {
            check_one(w, first); /* an infinity, then NaNs */
            check_constant(w, first + 1, binade - 1, NAN);
        } else {
            check(w, first, binade);
        }
    }
    mpfr_free_cache();
    return NULL;
}

/* Checks all inputs of f. */
static tally prove(const function *f, int threads, bool show_hard)
{
    proof p = {.f = f, .show_hard = show_hard};
    pthread_t id[MAX_THREADS];
    tally sum = {0};
    worker *w = calloc((size_t)threads, sizeof *w);
    if (!w) exit(1);
    for (int i = 0; i < threads; i++) {
        w[i].p = &p;
        if (pthread_create(&id[i], NULL, work, &w[i])) exit(1);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(id[i], NULL);
        sum.inputs += w[i].count.inputs;
        sum.by_bound += w[i].count.by_bound;
        sum.by_mpfr += w[i].count.by_mpfr;
        sum.wrong += w[i].count.wrong;
    }
    free(w);
    return sum;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What is done so far; written again after every function. */
static void write_json(const char *path, const tally *t, const double *seconds, const bool *done)
{
    const char *separator = "";
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
    fprintf(out, "{\"schema\": \"kaizen.elementary_proof/1\", \"compiler\": \"%s\", \"mpfr\": \"%s\", \"functions\": [",
            COMPILER, mpfr_get_version());
    for (int i = 0; i < FUNCTIONS; i++) {
        if (!done[i]) continue;
        fprintf(out,
                "%s\n  {\"function\": \"%s\", \"inputs\": %llu, \"decided_by_bound\": %llu, \"decided_by_mpfr\": %llu, "
                "\"wrong\": %llu, \"wall_seconds\": %.1f}",
                separator, functions[i].name, t[i].inputs, t[i].by_bound, t[i].by_mpfr, t[i].wrong, seconds[i]);
        separator = ",";
    }
    fprintf(out, "\n]}\n");
    if (fclose(out)) exit(1);
}

static int usage(void)
{
    fprintf(stderr, "usage: elementary_proof [function|all] [threads] [--json FILE] [--hard]\n"
                    "  --hard also prints the inputs that MPFR decided, and their results\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *words[2] = {"all", "1"}; /* function, threads */
    const char *json = NULL;
    bool show_hard = false, done[FUNCTIONS] = {false};
    double seconds[FUNCTIONS];
    tally result[FUNCTIONS];
    int given = 0, proven = 0, wrong = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json") && i + 1 < argc) {
            json = argv[++i];
        } else if (!strcmp(argv[i], "--hard")) {
            show_hard = true;
        } else if (given < 2) {
            words[given++] = argv[i];
        } else {
            return usage();
        }
    }
    int threads = atoi(words[1]);
    if (threads < 1 || threads > MAX_THREADS) return usage();
    for (int i = 0; i < FUNCTIONS; i++) {
        if (strcmp(words[0], "all") != 0 && strcmp(words[0], functions[i].name) != 0) continue;
        double start = now();
        tally t = result[i] = prove(&functions[i], threads, show_hard);
        seconds[i] = now() - start;
        done[i] = true;
        proven++;
        wrong += t.wrong > 0;
        printf("%-8s %llu inputs, %llu decided by bound, %llu by MPFR, %llu wrong, %.1f s\n", functions[i].name,
               t.inputs, t.by_bound, t.by_mpfr, t.wrong, seconds[i]);
        fflush(stdout);
        if (json) write_json(json, result, seconds, done);
    }
    if (proven == 0) return usage();
    return wrong > 0;
}
