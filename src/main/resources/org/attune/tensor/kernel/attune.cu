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

// sum = x + residual; out = sum r w with r = 1 / sqrt(mean(sum²) + epsilon), which is kept where there is a place for it.
// Without a residual x is the sum, and isn't written. sum may be x. A block a row.
extern "C" __global__ void attune_add_norm(
        const bf16* x, const bf16* residual, const bf16* weight, bf16* sum, bf16* out, float* r,
        int width, long stride, long outStride, float epsilon) {
    __shared__ float shared[WARP];
    long row = blockIdx.x;
    float squares = 0;
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight a = load(x + row * stride + k);
        if (residual) {
            Eight b = load(residual + row * stride + k);
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) a.at[i] = narrow(wide(a.at[i]) + wide(b.at[i]));
            store(sum + row * stride + k, a);
        }
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) squares = fmaf(wide(a.at[i]), wide(a.at[i]), squares);
    }
    float factor = 1 / sqrtf(together<Add>(squares, shared) / width + epsilon);
    if (threadIdx.x == 0 && r) r[row] = factor;
    const bf16* from = residual ? sum : x; // a thread reads what it wrote itself
    for (int k = TOGETHER * threadIdx.x; k < width; k += TOGETHER * blockDim.x) {
        Eight a = load(from + row * stride + k);
        Eight w = load(weight + k);
#pragma unroll
        for (int i = 0; i < TOGETHER; i++) a.at[i] = narrow(wide(narrow(wide(a.at[i]) * factor)) * wide(w.at[i]));
        store(out + row * outStride + k, a);
    }
}

// RMS norms of the heads of rows where they are: queries stand first, with a weight of their own, then keys. A block a
// row and head.
extern "C" __global__ void attune_head_norm(
        bf16* x, const bf16* queryWeight, const bf16* keyWeight, int queries, int keys, int headDim, long stride,
        float epsilon) {
    __shared__ float shared[WARP];
    int head = blockIdx.x % (queries + keys);
    bf16* own = x + blockIdx.x / (queries + keys) * stride + (long) head * headDim;
    const bf16* weight = head < queries ? queryWeight : keyWeight;
    float squares = 0;
    for (int k = threadIdx.x; k < headDim; k += blockDim.x) squares = fmaf(wide(own[k]), wide(own[k]), squares);
    float factor = 1 / sqrtf(together<Add>(squares, shared) / headDim + epsilon);
    for (int k = threadIdx.x; k < headDim; k += blockDim.x)
        own[k] = narrow(wide(narrow(wide(own[k]) * factor)) * wide(weight[k]));
}

