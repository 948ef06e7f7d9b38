/* cuda_runtime.h — stands in for CUDA's header of that name where the project's CUDA code runs on the CPU, in tests.
 *
 * The part of the runtime's interface that the project uses, with CUDA 13's names, numbers and signatures.  What is not
 * here does not compile there: add it together with what carries it out, or with a refusal.  docs/cuda-on-cpu.md. */
#ifndef KZ_CUDA_ON_CPU_RUNTIME_H
#define KZ_CUDA_ON_CPU_RUNTIME_H

#include <stddef.h>

#define CUDART_VERSION 13000

/* X(name without "cudaError", number, text).  cudaSuccess is apart. */
#define KZ_CUDA_ERRORS(X)                                                                                              \
    X(InvalidValue, 1, "invalid argument")                                                                             \
    X(MemoryAllocation, 2, "out of memory")                                                                            \
    X(InitializationError, 3, "initialization error")                                                                  \
    X(InvalidConfiguration, 9, "invalid configuration argument")                                                       \
    X(InvalidDevicePointer, 17, "invalid device pointer")                                                              \
    X(InvalidMemcpyDirection, 21, "invalid copy direction for memcpy")                                                 \
    X(InsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime version")                          \
    X(InvalidDeviceFunction, 98, "invalid device function")                                                            \
    X(NoDevice, 100, "no CUDA-capable device is detected")                                                             \
    X(InvalidDevice, 101, "invalid device ordinal")                                                                    \
    X(NoKernelImageForDevice, 209, "no kernel image is available for execution on the device")                         \
    X(InvalidResourceHandle, 400, "invalid resource handle")                                                           \
    X(IllegalState, 401, "the operation cannot be performed in the present state")                                     \
    X(NotReady, 600, "device not ready")                                                                               \
    X(IllegalAddress, 700, "an illegal memory access was encountered")                                                 \
    X(LaunchOutOfResources, 701, "too many resources requested for launch")                                            \
    X(HostMemoryAlreadyRegistered, 712, "part or all of the requested memory range is already mapped")                 \
    X(HostMemoryNotRegistered, 713, "pointer does not correspond to a registered memory region")                       \
    X(MisalignedAddress, 716, "misaligned address")                                                                    \
    X(LaunchFailure, 719, "unspecified launch failure")                                                                \
    X(NotPermitted, 800, "operation not permitted")                                                                    \
    X(NotSupported, 801, "operation not supported")                                                                    \
    X(StreamCaptureUnsupported, 900, "operation not permitted when stream is capturing")                               \
    X(StreamCaptureInvalidated, 901, "operation failed due to a previous error during capture")                        \
    X(StreamCaptureUnmatched, 903, "operation would result in an unmatched capture")                                   \
    X(StreamCaptureUnjoined, 904, "capturing stream has unjoined work")                                                \
    X(StreamCaptureIsolation, 905, "dependency created on uncaptured work in another stream")                          \
    X(StreamCaptureImplicit, 906, "operation would make the legacy stream depend on a capturing blocking stream")      \
    X(CapturedEvent, 907, "operation not permitted on an event last recorded in a capturing stream")                   \
    X(StreamCaptureWrongThread, 908, "attempt to terminate a thread-local capture sequence from another thread")       \
    X(Unknown, 999, "unknown error")

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cudaError {
    cudaSuccess = 0,
#define KZ_CUDA_ERROR(name, number, text) cudaError##name = number,
    KZ_CUDA_ERRORS(KZ_CUDA_ERROR)
#undef KZ_CUDA_ERROR
} cudaError_t;

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToHost = 0,
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3,
    cudaMemcpyDefault = 4
};

enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal = 0,
    cudaStreamCaptureModeThreadLocal = 1,
    cudaStreamCaptureModeRelaxed = 2
};

enum cudaStreamCaptureStatus {
    cudaStreamCaptureStatusNone = 0,
    cudaStreamCaptureStatusActive = 1,
    cudaStreamCaptureStatusInvalidated = 2
};

enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

