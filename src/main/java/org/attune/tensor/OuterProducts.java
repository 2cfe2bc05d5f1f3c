package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.KeptNumbers;
import org.attune.tensor.vector.OuterSums;

import java.util.List;

/// Sums over rows of outer products, `Σₙ aₙ ⊗ bₙ = aᵀ b`, added to float32 matrices: what gradients
/// of a linear layer's weights are. With `a` of few columns and bfloat16 numbers one kernel does
/// all of a layer's ([OuterSums]) and rounds nothing; else products are rounded to their dtype.
public final class OuterProducts {
    private OuterProducts() {}

    /// A product.
    ///
    /// @param a `(N, R)`, dense in a row
    /// @param b `(N, W)`, dense in a row
    /// @param targets what its rows are added to
    /// @param kept numbers of `b` that dropout keeps, where [PackedMatrix#servesDropout]; null: all
    public record Product(Tensor a, Tensor b, List<Target> targets, KeptNumbers kept) {
        public Product(Tensor a, Tensor b, List<Target> targets) {
            this(a, b, targets, null);
        }

        /// Added to one matrix.
        ///
        /// @param sum `(R, W)`
        public static Product of(Tensor sum, Tensor a, Tensor b, double factor) {
            return new Product(a, b, List.of(new Target(sum, factor, 0)));
        }
    }

    /// `sum += factor · rows of the product`.
    ///
    /// @param sum float32 `(r, W)`, or the transpose of such a matrix
    /// @param first of the rows
    public record Target(Tensor sum, double factor, int first) {}

    /// Adds all products to their sums.
    ///
    /// @param products of as many rows each
    public static void add(List<Product> products) {
        products.forEach(OuterProducts::check);
        if (!products.isEmpty() && products.stream().allMatch(OuterProducts::isServed)) {
            int n = Math.toIntExact(products.getFirst().a().size(0));
            var sums = new OuterSums(products.stream().map(OuterProducts::addresses).toList(), n);
            int threads = Engine.threads();
            VectorKernels.withMemory(
                    "attune::outer_sums",
                    sums.workBytes(threads),
                    memory -> sums.run(memory, threads));
        } else {
            products.forEach(OuterProducts::addPlain);
        }
    }

    private static void check(Product p) {
        if (p.kept() != null && !(isServed(p) && VectorKernels.servesDropout(p.b()))) {
            throw new ShapeException(
                    "there is no product of %s, transposed, and what dropout leaves of %s"
                            .formatted(p.a(), p.b()));
        }
        for (Target t : p.targets()) {
            if (p.a().size(0) != p.b().size(0)
                    || t.first() + t.sum().size(0) > p.a().size(1)
                    || t.sum().size(1) != p.b().size(1)) {
                throw new ShapeException(
                        "rows of the product of %s, transposed, and %s can't be added to %s"
                                .formatted(p.a(), p.b(), t.sum()));
            }
        }
    }

    private static boolean isServed(Product p) {
        return PackedMatrix.isUseful(p.a().device(), p.a().dtype())
                && p.a().size(1) <= OuterSums.MOST_RANK
                && p.a().strides()[1] == 1
                && p.b().strides()[1] == 1
                && p.targets().stream().allMatch(t -> t.sum().dtype() == DType.FLOAT32);
    }

    private static OuterSums.Product addresses(Product p) {
        return new OuterSums.Product(
                VectorKernels.rows(p.a()),
                Math.toIntExact(p.a().size(1)),
                VectorKernels.rows(p.b()),
                Math.toIntExact(p.b().size(1)),
                p.targets().stream().map(OuterProducts::addresses).toList(),
                p.kept());
    }

    private static OuterSums.Target addresses(Target t) {
        long[] strides = t.sum().strides();
        return new OuterSums.Target(
                t.first(),
                Math.toIntExact(t.sum().size(0)),
                (float) t.factor(),
                VectorKernels.address(t.sum()),
                strides[0],
                strides[1]);
    }

    private static void addPlain(Product p) {
        try (var _ = TensorScope.open("gradient")) {
            boolean exact = p.a().dtype() == DType.FLOAT32;
            Tensor product = exact ? null : p.a().t().mm(p.b());
            for (Target t : p.targets()) {
                long rows = t.sum().size(0);
                if (exact) {
                    Tensor a = p.a().narrow(1, t.first(), rows).t();
                    Kernels.addmm(t.sum(), a, p.b(), 1, t.factor());
                } else {
                    Sums.add(t.sum(), product.narrow(0, t.first(), rows), t.factor());
                }
            }
        }
    }
}