// Adds a bias to every row.
extern "C" __global__ void attune_add_bias(bf16* x, const bf16* bias, int width, long stride, long rows) {
    long pieces = width / TOGETHER;
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * pieces; i += (long) gridDim.x * blockDim.x) {
        bf16* at = x + i / pieces * stride + i % pieces * TOGETHER;
        Eight a = load(at);
        Eight b = load(bias + i % pieces * TOGETHER);
#pragma unroll
        for (int k = 0; k < TOGETHER; k++) a.at[k] = narrow(wide(a.at[k]) + wide(b.at[k]));
        store(at, a);
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

// As attune_rotate of new tokens, whose keys and values go into a cache of (slots, keys, 2, capacity, headDim) numbers
// instead: to place places[row] of slot slots[row]. Row angles[row] of cosines and sines is that of the token. A row
// whose slot is negative stays as it is. A block a row.
extern "C" __global__ void attune_append(
        bf16* x, const float* cosines, const float* sines, const int* angles, bf16* cache, const int* slots,
        const int* places, int queries, int keys, int headDim, int rotary, int capacity, long stride, float scale) {
    long row = blockIdx.x;
    if (slots[row] < 0) return;
    int middle = rotary / 2;
    long angle = (long) angles[row] * middle;
    bf16* own = x + row * stride;
    bf16* slot = cache + ((long) slots[row] * keys * 2 * capacity + places[row]) * headDim;
    for (int i = threadIdx.x; i < (queries + keys) * middle; i += blockDim.x) {
        int head = i / middle;
        int k = i % middle;
        float factor = head < queries ? scale : 1;
        float c = cosines[angle + k] * factor;
        float s = sines[angle + k] * factor;
        const bf16* from = own + (long) head * headDim + k;
        bf16* to = head < queries ? own + (long) head * headDim + k
                                  : slot + (long) (head - queries) * 2 * capacity * headDim + k;
        float a = wide(from[0]);
        float b = wide(from[middle]);
        to[0] = narrow(__fsub_rn(__fmul_rn(a, c), __fmul_rn(b, s)));
        to[middle] = narrow(__fadd_rn(__fmul_rn(b, c), __fmul_rn(a, s)));
    }
    int rest = headDim - rotary;
    for (int i = threadIdx.x; i < (queries + keys) * rest; i += blockDim.x) {
        int head = i / rest;
        int k = rotary + i % rest;
        bf16* from = own + (long) head * headDim + k;
        if (head < queries) *from = narrow(wide(*from) * scale);
        else slot[(long) (head - queries) * 2 * capacity * headDim + k] = *from;
    }
    const bf16* values = own + (long) (queries + keys) * headDim;
    for (int i = threadIdx.x; i < keys * headDim; i += blockDim.x)
        slot[((long) (i / headDim) * 2 + 1) * capacity * headDim + i % headDim] = values[i];
}

// Query heads that a block of attention computes together, threads of such a block, which are the keys of a tile too,
// threads that multiply a key, and numbers of the largest head.
constexpr int HEADS = 4;
constexpr int KEYS = 128;
constexpr int LANES = 8;
constexpr int WIDEST = 256;
static_assert(KEYS / WARP == HEADS, "a warp sums up the weights of a head");

struct alignas(8) Four {
    static constexpr int COUNT = 4;
    bf16 at[COUNT];
};

// Attention of new tokens over a cache as attune_append has it, whose own keys and values are there already. Queries
// stand first in a row and are scaled; query heads in a row share a key head. A token at places[row] sees the window
// places up to its own; 0: all. Rows whose slot is negative see nothing. The keys of a slot are cut into parts of span
// places. Of each row, query head and part, partial gets headDim sums of weighted values, the largest score, and the sum
// of weights, which is 0 where the part has no key. A block of KEYS threads a row, key head, HEADS query heads and part.
extern "C" __launch_bounds__(KEYS, 8) __global__ void attune_attend(
        const bf16* x, const bf16* cache, const int* slots, const int* places, float* partial, int queries, int keys,
        int headDim, int capacity, long stride, int window, int parts, int span) {
    __shared__ Eight query[HEADS][WIDEST / TOGETHER];
    __shared__ float scores[HEADS][KEYS];
    __shared__ float sums[KEYS * Four::COUNT];
    __shared__ float largest[HEADS], weights[HEADS], factors[HEADS];
    int group = queries / keys;
    int batches = (group + HEADS - 1) / HEADS;
    int part = blockIdx.x % parts;
    int firstHead = blockIdx.x / parts % batches * HEADS;
    int keyHead = blockIdx.x / parts / batches % keys;
    long row = blockIdx.x / parts / batches / keys;
    int heads = min(HEADS, group - firstHead);
    firstHead += keyHead * group;
    int size = headDim + 2;
    float* out = partial + ((row * queries + firstHead) * parts + part) * size;
    int end = slots[row] < 0 ? 0 : places[row] + 1;
    int from = max(part * span, window > 0 ? end - window : 0);
    int to = min((part + 1) * span, end);
    if (from >= to) { // all threads
        if (threadIdx.x < heads) out[threadIdx.x * parts * size + headDim + 1] = 0;
        return;
    }
    const bf16* slot = cache + ((long) slots[row] * keys + keyHead) * 2 * capacity * headDim;
    if (threadIdx.x < HEADS) {
        largest[threadIdx.x] = Most::NONE;
        weights[threadIdx.x] = 0;
    }
    float sum[HEADS][Four::COUNT] = {};
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int sharing = headDim / Four::COUNT; // threads that share a row of values
    int atOnce = KEYS / sharing;
    int own = threadIdx.x / sharing;
    const bf16* values = slot + (long) capacity * headDim + threadIdx.x % sharing * Four::COUNT;
    int pieces = headDim / TOGETHER;
    for (int i = threadIdx.x; i < HEADS * pieces; i += KEYS) {
        int head = min(i / pieces, heads - 1); // those that there aren't repeat the last, for nothing
        query[i / pieces][i % pieces] = load(x + row * stride + (long) ((firstHead + head) * pieces + i % pieces) * TOGETHER);
    }
    __syncthreads();
#pragma unroll 1
    for (int tile = from; tile < to; tile += KEYS) {
        int count = min(KEYS, to - tile);
#pragma unroll 1
        for (int key = threadIdx.x / LANES; key < KEYS; key += KEYS / LANES) {
            float score[HEADS] = {};
            if (key < count) {
                const bf16* at = slot + (long) (tile + key) * headDim;
#pragma unroll 1
                for (int k = threadIdx.x % LANES * TOGETHER; k < headDim; k += LANES * TOGETHER) {
                    Eight a = load(at + k);
#pragma unroll
                    for (int h = 0; h < HEADS; h++) {
                        Eight q = query[h][k / TOGETHER];
#pragma unroll
                        for (int i = 0; i < TOGETHER; i++) score[h] = fmaf(wide(a.at[i]), wide(q.at[i]), score[h]);
                    }
                }
            }
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                for (int step = LANES / 2; step > 0; step /= 2) score[h] += __shfl_xor_sync(ALL, score[h], step);
                if (threadIdx.x % LANES == 0) scores[h][key] = score[h];
            }
        }
        __syncthreads();
        float most = Most::NONE; // a warp a head
        for (int key = lane; key < count; key += WARP) most = fmaxf(most, scores[warp][key]);
        for (int step = WARP / 2; step > 0; step /= 2) most = fmaxf(most, __shfl_xor_sync(ALL, most, step));
        float before = largest[warp];
        most = fmaxf(most, before);
        float total = 0;
        for (int key = lane; key < count; key += WARP) {
            float weight = expf(scores[warp][key] - most);
            scores[warp][key] = weight;
            total += weight;
        }
        for (int step = WARP / 2; step > 0; step /= 2) total += __shfl_xor_sync(ALL, total, step);
        if (lane == 0) {
            largest[warp] = most;
            factors[warp] = expf(before - most);
            weights[warp] = weights[warp] * factors[warp] + total;
        }
        __syncthreads();
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
#pragma unroll
            for (int i = 0; i < Four::COUNT; i++) sum[h][i] *= factors[h];
        }
#pragma unroll 1
        for (int key = own; own < atOnce && key < count; key += atOnce) {
            Four v = *(const Four*) (values + (long) (tile + key) * headDim);
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                float weight = scores[h][key];
#pragma unroll
                for (int i = 0; i < Four::COUNT; i++) sum[h][i] = fmaf(weight, wide(v.at[i]), sum[h][i]);
            }
        }
        __syncthreads(); // before the next tile's scores
    }
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
#pragma unroll
        for (int i = 0; i < Four::COUNT; i++) sums[threadIdx.x * Four::COUNT + i] = sum[h][i];
        __syncthreads();
        float* to = out + h * parts * size;
        for (int k = threadIdx.x; h < heads && k < headDim; k += KEYS) {
            float all = 0;
            for (int i = 0; i < atOnce; i++) all += sums[i * headDim + k];
            to[k] = all;
        }
        if (h < heads && threadIdx.x == 0) {
            to[headDim] = largest[h];
            to[headDim + 1] = weights[h];
        }
        __syncthreads();
    }
}

