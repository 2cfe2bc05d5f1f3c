package org.attune.model.layer;

import org.attune.model.config.StateConfig;
import org.attune.tensor.DType;
import org.attune.tensor.StateKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.vector.DeltaKernel;

import java.util.List;
import java.util.function.Function;

/// Linear attention by the gated delta rule between its projections, by kernels: [GatedDelta]
/// computes the same in ordinary operators. What the convolution gives is computed again in the
/// backward pass; it takes a fiftieth of the time of the projections, and more memory than they do.
///
/// `N` rows, `H` value heads.
///
/// @param mixer whose weights aren't trained
/// @param values their numbers
record WrittenDelta(GatedDelta mixer, Function<Weight, Tensor> values)
        implements StateMixer.ByHand {
    private StateConfig.GatedDelta shape() {
        return mixer.shape();
    }

    private Tensor value(Weight weight) {
        return values.apply(weight).to(DType.FLOAT32);
    }

    @Override
    public List<Tensor> forward(Tensor y, Tensor out, Succession rows) {
        GatedDelta.Projected p = mixer.projected(y);
        Tensor rates = rates(p);
        StateKernels.Delta made = delta(p.mixed(), rates, rows, null, null, true);
        norm().forward(made.out(), p.gate(), out);
        return List.of(rates, made.out(), made.kept(), made.states());
    }

    /// For no backward pass, behind what was read before.
    ///
    /// @return what is projected back, `(N, H v)`
    Tensor goOn(Tensor y, Succession rows) {
        GatedDelta.Projected p = mixer.projected(y);
        Carried carried = rows.carried().orElseThrow();
        if (rows.isOneEach()) {
            return step(p, carried);
        }
        Tensor context = rows.withContext(p.mixed());
        rows.keepContext(context);
        Tensor before = carried.matrices();
        // States are read before they are written.
        StateKernels.Delta made = delta(context, rates(p), rows, before, before, false);
        carried.keepMatrices(before);
        Tensor out = Tensor.empty(y.device(), y.dtype(), y.size(0), shape().values());
        norm().forward(made.out(), p.gate(), out);
        return out;
    }

    /// One token of each sequence; states change where they are.
    private Tensor step(GatedDelta.Projected p, Carried carried) {
        Tensor mixed = p.mixed();
        Tensor out = Tensor.empty(mixed.device(), mixed.dtype(), mixed.size(0), shape().values());
        StateKernels.deltaStep(
                mixer.kernel(values),
                List.of(mixed, p.gate(), p.write(), p.step()),
                carried.allInputs(),
                carried.allMatrices(),
                carried.slots(),
                out);
        return out;
    }

    private StateKernels.Delta delta(
            Tensor mixed,
            Tensor rates,
            Succession rows,
            Tensor before,
            Tensor after,
            boolean backward) {
        Tensor qkv = convolution(rows).forward(mixed, rates.size(0));
        return StateKernels.delta(
                kernel(rows), qkv, rates, shape().values(), before, after, backward);
    }

    private StateKernels.Convolution convolution(Succession rows) {
        Tensor taps = mixer.convolution().byTap(values).contiguous(); // (J, C)
        return new StateKernels.Convolution(
                taps, shape().keyHeads(), shape().keyDim(), GatedDelta.EPSILON, rows.before());
    }

    private DeltaKernel kernel(Succession rows) {
        List<Succession.Span> spans = rows.spans();
        return new DeltaKernel(
                shape().keyHeads(),
                shape().heads(),
                shape().keyDim(),
                shape().valueDim(),
                spans.stream().mapToInt(Succession.Span::parent).toArray(),
                spans.stream().mapToInt(Succession.Span::start).toArray(),
                spans.stream().mapToInt(Succession.Span::end).toArray());
    }

    private StateKernels.GatedNorm norm() {
        return new StateKernels.GatedNorm(
                value(mixer.norm().weight()).contiguous(), shape().heads(), mixer.norm().epsilon());
    }

    /// `a + c`, float32 `(N, H)`.
    private Tensor step(GatedDelta.Projected p) {
        return p.step().to(DType.FLOAT32).add(value(mixer.stepBias()));
    }

    /// `- e^A`, `(H)`.
    private Tensor rate() {
        return value(mixer.decay()).exp().neg();
    }

    /// `g`, then `β`, float32 `(N, 2 H)`.
    private Tensor rates(GatedDelta.Projected p) {
        return Tensor.cat(
                1, Softplus.of(step(p)).mul(rate()), p.write().to(DType.FLOAT32).sigmoid());
    }

    @Override
    public Tensor backward(Tensor dOut, Tensor y, List<Tensor> kept, Succession rows) {
        GatedDelta.Projected p = mixer.projected(y);
        Tensor dy = Tensor.empty(y.device(), y.dtype(), y.shape());
        GatedDelta.Projected d = shape().byKeyHead() ? apart(p) : mixer.projected(dy);
        Tensor rates = kept.get(0);
        var made = new StateKernels.Delta(kept.get(1), kept.get(2), kept.get(3));
        Tensor dO = norm().backward(dOut, made.out(), p.gate(), d.gate());
        StateKernels.Convolution convolution = convolution(rows);
        Tensor qkv = convolution.forward(p.mixed(), y.size(0));
        Tensor dQkv = Tensor.empty(y.device(), DType.FLOAT32, qkv.shape());
        Tensor dRates = Tensor.empty(y.device(), DType.FLOAT32, rates.shape());
        StateKernels.deltaBackward(kernel(rows), qkv, rates, made, dO, dQkv, dRates);
        convolution.backward(p.mixed(), dQkv, d.mixed());
        ratesBackward(p, rates, dRates, d);
        return shape().byKeyHead() ? mixer.joined(d) : dy;
    }

    private static GatedDelta.Projected apart(GatedDelta.Projected p) {
        return new GatedDelta.Projected(
                like(p.mixed()), like(p.gate()), like(p.write()), like(p.step()));
    }

    private static Tensor like(Tensor x) {
        return Tensor.empty(x.device(), x.dtype(), x.shape());
    }

    /// ```
    /// db = dβ β (1 - β),     da = - dg e^A σ(a + c)
    /// ```
    private void ratesBackward(
            GatedDelta.Projected p, Tensor rates, Tensor dRates, GatedDelta.Projected d) {
        int heads = shape().heads();
        Tensor share = rates.narrow(1, heads, heads);
        Tensor dShare = dRates.narrow(1, heads, heads);
        d.write().copyInPlace(dShare.mul(share.sub(share.square())));
        d.step().copyInPlace(dRates.narrow(1, 0, heads).mul(step(p).sigmoid()).mul(rate()));
    }
}
