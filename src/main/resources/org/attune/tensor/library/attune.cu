// Kernels for GPUs, compiled by NVRTC without headers. Numbers are bfloat16, sums and statistics float32. They compute
// what the kernels for processors in org.attune.tensor.vector compute, and round where those round. Rows may lie apart:
// strides are in numbers. Rows and strides are multiples of 8 numbers, of which a load takes 16 bytes at once.
typedef unsigned short bf16;
typedef unsigned int u32;
typedef unsigned long long u64;

constexpr int TOGETHER = 8;
constexpr int WARP = 32;
constexpr u32 ALL = 0xffffffffu;

__device__ __forceinline__ float wide(bf16 x) { return __uint_as_float((u32) x << 16); }

__device__ __forceinline__ bf16 narrow(float x) {
    bf16 result;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result) : "f"(x));
    return result;
}

struct alignas(16) Eight {
    bf16 at[TOGETHER];
};

__device__ __forceinline__ Eight load(const bf16* x) { return *(const Eight*) x; }

__device__ __forceinline__ void store(bf16* x, const Eight& value) { *(Eight*) x = value; }

struct Add {
    static __device__ float of(float a, float b) { return a + b; }
    static constexpr float NONE = 0;
};

struct Most {
    static __device__ float of(float a, float b) { return fmaxf(a, b); }
    static constexpr float NONE = -3.402823466e38f;
};

// One number of all threads of a block, which all get it. The block has a multiple of 32 threads.
template <class Operation>
__device__ float together(float x, float* shared) {
    for (int step = WARP / 2; step > 0; step /= 2) x = Operation::of(x, __shfl_xor_sync(ALL, x, step));
    __syncthreads(); // the last result was read
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    __syncthreads();
    x = threadIdx.x % WARP < blockDim.x / WARP ? shared[threadIdx.x % WARP] : Operation::NONE;
    for (int step = WARP / 2; step > 0; step /= 2) x = Operation::of(x, __shfl_xor_sync(ALL, x, step));
    return x;
}

// sum = x + residual; out = sum r w with r = 1 / sqrt(mean(sum²) + epsilon), which is kept. A block a row.
extern "C" __global__ void attune_add_norm(
        const bf16* x, const bf16* residual, const bf16* weight, bf16* sum, bf16* out, float* r,
        int width, long stride, long outStride, float epsilon) {
    __shared__ float shared[WARP];
    long row = blockIdx.x;
    float squares = 0;
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight a = load(x + row * stride + k);
        Eight b = load(residual + row * stride + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            a.at[i] = narrow(wide(a.at[i]) + wide(b.at[i]));
            squares = fmaf(wide(a.at[i]), wide(a.at[i]), squares);
        }
        store(sum + row * stride + k, a);
    }
    float factor = 1 / sqrtf(together<Add>(squares, shared) / width + epsilon);
    if (threadIdx.x == 0) r[row] = factor;
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight a = load(sum + row * stride + k);
        Eight w = load(weight + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) a.at[i] = narrow(wide(narrow(wide(a.at[i]) * factor)) * wide(w.at[i]));
        store(out + row * outStride + k, a);
    }
}

// dx = r (g - n mean(g n)) + residual with g = dy w, n = x r. A block a row.
extern "C" __global__ void attune_norm_back(
        const bf16* dy, const bf16* x, const bf16* weight, const float* r, const bf16* residual, bf16* dx,
        int width, long dyStride, long stride) {
    __shared__ float shared[WARP];
    long row = blockIdx.x;
    float factor = r[row];
    float product = 0;
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight d = load(dy + row * dyStride + k);
        Eight a = load(x + row * stride + k);
        Eight w = load(weight + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++)
            product = fmaf(wide(d.at[i]) * wide(w.at[i]), wide(a.at[i]) * factor, product);
    }
    float mean = together<Add>(product, shared) / width;
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight d = load(dy + row * dyStride + k);
        Eight a = load(x + row * stride + k);
        Eight w = load(weight + k);
        Eight b = load(residual + row * stride + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            float g = wide(d.at[i]) * wide(w.at[i]);
            a.at[i] = narrow(factor * (g - wide(a.at[i]) * factor * mean) + wide(b.at[i]));
        }
        store(dx + row * stride + k, a);
    }
}

// Rotates heads where they stand, halves against each other; queries, the first, are scaled too. cos and sin have
// rotary / 2 float32 numbers a row. back takes gradients back. A block a row.
extern "C" __global__ void attune_rotate(
        bf16* x, const float* cosines, const float* sines, int queries, int keys, int headDim, int rotary, long stride,
        float scale, int back) {
    long row = blockIdx.x;
    int middle = rotary / 2;
    for (int i = threadIdx.x; i < (queries + keys) * middle; i += blockDim.x) {
        int head = i / middle;
        int k = i % middle;
        float factor = head < queries ? scale : 1;
        float c = cosines[row * middle + k] * factor;
        float s = sines[row * middle + k] * (back ? -factor : factor);
        bf16* first = x + row * stride + (long) head * headDim + k;
        float a = wide(first[0]);
        float b = wide(first[middle]);
        first[0] = narrow(__fsub_rn(__fmul_rn(a, c), __fmul_rn(b, s)));
        first[middle] = narrow(__fadd_rn(__fmul_rn(b, c), __fmul_rn(a, s)));
    }
    int rest = headDim - rotary;
    for (int i = threadIdx.x; i < queries * rest; i += blockDim.x) {
        bf16* at = x + row * stride + (long) (i / rest) * headDim + rotary + i % rest;
        *at = narrow(wide(*at) * scale);
    }
}