// Joins what attune_attend made of parts. out gets the heads side by side, zeros where a row sees nothing. A block a row
// and query head.
extern "C" __global__ void attune_join(
        const float* partial, bf16* out, int queries, int headDim, int parts, long outStride) {
    const float* own = partial + (long) blockIdx.x * parts * (headDim + 2);
    bf16* to = out + blockIdx.x / queries * outStride + blockIdx.x % queries * headDim;
    float largest = Most::NONE;
    for (int part = 0; part < parts; part++) {
        const float* end = own + part * (headDim + 2) + headDim;
        if (end[1] > 0) largest = fmaxf(largest, end[0]);
    }
    for (int k = threadIdx.x; k < headDim; k += blockDim.x) {
        float sum = 0, total = 0;
        for (int part = 0; part < parts; part++) {
            const float* at = own + part * (headDim + 2);
            if (at[headDim + 1] > 0) {
                float factor = expf(at[headDim] - largest);
                sum = fmaf(at[k], factor, sum);
                total = fmaf(at[headDim + 1], factor, total);
            }
        }
        to[k] = narrow(total > 0 ? sum / total : 0);
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
// log of the sum of squared probabilities. With label smoothing e, the first is (1 - e) log p(target) + e mean(log p).
// Unless scale is 0, its gradient's negative, scale (p - (1 - e) e_target - e / V), takes the logits' place; scales are
// further factors of rows, if there are any. A block a row.
extern "C" __global__ void attune_vocabulary(
        bf16* z, const long* targets, const float* scales, float* statistics, int vocabulary, long stride,
        float inverse, float smoothing, float scale) {
    __shared__ float shared[WARP];
    bf16* row = z + (long) blockIdx.x * stride;
    int target = (int) targets[blockIdx.x];
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
        float mean = total / vocabulary * inverse;
        s[0] = smoothing == 0 ? logProb : (1 - smoothing) * logProb + smoothing * (mean - largest * inverse - log);
        s[1] = mean;
        s[2] = own == largest && before == 0;
        s[3] = log - product / sum;
        s[4] = logf(squares) - 2 * log;
    }
    if (scale != 0) {
        float factor = scales ? scale * scales[blockIdx.x] : scale;
        float each = smoothing / vocabulary;
        float label = 1 - smoothing + each;
        for (int k = TOGETHER * threadIdx.x; k < vocabulary; k += TOGETHER * blockDim.x) {
            Eight v = load(row + k);
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                float p = expf((wide(v.at[i]) - largest) * inverse) * (factor / sum) - factor * each;
                v.at[i] = narrow(k + i == target ? factor * (expf(logProb) - label) : p);
            }
            store(row + k, v);
        }
    }
}

