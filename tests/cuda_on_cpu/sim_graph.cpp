/* Graphs: what a stream was given while it was captured, in that order, carried out as one operation. */
#include "sim_stream.h"

#include <algorithm>
#include <stdio.h>
#include <stdlib.h>

struct CUgraph_st {
    kz_sim::nodes recorded;
};

struct CUgraphExec_st {
    std::shared_ptr<const kz_sim::nodes> recorded; /* shared with launches that are still queued */
};

namespace kz_sim {

static std::vector<cudaGraph_t> graphs;
static std::vector<cudaGraphExec_t> executables;

void forget_graphs(void)
{
    for (cudaGraph_t g : graphs) delete g;
    for (cudaGraphExec_t g : executables) delete g;
    graphs.clear();
    executables.clear();
}

int64_t graphs_alive(void)
{
    return static_cast<int64_t>(graphs.size() + executables.size());
}

static cudaError_t run_nodes(const nodes &all)
{
    cudaError_t e = cudaSuccess;
    for (size_t i = 0; i < all.size() && e == cudaSuccess; i++) e = all[i].run();
    return e;
}

/* With KAIZEN_CUDA_GRAPHS: what a graph is made of, on stderr. */
static void list_nodes(const nodes &all)
{
    if (!getenv("KAIZEN_CUDA_GRAPHS")) return;
    fprintf(stderr, "cuda-on-cpu: a graph of %zu operations:", all.size());
    for (const node &n : all) fprintf(stderr, " [%s]", n.what.c_str());
    fprintf(stderr, "\n");
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamBeginCapture");
    if (!s) return cudaErrorInvalidResourceHandle;
    if (!stream) return refuse(cudaErrorStreamCaptureUnsupported, "cudaStreamBeginCapture: the legacy stream");
    if (s->captures.active)
        return refuse(cudaErrorIllegalState, "cudaStreamBeginCapture: the stream is captured already");
    if (sticky() != cudaSuccess) return sticky();
    s->captures = {true, false, mode, std::this_thread::get_id(), {}};
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *pGraph)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamEndCapture");
    if (!s) return cudaErrorInvalidResourceHandle;
    capture &c = s->captures;
    *pGraph = nullptr;
    if (!c.active) return refuse(cudaErrorIllegalState, "cudaStreamEndCapture: the stream is not captured");
    if (c.mode != cudaStreamCaptureModeRelaxed && c.by != std::this_thread::get_id())
        return refuse(cudaErrorStreamCaptureWrongThread, "cudaStreamEndCapture: another thread began the capture");
    nodes recorded = std::move(c.recorded);
    bool spoiled = c.spoiled;
    c = {};
    if (spoiled) return noted(cudaErrorStreamCaptureInvalidated);
    *pGraph = new CUgraph_st{std::move(recorded)};
    graphs.push_back(*pGraph);
    return sticky();
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *pCaptureStatus)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamIsCapturing");
    if (!s) return cudaErrorInvalidResourceHandle;
    *pCaptureStatus = !s->captures.active   ? cudaStreamCaptureStatusNone
                      : s->captures.spoiled ? cudaStreamCaptureStatusInvalidated
                                            : cudaStreamCaptureStatusActive;
    return sticky();
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *pGraphExec, cudaGraph_t graph, unsigned long long flags)
{
    guard lock(device_lock);
    if (std::find(graphs.begin(), graphs.end(), graph) == graphs.end() || flags)
        return refuse(cudaErrorInvalidValue, "cudaGraphInstantiate: no graph, or flags %llu", flags);
    if (sticky() != cudaSuccess) return sticky();
    *pGraphExec = new CUgraphExec_st{std::make_shared<const nodes>(graph->recorded)};
    executables.push_back(*pGraphExec);
    list_nodes(graph->recorded);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graphExec, cudaStream_t stream)
{
    guard lock(device_lock);
    if (std::find(executables.begin(), executables.end(), graphExec) == executables.end())
        return refuse(cudaErrorInvalidValue, "cudaGraphLaunch: no graph");
    cudaStream_t s = stream_of(stream, "cudaGraphLaunch");
    if (!s) return cudaErrorInvalidResourceHandle;
    if (s->captures.active) return spoil(s, cudaErrorStreamCaptureUnsupported, "a graph within a graph");
    std::shared_ptr<const nodes> recorded = graphExec->recorded;
    return enqueue(stream, "cudaGraphLaunch", [recorded] { return run_nodes(*recorded); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    guard lock(device_lock);
    auto found = std::find(graphs.begin(), graphs.end(), graph);
    if (found == graphs.end()) return refuse(cudaErrorInvalidValue, "cudaGraphDestroy: no graph");
    delete graph;
    graphs.erase(found);
    return sticky();
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graphExec)
{
    guard lock(device_lock);
    auto found = std::find(executables.begin(), executables.end(), graphExec);
    if (found == executables.end()) return refuse(cudaErrorInvalidValue, "cudaGraphExecDestroy: no graph");
    delete graphExec;
    executables.erase(found);
    return sticky();
}