#define cudaStreamDefault 0x00u
#define cudaStreamNonBlocking 0x01u
#define cudaEventDefault 0x00u
#define cudaEventBlockingSync 0x01u
#define cudaEventDisableTiming 0x02u
#define cudaEventRecordDefault 0x00u
#define cudaEventWaitDefault 0x00u
#define cudaHostAllocDefault 0x00u
#define cudaHostAllocPortable 0x01u
#define cudaHostAllocMapped 0x02u
#define cudaHostAllocWriteCombined 0x04u
#define cudaHostRegisterDefault 0x00u
#define cudaHostRegisterPortable 0x01u
#define cudaHostRegisterMapped 0x02u
#define cudaHostRegisterReadOnly 0x08u

/* The fields that the project reads; CUDA's has more. */
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem, sharedMemPerBlock;
    int regsPerBlock, warpSize, maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3];
    int major, minor, multiProcessorCount;
    int integrated, canMapHostMemory, concurrentKernels, ECCEnabled;
    int pciBusID, pciDeviceID, pciDomainID;
    int asyncEngineCount, unifiedAddressing, memoryBusWidth, l2CacheSize, maxThreadsPerMultiProcessor;
    size_t sharedMemPerMultiprocessor;
    int regsPerMultiprocessor;
    size_t sharedMemPerBlockOptin;
};

/* CUDA's vectors, with its alignment. */
typedef struct uint3 {
    unsigned int x, y, z;
} uint3;

typedef struct __attribute__((aligned(8))) float2 {
    float x, y;
} float2;

typedef struct __attribute__((aligned(16))) float4 {
    float x, y, z, w;
} float4;

typedef struct __attribute__((aligned(16))) double2 {
    double x, y;
} double2;

typedef struct __attribute__((aligned(16))) int4 {
    int x, y, z, w;
} int4;

typedef struct dim3 {
    unsigned int x, y, z;
#ifdef __cplusplus
    constexpr dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
#endif
} dim3;

#ifdef __cplusplus
#define KZ_CUDA_DEFAULT(x) = x
#else
#define KZ_CUDA_DEFAULT(x)
#endif

const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device);
cudaError_t cudaDriverGetVersion(int *driverVersion);
cudaError_t cudaRuntimeGetVersion(int *runtimeVersion);
cudaError_t cudaDeviceSynchronize(void);

cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **devPtr, size_t size);
cudaError_t cudaFree(void *devPtr);
cudaError_t cudaMallocHost(void **ptr, size_t size);
cudaError_t cudaHostAlloc(void **pHost, size_t size, unsigned int flags);
cudaError_t cudaFreeHost(void *ptr);
cudaError_t cudaHostRegister(void *ptr, size_t size, unsigned int flags);
cudaError_t cudaHostUnregister(void *ptr);
cudaError_t cudaHostGetDevicePointer(void **pDevice, void *pHost, unsigned int flags);

cudaError_t cudaMemcpy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind,
                            cudaStream_t stream KZ_CUDA_DEFAULT(0));
cudaError_t cudaMemset(void *devPtr, int value, size_t count);
cudaError_t cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream KZ_CUDA_DEFAULT(0));

cudaError_t cudaStreamCreate(cudaStream_t *pStream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *pStream, unsigned int flags);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t *pStream, unsigned int flags, int priority);
cudaError_t cudaDeviceGetStreamPriorityRange(int *leastPriority, int *greatestPriority);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags KZ_CUDA_DEFAULT(0));

cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream KZ_CUDA_DEFAULT(0));
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *pGraph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *pCaptureStatus);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *pGraphExec, cudaGraph_t graph,
                                 unsigned long long flags KZ_CUDA_DEFAULT(0));
cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec);

cudaError_t cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value);

#ifdef __cplusplus
}

template <class T> static inline cudaError_t cudaMalloc(T **devPtr, size_t size)
{
    return cudaMalloc(reinterpret_cast<void **>(devPtr), size);
}

template <class T> static inline cudaError_t cudaMallocHost(T **ptr, size_t size)
{
    return cudaMallocHost(reinterpret_cast<void **>(ptr), size);
}

template <class T> static inline cudaError_t cudaHostAlloc(T **ptr, size_t size, unsigned int flags)
{
    return cudaHostAlloc(reinterpret_cast<void **>(ptr), size, flags);
}
#endif

#undef KZ_CUDA_DEFAULT

#endif
