package org.attune.tensor;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ShapeException;
import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/// Every declared operator exists in libtorch with the declared arguments: each is called once and
/// gives the right numbers.
class OperatorsTest {
    private static final Device CPU = Device.cpu();

    private final Map<String, Supplier<Tensor>> calls = new TreeMap<>();
    private final Map<String, float[]> expected = new TreeMap<>();

    private void op(String name, Supplier<Tensor> call, double... result) {
        float[] values = new float[result.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) result[i];
        }
        calls.put("aten::" + name, call);
        expected.put("aten::" + name, values);
    }

    private static Tensor row(double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return Tensor.of(CPU, floats, values.length);
    }

    private static Tensor square(double... values) {
        return row(values).reshape(2, 2);
    }

    private static Tensor heads(double... values) {
        return row(values).reshape(1, 1, 2, 2);
    }

    private static Tensor index(long... values) {
        return Tensor.of(CPU, values, values.length);
    }

    private static Tensor into(java.util.function.Consumer<Tensor> call, long... shape) {
        Tensor out = Tensor.full(CPU, DType.FLOAT32, Double.NaN, shape);
        call.accept(out);
        return out;
    }

    private static Tensor clampedInPlace() {
        Tensor x = row(-3, 3);
        Elements.clampInPlace(x, 2);
        return x;
    }

    private void elementwise() {
        double e = Math.E;
        double s = 1 / (1 + 1 / e); // σ(1)
        op("cumsum", () -> row(3, 4, 5).cumSum(0), 3, 7, 12);
        op("gt.Tensor", () -> row(1, 2, 3, 4).firstAbove(row(2), 0), 2);
        op("scatter_.src", () -> row(1, 2, 3).scatterInPlace(0, index(2, 0), row(7, 8)), 8, 2, 7);
        op("div.Tensor", () -> row(3, 4).div(row(2, 8)), 1.5, 0.5);
        op("dot", () -> Elements.dot(row(1, 2), row(3, 4)), 11);
        op(
                "fill_.Tensor",
                () -> Operators.FILL_.with(row(1, 2)).with(Tensor.scalar(5)).call(),
                5,
                5);
        op("bitwise_and.Tensor", () -> bits(Operators.BITWISE_AND), 8);
        op("bitwise_xor.Tensor", () -> bits(Operators.BITWISE_XOR), 6);
        op("bitwise_right_shift.Tensor", () -> bits(Operators.RIGHT_SHIFT), 0);
        op("erf", () -> row(0, 1).erf(), 0, 0.8427007929497149);
        op("tanh", () -> row(0, 1).tanh(), 0, 0.7615941559557649);
        op("exp", () -> row(0, 1).exp(), 1, e);
        op("exp_", () -> into(x -> Kernels.expInPlace(x.zeroInPlace()), 2), 1, 1);
        op("abs", () -> Elements.abs(row(3, -4)), 3, 4);
        op("clamp.Tensor", () -> Elements.clamped(row(-3, 1, 3), 2), -2, 1, 2);
        op("clamp_.Tensor", OperatorsTest::clampedInPlace, -2, 2);
        op("log", () -> row(1, e).log(), 0, 1);
        op("log1p", () -> row(0, e - 1).log1p(), 0, 1);
        op("maximum", () -> Elements.maximum(row(1, 5), row(2, 4)), 2, 5);
        op("sign", () -> Elements.sign(row(3, -4)), 1, -1);
        op("log_sigmoid", () -> row(1, -200).logSigmoid(), Math.log(s), -200);
        op("mul.Tensor", () -> row(3, 4).mul(row(2, 8)), 6, 32);
        op("mul_.Tensor", () -> row(3, 4).mulInPlace(row(2, 8)), 6, 32);
        op("mul.out", () -> into(x -> Kernels.mul(row(3, 4), row(2, 8), x), 2), 6, 32);
        op("neg", () -> row(3, -4).neg(), -3, 4);
        op("relu", () -> row(3, -4).relu(), 3, 0);
        op("rsqrt", () -> row(4, 16).rsqrt(), 0.5, 0.25);
        op("sigmoid", () -> row(0, 1).sigmoid(), 0.5, s);
        op("silu", () -> row(0, 1).silu(), 0, s);
        op("silu.out", () -> into(x -> Kernels.silu(row(0, 1), x), 2), 0, s);
        double slope = s + s * (1 - s);
        op(
                "silu_backward",
                () -> Operators.SILU_BACKWARD.with(row(2, 2)).with(row(0, 1)).call(),
                1,
                2 * slope);
        op(
                "silu_backward.grad_input",
                () -> into(x -> Kernels.siluBackward(row(2, 2), row(0, 1), x), 2),
                1,
                2 * slope);
        op("sqrt", () -> row(4, 9).sqrt(), 2, 3);
        op("where.self", () -> row(1, 2).where(isPositive(), row(8, 9)), 1, 9);
    }

    /// What goes through DJL or through lists, as libtorch's version says.
    private void listsAndScalars() {
        Supplier<Tensor> a = () -> square(1, 2, 3, 4);
        NativeOps ops = Engine.ops();
        op("sum", () -> ops.sum(a.get()), 10);
        op("sum.dim_IntList", () -> ops.sum(a.get(), new long[] {0}, false), 4, 6);
        op("mean.dim", () -> ops.mean(a.get(), 1, true), 1.5, 3.5);
        op("reshape", () -> ops.reshape(a.get(), 4, 1), 1, 2, 3, 4);
        op("permute", () -> ops.permute(a.get(), 1, 0), 1, 3, 2, 4);
        op("expand", () -> ops.expand(row(1, 2), 2, 2), 1, 2, 1, 2);
        op("cat", () -> ops.cat(new Tensor[] {row(1), row(2, 3)}, 0), 1, 2, 3);
        op("ge.Tensor", () -> ops.greaterOrEqual(row(1, -1), row(0, 0)), 1, 0);
        op("_backward", OperatorsTest::gradientOfSquares, 6, -8);
    }

    private static Tensor productOf(Tensor[] factors) {
        return factors[0].mm(factors[1]);
    }

    private static Tensor gradientOfSquares() {
        Tensor leaf = row(3, -4).requireGradient(true);
        try (var _ = Autograd.enabled()) {
            leaf.square().sum().backward();
        }
        return leaf.gradient();
    }

    /// Sums, whose C function isn't the dispatcher's.
    @Test
    void sumsTakeAllDtypes() {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Tensor whole = index(3, -4);
                        assertEquals(DType.INT64, whole.add(whole).dtype());
                        assertClose("add", new float[] {6, -8}, whole.add(whole).toFloats(), 0, 0);
                        Tensor less = whole.copy().subInPlace(index(1));
                        assertClose("sub_", new float[] {2, -5}, less.toFloats(), 0, 0);
                        Tensor half = row(1, 2).to(DType.BFLOAT16);
                        assertEquals(DType.FLOAT32, half.add(row(1, 2)).dtype());
                        assertEquals(DType.BFLOAT16, half.add(half).dtype());
                        assertEquals(DType.BFLOAT16, half.addInPlace(row(1, 2)).dtype());
                        assertEquals(DType.BFLOAT16, half.add(1).dtype());
                        Tensor mask = isPositive();
                        assertEquals(DType.INT64, whole.add(mask).dtype());
                        assertThrows(ShapeException.class, () -> whole.sub(mask));
                    }
                });
    }

    private static Tensor isPositive() {
        return Engine.ops().greaterOrEqual(row(1, -1), row(0, 0));
    }

    private void reductions() {
        double s = 1 / (1 + 1 / Math.E); // softmax of (1, 0)
        op("max", () -> Elements.largest(row(3, 7, 5)), 7);
        op("argmax", () -> row(3, 7, 5).argmax(Tensor.LAST), 1);
        op("_log_softmax", () -> row(1, 0).logSoftmax(0), Math.log(s), Math.log(1 - s));
        op("_softmax", () -> row(1, 0).softmax(0), s, 1 - s);
        op("_softmax.out", () -> row(1, 0).softmaxInPlace(), s, 1 - s);
        op(
                "_softmax_backward_data",
                () -> row(1, 0).softmaxBackward(row(s, 1 - s)),
                s * (1 - s),
                -s * (1 - s));
        op("topk", () -> row(3, 7, 5).topK(2)[0], 7, 5);
    }

    private void productsAndIndexing() {
        Supplier<Tensor> a = () -> square(1, 2, 3, 4);
        Supplier<Tensor> b = () -> square(5, 6, 7, 8);
        op("mm", () -> a.get().mm(b.get()), 19, 22, 43, 50);
        op("mm.out", () -> into(x -> Kernels.mm(a.get(), b.get(), x), 2, 2), 19, 22, 43, 50);
        op("linalg_inv", () -> square(1, 2, 3, 4).unsqueeze(0).inverse(), -2, 1, 1.5, -0.5);
        op("qr", () -> productOf(a.get().qr()), 1, 2, 3, 4);
        op("svd", () -> square(0, -2, 3, 0).svd()[1], 3, 2);
        op( // each query looks at the keys alike: the mean of the values
                "scaled_dot_product_attention",
                () -> Kernels.attention(heads(0, 0, 0, 0), heads(1, 2, 3, 4), heads(5, 6, 7, 8), 1),
                6,
                7,
                6,
                7);
        op("bmm", () -> a.get().unsqueeze(0).bmm(b.get().unsqueeze(0)), 19, 22, 43, 50);
        op(
                "bmm.out",
                () ->
                        into(
                                x -> Kernels.bmm(a.get().unsqueeze(0), b.get().unsqueeze(0), x),
                                1,
                                2,
                                2),
                19,
                22,
                43,
                50);
        op("linear", () -> a.get().linear(b.get().t()), 19, 22, 43, 50);
        op("gather", () -> a.get().gather(1, index(1, 0).reshape(2, 1)), 2, 3);
        op("index_select", () -> a.get().indexSelect(0, index(1)), 3, 4);
        op(
                "index_select.out",
                () -> into(x -> Kernels.indexSelect(a.get(), index(1), x), 1, 2),
                3,
                4);
        op(
                "index_copy_",
                () -> {
                    Tensor out = a.get();
                    Kernels.indexCopy(out, index(1), row(8, 9).unsqueeze(0));
                    return out;
                },
                1,
                2,
                8,
                9);
        op("scatter_add_", () -> row(1, 2).scatterAddInPlace(0, index(1, 1), row(10, 20)), 1, 32);
    }

    private void viewsAndCopies() {
        Supplier<Tensor> a = () -> square(1, 2, 3, 4);
        op("clone", () -> a.get().t().copy(), 1, 3, 2, 4);
        op("copy_", () -> row(1, 2).copyInPlace(row(5)), 5, 5);
        op("detach", () -> row(1, 2).detach(), 1, 2);
        op("narrow", () -> row(1, 2, 3).narrow(0, 1, 2), 2, 3);
        op("requires_grad_", () -> row(1, 2).requireGradient(true).detach(), 1, 2);
        op("select.int", () -> a.get().select(1, 1), 2, 4);
        op("to.dtype", () -> row(1.003, 2).to(DType.BFLOAT16), 1, 2);
        op("transpose.int", () -> a.get().transpose(0, 1), 1, 3, 2, 4);
        op("triu", () -> Operators.TRIU.with(a.get()).with(1L).call(), 0, 2, 0, 0);
        op("view.dtype", () -> viewed(row(1, 2).to(DType.INT64)), 1, 2);
        op("unsqueeze", () -> row(1, 2).unsqueeze(1), 1, 2);
    }

    /// Of 12 and 10.
    private static Tensor bits(Aten operator) {
        Tensor a = Tensor.of(Device.cpu(), new long[] {12}, 1);
        return operator.with(a).with(Tensor.of(Device.cpu(), new long[] {10}, 1)).call();
    }

    /// As float64 and back.
    private static Tensor viewed(Tensor x) {
        Tensor other = as(x, DType.FLOAT64);
        return as(other, DType.INT64);
    }

    private static Tensor as(Tensor x, DType dtype) {
        return Operators.VIEW_DTYPE.with(x).with((long) dtype.scalarType()).call();
    }

    @Test
    void everyOperatorIsInLibtorchAsDeclared() {
        elementwise();
        reductions();
        productsAndIndexing();
        viewsAndCopies();
        Set<String> declaredAlways = Set.copyOf(calls.keySet());
        Engine.run(
                () -> {
                    listsAndScalars();
                    try (var _ = TensorScope.open("test")) {
                        calls.forEach(
                                (name, call) ->
                                        assertClose(
                                                name,
                                                expected.get(name),
                                                call.get().toFloats(),
                                                1e-6,
                                                1e-6));
                    }
                    var declared = new TreeSet<String>();
                    Aten.all().forEach(operator -> declared.add(operator.toString()));
                    boolean lists = Engine.libtorch().hasShim();
                    var called = new TreeSet<>(lists ? calls.keySet() : declaredAlways);
                    assertEquals(declared, called);
                });
    }
}
