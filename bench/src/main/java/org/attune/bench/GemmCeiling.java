package org.attune.bench;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;

/// How fast a step could be if it were nothing but its matrix products. Each shape is timed by
/// itself, plain and packed, and the faster counts. Shapes are weighted by the time they take.
///
/// @param gflops all products together, in 10⁹ operations a second
/// @param best of the fastest shape
/// @param shapes what was timed
public record GemmCeiling(double gflops, double best, List<Timed> shapes) {
    private static final long MIN_NANOS = 60_000_000;
    private static final int LEAST_ROUNDS = 3;

    /// As much memory as no processor's cache holds, so that weights come from where a model's do.
    private static final long COLD_BYTES = 256L << 20;

    /// Rows that the output layer handles at once.
    private static final int HEAD_ROWS = 512;

    public GemmCeiling {
        shapes = List.copyOf(shapes);
    }

    /// A product `(rows, in) × (in, out)`.
    ///
    /// @param name for the report
    /// @param count how often a step has it
    /// @param constant whether the second matrix stays the same, so that it can be packed
    record Product(String name, int rows, int in, int out, int count, boolean constant) {
        double flops() {
            return 2.0 * rows * in * out;
        }
    }

    /// @param name of the product
    /// @param rows of the left matrix
    /// @param in columns of the left matrix
    /// @param out columns of the right matrix
    /// @param count how often a step has it
    /// @param gflops its best speed
    public record Timed(String name, int rows, int in, int out, int count, double gflops) {}

    /// Products of a forward pass.
    ///
    /// @param rows of the pass
    /// @param targets rows that the output layer sees
    static List<Product> forward(ModelShape m, int rank, int rows, int targets) {
        List<Product> products = new ArrayList<>();
        int queries = m.heads() * m.headDim();
        int joint = queries + 2 * m.kvHeads() * m.headDim();
        linear(products, "qkv", rows, m.width(), joint, 3 * rank, m.depth());
        linear(products, "o", rows, queries, m.width(), rank, m.depth());
        linear(products, "gate, up", rows, m.width(), 2 * m.inner(), 2 * rank, m.depth());
        linear(products, "down", rows, m.inner(), m.width(), rank, m.depth());
        int chunk = Math.clamp(targets, 1, HEAD_ROWS);
        int chunks = Math.ceilDiv(targets, chunk);
        products.add(new Product("head", chunk, m.width(), m.vocabulary(), chunks, true));
        return products;
    }

    private static void linear(
            List<Product> products, String name, int rows, int in, int out, int extra, int count) {
        products.add(new Product(name, rows, in, out, count, true));
        if (extra > 0) {
            products.add(new Product(name + " A", rows, in, extra, count, true));
        }
    }

    /// Products of a backward pass, that of the head included.
    static List<Product> backward(ModelShape m, int rank, int rows, int targets) {
        List<Product> products = new ArrayList<>();
        for (Product p : forward(m, rank, rows, targets)) {
            String name = "d " + p.name();
            products.add(new Product(name, p.rows(), p.out(), p.in(), p.count(), true));
            if (rank == BenchSpec.ALL_WEIGHTS) { // every weight has a gradient
                products.add(new Product(name + "ᵀ", p.out(), p.rows(), p.in(), p.count(), false));
            }
            if (p.name().endsWith(" A")) { // the gradient of A itself
                products.add(new Product(name + "ᵀ", p.out(), rows, p.in(), p.count(), false));
            }
        }
        return products;
    }

    /// Times products. On the engine thread.
    static GemmCeiling measure(List<Product> products, Device device, DType dtype) {
        double flops = 0;
        double seconds = 0;
        double best = 0;
        List<Timed> timed = new ArrayList<>();
        for (Product p : products) {
            double one = seconds(p, device, dtype);
            double rate = p.flops() / one / 1e9;
            flops += p.count() * p.flops();
            seconds += p.count() * one;
            best = Math.max(best, rate);
            timed.add(new Timed(p.name(), p.rows(), p.in(), p.out(), p.count(), rate));
        }
        return new GemmCeiling(flops / seconds / 1e9, best, timed);
    }

    private static double seconds(Product p, Device device, DType dtype) {
        try (var scope = TensorScope.open("ceiling")) {
            Tensor x = Tensor.full(device, dtype, 0.5, p.rows(), p.in()); // (N, in)
            long bytes = Math.max(1, dtype.bytes() * (long) p.in() * p.out());
            int copies = Math.clamp(COLD_BYTES / bytes, 1, p.constant() ? p.count() : 1);
            List<Tensor> weights = new ArrayList<>();
            List<PackedMatrix> packed = new ArrayList<>();
            boolean packs = p.constant() && PackedMatrix.isUseful(device, dtype);
            for (int i = 0; i < copies; i++) {
                weights.add(Tensor.full(device, dtype, 0.25, p.out(), p.in())); // (out, in)
                if (packs) {
                    packed.add(PackedMatrix.of(weights.getLast(), scope));
                }
            }
            double plain = best(device, copies, i -> x.mm(weights.get(i).t()));
            return packs
                    ? Math.min(plain, best(device, copies, i -> packed.get(i).multiply(x)))
                    : plain;
        }
    }

    @FunctionalInterface
    private interface Multiplication {
        Tensor of(int copy);
    }

    /// Seconds of one product: the fastest round over all copies.
    private static double best(Device device, int copies, Multiplication product) {
        double best = Double.MAX_VALUE;
        long start = System.nanoTime();
        for (int r = 0; r < LEAST_ROUNDS || System.nanoTime() - start < MIN_NANOS; r++) {
            long round = System.nanoTime();
            for (int i = 0; i < copies; i++) {
                product.of(i).close();
            }
            device.finish();
            best = Math.min(best, (System.nanoTime() - round) / 1e9 / copies);
        }
        return best;
    }
}
