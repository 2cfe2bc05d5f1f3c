package org.attune.tensor;

import org.attune.error.ShapeException;

/// libtorch's stable C functions, for 2.10 and newer: the dispatcher takes lists, but no `Scalar`s.
/// Sums and differences have a separate function.
final class ShimOps implements NativeOps {
    private static final Aten SUM = Aten.of("aten::sum(Tensor self, ScalarType? dtype) -> Tensor");
    private static final Aten SUM_AXES =
            Aten.of(
                    "aten::sum.dim_IntList(Tensor self, int[]? dim, bool keepdim, ScalarType?"
                            + " dtype) -> Tensor");
    private static final Aten MEAN =
            Aten.of(
                    "aten::mean.dim(Tensor self, int[]? dim, bool keepdim, ScalarType? dtype)"
                            + " -> Tensor");
    private static final Aten RESHAPE =
            Aten.of("aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)");
    private static final Aten PERMUTE =
            Aten.of("aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)");
    private static final Aten EXPAND =
            Aten.of("aten::expand(Tensor(a) self, SymInt[] size, bool implicit) -> Tensor(a)");
    private static final Aten CAT = Aten.of("aten::cat(Tensor[] tensors, int dim) -> Tensor");
    private static final Aten GREATER_OR_EQUAL =
            Aten.of("aten::ge.Tensor(Tensor self, Tensor other) -> Tensor");
    private static final Aten BACKWARD =
            Aten.of(
                    "aten::_backward(Tensor self, Tensor[] inputs, Tensor? gradient,"
                            + " bool? retain_graph, bool create_graph) -> ()");

    private final StableShim shim;

    ShimOps(StableShim shim) {
        this.shim = shim;
    }

    @Override
    public Tensor sum(Tensor x, long[] axes, boolean keep) {
        return SUM_AXES.with(x).with(axes).with(keep).none().call();
    }

    @Override
    public Tensor sum(Tensor x) {
        return SUM.with(x).none().call();
    }

    @Override
    public Tensor mean(Tensor x, long axis, boolean keep) {
        return MEAN.with(x).with(new long[] {axis}).with(keep).none().call();
    }

    @Override
    public Tensor add(Tensor a, Tensor b) {
        return plus("aten::add", a, b, 1);
    }

    @Override
    public Tensor sub(Tensor a, Tensor b) {
        return plus("aten::sub", a, b, -1);
    }

    /// `a + factor b`. The function refuses a real factor for whole numbers, so these take the way
    /// through float64.
    private Tensor plus(String op, Tensor a, Tensor b, double factor) {
        Engine.requireEngineThread();
        if (!a.dtype().isFloat() && !b.dtype().isFloat()) {
            return wholePlus(op, a, b, factor);
        }
        Device device = Placement.ready(op, new Tensor[] {a, b}, 2);
        long begun = OperatorTimes.begin();
        long handle = shim.subtract(a.handle(), b.handle(), -factor);
        OperatorTimes.end(op, begun);
        if (handle == 0) {
            throw FullDevice.instead(device, refused(op, a, b, Libtorch.reason()));
        }
        DeviceTraffic.called(op, device, false);
        return Tensor.adopt(handle, false, device);
    }

    private Tensor wholePlus(String op, Tensor a, Tensor b, double factor) {
        boolean mask = a.dtype() == DType.BOOL || b.dtype() == DType.BOOL;
        if (mask && factor < 0) {
            throw refused(op, a, b, ": masks have no difference");
        }
        DType wider =
                a.dtype() == DType.BOOL || b.dtype().bytes() > a.dtype().bytes()
                        ? b.dtype()
                        : a.dtype();
        try (Tensor x = a.to(DType.FLOAT64);
                Tensor y = b.to(DType.FLOAT64);
                Tensor sum = plus(op, x, y, factor)) {
            return sum.to(wider);
        }
    }

    private static ShapeException refused(String op, Tensor a, Tensor b, String reason) {
        return new ShapeException("%s refused its arguments: %s %s%s".formatted(op, a, b, reason));
    }

    @Override
    public void addInPlace(Tensor a, Tensor b) {
        try (var _ = TensorScope.open("add_")) {
            a.copyInPlace(plus("aten::add_", a, b, 1));
        }
    }

    @Override
    public void subInPlace(Tensor a, Tensor b) {
        try (var _ = TensorScope.open("sub_")) {
            a.copyInPlace(plus("aten::sub_", a, b, -1));
        }
    }

    @Override
    public Tensor reshape(Tensor x, long... shape) {
        return RESHAPE.with(x).with(shape).call();
    }

    @Override
    public Tensor permute(Tensor x, long... axes) {
        return PERMUTE.with(x).with(axes).call();
    }

    @Override
    public Tensor expand(Tensor x, long... shape) {
        return EXPAND.with(x).with(shape).with(false).call();
    }

    @Override
    public Tensor cat(Tensor[] parts, long axis) {
        return CAT.with(parts).with(axis).call();
    }

    @Override
    public Tensor greaterOrEqual(Tensor a, Tensor b) {
        return GREATER_OR_EQUAL.with(a).with(b).call();
    }

    @Override
    public Tensor gradient(Tensor leaf) {
        Engine.requireEngineThread();
        long handle = shim.gradient(leaf.handle());
        return handle == 0 ? null : Tensor.adopt(handle, true, leaf.device());
    }

    @Override
    public void backward(Tensor result, Tensor gradient) {
        Autograd.countPass();
        BACKWARD.with(result)
                .with(new Tensor[0]) // all leaves
                .with(gradient)
                .none()
                .with(false)
                .callVoid();
    }

    @Override
    public int threads() {
        return shim.threads();
    }

    @Override
    public void setThreads(int threads) {
        shim.setThreads(threads);
    }
}
