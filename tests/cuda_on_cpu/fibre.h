/* fibre.h — fibres: functions with a stack of their own that hand over to each other.
 *
 * Hand-written switches for x86-64 and AArch64 (a dozen instructions: whole trainings run on them), ucontext elsewhere.
 * The sanitizers are told of every switch. */
#ifndef KZ_CUDA_ON_CPU_FIBRE_H
#define KZ_CUDA_ON_CPU_FIBRE_H

#include <stddef.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#define KZ_FIBRE_UCONTEXT 1
#endif
#ifdef KZ_FIBRE_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define KZ_FIBRE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KZ_FIBRE_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define KZ_FIBRE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KZ_FIBRE_TSAN 1
#endif
#endif

#ifndef KZ_FIBRE_ASAN
#define KZ_FIBRE_ASAN 0
#endif
#ifndef KZ_FIBRE_TSAN
#define KZ_FIBRE_TSAN 0
#endif

namespace kz_sim {

/* A fibre, or the thread that the first switch is made from. */
struct fibre {
    void *stack_pointer = nullptr;
    const void *bottom = nullptr; /* its stack, lowest address */
    size_t size = 0;
    void *fake_stack = nullptr;     /* AddressSanitizer's */
    void *thread_context = nullptr; /* ThreadSanitizer's */
    void *mapping = nullptr;        /* with the guard page; NULL: not a fibre of ours */
    size_t mapped = 0;
#ifdef KZ_FIBRE_UCONTEXT
    ucontext_t context;
#endif
};

/* A fibre that calls `entry`, which never returns, when first switched to.  NULL: out of memory. */
fibre *fibre_create(void (*entry)(void));
void fibre_destroy(fibre *f);

/* Forgets where f stood: it will begin again with its entry. */
void fibre_rewind(fibre *f, void (*entry)(void));

/* Leaves `from`, which is running, for `to`; returns when somebody switches to `from`. */
void fibre_switch(fibre *from, fibre *to);

/* What a fibre's entry calls first. */
void fibre_begun(void);

} // namespace kz_sim
#endif