// Numbers that a warp adds up at once, and how many such tiles a row may have.
constexpr int TILE = 1024;
constexpr int MOST_TILES = 1024;

// Draws a token of each row of logits by a number in [0, 1), by probabilities of z inverse, in order of the tokens; the
// first of the largest where inverse is 0. drawn gets the token and its logarithm of the probability under z itself, NaN
// where a row has no finite sum. A block of 1024 threads a row.
extern "C" __global__ void attune_draw(
        const bf16* z, const double* uniforms, double* drawn, int vocabulary, long stride, float inverse) {
    __shared__ float shared[WARP];
    __shared__ double tiles[MOST_TILES];
    __shared__ int best;
    const bf16* row = z + (long) blockIdx.x * stride;
    int lane = threadIdx.x % WARP;
    int warps = blockDim.x / WARP;
    float largest = Most::NONE;
    for (int k = threadIdx.x; k < vocabulary; k += blockDim.x) largest = fmaxf(largest, wide(row[k]));
    largest = together<Most>(largest, shared);
    if (threadIdx.x == 0) best = vocabulary;
    __syncthreads();
    float own = 0;
    int first = vocabulary;
    int count = (vocabulary + TILE - 1) / TILE;
    for (int tile = threadIdx.x / WARP; tile < count; tile += warps) {
        float sum = 0;
        int end = min(vocabulary, (tile + 1) * TILE);
        for (int k = tile * TILE + lane; k < end; k += WARP) {
            float x = wide(row[k]);
            sum += expf((x - largest) * inverse);
            own += expf(x - largest);
            if (x == largest) first = min(first, k);
        }
        for (int step = WARP / 2; step > 0; step /= 2) sum += __shfl_xor_sync(ALL, sum, step);
        if (lane == 0) tiles[tile] = sum;
    }
    if (first < vocabulary) atomicMin(&best, first);
    own = together<Add>(own, shared);
    if (threadIdx.x >= WARP) return;
    int id = best;
    if (inverse != 0) {
        double total = 0;
        for (int tile = 0; tile < count; tile++) total += tiles[tile];
        double target = uniforms[blockIdx.x] * total;
        double before = 0;
        int tile = 0;
        while (tile < count - 1 && !(before + tiles[tile] > target)) before += tiles[tile++];
        int end = min(vocabulary, (tile + 1) * TILE);
        bool found = false;
        for (int from = tile * TILE; from < end && !found; from += WARP) {
            int k = from + lane;
            float e = k < end ? expf((wide(row[k]) - largest) * inverse) : 0;
            double sum = e;
            for (int step = 1; step < WARP; step *= 2) {
                double below = __shfl_up_sync(ALL, sum, step);
                if (lane >= step) sum += below;
            }
            u32 above = __ballot_sync(ALL, e > 0 && before + sum > target);
            u32 likely = __ballot_sync(ALL, e > 0);
            if (likely) id = from + 31 - __clz(likely); // the last, if rounding leaves none above
            if (above) id = from + __ffs(above) - 1;
            found = above != 0;
            before += __shfl_sync(ALL, sum, WARP - 1);
        }
    }
    if (lane == 0) {
        bool valid = own > 0 && isfinite(own);
        drawn[2 * (long) blockIdx.x] = id < vocabulary ? id : 0;
        drawn[2 * (long) blockIdx.x + 1] = valid ? (double) (wide(row[id]) - largest - logf(own)) : nan("");
    }
}