// out = silu(gates) up of rows that hold gates, then up.
extern "C" __global__ void attune_swiglu(
        const bf16* gateUp, bf16* out, int width, long stride, long outStride, long rows) {
    long pieces = width / TOGETHER;
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * pieces; i += (long) gridDim.x * blockDim.x) {
        const bf16* gates = gateUp + i / pieces * stride + i % pieces * TOGETHER;
        Eight g = load(gates);
        Eight u = load(gates + width);
#pragma unroll
        for (int k = 0; k < TOGETHER; k++) {
            float x = wide(g.at[k]);
            g.at[k] = narrow(wide(narrow(x / (1 + expf(-x)))) * wide(u.at[k]));
        }
        store(out + i / pieces * outStride + i % pieces * TOGETHER, g);
    }
}

__device__ __forceinline__ u64 mixed(u64 n) {
    u64 z = (n ^ n >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

// Dropout without the scale: keeps the same numbers as KeptNumbers on the host. dropped of 32768 become zero. width is
// a multiple of 4; firstRow is the number of the first row.
extern "C" __global__ void attune_dropout(
        const bf16* x, bf16* out, u64 stream, int dropped, int width, long stride, long outStride, long firstRow,
        long rows) {
    const u64 step = 0x9E3779B97F4A7C15ull;
    const u64 lanes = 0x0001000100010001ull;
    long fours = width / 4;
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * fours; i += (long) gridDim.x * blockDim.x) {
        long row = i / fours;
        long k = i % fours;
        u64 random = mixed(stream + (u64) (firstRow + row) * (step * (u64) fours) + step * (u64) k) & lanes * 32767;
        u64 kept = random + lanes * (u64) (32768 - dropped) >> 15 & lanes;
        u64 four = *(const u64*) (x + row * stride + 4 * k);
        *(u64*) (out + row * outStride + 4 * k) = four & kept * 0xffff;
    }
}

// Of each row of logits: log p(target), mean of z / T, whether the target is the first of the largest, entropy, and
// log of the sum of squared probabilities. With scales, the gradient scale (p - e_target) takes the logits' place. A
// block a row.
extern "C" __global__ void attune_vocabulary(
        bf16* z, const int* targets, const float* scales, float* statistics, int vocabulary, long stride,
        float inverse) {
    __shared__ float shared[WARP];
    bf16* row = z + (long) blockIdx.x * stride;
    int target = targets[blockIdx.x];
    float own = wide(row[target]);
    float largest = Most::NONE;
    float total = 0;
    for (int k = TOGETHER * threadIdx.x; k < vocabulary; k += TOGETHER * blockDim.x) {
        Eight v = load(row + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            largest = fmaxf(largest, wide(v.at[i]));
            total += wide(v.at[i]);
        }
    }
    largest = together<Most>(largest, shared);
    total = together<Add>(total, shared);
    float sum = 0, product = 0, squares = 0, before = 0;
    for (int k = TOGETHER * threadIdx.x; k < vocabulary; k += TOGETHER * blockDim.x) {
        Eight v = load(row + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) {
            float x = wide(v.at[i]);
            float t = (x - largest) * inverse;
            float e = expf(t);
            sum += e;
            product = fmaf(e, t, product);
            squares = fmaf(e, e, squares);
            if (x == largest && k + i < target) before = 1;
        }
    }
    sum = together<Add>(sum, shared);
    product = together<Add>(product, shared);
    squares = together<Add>(squares, shared);
    before = together<Add>(before, shared);
    float log = logf(sum);
    float logProb = (own - largest) * inverse - log;
    if (threadIdx.x == 0) {
        float* s = statistics + 5 * (long) blockIdx.x;
        s[0] = logProb;
        s[1] = total / vocabulary * inverse;
        s[2] = own == largest && before == 0;
        s[3] = log - product / sum;
        s[4] = logf(squares) - 2 * log;
    }
    if (scales) {
        float scale = scales[blockIdx.x];
        for (int k = TOGETHER * threadIdx.x; k < vocabulary; k += TOGETHER * blockDim.x) {
            Eight v = load(row + k);
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                float p = expf((wide(v.at[i]) - largest) * inverse) * (scale / sum);
                v.at[i] = narrow(k + i == target ? scale * (expf(logProb) - 1) : p);
            }
            store(row + k, v);
        }
    }
}
