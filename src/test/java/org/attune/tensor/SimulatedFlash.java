package org.attune.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Computes what [FlashAttention] gives on the simulated GPU, number by number: from the same
/// arguments the same results, down to ∞ for a query without keys.
final class SimulatedFlash implements FlashOperators {
    /// Numbers of a tensor `(N, heads, K)` on the host.
    private record Heads(float[] numbers, int heads, int size) {
        static Heads of(Tensor x) {
            MemorySegment memory =
                    Libtorch.memory(Libtorch.dataPointer(x.handle()), Long.MAX_VALUE);
            int heads = (int) x.size(1);
            int size = (int) x.size(2);
            float[] numbers = new float[(int) x.size()];
            for (int i = 0; i < numbers.length; i++) {
                long at =
                        i / size / heads * x.stride(0)
                                + i / size % heads * x.stride(1)
                                + i % size * x.stride(2);
                numbers[i] = number(memory, x.dtype, at);
            }
            return new Heads(numbers, heads, size);
        }

        private static float number(MemorySegment memory, DType dtype, long at) {
            return dtype == DType.FLOAT32
                    ? memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES)
                    : Float.intBitsToFloat(
                            memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at * Short.BYTES) << 16);
        }

        static Heads like(Heads x) {
            return new Heads(new float[x.numbers.length], x.heads, x.size);
        }

        int at(int row, int head) {
            return (row * heads + head) * size;
        }

        void add(int at, double factor, Heads x, int from) {
            for (int i = 0; i < size; i++) {
                numbers[at + i] += (float) (factor * x.numbers[from + i]);
            }
        }

        double dot(int at, Heads x, int from) {
            double sum = 0;
            for (int i = 0; i < size; i++) {
                sum += (double) numbers[at + i] * x.numbers[from + i];
            }
            return sum;
        }

        Tensor on(Tensor like) {
            long rows = numbers.length / ((long) heads * size);
            return device(like, numbers, rows, heads, size).to(like.dtype);
        }
    }

    private static Tensor device(Tensor like, float[] numbers, long... shape) {
        return Tensor.of(like.device, numbers, shape);
    }

    private static int[] rows(Tensor starts) {
        return Arrays.stream(starts.toLongs()).mapToInt(Math::toIntExact).toArray();
    }

    /// One query of one head, and the keys that it sees.
    private interface Visit {
        void at(int row, int head, int firstKey, int endKey);
    }

    private static void visit(FlashAttention.Entries entries, int heads, int window, Visit visit) {
        int[] queries = rows(entries.queries());
        int[] keys = rows(entries.keys());
        int[] used = entries.used().map(SimulatedFlash::rows).orElse(null);
        for (int e = 0; e + 1 < queries.length; e++) {
            int last = used == null ? keys[e + 1] : keys[e] + used[e];
            for (int row = queries[e]; row < queries[e + 1]; row++) {
                int end = last - (entries.causal() ? queries[e + 1] - 1 - row : 0);
                int from = window > 0 ? Math.max(keys[e], end - window) : keys[e];
                for (int head = 0; head < heads; head++) {
                    visit.at(row, head, from, Math.max(from, end));
                }
            }
        }
    }

    @Override
    public FlashAttention.Result forward(
            Tensor query,
            Tensor key,
            Tensor value,
            FlashAttention.Entries entries,
            double scale,
            int window) {
        Placement.ready("flash", new Tensor[] {query, key, value, entries.queries()}, 4);
        var counted = DeviceTraffic.pause();
        Heads q = Heads.of(query);
        Heads k = Heads.of(key);
        Heads v = Heads.of(value);
        Heads out = Heads.like(q);
        int n = (int) query.size(0);
        float[] logs = new float[q.heads() * n];
        int group = q.heads() / k.heads();
        visit(
                entries,
                q.heads(),
                window,
                (row, head, from, to) -> {
                    double most = Double.NEGATIVE_INFINITY;
                    for (int j = from; j < to; j++) {
                        double score = q.dot(q.at(row, head), k, k.at(j, head / group));
                        most = Math.max(most, scale * score);
                    }
                    double sum = 0;
                    for (int j = from; j < to; j++) {
                        double score = q.dot(q.at(row, head), k, k.at(j, head / group));
                        sum += Math.exp(scale * score - most);
                    }
                    double log = to > from ? most + Math.log(sum) : Double.POSITIVE_INFINITY;
                    logs[head * n + row] = (float) log;
                    for (int j = from; j < to; j++) {
                        double score = q.dot(q.at(row, head), k, k.at(j, head / group));
                        out.add(
                                out.at(row, head),
                                Math.exp(scale * score - log),
                                v,
                                v.at(j, head / group));
                    }
                });
        var result = new FlashAttention.Result(out.on(query), device(query, logs, q.heads(), n));
        Uploads.send();
        DeviceTraffic.goOn(counted);
        DeviceTraffic.called("aten::_flash_attention_forward", query.device, false);
        return result;
    }

    @Override
    public Tensor[] backward(
            Tensor dOut,
            Tensor query,
            Tensor key,
            Tensor value,
            FlashAttention.Result result,
            FlashAttention.Entries entries,
            double scale) {
        Placement.ready("flash", new Tensor[] {dOut, query, key, value, result.out()}, 5);
        var counted = DeviceTraffic.pause();
        Heads q = Heads.of(query);
        Heads k = Heads.of(key);
        Heads v = Heads.of(value);
        Heads out = Heads.of(result.out());
        Heads g = Heads.of(dOut);
        float[] logs = result.logs().toFloats();
        int n = (int) query.size(0);
        Heads dq = Heads.like(q);
        Heads dk = Heads.like(k);
        Heads dv = Heads.like(v);
        int group = q.heads() / k.heads();
        visit(
                entries,
                q.heads(),
                0,
                (row, head, from, to) -> {
                    int at = q.at(row, head);
                    double delta = g.dot(at, out, at);
                    for (int j = from; j < to; j++) {
                        int there = k.at(j, head / group);
                        double p = Math.exp(scale * q.dot(at, k, there) - logs[head * n + row]);
                        double ds = p * (g.dot(at, v, there) - delta) * scale;
                        dq.add(at, ds, k, there);
                        dk.add(there, ds, q, at);
                        dv.add(there, p, g, at);
                    }
                });
        Tensor[] all = {dq.on(query), dk.on(key), dv.on(value)};
        Uploads.send();
        DeviceTraffic.goOn(counted);
        DeviceTraffic.called("aten::_flash_attention_backward", query.device, false);
        return all;
    }
}