// Replaces gates and up by their gradients, given that of silu(gates) up.
extern "C" __global__ void attune_swiglu_back(
        const bf16* dOut, bf16* gateUp, int width, long dStride, long stride, long rows) {
    long pieces = width / TOGETHER;
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * pieces; i += (long) gridDim.x * blockDim.x) {
        bf16* gates = gateUp + i / pieces * stride + i % pieces * TOGETHER;
        Eight g = load(gates);
        Eight u = load(gates + width);
        Eight d = load(dOut + i / pieces * dStride + i % pieces * TOGETHER);
#pragma unroll
        for (int k = 0; k < TOGETHER; k++) {
            float x = wide(g.at[k]);
            float e = wide(d.at[k]);
            float share = 1 / (1 + expf(-x));
            float gate = e * wide(u.at[k]) * share * (1 + x * (1 - share));
            u.at[k] = narrow(e * (x * share));
            g.at[k] = narrow(gate);
        }
        store(gates, g);
        store(gates + width, u);
    }
}

// AdamW's update of float32 numbers, every operation rounded by itself as operators do it: with g' = g scale,
// m = m beta1 + g' rest1, v = v beta2 + g'² rest2, values = values decay - m / (√v rootScale + epsilon) rate. What
// attune_clip wrote takes scale's place, if there is any; if it is no number, nothing changes.
extern "C" __global__ void attune_adamw(
        float* values, const float* gradients, float* first, float* second, const double* clipping, long count,
        float decay, float scale, float beta1, float rest1, float beta2, float rest2, float rootScale, float epsilon,
        float rate) {
    if (clipping) {
        scale = (float) clipping[1];
        if (!(scale >= 0)) return;
    }
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < count; i += (long) gridDim.x * blockDim.x) {
        float g = __fmul_rn(gradients[i], scale);
        float m = __fadd_rn(__fmul_rn(first[i], beta1), __fmul_rn(g, rest1));
        float v = __fadd_rn(__fmul_rn(second[i], beta2), __fmul_rn(__fmul_rn(g, g), rest2));
        first[i] = m;
        second[i] = v;
        float root = __fadd_rn(__fmul_rn(__fsqrt_rn(v), rootScale), epsilon);
        values[i] = __fsub_rn(__fmul_rn(values[i], decay), __fmul_rn(__fdiv_rn(m, root), rate));
    }
}

// The root of the parts' sum is a norm; beside it goes the factor that brings it to `largest` at most (the bits of a
// double; 0: 1), which is no number where the norm is none or infinite. One thread.
extern "C" __global__ void attune_clip(const float* parts, double* clipping, int count, long largest) {
    double sum = 0;
    for (int i = 0; i < count; i++) sum = __dadd_rn(sum, parts[i]);
    double norm = __dsqrt_rn(sum);
    double most = __longlong_as_double(largest);
    double factor = most == 0 ? 1 : fmin(1.0, __ddiv_rn(most, __dadd_rn(norm, 1e-6)));
    clipping[0] = norm;
    clipping[1] = isfinite(norm) ? factor : __longlong_as_double(0x7ff8000000000000ll);
}

// sum += factor x, each operation rounded, of matrices whose numbers may lie apart.
extern "C" __global__ void attune_accumulate(
        float* sum, const bf16* x, long rows, int columns, long sumRow, long sumColumn, long row, long column,
        float factor) {
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * columns; i += (long) gridDim.x * blockDim.x) {
        float* to = sum + i / columns * sumRow + i % columns * sumColumn;
        *to = __fadd_rn(*to, __fmul_rn(wide(x[i / columns * row + i % columns * column]), factor));
    }
}

// to = factor from, rounded to float32, then to bfloat16, of matrices whose numbers may lie apart.
extern "C" __global__ void attune_copy(
        const float* from, bf16* to, long rows, int columns, long fromRow, long fromColumn, long toRow, long toColumn,
        float factor) {
    for (long i = blockIdx.x * (long) blockDim.x + threadIdx.x; i < rows * columns; i += (long) gridDim.x * blockDim.x) {
        float x = from[i / columns * fromRow + i % columns * fromColumn];
        to[i / columns * toRow + i % columns * toColumn] = narrow(__fmul_rn(x, factor));
    }
}
