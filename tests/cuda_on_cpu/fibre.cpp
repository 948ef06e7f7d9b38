/* Fibres: see fibre.h. */
#include "fibre.h"

#include <new>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if KZ_FIBRE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if KZ_FIBRE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace kz_sim {

/* Sanitizers make frames several times larger. */
enum { STACK_BYTES = (KZ_FIBRE_ASAN || KZ_FIBRE_TSAN ? 256 : 64) << 10 };

static fibre *left; /* whom the last switch left */
static unsigned made;

#ifndef KZ_FIBRE_UCONTEXT

/* kz_fibre_swap(&stack pointer to keep, stack pointer to go on with): keeps the registers that a call must keep. */
extern "C" void kz_fibre_swap(void **keep, void *go_on) __attribute__((visibility("hidden")));

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl kz_fibre_swap\n"
        ".hidden kz_fibre_swap\n"
        ".type kz_fibre_swap,@function\n"
        "kz_fibre_swap:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size kz_fibre_swap,.-kz_fibre_swap\n");

/* Six registers, then where `ret` goes, then an end of the chain of calls; the stack is aligned as after a call. */
enum { FRAME_WORDS = 8, FRAME_ENTRY = 6 };
#else
__asm__(".text\n"
        ".globl kz_fibre_swap\n"
        ".hidden kz_fibre_swap\n"
        ".type kz_fibre_swap,%function\n"
        "kz_fibre_swap:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size kz_fibre_swap,.-kz_fibre_swap\n");

/* Twenty registers, of which x30, the twelfth, is where `ret` goes. */
enum { FRAME_WORDS = 20, FRAME_ENTRY = 11 };
#endif
#endif

void fibre_rewind(fibre *f, void (*entry)(void))
{
#if KZ_FIBRE_ASAN
    __asan_unpoison_memory_region(f->bottom, f->size); /* red zones of frames that were never left */
#endif
    f->fake_stack = nullptr;
#ifdef KZ_FIBRE_UCONTEXT
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = const_cast<void *>(f->bottom);
    f->context.uc_stack.ss_size = f->size;
    f->context.uc_link = nullptr;
    makecontext(&f->context, entry, 0);
#else
    uintptr_t top = reinterpret_cast<uintptr_t>(f->bottom) + f->size;
    void **frame = reinterpret_cast<void **>(top) - FRAME_WORDS;
    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame[FRAME_ENTRY] = reinterpret_cast<void *>(entry);
    f->stack_pointer = frame;
#endif
#if KZ_FIBRE_TSAN
    if (f->thread_context) __tsan_destroy_fiber(f->thread_context);
    f->thread_context = __tsan_create_fiber(0);
#endif
}

fibre *fibre_create(void (*entry)(void))
{
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t mapped = page + STACK_BYTES;
    void *p = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    mprotect(p, page, PROT_NONE); /* what overflows must not be another fibre's */
    fibre *f = new (std::nothrow) fibre;
    if (!f) {
        munmap(p, mapped);
        return nullptr;
    }
    f->mapping = p;
    f->mapped = mapped;
    f->bottom = static_cast<char *>(p) + page;
    f->size = STACK_BYTES - (made++ % 31) * 192 / 16 * 16; /* else all tops would share the same lines of the cache */
    fibre_rewind(f, entry);
    return f;
}

void fibre_destroy(fibre *f)
{
#if KZ_FIBRE_TSAN
    __tsan_destroy_fiber(f->thread_context);
#endif
    munmap(f->mapping, f->mapped);
    delete f;
}

/* Runs on the new stack, after a switch. */
static void arrived(fibre *on)
{
    (void)on;
#if KZ_FIBRE_ASAN
    const void *bottom = nullptr;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(on ? on->fake_stack : nullptr, &bottom, &size);
    if (!left->mapping) { /* the thread that all began on */
        left->bottom = bottom;
        left->size = size;
    }
#endif
}

void fibre_begun(void)
{
    arrived(nullptr);
}

#if defined(__GNUC__) && KZ_FIBRE_TSAN
__attribute__((no_sanitize("thread")))
#endif
void fibre_switch(fibre *from, fibre *to)
{
    left = from;
#if KZ_FIBRE_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#if KZ_FIBRE_TSAN
    if (!from->mapping) from->thread_context = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->thread_context, 0);
#endif
#ifdef KZ_FIBRE_UCONTEXT
    swapcontext(&from->context, &to->context);
#else
    kz_fibre_swap(&from->stack_pointer, to->stack_pointer);
#endif
    arrived(from);
}

} // namespace kz_sim
