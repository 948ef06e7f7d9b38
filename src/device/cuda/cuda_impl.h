/* Private to the CUDA module: the device, and CUDA's errors as ours. */
#ifndef KZ_CUDA_IMPL_H
#define KZ_CUDA_IMPL_H

#include "device/cuda_module.h"
#include "kernels/cuda/launchers.h"

/* STAGE: bytes of pinned memory through which uploads go, and downloads through as much, in halves; AHEAD: repeats that may
 * be queued; RECORDS: graphs kept. */
enum { STAGE = 1 << 20, AHEAD = 32, RECORDS = 8, KEY = 64, SHARES = 64 /* arrays */, PINS = 64 };

/* What `repeat` knows of a key: after the first call, which is carried out, the second one is recorded. */
typedef struct {
    unsigned char key[KEY];
    size_t bytes;          /* 0: free */
    int64_t used;          /* when, counted in calls */
    cudaGraphExec_t graph; /* NULL: called once so far */
} kz_cuda_record;

/* A shared array: two views of it, such as a split and the rows that were drawn from it, are one. */
typedef struct {
    const void *host; /* NULL: free */
    size_t bytes;
    const void *seen; /* where the GPU sees it */
    bool outside;     /* it did not fit: that is the host's memory */
    int uses;
} kz_cuda_shared;

/* Host memory that is pinned, in whole pages: each page once, however many arrays have a part in it. */
typedef struct {
    uintptr_t begin, end; /* of its pages */
    void *at;             /* what was registered, within them */
    int uses;             /* arrays with a part in it; 0: free */
} kz_cuda_pinned;

typedef struct {
    kz_device base; /* first: a kz_device * is a kz_cuda * */
    kz_gpu gpu;
    kz_cuda_queue queue;
    kz_cuda_shared share[SHARES];
    kz_cuda_pinned pinned[PINS];
    double *square; /* (squares): sums of blocks of a gradient */
    int64_t squares;
    /* beside the queue */
    cudaStream_t side;
    cudaEvent_t full[KZ_PLACES], left[KZ_PLACES]; /* the last fill is done; so is what the last leave was for */
    /* uploads: two halves of pinned memory, each free again after its event */
    char *stage;
    size_t staged; /* bytes used of the half at work */
    int half;
    cudaEvent_t stage_free[2];
    char *arrived; /* downloads: two halves likewise, each full after its event */
    cudaEvent_t arrival[2];
    /* repeats */
    kz_cuda_record record[RECORDS];
    int64_t calls;
    cudaEvent_t done[AHEAD]; /* after call c: done[c mod AHEAD] */
    bool recording;
    struct kz_fast *fast; /* cuda_fast.h; NULL: reproducible arithmetic */
} kz_cuda;

extern const kz_device_ops kz_device_cuda;

static inline kz_cuda *kz_cuda_of(kz_device *dev)
{
    return (kz_cuda *)dev;
}

/* A failure of CUDA as ours; KZ_OK for cudaSuccess. */
kz_status kz_cuda_check(cudaError_t e, const char *call, const char *file, int line);
#define KZ_CUDA(call) KZ_TRY(kz_cuda_check((call), #call, __FILE__, __LINE__))

/* Devices that are too old for the module's code. */
enum { KZ_CUDA_LEAST_MAJOR = 8 };

/* cuda_memory.c */
kz_status kz_cuda_alloc(kz_device *dev, void *out, size_t bytes, const char *what);
kz_status kz_cuda_alloc_parameters(kz_device *dev, float **out, int64_t n);
void kz_cuda_release(kz_device *dev, void *pointer_to_pointer);
kz_status kz_cuda_share(kz_device *dev, const void **out, const void *host, size_t bytes, const char *what);
void kz_cuda_unshare(kz_device *dev, const void **pointer);
kz_status kz_cuda_upload(kz_device *dev, void *to, const void *host, size_t bytes);
kz_status kz_cuda_download(kz_device *dev, void *host, const void *from, size_t bytes);
kz_status kz_cuda_stage_create(kz_cuda *cuda);
void kz_cuda_stage_destroy(kz_cuda *cuda);

void kz_cuda_settle(kz_cuda *cuda); /* waits for both queues; failures show elsewhere */
bool kz_cuda_is_outside(const kz_device *dev, const void *shared);

/* cuda_pin.c */
kz_status kz_cuda_pin(kz_device *dev, const void *host, size_t bytes, const char *what);
void kz_cuda_unpin(kz_device *dev, const void *host, size_t bytes);
/* *seen <- where the GPU sees pinned memory. */
/* How many of these bytes lie in what was pinned at once: a copy may not go beyond it. */
size_t kz_cuda_in_one_piece(kz_cuda *cuda, const void *pinned, size_t bytes);
kz_status kz_cuda_seen(kz_cuda *cuda, const void *host, size_t bytes, const void **seen);

/* cuda_side.c */
kz_status kz_cuda_side_create(kz_cuda *cuda);
void kz_cuda_side_destroy(kz_cuda *cuda);
kz_status kz_cuda_fill(kz_device *dev, int place, kz_queue_fn *queue, void *context);
kz_status kz_cuda_enter(kz_device *dev, int place);
kz_status kz_cuda_leave(kz_device *dev, int place);
kz_status kz_cuda_filled(kz_device *dev, int place, bool wait, bool *yes);
kz_status kz_cuda_send(kz_device *dev, void *to, const void *pinned, size_t bytes);

/* cuda_repeat.c */
void kz_cuda_forget(kz_cuda *cuda); /* all records: what they use is about to move */
kz_status kz_cuda_repeat(kz_device *dev, const void *key, size_t bytes, kz_queue_fn *queue, void *context);
kz_status kz_cuda_repeat_create(kz_cuda *cuda);
void kz_cuda_repeat_destroy(kz_cuda *cuda);

/* cuda_device.c */
kz_status kz_cuda_list(kz_gpu **out, int64_t *n, int64_t take_up);
kz_status kz_cuda_create(kz_device **out, int64_t ordinal, const kz_config_device *cfg);
void kz_cuda_destroy(kz_device **dev);

#endif
